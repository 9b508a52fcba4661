package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hkdf"
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestDerive32IsHKDF(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ikm, salt := rapid.SliceOf(rapid.Byte()).Draw(t, "ikm"), rapid.SliceOf(rapid.Byte()).Draw(t, "salt")
		info := rapid.String().Draw(t, "info")
		want, err := hkdf.Key(sha256.New, ikm, salt, info, 32)
		require.NoError(t, err)
		require.Equal(t, want, Derive32(ikm, salt, info)[:])
	})
}

type foreign struct{ cipher.Block }

func TestWipeCipher(t *testing.T) {
	b, err := aes.NewCipher([]byte("0123456789abcdef0123456789ABCDEF"))
	require.NoError(t, err)
	var before, after [16]byte
	b.Encrypt(before[:], after[:])
	require.True(t, WipeCipher(b), "the schedule of crypto/aes can be overwritten")
	func() {
		defer func() { _ = recover() }() // no rounds: whatever it does now, it is not AES with the key
		b.Encrypt(after[:], make([]byte, 16))
	}()
	require.NotEqual(t, before, after)
	other, err := des.NewCipher([]byte("8 bytes!"))
	require.NoError(t, err)
	require.False(t, WipeCipher(&foreign{other}), "what holds a pointer is left alone")
	require.False(t, WipeCipher(nil))

	b, err = aes.NewCipher([]byte("0123456789abcdef0123456789ABCDEF"))
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(b)
	require.NoError(t, err)
	require.True(t, WipeCipher(gcm), "GCM has a copy of the schedule, which can be overwritten, too")
}
