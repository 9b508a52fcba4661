package encgroup

import (
	"crypto/ecdh"
	"testing"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/stretchr/testify/require"
)

func recoveryPair(t testing.TB, n byte) (secret.Key32, [32]byte) {
	private := secret.Key32{8 * n, 1} // the lowest three bits mean nothing (RFC 7748 section 5)
	k, err := ecdh.X25519().NewPrivateKey(private[:])
	require.NoError(t, err)
	return private, [32]byte(k.PublicKey().Bytes())
}

func TestRecoverWithoutAnyServer(t *testing.T) {
	private, public := recoveryPair(t, 1)
	other, otherPublic := recoveryPair(t, 2)
	for name, configure := range map[string]func(r *rig){
		"before the group": func(r *rig) {
			require.NoError(t, r.group.SetRecovery([]byte("state"), public))
			require.NoError(t, r.group.Configure(""))
		},
		"after the group": func(r *rig) {
			require.NoError(t, r.group.Configure(""))
			require.NoError(t, r.group.SetRecovery([]byte("state"), public))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			require.ErrorIs(t, r.group.Recover(&private), ErrUnconfigured)
			configure(r)
			drives := r.members("A1", "A2")
			require.NoError(t, r.group.BeginGroupRekey())
			require.NoError(t, r.group.RekeyMember(drives[0]))
			_, err := r.group.RekeyDataKey()
			require.NoError(t, err)
			uid := r.group.Record().UID

			outage := func() {
				r.server("ks1").PowerOff()
				r.server("ks2").PowerOff()
				r.powerOut()
				for _, d := range r.drives {
					require.NoError(t, d.PowerOn())
				}
				r.group, err = Load(r.store.Record(), r.servers(), r.random, r.store)
				require.NoError(t, err)
				require.ErrorIs(t, r.group.Retrieve(), ErrUnreachable)
			}
			outage()
			require.Equal(t, "state", string(r.group.Recovery()))
			require.ErrorIs(t, r.group.Recover(&other), ErrNoEscrow)
			require.ErrorIs(t, r.group.SetRecovery(nil, otherPublic), ErrInaccessible, "a new public key needs the group key")
			require.Equal(t, Inaccessible, r.group.State())
			require.NoError(t, r.group.Recover(&private))
			require.Equal(t, Accessible, r.group.State())
			r.requireReadable("the recovery key opens both group keys")
			list, err := r.group.Secrets("A1")
			require.NoError(t, err)
			require.Equal(t, "group key", list[0].Name, "the data key is not known")
			require.NoError(t, r.group.RekeyMember(drives[1]), "members can go on")
			require.NoError(t, r.group.FinishGroupRekey())
			require.ErrorIs(t, r.group.BeginGroupRekey(), ErrNoDataKey)

			outage()
			require.NoError(t, r.group.Recover(&private))
			r.requireReadable("the seal of the new group key took the place of the old one")

			r.server("ks1").PowerOn()
			r.server("ks2").PowerOn()
			former, err := r.group.RekeyDataKey()
			require.NoError(t, err, "the group gets a data key at the servers that are back")
			require.Equal(t, uid, former)
			require.NoError(t, r.group.BeginGroupRekey())
			r.restart()
			r.requireReadable("the new data key serves")

			require.NoError(t, r.group.SetRecovery(nil))
			require.Nil(t, r.group.Recovery())
			outage()
			require.ErrorIs(t, r.group.Recover(&private), ErrNoEscrow, "what is dropped opens nothing")
		})
	}
}

func TestASealThatWasAlteredRecoversNothing(t *testing.T) {
	private, public := recoveryPair(t, 1)
	r := accessible(t)
	require.NoError(t, r.group.SetRecovery([]byte("state"), public))
	rec := r.group.Record()
	rec.Escrows[0].Sealed[71] ^= 1
	b, err := rec.Entries()
	require.NoError(t, err)
	require.NotEqual(t, b, r.store.Record(), "a copy of the record is a copy")
	g, err := Load(b, nil, r.random, r.store)
	require.NoError(t, err)
	require.ErrorIs(t, g.Recover(&private), ErrUnwrap)
	require.Equal(t, Inaccessible, g.State())

	require.NoError(t, r.group.BeginGroupRekey())
	rec = r.group.Record()
	rec.Escrows[0].Next[71] ^= 1
	b, err = rec.Entries()
	require.NoError(t, err)
	g, err = Load(b, nil, r.random, r.store)
	require.NoError(t, err)
	require.ErrorIs(t, g.Recover(&private), ErrUnwrap, "nor does that of the next group key")
	require.Equal(t, Inaccessible, g.State())
}

// TestSetRecoveryRefusesWhatCanNotBe: nothing is saved, and the recovery key that was there works.
func TestSetRecoveryRefusesWhatCanNotBe(t *testing.T) {
	private, public := recoveryPair(t, 1)
	_, second := recoveryPair(t, 2)
	_, third := recoveryPair(t, 3)
	for name, c := range map[string]struct {
		state   []byte
		publics [][32]byte
		want    error
	}{
		"1025 bytes":     {make([]byte, 1025), [][32]byte{public}, ErrImpossible},
		"three keys":     {nil, [][32]byte{public, second, third}, ErrImpossible},
		"one key twice":  {nil, [][32]byte{public, public}, ErrImpossible},
		"a key of zeros": {nil, [][32]byte{public, {}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := accessible(t)
			require.NoError(t, r.group.SetRecovery(make([]byte, 1024), public, second), "what just goes")
			before, kept := r.group.Record(), r.store.Record()
			err := r.group.SetRecovery(c.state, c.publics...)
			require.Error(t, err)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			}
			require.Equal(t, kept, r.store.Record(), "the store has the old record")
			require.Equal(t, before, r.group.Record())
			require.NoError(t, r.group.Recover(&private))
			r.group.PowerOff()
			require.NoError(t, r.group.SetRecovery([]byte("more"), public, second))
			require.Equal(t, before.Escrows, r.group.Record().Escrows)
			require.NoError(t, r.group.SetRecovery([]byte("less"), second), "a key that is known needs no group key")
			require.Equal(t, before.Escrows[1:], r.group.Record().Escrows)
			require.ErrorIs(t, r.group.Recover(&private), ErrNoEscrow)
		})
	}
}

func TestObjectKeys(t *testing.T) {
	r := newRig(t)
	r.group = NewOf(TCT, r.servers(), r.random, r.store)
	key := secret.Key32{1}
	_, err := r.group.WrapObjectKey(&key)
	require.ErrorIs(t, err, ErrUnconfigured)
	require.NoError(t, r.group.Configure(""))
	w, err := r.group.WrapObjectKey(&key)
	require.NoError(t, err)
	r.restart()
	got, err := r.group.UnwrapObjectKey(w)
	require.NoError(t, err)
	require.True(t, got.Equal(&key))
	w[3] ^= 1
	_, err = r.group.UnwrapObjectKey(w)
	require.ErrorIs(t, err, ErrUnwrap)
	r.group.PowerOff()
	_, err = r.group.UnwrapObjectKey(w)
	require.ErrorIs(t, err, ErrInaccessible)
	_, err = accessible(t).group.WrapObjectKey(&key)
	require.ErrorIs(t, err, ErrKind, "the key of drives wraps no objects")
	require.Panics(t, func() { NewOf(2, nil, r.random, r.store) })
	require.Equal(t, "DAR TCT kind 7", DAR.String()+" "+TCT.String()+" "+Kind(7).String())
}
