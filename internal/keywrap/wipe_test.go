package keywrap

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/internal/aes256"
	"github.com/seed-9d983aeb/fdelab/internal/leftover"
)

// copies counts what is in the memory of this process, by the name of what is looked for.
func copies(t *testing.T, needles ...*leftover.Needle) map[string]int {
	t.Helper()
	found, err := leftover.Search(needles...)
	if errors.Is(err, leftover.ErrUnsupported) {
		t.Skipf("skipped: %v", err)
	}
	require.NoError(t, err)
	out := map[string]int{}
	for i, n := range needles {
		if found[i] > 0 {
			out[n.Name] = found[i]
		}
	}
	return out
}

// masked holds a key so that the search does not find it here.
type masked [16]byte

// held is where the test has its keys: on a stack, one that grows would leave copies.
var held struct{ kek, key, register [32]byte }

// fill puts the key, twice, where the test wants it.
func (m *masked) fill(to *[32]byte) {
	for i := range to {
		to[i] = m[i%len(m)] ^ 0x5A ^ byte(i/len(m))
	}
}

// TestNeitherKeyIsLeft: once the caller has cleared what is his, the process holds neither
// key, nor the schedule of the key-encrypting key, whose first words are the key. The portable path
// has its schedules on the heap, where nothing overwrites them by chance.
func TestNeitherKeyIsLeft(t *testing.T) {
	for _, path := range aes256.Paths() {
		t.Run(path.String(), func(t *testing.T) { neitherKeyIsLeft(t, path) })
	}
}

func neitherKeyIsLeft(t *testing.T, path aes256.Path) {
	kek := &masked{0x91, 3, 0x77, 0x12, 0xE0, 5, 0x39, 0x28, 0x44, 0x9B, 0xC1, 0x60, 0x0D, 0xF2, 0x6E, 0x53}
	key := &masked{0x1C, 0xB7, 0x02, 0x8E, 0xD5, 0x49, 0xAA, 0x31, 0x66, 0xF8, 0x17, 0x9D, 0xE3, 0x20, 0x75, 0x4B}
	kek.fill(&held.kek)
	key.fill(&held.key)
	copy(held.register[copy(held.register[:], bytes.Repeat([]byte{0xA6}, 8)):], held.key[:8])
	all := []*leftover.Needle{
		leftover.New("KEK", held.kek[:]), leftover.New("key", held.key[:]), leftover.New("register beside the head of the key", held.register[:]),
	}
	clear(held.register[:])

	wrapped, err := WrapOn(path, held.kek[:], held.key[:])
	require.NoError(t, err)
	require.Equal(t, map[string]int{"KEK": 1, "key": 1}, copies(t, all...), "a wrap leaves what the caller has")
	clear(held.key[:])

	out, err := UnwrapOn(path, held.kek[:], wrapped)
	require.NoError(t, err)
	clear(out)
	wrapped[0] ^= 1
	_, err = UnwrapOn(path, held.kek[:], wrapped)
	require.ErrorIs(t, err, ErrIntegrity)
	clear(held.kek[:])
	require.Empty(t, copies(t, all...), "an unwrap leaves nothing, refused or not")
}

// TestARefusedKeyIsNotLeft: what unwraps to another value of the register, by one bit, under
// the right key-encrypting key, is the key itself. It is refused, and nothing of it stays.
func TestARefusedKeyIsNotLeft(t *testing.T) {
	kek, err := hex.DecodeString("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	require.NoError(t, err)
	wrapped, err := hex.DecodeString("e501895d3f21b57e267ced0a098177b4257ac59161b0f538")
	require.NoError(t, err)
	b, err := hex.DecodeString("3b9011c762fe05a8d47d2986eb1f539a")
	require.NoError(t, err)
	key := leftover.New("key", b)
	clear(b)
	out, err := Unwrap(kek, wrapped)
	require.ErrorIs(t, err, ErrIntegrity)
	require.Nil(t, out)
	require.Empty(t, copies(t, key))
}
