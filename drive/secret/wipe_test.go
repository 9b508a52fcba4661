package secret

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
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

// Each part may be longer than the room on the stack.
func TestDerive32OfAnyLength(t *testing.T) {
	for _, n := range []int{0, 1, 31, 32, 63, 64, 65, 128, 190, 191, 192, 193, 1000} {
		part := bytes.Repeat([]byte{byte(n)}, n)
		for _, c := range [][3][]byte{{part, nil, nil}, {{1}, part, nil}, {{1}, {2}, part}} {
			want, err := hkdf.Key(sha256.New, c[0], c[1], string(c[2]), 32)
			require.NoError(t, err)
			require.Equal(t, want, Derive32(c[0], c[1], string(c[2]))[:], "%d bytes", n)
		}
	}
}

// The result is on the heap, and the key between the two steps; nothing else is.
func TestDerive32AllocatesTheKeys(t *testing.T) {
	ikm, salt := make([]byte, 32), make([]byte, 32)
	require.LessOrEqual(t, testing.AllocsPerRun(50, func() { Derive32(ikm, salt, "fdelab/kek/1") }), 2.0)
}

func BenchmarkDerive32(b *testing.B) {
	ikm, salt := make([]byte, 32), make([]byte, 32)
	b.Run("stack", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Derive32(ikm, salt, "fdelab/kek/1")
		}
	})
	b.Run("crypto-hkdf", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = hkdf.Key(sha256.New, ikm, salt, "fdelab/kek/1", 32)
		}
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

// A Deriver gives what Derive32 gives, derivation after derivation, and Clear leaves nothing in it.
func TestADeriverIsDerive32(t *testing.T) {
	var d Deriver
	for _, n := range []int{0, 32, 64, 65, 192, 193, 1000, 16} {
		ikm, salt, info := bytes.Repeat([]byte{byte(n)}, n), bytes.Repeat([]byte{2}, n), string(make([]byte, n))
		var out Key32
		d.Derive32(&out, ikm, salt, info)
		require.Equal(t, *Derive32(ikm, salt, info), out, "%d bytes", n)
	}
	require.Equal(t, Redacted, fmt.Sprintf("%v", &d))
	d.Clear()
	require.Zero(t, d)
}
