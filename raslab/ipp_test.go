package raslab

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/ipp"
)

// drawnPairs are the key pairs of this test run: making one takes a quarter of a second.
var drawnPairs = map[string]ipp.KeyPair{}

// drawOnce draws each key pair as a facility with these options does, once.
func drawOnce(o Options) func(label string) (ipp.KeyPair, error) {
	return func(label string) (ipp.KeyPair, error) {
		name := fmt.Sprintf("%d %s %s", o.Seed, o.Serial, label)
		if p, ok := drawnPairs[name]; ok {
			return p, nil
		}
		l := &Lab{options: o}
		if l.options.Serial == "" {
			l.options.Serial = "75NR641"
		}
		key, err := ipp.GenerateKey(l.stream("key pair " + label))
		if err != nil {
			return ipp.KeyPair{}, err
		}
		p, err := ipp.NewKeyPair(label, key)
		drawnPairs[name] = p
		return p, err
	}
}

// ippLab is a facility whose key managers speak IPP, with TLS or without.
func ippLab(t testing.TB, o Options, protocol Protocol) *Lab {
	t.Helper()
	if o.Drives == 0 {
		o.Drives = 16
	}
	l := newLab(t, o)
	l.customer.UsePairs(drawOnce(o))
	speak := IPP
	for _, m := range l.KeyManagers() {
		_, err := l.ChangeKeyManager(m.ID, KeyManagerChange{Protocol: &protocol, KeyProtocol: &speak})
		must(t, err)
	}
	return l
}

// encryptedIPP is encrypted over IPP.
func encryptedIPP(t testing.TB, o Options, protocol Protocol) *Lab {
	t.Helper()
	return occupied(t, ippLab(t, o, protocol))
}

var ippWays = map[string]Protocol{"TLS": ProtocolTLS, "plain": ProtocolNone}

// Every cause of the key path is met over IPP too. Two things differ: a key pair with a flipped bit
// opens nothing, while a data key with one is a wrong key; and without TLS there is no certificate
// to refuse.
func TestKeyCausesOverIPP(t *testing.T) {
	for way, protocol := range ippWays {
		for _, c := range keyCauses() {
			t.Run(way+"/"+c.name, func(t *testing.T) {
				l := encryptedIPP(t, Options{}, protocol)
				c.hurt(t, l)
				advance(t, l, keyPeriod)
				require.Equal(t, overIPP(c.name, protocol, c.periodic), openCodes(l), "these codes come of the cause and no others\n%s", history{l})
				readable(t, l)
				c.heal(t, l)
				closeAll(t, l)
				advance(t, l, 2*keyPeriod)
				closeAll(t, l)

				c.hurt(t, l)
				r, err := l.PowerCycle()
				require.NoError(t, err)
				want := overIPP(c.name, protocol, c.iml)
				require.Equal(t, want, openCodes(l), "%s", history{l})
				require.Equal(t, len(want) > 0, r.Failed)
				for _, e := range l.events.OpenEvents() {
					staysOpen(t, l, e)
				}
				c.heal(t, l)
				ok(t, l)(l.DualClusterIML())
				readable(t, l)
				closeAll(t, l)
				ok(t, l)(l.PowerCycle())
				require.Empty(t, l.events.OpenEvents(), "nothing comes back")
			})
		}
	}
}

func overIPP(name string, protocol Protocol, codes []string) []string {
	if protocol == ProtocolNone && (strings.Contains(strings.ToLower(name), "certificate") || name == "unknown CA" || strings.Contains(name, "do not know")) {
		return []string{}
	}
	out := []string{}
	for _, c := range codes {
		switch {
		case strings.HasPrefix(name, "wrong key") && c == "BE14E012":
			c = "BE14E011"
		case strings.HasPrefix(name, "wrong key") && c == "BE14EA12":
			c = "BE14EA11"
		case protocol == ProtocolNone && c == "BE14EAF3":
			c = "BE14EAF1"
		}
		out = append(out, c)
	}
	slices.Sort(out)
	return out
}

func TestSignaturesOverIPP(t *testing.T) {
	l := encryptedIPP(t, Options{}, ProtocolNone)
	must(t, l.ArmMemory(0, fault.MustParse("(memory.signature.flipped (And (Byte 0) (OnIndex 1)))")))
	advance(t, l, keyPeriod)
	require.Equal(t, []string{"BE14CFEA", "BE14EA13"}, openCodes(l), "%s", history{l})
	_, _, _, signature := recordOffsets(l)
	must(t, l.ArmMemory(0, fault.MustParse(fmt.Sprintf("(memory.record.flipped (Byte %d))", signature))))
	ok(t, l)(l.RekeyDrive("R1-I1-D03"))
	fails(t, l)(l.PowerCycle())
	require.Equal(t, []string{"BE14CFE0", "BE14CFEA", "BE14E013", "BE14EA13"}, openCodes(l))
	must(t, l.ArmMemory(0, nil))
	ok(t, l)(l.RestoreRepository())
	ok(t, l)(l.DualClusterIML())
	readable(t, l)
	closeAll(t, l)
}

// The network's own faults act on the exchange.
func TestNetworkFaultsOverIPP(t *testing.T) {
	for way, protocol := range ippWays {
		for point, code := range map[string]string{
			"net.connect.refused": "BE14E008", "net.connect.lost": "BE14E008",
			"net.session.reset": "BE14E0F1", "net.session.garbled": "BE14E0F1", "net.session.silent": "BE14E0F1",
		} {
			t.Run(way+"/"+point, func(t *testing.T) {
				l := encryptedIPP(t, Options{}, protocol)
				must(t, l.customer.Arm(1, fault.MustParse("("+point+")")))
				ok(t, l)(l.PowerCycle())
				noEvents(t, l)
				must(t, l.customer.Arm(2, fault.MustParse("("+point+")")))
				fails(t, l)(l.PowerCycle())
				require.Equal(t, []string{"BE14CFE0", code}, openCodes(l), "%s", history{l})
				must(t, l.customer.Arm(1, nil))
				ok(t, l)(l.DualClusterIML())
				closeAll(t, l)
			})
		}
	}
}

// A facility over IPP, with everything that a group can do.
func TestAFacilityOverIPP(t *testing.T) {
	for way, protocol := range ippWays {
		t.Run(way, func(t *testing.T) {
			var wire []byte
			l := ippLab(t, Options{}, protocol)
			l.customer.Tap(func(q, a []byte) { wire = append(append(wire, q...), a...) })
			occupied(t, l)
			shown, err := l.GroupByID(1)
			must(t, err)
			require.Equal(t, IPP, shown.KeyProtocol)
			require.Equal(t, []string{"ds8000_a", "ds8000_b"}, []string{shown.Label, shown.Label2})
			for _, h := range l.customer.KeyServers() {
				require.Empty(t, h.Store().Keys(), "the key servers keep no data key")
			}
			secrets := [][]byte{}
			remember := func() {
				all, err := l.keys.Group(1).Secrets("75NR641-0001")
				must(t, err)
				for i := range all {
					secrets = append(secrets, slices.Clone(all[i].Secret[:8]))
				}
			}
			remember()
			ok(t, l)(l.PowerCycle())
			readable(t, l)
			ok(t, l)(l.RekeyDataKey(1))
			again, err := l.GroupByID(1)
			must(t, err)
			require.NotEqual(t, shown.UUID, again.UUID)
			remember()
			ok(t, l)(l.RekeyGroupKey(1))
			remember()
			ok(t, l)(l.PowerCycle())
			readable(t, l)

			// The recovery key opens it without any server.
			key := withRecoveryKey(t, l)
			both(loseKey)(t, l)
			fails(t, l)(l.PowerCycle())
			require.Equal(t, []string{"BE14CFE0", "BE14E011"}, openCodes(l))
			_, _, err = l.RecoveryKey(1, RecoveryRecover, secAdmin, key)
			must(t, err)
			_, _, err = l.RecoveryKey(1, RecoveryAuthorize, admin, "")
			must(t, err)
			readable(t, l)

			require.Greater(t, len(wire), 1000)
			list, err := l.keys.group(1).store.eedkEntries()
			must(t, err)
			require.Len(t, list, 2, "the facility keeps the data key in force, and the one before it until the next")
			for _, s := range secrets {
				require.NotContains(t, string(wire), string(s), "no key is on the wire in the clear")
				for _, k := range list {
					require.NotContains(t, string(k.eedks), string(s), "nor in what the facility keeps")
				}
			}
		})
	}
}

// Either key pair opens; a server that has lost both does not, and one that has them
// gives them back.
func TestEitherKeyPairOpens(t *testing.T) {
	l := encryptedIPP(t, Options{}, ProtocolNone)
	both(func(t *testing.T, l *Lab, n int) { must(t, keyHost(t, l, n).LosePair("ds8000_a")) })(t, l)
	ok(t, l)(l.PowerCycle())
	noEvents(t, l)
	must(t, keyHost(t, l, 2).DamagePair("ds8000_b", 100))
	l.RetrieveKeys()
	require.Equal(t, []string{"BE14CFEA", "BE14EA11"}, openCodes(l))
	must(t, keyHost(t, l, 2).RestoreFrom(keyHost(t, l, 1)))
	closeAll(t, l)
	must(t, keyHost(t, l, 1).LosePair("ds8000_b"))
	must(t, keyHost(t, l, 2).RestoreFrom(keyHost(t, l, 1)))
	all, err := l.TestAccess(1)
	must(t, err)
	require.Error(t, all[0].Err)
	require.NoError(t, all[1].Err, "a server that has lost its own takes nobody else's away")
	require.ErrorIs(t, keyHost(t, l, 1).LosePair("nobody's"), ErrNotFound)
	require.ErrorIs(t, keyHost(t, l, 1).LoseKey(3), ErrNotFound)
}

// ownEntries is the names in the key repository but for those of members.
func ownEntries(l *Lab) []string {
	return slices.DeleteFunc(l.records.repository.Names(), func(name string) bool { return strings.Contains(name, " member ") })
}

// The wrapped data keys lie in the key repository beside the record: they are damaged and
// mended with it, and the consoles keep them too.
func TestWrappedDataKeysAreInTheRepository(t *testing.T) {
	l := encryptedIPP(t, Options{}, ProtocolTLS)
	require.Equal(t, []string{"key group 1", "key group 1 EEDK"}, ownEntries(l))
	must(t, l.DamageRepository(1))
	ok(t, l)(l.PowerCycle())
	require.Equal(t, []string{"BE14CFE5"}, openCodes(l))
	closeAll(t, l)
	for n := 1; n <= repositoryCopies; n++ {
		must(t, l.DamageRepository(n))
	}
	fails(t, l)(l.PowerCycle())
	require.Equal(t, []string{"BE14E3F7"}, openCodes(l), "with them the way to the key is lost")
	ok(t, l)(l.RestoreRepository())
	ok(t, l)(l.DualClusterIML())
	readable(t, l)
	closeAll(t, l)
	ok(t, l)(l.RekeyDataKey(1))
	ok(t, l)(l.RestoreRepository()) // from memory, while the group is at work
	ok(t, l)(l.PowerCycle())
	readable(t, l)
	require.Empty(t, l.events.OpenEvents())
}

func TestARekeyOverIPPThatWaits(t *testing.T) {
	l := encryptedIPP(t, Options{}, ProtocolTLS)
	stopServer(t, l, 2)
	fails(t, l)(l.RekeyDataKey(1))
	require.NotEmpty(t, l.keys.Group(1).Record().NextUID, "a new key was made, and no other server has shown it")
	ok(t, l)(l.RestoreRepository())
	ok(t, l)(l.PowerCycle())
	readable(t, l) // the old data key is in force
	startServer(t, l, 2)
	next := l.keys.Group(1).Record().NextUID
	ok(t, l)(l.RekeyDataKey(1))
	require.Equal(t, next, l.keys.Group(1).Record().UID, "it goes on with the same key")
	ok(t, l)(l.PowerCycle())
	readable(t, l)
}

func TestTheSameSeedGivesTheSameDataKeyOverIPP(t *testing.T) {
	uuid := func(seed uint64) string {
		l := ippLab(t, Options{Seed: seed, Drives: 8}, ProtocolTLS)
		ok(t, l)(l.ConfigureGroup(1))
		ok(t, l)(l.RekeyDataKey(1))
		g, err := l.GroupByID(1)
		must(t, err)
		return g.UUID + l.TraceText()
	}
	require.Equal(t, uuid(1), uuid(1))
	require.NotEqual(t, uuid(1), uuid(2))
}

func TestLabels(t *testing.T) {
	l := ippLab(t, Options{Drives: 8}, ProtocolTLS)
	for says, labels := range map[string][]string{
		"printable":        {"a b"},
		"given twice":      {"x", "x"},
		"one or two":       {"a", "b", "c"},
		"1 to 64 printabl": {strings.Repeat("x", 65)},
	} {
		_, err := l.ConfigureGroup(1, labels...)
		require.ErrorIs(t, err, ErrInvalid)
		require.ErrorContains(t, err, says)
	}
	r := fails(t, l)(l.ConfigureGroup(1, "tier1"))
	require.Contains(t, r.Notes[0], `it has no key pair "tier1"`)
	require.Equal(t, encgroup.Unconfigured, l.keys.Group(1).State())
	must(t, l.customer.MakePair("tier1"))
	require.ErrorIs(t, l.customer.MakePair("tier1"), ErrInvalid)
	require.ErrorIs(t, l.customer.MakePair(""), ErrInvalid)
	ok(t, l)(l.ConfigureGroup(1, "tier1"))
	g, err := l.GroupByID(1)
	must(t, err)
	require.Equal(t, []string{"tier1", "ds8000_a"}, []string{g.Label, g.Label2})

	// A configuration that waits for a second server goes on with its labels.
	ok(t, l)(l.RemoveGroup(1))
	require.Empty(t, l.records.repository.Names(), "the wrapped data keys go with the group")
	stopServer(t, l, 2)
	fails(t, l)(l.ConfigureGroup(1, "tier1"))
	startServer(t, l, 2)
	_, err = l.ConfigureGroup(1, "ds8000_b")
	require.ErrorContains(t, err, "labels tier1 and ds8000_a already")
	ok(t, l)(l.ConfigureGroup(1))
	g, err = l.GroupByID(1)
	must(t, err)
	require.Equal(t, "tier1", g.Label)

	kmip := newLab(t, Options{Drives: 8})
	kmip.customer.UsePairs(func(string) (ipp.KeyPair, error) { panic("a lab without IPP makes no key pairs") })
	_, err = kmip.ConfigureGroup(1, "tier1")
	require.ErrorContains(t, err, "only IPP has labels")
	_, err = kmip.MakeKeyManager(KeyManagerRequest{Addr: "x"})
	must(t, err)
	ok(t, kmip)(kmip.ConfigureGroup(1))
}

func TestAGroupSpeaksOneKeyProtocol(t *testing.T) {
	l := newLab(t, Options{Drives: 16})
	l.customer.UsePairs(drawOnce(Options{}))
	speak, before := IPP, KMIP
	_, err := l.ChangeKeyManager(2, KeyManagerChange{KeyProtocol: &speak})
	must(t, err)
	_, err = l.ConfigureGroup(1)
	require.ErrorContains(t, err, "one key protocol")
	require.Nil(t, l.keys.Group(1), "nothing was changed")
	_, err = l.ChangeKeyManager(2, KeyManagerChange{KeyProtocol: &before})
	must(t, err)
	occupied(t, l)
	_, err = l.ChangeKeyManager(2, KeyManagerChange{KeyProtocol: &speak})
	require.ErrorIs(t, err, ErrState)
	require.ErrorContains(t, err, "key group 1 speaks KMIP")
	backup(t, l)
	_, err = l.MakeKeyManager(KeyManagerRequest{Addr: "backup.example.com", KeyProtocol: IPP})
	require.ErrorContains(t, err, "remove the group")
	must(t, l.RemoveKeyManager(1))
	must(t, l.RemoveKeyManager(2))
	_, err = l.MakeKeyManager(KeyManagerRequest{Addr: "backup.example.com", KeyProtocol: IPP})
	require.Error(t, err, "also when no key manager is left")
}

func TestNothingOfIPPPrintsAKey(t *testing.T) {
	l := encryptedIPP(t, Options{}, ProtocolTLS)
	all, err := l.keys.Group(1).Secrets("75NR641-0001")
	must(t, err)
	text := l.TraceText()
	for _, v := range []any{l.customer.KeyServers()[0], *l.customer.KeyServers()[0], l.keys.managers[0].paths[0]} {
		text += fmt.Sprintf("%v %+v %#v", v, v, v)
	}
	for i := range all {
		require.NotContains(t, text, fmt.Sprintf("%x", all[i].Secret[:]))
		require.NotContains(t, text, strings.Trim(fmt.Sprint(all[i].Secret[:]), "[]"))
	}
}
