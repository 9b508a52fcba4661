package encgroup

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/internal/entropy"
	"github.com/seed-9d983aeb/fdelab/internal/secret"
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
	require.ErrorContains(t, r.group.Configure("lín"), "printable ASCII", "a label that cannot be stored is refused first")
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

func TestConfigureWithoutEntropyMakesNoKey(t *testing.T) {
	r := newRig(t)
	broken := errors.New("stuck")
	r.group = New(r.cluster.Servers(), entropy.Checked(iotest.ErrReader(broken)), r.store)
	require.ErrorIs(t, r.group.Configure(""), broken)
	require.Equal(t, Configuring, r.group.State())
}

// TestRetrieveSaysWhyEachServerFailed breaks one physical thing at each of two
// servers and reads the reasons.
func TestRetrieveSaysWhyEachServerFailed(t *testing.T) {
	type fix = func(r *rig, s *MemServer)
	for name, c := range map[string]struct {
		broken, mend fix
		want         error
	}{
		"power":   {func(_ *rig, s *MemServer) { s.PowerOff() }, func(_ *rig, s *MemServer) { s.PowerOn() }, ErrUnreachable},
		"cable":   {func(_ *rig, s *MemServer) { s.Unplug() }, func(_ *rig, s *MemServer) { s.Plug() }, ErrUnreachable},
		"process": {func(_ *rig, s *MemServer) { s.Stall() }, func(_ *rig, s *MemServer) { s.Resume() }, ErrTimeout},
		"lost key": {
			func(r *rig, s *MemServer) { require.NoError(t, s.LoseKey(r.group.Record().UID)) },
			func(r *rig, s *MemServer) { require.NoError(t, s.RestoreFrom(r.server("vault"))) }, ErrNoKey,
		},
		"damaged key": {
			func(r *rig, s *MemServer) { require.NoError(t, s.DamageKey(r.group.Record().UID, 100)) },
			func(r *rig, s *MemServer) { require.NoError(t, s.RestoreFrom(r.server("vault"))) }, ErrUnwrap,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "ks1", "ks2", "vault")
			require.NoError(t, r.group.Configure(""))
			r.group.SetServers(r.cluster.Servers()[:2])
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

func TestRetrieveWithoutServers(t *testing.T) {
	r := accessible(t)
	r.group.SetServers(nil)
	require.Empty(t, r.group.Servers())
	r.group.PowerOff()
	err := r.group.Retrieve()
	require.ErrorIs(t, err, ErrNoServer)
	require.Equal(t, "encgroup: retrieve: no active key server is configured", err.Error())
	require.ErrorIs(t, newRig(t).group.Retrieve(), ErrUnconfigured)
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
			b, err := rec.MarshalBinary()
			require.NoError(t, err)
			g, err := Load(b, r.cluster.Servers(), r.random, r.store)
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
	b, err := rec.MarshalBinary()
	require.NoError(t, err)
	g, err := Load(b, r.cluster.Servers(), r.random, r.store)
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
	printed := r.store.Record()
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
	_, err = Load([]byte("nonsense"), nil, entropy.Stream(1, "x"), &MemStore{})
	require.ErrorIs(t, err, ErrRecord)
}
