package encgroup

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

func TestConfigureMakesTheGroupAccessible(t *testing.T) {
	r := newRig(t)
	require.Equal(t, Unconfigured, r.group.State())
	require.Empty(t, r.store.Record(), "nothing is kept before anything was done")
	require.NoError(t, r.group.Configure("test"))
	require.Equal(t, Accessible, r.group.State())
	require.Equal(t, "encryption group accessible, 0 members", r.group.String())
	rec := r.group.Record()
	require.Equal(t, Enabled, rec.Phase)
	require.Equal(t, "ks1", rec.Maker)
	for _, id := range []string{"ks1", "ks2"} {
		require.Equal(t, []string{rec.UID}, r.server(id).Keys(), "both servers hold the one data key")
	}
	require.ErrorIs(t, r.group.Configure("again"), ErrGroupExists)
	require.ErrorIs(t, r.group.Cancel(), ErrGroupExists, "a configured group is not given up")
	require.Equal(t, Accessible, r.group.State())
}

func TestConfigureNeedsTwoServers(t *testing.T) {
	for _, ids := range [][]string{{}, {"ks1"}} {
		c, err := NewMemCluster(entropy.Stream(1, "k"), ids...)
		require.NoError(t, err)
		var s MemStore
		g := New(c.Servers(), entropy.Stream(1, "g"), &s)
		require.ErrorIs(t, g.Configure(""), ErrFewServers)
		require.Equal(t, Unconfigured, g.State())
		require.Nil(t, s.Record(), "nothing was changed")
	}
	r := newRig(t)
	err := r.group.Configure("lín")
	require.ErrorContains(t, err, "printable ASCII", "a label that cannot be stored is refused first")
	require.NotErrorIs(t, err, ErrImpossible, "and is no error of the software")
	require.Nil(t, r.store.Record())
}

// TestDataKeyIsEnabledOnlyByAnotherServer: the maker's word is not enough.
func TestDataKeyIsEnabledOnlyByAnotherServer(t *testing.T) {
	for name, c := range map[string]struct {
		sever, mend func(*rig)
		want        error
	}{
		"replication is cut": {
			func(r *rig) { require.NoError(t, r.cluster.CutLink("ks1", "ks2")) },
			func(r *rig) { require.NoError(t, r.cluster.MendLink("ks2", "ks1")) },
			ErrNoKey,
		},
		"the other server is off":     {func(r *rig) { r.server("ks2").PowerOff() }, func(r *rig) { r.server("ks2").PowerOn() }, ErrUnreachable},
		"the other server is stalled": {func(r *rig) { r.server("ks2").Stall() }, func(r *rig) { r.server("ks2").Resume() }, ErrTimeout},
		"the other cable is out":      {func(r *rig) { r.server("ks2").Unplug() }, func(r *rig) { r.server("ks2").Plug() }, ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			c.sever(r)
			err := r.group.Configure("test")
			var re *RetrieveError
			require.ErrorAs(t, err, &re)
			require.Equal(t, "read back", re.Op)
			require.Equal(t, []ServerError{{"ks1", nil}, {"ks2", c.want}}, re.Servers, "each server's answer, in order")
			require.Equal(t, Configuring, r.group.State())
			require.Equal(t, Enabling, r.group.Record().Phase)
			require.ErrorIs(t, r.group.Retrieve(), ErrUnconfigured, "a group that is configuring has no key to retrieve")
			requireAdmitError(t, r.group.Admit(r.drive("A")), StepGroup, ErrUnconfigured)
			uid := r.group.Record().UID

			r.restart()
			require.Equal(t, Configuring, r.group.State(), "a power cycle does not enable it")
			c.mend(r)
			require.NoError(t, r.group.Configure("test"))
			require.Equal(t, Accessible, r.group.State())
			require.Equal(t, uid, r.group.Record().UID, "it goes on with the data key that was made")
		})
	}
}

func TestConfigureTakesTheFirstServerThatCan(t *testing.T) {
	r := newRig(t, "ks1", "ks2", "ks3")
	r.server("ks1").PowerOff()
	require.NoError(t, r.group.Configure(""))
	require.Equal(t, "ks2", r.group.Record().Maker)

	r = newRig(t)
	r.server("ks1").Unplug()
	r.server("ks2").Stall()
	err := r.group.Configure("")
	var re *RetrieveError
	require.ErrorAs(t, err, &re)
	require.Equal(t, []ServerError{{"ks1", ErrUnreachable}, {"ks2", ErrTimeout}}, re.Servers)
	require.Equal(t, "encgroup: create: ks1: key server is unreachable; ks2: key server did not answer in time", err.Error())
	require.Equal(t, Unconfigured, r.group.State(), "nothing was made, so nothing is left")
}

// counted is a key server that counts what it was asked for.
type counted struct {
	KeyServer
	gets *int
}

func (c counted) Get(uid string) (*secret.Key32, error) {
	*c.gets++
	return c.KeyServer.Get(uid)
}

// TestReadBackAsksTheMakerAndOneOther, wherever the maker is in the list.
func TestReadBackAsksTheMakerAndOneOther(t *testing.T) {
	for at := range 3 {
		r := newRig(t, "ks1", "ks2", "ks3")
		gets := make([]int, 3)
		var servers []KeyServer
		for i, s := range r.servers() {
			servers = append(servers, counted{s, &gets[i]})
		}
		maker := servers[0]
		servers = slices.Insert(slices.Delete(servers, 0, 1), at, maker) // the maker comes at this place
		r.group.SetServers([]KeyServer{maker, servers[(at+1)%3]})
		r.server("ks2").Stall()
		r.server("ks3").Stall()
		require.ErrorIs(t, r.group.Configure(""), ErrTimeout)
		r.server("ks2").Resume()
		r.server("ks3").Resume()
		clear(gets)
		r.group.SetServers(servers)
		require.NoError(t, r.group.Configure(""), "the maker comes at place %d", at)
		require.Equal(t, 1, gets[0], "the maker is asked once, at place %d", at)
		require.Equal(t, 1, gets[1]+gets[2], "and one other")
	}
}

func TestServersThatDisagreeEnableNothing(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.cluster.CutLink("ks1", "ks2"))
	require.Error(t, r.group.Configure(""))
	require.NoError(t, r.server("ks1").DamageKey(r.group.Record().UID, 0))
	good := *r.server("ks1").keys[0].key()
	require.NoError(t, r.cluster.MendLink("ks1", "ks2"))
	require.NoError(t, r.server("ks2").DamageKey(r.group.Record().UID, 255))
	require.ErrorIs(t, r.group.Configure(""), ErrDisagree)
	require.Equal(t, Configuring, r.group.State())
	require.NoError(t, r.server("ks2").RestoreFrom(r.server("ks1")))
	require.Equal(t, good, *r.server("ks2").keys[0].key())
	require.NoError(t, r.group.Cancel(), "the customer may also give it up")
	require.Equal(t, Unconfigured, r.group.State())
	require.NoError(t, r.group.Configure(""), "and begin anew")
}

// TestWithoutEntropyThereIsNoKey lets the source of entropy end after 0 bytes, 16, 32 and so on in
// each operation that makes a key or a seal: the operation says so, nothing is saved, and what was
// drawn is overwritten. With a source that gives again, it goes through.
func TestWithoutEntropyThereIsNoKey(t *testing.T) {
	for name, run := range map[string]func(*rig) error{
		"configure":                                 configure,
		"configure without a recovery key":          configure,
		"begin of group key without a recovery key": func(r *rig) error { return r.group.BeginGroupRekey() },
		"set recovery":                              func(r *rig) error { _, public := recoveryPair(r.t, 2); return r.group.SetRecovery(nil, public) },
		"begin of group key":                        func(r *rig) error { return r.group.BeginGroupRekey() },
		"set recovery while a group key is under way": func(r *rig) error {
			_, public := recoveryPair(r.t, 2)
			return r.group.SetRecovery(nil, public)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 0; ; n += 16 {
				require.Less(t, n, 1000, "the sweep does not end")
				r := newRig(t)
				source := &scarce{r: entropy.Stream(1, "group"), left: -1}
				r.random = source
				r.group = New(r.servers(), r.random, r.store)
				if _, public := recoveryPair(t, 1); !strings.Contains(name, "without") {
					require.NoError(t, r.group.SetRecovery([]byte("state"), public))
				}
				enabling(r)
				if !strings.HasPrefix(name, "configure") {
					require.NoError(t, configure(r))
					r.member("A1")
				}
				if strings.Contains(name, "under way") {
					begun(r)
				}
				before, kept, state := r.group.Record(), r.store.Record(), r.group.State()
				source.left, source.w = n, wipes{}
				err := run(r)
				if !source.dry {
					require.NoError(t, err)
					require.Positive(t, n)
					break
				}
				require.ErrorIs(t, err, errStuck, "after %d bytes", n)
				source.w.requireZero(t)
				require.Equal(t, state, r.group.State())
				require.Equal(t, before, r.group.Record())
				require.Equal(t, kept, r.store.Record(), "nothing is saved")
				if state == Accessible && !before.rekeying() {
					require.Nil(t, r.group.ram().next, "there is no next key")
				}
				source.left = -1
				require.NoError(t, run(r), "with entropy again")
				r.restart()
				r.requireReadable("at the end")
			}
		})
	}
}

// TestRetrieveSaysWhyEachServerFailed breaks one physical thing at each of two
// servers and reads the reasons.
func TestRetrieveSaysWhyEachServerFailed(t *testing.T) {
	type fix = func(r *rig, s *MemKeyServer)
	for name, c := range map[string]struct {
		broken, mend fix
		want         error
	}{
		"power":   {func(_ *rig, s *MemKeyServer) { s.PowerOff() }, func(_ *rig, s *MemKeyServer) { s.PowerOn() }, ErrUnreachable},
		"cable":   {func(_ *rig, s *MemKeyServer) { s.Unplug() }, func(_ *rig, s *MemKeyServer) { s.Plug() }, ErrUnreachable},
		"process": {func(_ *rig, s *MemKeyServer) { s.Stall() }, func(_ *rig, s *MemKeyServer) { s.Resume() }, ErrTimeout},
		"lost key": {
			func(r *rig, s *MemKeyServer) { require.NoError(t, s.LoseKey(r.group.Record().UID)) },
			func(r *rig, s *MemKeyServer) { require.NoError(t, s.RestoreFrom(r.server("vault"))) }, ErrNoKey,
		},
		"damaged key": {
			func(r *rig, s *MemKeyServer) { require.NoError(t, s.DamageKey(r.group.Record().UID, 100)) },
			func(r *rig, s *MemKeyServer) { require.NoError(t, s.RestoreFrom(r.server("vault"))) }, ErrUnwrap,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "ks1", "ks2", "vault")
			require.NoError(t, r.group.Configure(""))
			r.group.SetServers(r.servers()[:2])
			ks1, ks2 := r.server("ks1"), r.server("ks2")

			c.broken(r, ks1)
			list, err := r.group.TestAccess()
			require.NoError(t, err)
			require.Equal(t, []ServerError{{"ks1", c.want}, {"ks2", nil}}, list)
			require.Equal(t, Accessible, r.group.State(), "a test of access changes nothing")
			r.group.PowerOff()
			require.Equal(t, Inaccessible, r.group.State())
			_, err = r.group.TestAccess()
			require.NoError(t, err)
			require.Equal(t, Inaccessible, r.group.State(), "a test of access changes nothing")
			require.NoError(t, r.group.Retrieve(), "one good server is enough")
			require.Equal(t, Accessible, r.group.State())

			c.broken(r, ks2)
			var re *RetrieveError
			require.ErrorAs(t, r.group.Retrieve(), &re)
			require.Equal(t, []ServerError{{"ks1", c.want}, {"ks2", c.want}}, re.Servers, "each server's reason, in order")
			require.Equal(t, Accessible, r.group.State(), "keys in RAM stay there")
			r.group.PowerOff()
			require.ErrorIs(t, r.group.Retrieve(), c.want)
			require.Equal(t, Inaccessible, r.group.State())

			c.mend(r, ks2)
			require.NoError(t, r.group.Retrieve())
			require.Equal(t, Accessible, r.group.State())
			list, err = r.group.TestAccess()
			require.NoError(t, err)
			require.Equal(t, "ks1: "+c.want.Error(), list[0].Error())
			require.Equal(t, "ks2: delivered the key", list[1].Error())
		})
	}
}

// addressed is an error that names the address of the server itself.
type addressed string

func (a addressed) Error() string { return "the server at " + string(a) + " is down" }
func (a addressed) Addr() string  { return string(a) }

// A server's error names the server once.
func TestAServerErrorNamesItsServerOnce(t *testing.T) {
	for _, c := range []struct {
		server string
		err    error
		want   string
	}{
		{"ks1", nil, "ks1: delivered the key"},
		{"ks1", ErrNoKey, "ks1: " + ErrNoKey.Error()},
		{"ks1", addressed("ks1:5696"), "the server at ks1:5696 is down"},
		{"ks1:5696", addressed("ks1:5696"), "the server at ks1:5696 is down"},
		{"ks1", fmt.Errorf("wrapped: %w", addressed("ks1:5696")), "wrapped: the server at ks1:5696 is down"},
		{"ks1", addressed("other:5696"), "ks1: the server at other:5696 is down"},
		{"ks1", addressed("ks1"), "ks1: the server at ks1 is down"},
		{"", addressed("no address"), ": the server at no address is down"},
	} {
		require.EqualError(t, ServerError{c.server, c.err}, c.want)
	}
}

func TestRetrieveWithoutServers(t *testing.T) {
	r := accessible(t)
	r.group.SetServers(nil)
	require.Empty(t, r.group.Servers())
	r.group.PowerOff()
	err := r.group.Retrieve()
	require.ErrorIs(t, err, ErrNoServer)
	require.Equal(t, "encgroup: retrieve: no active key server is configured", err.Error())
	require.ErrorIs(t, newRig(t).group.Retrieve(), ErrUnconfigured)
	_, err = newRig(t).group.TestAccess()
	require.ErrorIs(t, err, ErrUnconfigured)
}

// TestAlteredRecordsAreFound: the signature binds the wrap to the data key and
// its identifier.
func TestAlteredRecordsAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		alter func(*Record)
		want  error
	}{
		"wrap":      {func(r *Record) { r.Wrapped[39] ^= 1 }, ErrUnwrap},
		"signature": {func(r *Record) { r.Signature[0] ^= 0x80 }, ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			r := accessible(t)
			rec := r.group.Record()
			c.alter(&rec)
			b, err := rec.Entries()
			require.NoError(t, err)
			g, err := Load(b, r.servers(), r.random, r.store)
			require.NoError(t, err)
			require.ErrorIs(t, g.Retrieve(), c.want)
			require.Equal(t, Inaccessible, g.State())
		})
	}

	// The same key under another identifier is not the key that was signed.
	r := accessible(t)
	for _, id := range []string{"ks1", "ks2"} {
		r.server(id).keys[0].uid = "other"
	}
	rec := r.group.Record()
	rec.UID = "other"
	b, err := rec.Entries()
	require.NoError(t, err)
	g, err := Load(b, r.servers(), r.random, r.store)
	require.NoError(t, err)
	require.ErrorIs(t, g.Retrieve(), ErrSignature)
}

func TestConfigureSurvivesAPowerCutAtEverySave(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 0; ; n++ {
			r := newRig(t)
			r.store.arm(n, after)
			err := r.group.Configure("test")
			if err == nil {
				require.Equal(t, 3, n, "prepare, enabling, enabled")
				break
			}
			require.ErrorIs(t, err, ErrStore)
			require.ErrorIs(t, err, errCut)
			require.NotEqual(t, Accessible, r.group.State(), "what was not kept does not count")
			r.restart()
			if n == 0 && after {
				require.Equal(t, Record{Phase: Prepare, Label: "test"}, r.group.Record(), "what is about to be asked for")
			}
			if r.group.State() != Accessible {
				require.NoError(t, r.group.Configure("test"), "cut at save %d, after %v", n, after)
			}
			r.restart()
			require.Equal(t, Accessible, r.group.State())
		}
	}
}

// TestSecretsStayInside: neither the record nor anything that can be printed
// holds a key.
func TestSecretsStayInside(t *testing.T) {
	r := accessible(t)
	d := r.member("A1")
	require.NoError(t, r.group.Rekey(d))
	secrets, err := r.group.Secrets("A1")
	require.NoError(t, err)
	require.Len(t, secrets, 4, "data key, group key, two generations")
	require.Equal(t, "credential of A1, generation 2", secrets[3].Name)

	foreign := makeDrive(t, "B1", 0)
	require.NoError(t, accessible(t).group.Admit(foreign))
	var printed []byte
	for _, e := range r.store.Record() {
		printed = append(printed, e.Bytes...)
	}
	type holder struct{ a, b any }
	for _, v := range []any{
		r.group, *r.group, r.group.Record(), r.cluster, *r.cluster, r.server("ks1"), *r.server("ks1"), r.server("ks1").keys, *r.server("ks1").keys[0],
		holder{r.group, r.cluster},
		&holder{*r.group, r.server("ks2")}, secrets,
		r.group.Admit(d), r.group.Admit(foreign), r.group.Unlock(foreign), r.group.Members(),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			printed = fmt.Appendf(printed, verb, v)
		}
	}
	var seen []secret.Key32
	for _, s := range secrets {
		require.NotContains(t, seen, *s.Secret, "%s is another secret, too", s.Name)
		seen = append(seen, *s.Secret)
		raw := s.Secret[:]
		require.False(t, bytes.Contains(printed, raw[:8]), "%s is there raw", s.Name)
		require.False(t, bytes.Contains(printed, []byte(hex.EncodeToString(raw[:4]))), "%s is there in hexadecimal", s.Name)
		require.False(t, bytes.Contains(printed, fmt.Appendf(nil, "%#x, %#x, %#x", raw[0], raw[1], raw[2])), "%s is there as a Go value", s.Name)
		list := fmt.Sprintf("%d", raw[:4])
		require.False(t, bytes.Contains(printed, []byte(list[1:len(list)-1])), "%s is there in decimals", s.Name)
	}

	r.group.PowerOff()
	_, err = r.group.Secrets("A1")
	require.ErrorIs(t, err, ErrInaccessible, "without the keys there are no secrets")
}

func TestPowerOffClearsTheKeys(t *testing.T) {
	r := accessible(t)
	ram := r.group.ram()
	r.group.PowerOff()
	require.Equal(t, keys{data: new(secret.Key32), group: new(secret.Key32)}, *ram, "the keys are overwritten, not just dropped")
	r.group.PowerOff()
	require.NoError(t, r.group.Retrieve())
	ram = r.group.ram()
	require.NoError(t, r.group.Retrieve())
	require.Equal(t, keys{data: new(secret.Key32), group: new(secret.Key32)}, *ram, "a second retrieval leaves no copy of the first")
}

// TestTheRecordIsACopy: who has it can change nothing in the group.
func TestTheRecordIsACopy(t *testing.T) {
	r := accessible(t)
	_, public := recoveryPair(t, 1)
	require.NoError(t, r.group.SetRecovery([]byte("state"), public))
	r.member("A1")
	kept, err := Load(r.store.Record(), nil, r.random, r.store)
	require.NoError(t, err)
	before, changed := kept.Record(), r.group.Record()
	changed.Members[0].Last, changed.Recovery[0], changed.Escrows[0].Public = 9, 'S', [32]byte{}
	r.group.Recovery()[0] = 'S'
	require.Equal(t, before, r.group.Record())
	require.NoError(t, r.group.SetRecovery([]byte{}))
	kept, err = Load(r.store.Record(), nil, r.random, r.store)
	require.NoError(t, err)
	require.Equal(t, kept.Record(), r.group.Record(), "an empty state is none, in memory as well")
}

// flipping is a memory in which one bit of a region is not what was written.
type flipping Region

func (f flipping) Keep(region Region, b []byte) []byte {
	b = bytes.Clone(b)
	if region == Region(f) {
		b[len(b)/2] ^= 4
	}
	return b
}

// TestMemoryThatIsNotSound: a bit that flips there is found where it matters, and a sound memory
// finds the group as it was.
func TestMemoryThatIsNotSound(t *testing.T) {
	r := accessible(t)
	r.group.SetMemory(flipping(RegionSignature))
	require.ErrorIs(t, r.group.Retrieve(), ErrSignature)
	r.group.SetMemory(flipping(RegionRecord))
	require.NoError(t, r.group.SetRecovery([]byte("state")), "nothing looks at it yet")
	kept := r.store.Record()
	r.group.SetMemory(nil)
	require.NoError(t, r.group.Retrieve())
	sound := r.group.Record()
	want, err := sound.Entries()
	require.NoError(t, err)
	require.NotEqual(t, want, kept, "what is kept is what the memory had")
	require.Len(t, kept, len(want))
	b := kept[0].Bytes
	require.Equal(t, b, appendChecksum(b[:len(b)-4]), "under a good check sum")
}

func TestStates(t *testing.T) {
	for s, want := range map[State]string{0: "unconfigured", 1: "configuring", 2: "inaccessible", 3: "accessible", 9: "state 9"} {
		require.Equal(t, want, s.String())
	}
}

func TestNewNeedsItsParts(t *testing.T) {
	require.Panics(t, func() { New(nil, nil, &MemStore{}) })
	require.Panics(t, func() { New(nil, entropy.Stream(1, "x"), nil) })
	g, err := Load(nil, nil, entropy.Stream(1, "x"), &MemStore{})
	require.NoError(t, err)
	require.Equal(t, Unconfigured, g.State())
	_, err = Load([]Entry{{Bytes: []byte("nonsense")}}, nil, entropy.Stream(1, "x"), &MemStore{})
	require.ErrorIs(t, err, ErrRecord)
}
