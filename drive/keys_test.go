package drive

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// What wraps are made and opened with is cleared before somebody else borrows it.
func TestAKeyRoomIsGivenBackEmpty(t *testing.T) {
	r := borrowKeys()
	for i := range r.buffer {
		r.buffer[i] = 7
	}
	r.derived[3], r.keks.ikm[5] = 7, 7
	r.giveBack()
	require.True(t, constant(r.buffer[:], 0) && constant(r.derived[:], 0) && constant(r.keks.ikm[:], 0))
}

// A short PIN leaves nothing of what it is stretched to.
func TestAShortPINLeavesNoKey(t *testing.T) {
	keys := watchKeys(t)
	root, err := (&Drive{entropy: forget()}).newAK()
	require.NoError(t, err)
	pin, err := NewPIN([]byte("short"))
	require.NoError(t, err)
	kek, err := KEK(root, pin, [SaltSize]byte{1}, 2)
	require.NoError(t, err)
	kek.Clear()
	root.Clear()
	require.NotEmpty(t, keys.made)
	require.Zero(t, keys.left(nil))
}

// A short PIN is stretched once for several root keys, and anew where anything else differs.
func TestKeysDerivedInTurnAreAsEachAlone(t *testing.T) {
	k := NewKEKs()
	short, other, long := PIN{}, PIN{}, PIN{}
	for text, pin := range map[string]*PIN{"short": &short, "shoru": &other, "a PIN with all of its 32 bytes..": &long} {
		var err error
		*pin, err = NewPIN([]byte(text))
		require.NoError(t, err)
	}
	require.Equal(t, PINSize, long.Len())
	roots := []*secret.Key32{{}, {1}}
	for i, c := range []struct {
		root       int
		pin        PIN
		salt       byte
		iterations int
		clear      bool
	}{
		{0, short, 1, 2, false},
		{1, short, 1, 2, false},
		{1, other, 1, 2, false},
		{1, short, 1, 2, false},
		{1, short, 2, 2, false},
		{0, short, 2, 3, false},
		{0, long, 2, 3, false},
		{0, short, 2, 3, false},
		{1, long, 4, 3, false},
		{1, short, 2, 3, true},
		{1, short, 2, 3, false},
	} {
		if c.clear {
			k.Clear()
		}
		var got secret.Key32
		salt := [SaltSize]byte{c.salt}
		require.NoError(t, k.Derive(&got, roots[c.root], c.pin, salt, c.iterations))
		want, err := KEK(roots[c.root], c.pin, salt, c.iterations)
		require.NoError(t, err)
		require.Equal(t, want[:], got[:], "derivation %d", i)
	}
	mine := k.short
	require.NotZero(t, mine.Len())
	k.Clear()
	require.Zero(t, mine.Len(), "the PIN is cleared, too")
	require.True(t, constant(k.ikm[:], 0))
}
