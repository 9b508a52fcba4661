package raslab

import (
	"testing"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab/customer"
	"github.com/stretchr/testify/require"
)

// TestKeyServerProducts: each product speaks its protocols and knows its clients.
func TestKeyServerProducts(t *testing.T) {
	all := func(p customer.Product) func(*testing.T, *Lab) {
		return both(func(t *testing.T, l *Lab, n int) { must(t, keyHost(t, l, n).Install(p)) })
	}
	for name, c := range map[string]struct {
		product customer.Product
		code    string // of an IML with the facility as it came
		heal    func(*testing.T, *Lab)
	}{
		"TKLM speaks no KMIP":        {customer.TKLM, "BE14E008", all(customer.Generic)},
		"SKLM waits for acceptance":  {customer.SKLM, "BE14E0F1", both(func(t *testing.T, l *Lab, n int) { must(t, keyHost(t, l, n).Accept()) })},
		"KeySecure trusts no maker":  {customer.KeySecure, "BE14E0F1", both(trust)},
		"KeySecure takes a customer": {customer.KeySecure, "BE14E0F1", func(t *testing.T, l *Lab) { importCustomer(t, l) }},
	} {
		t.Run(name, func(t *testing.T) {
			l := encrypted(t, Options{})
			all(c.product)(t, l)
			fails(t, l)(l.DualClusterIML())
			require.Equal(t, []string{"BE14CFE0", c.code}, openCodes(l), "%s", history{l})
			c.heal(t, l)
			ok(t, l)(l.DualClusterIML())
			readable(t, l)
			closeAll(t, l)
		})
	}
	t.Run("IPP", func(t *testing.T) {
		for p, code := range map[customer.Product]string{customer.TKLM: "", customer.SKLM: "", customer.KeySecure: "BE14E008"} {
			l := encryptedIPP(t, Options{}, ProtocolNone)
			all(p)(t, l)
			r, err := l.DualClusterIML()
			must(t, err)
			require.Equal(t, code != "", r.Failed, "%s", p)
			if code != "" {
				require.Contains(t, openCodes(l), code)
			}
		}
	})
	l := encrypted(t, Options{})
	h := keyHost(t, l, 1)
	require.Equal(t, "1.4", h.KMIP())
	require.ErrorIs(t, h.Install("Vault"), ErrInvalid)
	require.ErrorIs(t, h.Accept(), ErrState, "nobody waits")
	must(t, h.Install(customer.SKLM))
	advance(t, l, keyPeriod)
	require.Equal(t, []string{"BE14CFEA", "BE14EAF3"}, openCodes(l))
	must(t, h.Accept())
	importCustomer(t, l)
	advance(t, l, keyPeriod)
	require.ErrorContains(t, firstOf(l.TestAccess(1)), "waits at the server to be accepted", "another certificate is another client")
}

func firstOf(r []AccessResult, _ error) error { return r[0].Err }

func importCustomer(t *testing.T, l *Lab) {
	t.Helper()
	pem, err := l.customer.ClientCertificate(10000 * time.Hour)
	must(t, err)
	_, err = l.ImportCertificate(pem)
	must(t, err)
}

// TestESSNIEndsOnAConsoleThatIsUp: the partitions reach the console, and nothing takes their
// commands. That is BE14E009, and access comes back by itself when the process runs again.
func TestESSNIEndsOnAConsoleThatIsUp(t *testing.T) {
	l := encrypted(t, Options{})
	must(t, l.SetESSNI(1, false))
	ok(t, l)(l.PowerCycle())
	noEvents(t, l)
	must(t, l.SetESSNI(2, false))
	fails(t, l)(l.PowerCycle())
	require.Equal(t, []string{"BE14CFE0", "BE14E009"}, openCodes(l))
	require.Contains(t, openEvent(t, l, "BE14E009").Found[0], "HMC1 takes no commands (ESSNI), HMC2 takes no commands (ESSNI)")
	require.True(t, l.Consoles()[0].On, "the console is on")
	require.False(t, l.Consoles()[0].ESSNI)
	must(t, l.PowerConsole(2, false))
	require.NotContains(t, firstOf(l.TestAccess(1)).Error(), "HMC2 takes", "what is off is not known to lack a process")
	must(t, l.SetESSNI(1, true))
	advance(t, l, 12*time.Minute+imlDuration)
	readable(t, l)
	require.ErrorIs(t, l.SetESSNI(3, true), ErrNotFound)
}

// TestEncryptionNeedsALicence: the encryption software is a precondition of key groups and
// of encrypted ranks; what is configured goes on.
func TestEncryptionNeedsALicence(t *testing.T) {
	l := newLab(t, Options{Drives: 32})
	l.RemoveLicence()
	require.False(t, l.keys.Licensed())
	_, err := l.ConfigureGroup(1)
	require.ErrorIs(t, err, ErrState)
	require.ErrorContains(t, err, "not licensed")
	require.Empty(t, l.Groups(), "nothing was changed")
	ok(t, l)(l.CreateArray("S1", RAIDAuto))
	ok(t, l)(l.CreateRank("A0", 0))
	require.ErrorIs(t, l.InstallLicence(LicenceKey("75XXXXX")), ErrInvalid, "it is another facility's")
	require.ErrorIs(t, l.InstallLicence(""), ErrInvalid)
	must(t, l.InstallLicence(LicenceKey(l.Serial())))
	ok(t, l)(l.ConfigureGroup(1))
	ok(t, l)(l.CreateArray("S2", RAIDAuto))
	ok(t, l)(l.CreateRank("A1", 1))
	l.RemoveLicence()
	ok(t, l)(l.CreateArray("S3", RAIDAuto))
	_, err = l.CreateRank("A2", 1)
	require.ErrorContains(t, err, "not licensed")
	ok(t, l)(l.PowerCycle())
	advance(t, l, 3*keyPeriod)
	noEvents(t, l)
}

// TestAccessOfOneChosenServer: only that server is asked, and only for data-at-rest groups.
func TestAccessOfOneChosenServer(t *testing.T) {
	l := encrypted(t, Options{})
	stopServer(t, l, 1)
	r, err := l.TestAccessOf(1, 2)
	must(t, err)
	require.NoError(t, r.Err)
	a, err := l.keys.GroupAccess(1)
	must(t, err)
	require.Equal(t, "success", a[0].LastAccess, "the one that is off was not asked")
	r, err = l.TestAccessOf(1, 1)
	must(t, err)
	require.Error(t, r.Err)
	m, err := l.KeyManager(1)
	must(t, err)
	require.Equal(t, "failed", m.Status)
	_, err = l.TestAccessOf(1, 7)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = l.TestAccessOf(2, 1)
	require.ErrorContains(t, err, "is of key group 1")
	activate(false)(t, l, 1)
	_, err = l.TestAccessOf(1, 1)
	require.ErrorContains(t, err, "inactive")
	for _, addr := range []string{"c1.example.com", "c2.example.com"} {
		_, err := l.customer.Add(addr)
		must(t, err)
		_, err = l.MakeKeyManager(KeyManagerRequest{Addr: addr, KeyGroup: 2, Type: "TCT"})
		must(t, err)
	}
	activate(true)(t, l, 1)
	ok(t, l)(l.ConfigureGroup(2))
	_, err = l.TestAccessOf(2, 3)
	require.ErrorIs(t, err, ErrInvalid)
	require.ErrorContains(t, err, "data-at-rest groups only")
	_, err = l.TestAccess(2)
	must(t, err)
}
