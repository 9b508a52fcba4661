package raslab

import (
	"crypto/sha256"
	"testing"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/stretchr/testify/require"
)

// Each fault point of the network does what its registration says: if it fires on both consoles no
// key comes, and if it fires on one the other console is asked.
func TestNetworkFaultPoints(t *testing.T) {
	network := func(t *testing.T, l *Lab, c int, plan *fault.Plan) { must(t, l.customer.Arm(c, plan)) }
	link := func(t *testing.T, l *Lab, c int, plan *fault.Plan) {
		must(t, l.ArmLink(0, c, plan))
		must(t, l.ArmLink(1, c, plan))
	}
	for _, c := range []struct {
		point string
		arm   func(*testing.T, *Lab, int, *fault.Plan)
		code  string
	}{
		{string(pointLinkLost), link, "BE14E009"},
		{string(pointLinkStalled), link, "BE14E00B"},
		{"net.connect.refused", network, "BE14E008"},
		{"net.connect.lost", network, "BE14E008"},
		{"net.session.reset", network, "BE14E0F1"},
		{"net.session.garbled", network, "BE14E0F1"},
		{"net.session.silent", network, "BE14E0F1"},
	} {
		t.Run(c.point, func(t *testing.T) {
			l := encrypted(t, Options{})
			c.arm(t, l, 1, fault.MustParse("("+c.point+")"))
			ok(t, l)(l.PowerCycle())
			readable(t, l)
			noEvents(t, l)
			c.arm(t, l, 2, fault.MustParse("("+c.point+")"))
			fails(t, l)(l.PowerCycle())
			require.Equal(t, []string{"BE14CFE0", c.code}, openCodes(l), "%s", history{l})
			c.arm(t, l, 1, nil)
			ok(t, l)(l.DualClusterIML())
			readable(t, l)
			closeAll(t, l)
		})
	}
}

func TestOneConsole(t *testing.T) {
	l := encrypted(t, Options{Consoles: 1})
	require.Len(t, l.Consoles(), 1)
	require.ErrorIs(t, l.PowerConsole(2, false), ErrNotFound)
	must(t, l.PowerConsole(1, false))
	fails(t, l)(l.PowerCycle())
	require.Equal(t, []string{"BE14CFE0", "BE14E009"}, openCodes(l))
	_, err := New(Options{Consoles: 3})
	require.ErrorContains(t, err, "1 and 2 are right")
	_, err = New(Options{KeyPeriod: 1})
	require.ErrorContains(t, err, "at least 1m")
}

// An impossible request to the network is refused, and changes nothing.
func TestNetworkRefusals(t *testing.T) {
	l := newLab(t, Options{Drives: 8})
	before := l.TraceText()
	for name, err := range map[string]error{
		"console":        l.HangConsole(3, true),
		"partition":      l.SetLink(2, 1, LinkCut),
		"link state":     l.SetLink(0, 1, "loose"),
		"path":           l.customer.SetPath(1, "nobody", false),
		"link point":     l.ArmLink(0, 1, fault.MustParse("(net.connect.lost)")),
		"network point":  l.customer.Arm(1, fault.MustParse("(flash.erase.refused)")),
		"memory point":   l.ArmMemory(0, fault.MustParse("(port.command.lost)")),
		"memory":         l.ArmMemory(2, nil),
		"copy":           l.DamageRepository(4),
		"issuer":         l.customer.KeyServers()[0].Reissue("me", "", 0),
		"trust":          l.customer.KeyServers()[0].Trust("me"),
		"rank":           keyHost(t, l, 1).Place(l, "R7"),
		"server":         func() error { _, err := l.customer.Add("keyserver1.example.com"); return err }(),
		"server name":    func() error { _, err := l.customer.Add("a/b"); return err }(),
		"manager":        l.RemoveKeyManager(7),
		"change":         func() error { _, err := l.ChangeKeyManager(7, KeyManagerChange{}); return err }(),
		"certificate":    func() error { _, err := l.ImportCertificate([]byte("x")); return err }(),
		"group":          func() error { _, err := l.RemoveGroup(1); return err }(),
		"rekey":          func() error { _, err := l.RekeyDataKey(1); return err }(),
		"group key":      func() error { _, err := l.RekeyGroupKey(0); return err }(),
		"access":         func() error { _, err := l.keys.GroupAccess(1); return err }(),
		"recovery":       func() error { _, _, err := l.RecoveryKey(1, RecoveryConfigure, secAdmin, ""); return err }(),
		"repository arm": l.ArmRepository(fault.MustParse("(net.connect.lost)")),
	} {
		var q *RequestError
		require.ErrorAs(t, err, &q, name)
	}
	require.Equal(t, before, l.TraceText(), "nothing was changed")
}

// A name that no machine has, and a port on which it does not listen, are found out
// by asking.
func TestWrongAddressesAreFoundByAsking(t *testing.T) {
	l := encrypted(t, Options{})
	for what, q := range map[string]KeyManagerRequest{
		"the name has no address":        {Addr: "nowhere.example.com"},
		"the connection was refused":     {Addr: "backup.example.com", Port: 5697},
		"port 441 speaks IPP":            {Addr: "backup.example.com", Port: 441},
		"one side speaks TLS, the other": {Addr: "backup.example.com", Port: 3801},
	} {
		backup(t, l)
		m, err := l.MakeKeyManager(q)
		must(t, err)
		all, err := l.TestAccess(1)
		must(t, err)
		require.ErrorContains(t, all[2].Err, what)
		must(t, l.RemoveKeyManager(m.ID))
	}
	m, err := l.MakeKeyManager(KeyManagerRequest{Addr: "backup.example.com"})
	must(t, err)
	all, err := l.TestAccess(1)
	must(t, err)
	require.NoError(t, all[m.ID-1].Err, "the right name and port give the key")
}

// keyStory breaks and mends the way to the keys; both runs must agree.
func keyStory(t *testing.T, seed uint64) string {
	l := encrypted(t, Options{Seed: seed})
	must(t, l.customer.Arm(1, fault.MustParse("(net.session.reset (Randomly 0.5 7))")))
	must(t, l.ArmLink(0, 2, fault.MustParse("(link.command.stalled (Randomly 0.5 9))")))
	advance(t, l, 3*keyPeriod)
	both(stopServer)(t, l)
	fails(t, l)(l.PowerCycle())
	_, err := l.StartRepair("R1-I1-D16")
	must(t, err)
	both(startServer)(t, l)
	advance(t, l, keyPeriod)
	_, err = l.CancelRepair("R1-I1-D16")
	must(t, err)
	must(t, l.DamageRepository(3))
	ok(t, l)(l.PowerCycle())
	ok(t, l)(l.RekeyDataKey(1))
	ok(t, l)(l.RekeyGroupKey(1))
	shown, _, err := l.RecoveryKey(1, RecoveryConfigure, secAdmin, "")
	must(t, err)
	pem, err := l.customer.ClientCertificate(keyPeriod)
	must(t, err)
	_, err = l.ImportCertificate(pem)
	must(t, err)
	advance(t, l, 3*keyPeriod)
	l.logf("story", "%x %s %v", sha256.Sum256(pem), shown, l.keys.Group(1).Record())
	return l.TraceText()
}

func TestSameSeedSameKeyStory(t *testing.T) {
	require.Equal(t, keyStory(t, 3), keyStory(t, 3), "the same seed and commands give the same trace, certificates included")
	require.NotEqual(t, keyStory(t, 3), keyStory(t, 4))
}
