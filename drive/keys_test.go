package drive

import (
	"testing"

	"github.com/stretchr/testify/require"
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
