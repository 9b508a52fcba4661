package keywrap

import (
	"bytes"
	"crypto/aes"
	"crypto/sha512"
	"testing"

	josecipher "github.com/go-jose/go-jose/v4/cipher"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/internal/aes256"
)

// TestOpenEight: each of eight wraps opens as it does alone, whichever of them are altered.
func TestOpenEight(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		rapid.Check(t, func(t *rapid.T) {
			raw := drawKey(t, "kek", 32)
			size := 8 * rapid.IntRange(3, 12).Draw(t, "blocks")
			good := rapid.Byte().Draw(t, "which open")
			var all, want []byte
			for i := range Eight {
				key := drawKey(t, "key", size-Overhead)
				one, err := WrapOn(path, raw, key)
				require.NoError(t, err)
				result := append([]byte{0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6}, key...)
				if good&(1<<i) == 0 {
					one[rapid.IntRange(0, size-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
					result = make([]byte, size)
				}
				all, want = append(all, one...), append(want, result...)
			}
			var k KEK
			require.NoError(t, k.expand(raw, path))
			require.Equal(t, good, k.OpenEight(all))
			require.Equal(t, want, all, "what does not open is zeros")
		})
	})
}

// TestAKEKIsOfThePathThatWasAskedFor: assembly has a schedule of its own for 32 bytes, and for no
// other length.
func TestAKEKIsOfThePathThatWasAskedFor(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		for n, want := range map[int]aes256.Path{16: aes256.Generic, 24: aes256.Generic, 32: path} {
			var k KEK
			require.NoError(t, k.expand(make([]byte, n), path))
			require.Equal(t, want, k.schedule.Path, "%d bytes", n)
		}
	})
}

func TestAKEKOpensWhatWrapMade(t *testing.T) {
	raw, key := [32]byte{1, 2, 3}, bytes.Repeat([]byte("key."), 8)
	wrapped, err := Wrap(raw[:], key)
	require.NoError(t, err)
	var k KEK
	k.Expand(&raw)
	require.True(t, k.Open(wrapped))
	require.Equal(t, key, wrapped[Overhead:])
}

// TestWrongLengthsAreBugs: the methods of KEK take what their caller has checked.
func TestWrongLengthsAreBugs(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		var k KEK
		require.NoError(t, k.expand(make([]byte, 32), path))
		for _, n := range []int{0, 8, 16, 23, 25, 4112} {
			require.Panics(t, func() { k.Open(make([]byte, n)) }, "%d bytes", n)
			require.Panics(t, func() { k.Wrap(make([]byte, n)) }, "%d bytes", n)
			require.Panics(t, func() { k.OpenEight(make([]byte, 8*n)) }, "8 of %d bytes", n)
		}
		require.Panics(t, func() { k.OpenEight(make([]byte, 8*24+1)) })
	})
}

// TestOpenAllocatesNothing, on any path: the search for keys opens millions.
func TestOpenAllocatesNothing(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		var k KEK
		require.NoError(t, k.expand(make([]byte, 32), path))
		one, eight := make([]byte, 40), make([]byte, 8*40)
		require.Zero(t, testing.AllocsPerRun(50, func() { k.Open(one); k.OpenEight(eight) }))
	})
}

// FuzzAgainstJose holds every path against go-jose: the same wrap, and the same verdict on any
// bytes.
func FuzzAgainstJose(f *testing.F) {
	f.Add([]byte("kek"), []byte("key"), uint8(2), uint16(0))
	f.Add([]byte{}, []byte{0xff}, uint8(64), uint16(77))
	f.Fuzz(func(t *testing.T, seed, text []byte, blocks uint8, flip uint16) {
		digest := sha512.Sum512(seed)
		kek := digest[:32]
		key := bytes.Repeat(digest[32:], 64)[:8*(2+int(blocks)%63)]
		copy(key, text)
		block, err := aes.NewCipher(kek)
		require.NoError(t, err)
		want, err := josecipher.KeyWrap(block, key)
		require.NoError(t, err)
		altered := bytes.Clone(want)
		altered[int(flip/8)%len(altered)] ^= 1 << (flip % 8)
		for _, path := range aes256.Paths() {
			got, err := WrapOn(path, kek, key)
			require.NoError(t, err)
			require.Equal(t, want, got, path)
			back, err := UnwrapOn(path, kek, want)
			require.NoError(t, err)
			require.Equal(t, key, back, path)
			_, theirs := josecipher.KeyUnwrap(block, altered)
			_, ours := UnwrapOn(path, kek, altered)
			require.Equal(t, theirs != nil, ours != nil, path)
			require.ErrorIs(t, ours, ErrIntegrity)

			var k KEK
			require.NoError(t, k.expand(kek, path))
			var eight, opened []byte
			for i := range Eight { // the bits of flip say which of the eight are altered
				one, plain := want, append(make([]byte, Overhead), key...)
				if flip>>(8+i)&1 == 1 {
					one, plain = altered, make([]byte, len(want))
				}
				eight, opened = append(eight, one...), append(opened, plain[Overhead:]...)
			}
			require.Equal(t, ^uint8(flip>>8), k.OpenEight(eight), path)
			var keys []byte
			for i := range Eight {
				keys = append(keys, eight[i*len(want)+Overhead:(i+1)*len(want)]...)
			}
			require.Equal(t, opened, keys, "%v: what does not open is cleared", path)
		}
	})
}

// BenchmarkOpenEight is eight unwraps of a 32-byte key under one key, beside eight alone.
func BenchmarkOpenEight(b *testing.B) {
	for _, path := range aes256.Paths() {
		var k KEK
		require.NoError(b, k.expand(make([]byte, 32), path))
		wraps := make([]byte, 8*40)
		b.Run(path.String()+"/together", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k.OpenEight(wraps)
			}
		})
		b.Run(path.String()+"/alone", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for i := range Eight {
					k.Open(wraps[40*i : 40*i+40])
				}
			}
		})
	}
}

// TestOpenEither: a wrap with padding opens where it is asked for. The key needs none; the wrap is of
// pyca/cryptography's aes_key_wrap_with_padding.
func TestOpenEither(t *testing.T) {
	var kek [32]byte
	for i := range kek {
		kek[i] = byte(i)
	}
	wrap := unhex(t, "c783bf3f6ee99c48dabbc410e284c52cbf758578989de18a3294c9a4d197c8a26270488b1ce98016")
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		var k KEK
		k.ExpandOn(path, &kek)
		b := bytes.Clone(wrap)
		require.True(t, k.OpenEither(b))
		require.Equal(t, kek[:], b[Overhead:])
		require.Equal(t, uint8(0xFF), k.OpenEight(bytes.Repeat(wrap, Eight)))
		b = bytes.Clone(wrap)
		require.False(t, k.Open(b), "a drive's own wraps have none")
		require.Equal(t, make([]byte, 40), b)
		b = bytes.Clone(wrap)
		b[7] ^= 1
		require.False(t, k.OpenEither(b))
		own, err := Wrap(kek[:], kek[:])
		require.NoError(t, err)
		require.True(t, k.OpenEither(own))
	})
}
