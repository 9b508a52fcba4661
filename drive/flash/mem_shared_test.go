package flash

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// longRecord is a long page that differs from the others in its first bytes and in its last ones.
func longRecord(n byte) []byte {
	b := bytes.Repeat([]byte{0x5A}, 5000)
	b[0], b[len(b)-1] = n, n
	return append(b, bytes.Repeat([]byte{0xFF}, 16384-len(b))...)
}

var longPages = Geometry{Blocks: 4, PagesPerBlock: 4, PageSize: 16384}

// Long pages of a block share what is alike in them, and nothing else.
func TestLongPagesShareWhatIsAlike(t *testing.T) {
	m := NewMem(longPages)
	for n := range 3 {
		require.NoError(t, m.Program(0, n, longRecord(byte(n))))
	}
	require.NoError(t, m.Program(1, 0, longRecord(2)))
	first, second, elsewhere := m.pages[0].shared, m.pages[1].shared, m.pages[4].shared
	require.Len(t, first.chunks, 20)
	for k := range first.chunks {
		alike := k != 0 && k != 19
		require.Equal(t, alike, first.chunks[k] == second.chunks[k], "chunk %d", k)
		require.NotSame(t, first.chunks[k], elsewhere.chunks[k], "no block depends on another one")
	}

	holds := func(block, page int, want []byte) {
		t.Helper()
		got := make([]byte, longPages.PageSize)
		require.NoError(t, m.Read(block, page, got))
		require.True(t, bytes.Equal(want, got), "block %d page %d", block, page)
	}
	require.NoError(t, m.Decay(0, 2, 2000*8))
	rotten := longRecord(2)
	rotten[2000] ^= 1
	holds(0, 2, rotten)
	holds(0, 1, longRecord(1))

	c := m.Clone()
	require.Equal(t, first.chunks[1], c.pages[0].shared.chunks[1])
	require.NotSame(t, first.chunks[1], c.pages[0].shared.chunks[1], "a clone shares nothing with what it is of")
	require.Same(t, c.pages[0].shared.chunks[1], c.pages[1].shared.chunks[1])

	own, alike := second.chunks[0], second.chunks[1]
	require.NoError(t, m.Zero(0, 1))
	holds(0, 0, longRecord(0))
	holds(0, 1, make([]byte, longPages.PageSize))
	holds(0, 2, rotten)
	require.Equal(t, chunk{}, *own, "what was on that page alone is gone")
	require.NotEqual(t, chunk{}, *alike)
	require.NoError(t, m.Erase(0))
	require.Equal(t, chunk{}, *alike, "nothing of the block is left")
	holds(0, 0, bytes.Repeat([]byte{0xFF}, longPages.PageSize))
	holds(1, 0, longRecord(2))
}

// Whatever is done to long pages, they hold what a plain copy of them holds.
func TestLongPagesHoldWhatWasWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	m, plain := NewMem(longPages), map[int][]byte{}
	blank := bytes.Repeat([]byte{0xFF}, longPages.PageSize)
	for range 500 {
		i := r.IntN(8)
		block, page := i/4, i%4
		switch r.IntN(8) {
		case 0:
			require.NoError(t, m.Erase(block))
			for n := range 4 {
				delete(plain, block*4+n)
			}
		case 1:
			require.NoError(t, m.Zero(block, page))
			plain[i] = make([]byte, longPages.PageSize)
		case 2:
			if plain[i] == nil {
				continue // a blank page that decays holds a bit
			}
			bit := r.IntN(6000 * 8)
			require.NoError(t, m.Decay(block, page, bit))
			plain[i] = bytes.Clone(plain[i])
			plain[i][bit/8] ^= 1 << (bit % 8)
		default:
			b := longRecord(byte(r.IntN(3)))
			fill(b[r.IntN(5000):])
			b[r.IntN(3)*256] = byte(r.IntN(256))
			if plain[i] != nil || bytes.Equal(b, blank) {
				continue
			}
			require.NoError(t, m.Program(block, page, b))
			plain[i] = b
		}
		for n := range 8 {
			want, got := plain[n], make([]byte, longPages.PageSize)
			if want == nil {
				want = blank
			}
			require.NoError(t, m.Read(n/4, n%4, got))
			require.True(t, bytes.Equal(want, got), "page %d", n)
		}
	}
}
