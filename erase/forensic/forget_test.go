package forensic

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// A search clears every key that it was given, derived or reached; the caller's secrets stay.
func TestASearchForgetsItsKeys(t *testing.T) {
	s := newScene(t)
	s.page(0, 0, 24, s.salt[:], 40, s.wrap(s.kek(&s.root, s.pin), s.ak[:]), 80, s.wrap(s.ak[:], s.mek[:]))
	var roots, derived []*secret.Key32
	var pins []drive.PIN
	kdf := func(root *secret.Key32, pin drive.PIN, salt [16]byte) (*secret.Key32, error) {
		k, err := drive.KEK(root, pin, salt, 1)
		if err == nil {
			for _, d := range derived {
				require.Equal(t, secret.Key32{}, *d, "a KEK is cleared before the next is derived")
			}
			roots, pins, derived = append(roots, root), append(pins, pin), append(derived, k)
		}
		return k, err
	}
	f := s.search(Options{KDF: kdf, Deep: true})
	require.NotEmpty(t, f.Keys)
	require.Greater(t, len(derived), 16)
	for i := range derived {
		require.Equal(t, secret.Key32{}, *derived[i])
		require.Equal(t, secret.Key32{}, *roots[i])
		require.Zero(t, pins[i].Len())
	}
	require.Equal(t, s.root[:], s.secrets[0].b)
	require.Equal(t, s.pin.Bytes(), s.secrets[1].b)

	for _, deep := range []bool{false, true} {
		x := newSearch(drive.Dump{Flash: s.pages}, []Oracle{s.oracle}, Options{Deep: deep})
		x.run(s.secrets)
		require.NotEmpty(t, x.out.Keys)
		x.forget()
		require.NotEmpty(t, x.keks)
		for _, k := range x.keks {
			require.Equal(t, secret.Key32{}, *k.key, "%v", k.path)
		}
		require.Empty(t, x.seen, "not a hash of a key stays, either")
	}

	x := newSearch(drive.Dump{}, nil, Options{})
	k, same := s.ak, s.ak
	x.add(kek{key: &k})
	x.add(kek{key: &same})
	require.Equal(t, s.ak, k)
	require.Equal(t, secret.Key32{}, same, "a KEK that is known is cleared at once")
	require.Len(t, x.keks, 1)
}

func TestASecretIsCleared(t *testing.T) {
	k := secret.Key32(noise("key", 32))
	for _, s := range []Secret{Key("key", &k), Root(&k), PIN("PIN", drive.CredentialPIN(&k))} {
		require.Equal(t, k[:], s.b)
		s.Clear()
		require.Equal(t, make([]byte, 32), s.b)
	}
	require.Equal(t, secret.Key32(noise("key", 32)), k, "the caller's key stays")
}
