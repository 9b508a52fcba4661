package encgroup

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/leftover"
	"github.com/seed-9d983aeb/fdelab/internal/leftover/leftovertest"
)

// TestKeysAfterPowerOff looks through the memory of a process in which a group was
// used and lost its power: of its keys and credentials not one copy is left.
func TestKeysAfterPowerOff(t *testing.T) {
	leftovertest.Run(t, "TestLeftoverChild", 11, "group key")
}

// farServer is a key server in another machine: what it keeps is masked here.
type farServer struct {
	id   string
	made *[][32]byte // by all servers
	from *leftovertest.Stream
}

func (s farServer) ID() string { return s.id }

func (s farServer) Create(string) (string, error) {
	var k [32]byte
	for i := range k {
		var b [1]byte
		_, _ = s.from.Read(b[:])
		k[i] = b[0] // masked as it is: the key is something else
	}
	*s.made = append(*s.made, k)
	return fmt.Sprint(len(*s.made) - 1), nil
}

func (s farServer) Get(uid string) (*secret.Key32, error) {
	var n int
	if _, err := fmt.Sscan(uid, &n); err != nil || n >= len(*s.made) {
		return nil, ErrNoKey
	}
	k := new(secret.Key32)
	for i := range k {
		k[i] = (*s.made)[n][i] ^ 0x5C
	}
	return k, nil
}

// refused opens the group keys of records that were altered behind them: what came out before
// the fault was found is overwritten as well.
func refused(t *testing.T, g *Group, servers []KeyServer, random *leftovertest.Stream) {
	private, public := recoveryPair(t, 1)
	require.NoError(t, g.SetRecovery(nil, public))
	require.NoError(t, g.BeginGroupRekey())
	for name, alter := range map[string]func(*Record){
		"signature":              func(r *Record) { r.Signature[0] ^= 1 },
		"signature of the next":  func(r *Record) { r.NextSignature[0] ^= 1 },
		"wrap of the next":       func(r *Record) { r.NextWrapped[0] ^= 1 },
		"seal of the next alone": func(r *Record) { r.Escrows[0].Next[71] ^= 1 },
	} {
		rec := g.Record()
		alter(&rec)
		b, err := rec.Entries()
		require.NoError(t, err)
		altered, err := Load(b, servers, random, &MemStore{})
		require.NoError(t, err)
		if rec.Escrows[0].Next != g.rec.Escrows[0].Next {
			require.ErrorIs(t, altered.Recover(&private), ErrUnwrap, name)
			continue
		}
		require.Error(t, altered.Retrieve(), name)
		_, err = altered.TestAccess()
		require.NoError(t, err)
		require.Equal(t, Inaccessible, altered.State())
	}
}

// TestLeftoverChild is the child of TestKeysAfterPowerOff.
func TestLeftoverChild(t *testing.T) {
	plant := leftovertest.Child(t)
	random := leftovertest.Stream(99)
	d, _, err := drive.Manufacture(drive.Config{Serial: "A1", SectorSize: 512, Sectors: 64, Ranges: 1, PBKDF2Iterations: 1},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: &random})
	require.NoError(t, err)
	made := new([][32]byte)
	servers := []KeyServer{farServer{"ks1", made, &random}, farServer{"ks2", made, &random}}
	store := &MemStore{}
	g := New(servers, &random, store)
	var needles []*leftover.Needle
	note := func(name string, key *secret.Key32) { needles = append(needles, leftover.New(name, key[:])) }
	noteAll := func(when string) {
		all, err := g.Secrets("A1")
		require.NoError(t, err)
		for _, s := range all {
			note(s.Name+when, s.Secret)
			s.Secret.Clear()
		}
		bands, err := g.BandSecrets("A1", 1)
		require.NoError(t, err)
		for _, s := range bands {
			note(s.Name+when, s.Secret)
			s.Secret.Clear()
		}
	}
	noteDerived := func(name string, from *secret.Key32, info string) {
		k := derive(from, info)
		note(name, k)
		k.Clear()
	}
	require.NoError(t, g.Configure("leftover"))
	require.NoError(t, g.Admit(d))
	noteAll("") // data key, group key, generation 1
	if plant {
		leftovertest.Planted = append(leftovertest.Planted, g.ram().group[:]...)
	}
	cycle := func() {
		g.PowerOff()
		d.PowerOff()
		require.NoError(t, d.PowerOn())
		g, err = Load(store.Record(), servers, &random, store)
		require.NoError(t, err)
		require.NoError(t, g.Retrieve())
		require.NoError(t, g.Unlock(d))
	}
	cycle()
	require.NoError(t, g.Rekey(d))
	require.NoError(t, g.BeginGroupRekey())
	note("next group key", g.ram().next)
	cycle()
	require.NoError(t, g.RekeyMember(d))
	require.NoError(t, g.FinishGroupRekey())
	_, err = g.RekeyDataKey()
	require.NoError(t, err)
	cycle()
	_, err = g.TestAccess()
	require.NoError(t, err)
	noteAll(", in the end")
	noteDerived("key of the signature", g.ram().data, infoSignature)
	refused(t, g, servers, &random)
	objects := NewOf(TCT, servers, &random, &MemStore{})
	require.NoError(t, objects.Configure(""))
	noteDerived("key that wraps the keys of objects", objects.ram().group, infoObject)
	wrapped, err := objects.WrapObjectKey(&secret.Key32{1})
	require.NoError(t, err)
	_, err = objects.UnwrapObjectKey(wrapped)
	require.NoError(t, err)
	objects.PowerOff()
	g.PowerOff()
	d.PowerOff()
	leftovertest.Report(t, needles)
	runtime.KeepAlive(g)
}
