package leftover

import (
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// planted and kept keep what is planted on the heap: a stack is copied when it
// grows, and what it was stays in memory.
var (
	planted []byte
	kept    [][]byte
)

// TestSearchFindsWhatIsThere: each copy that is planted counts, on the heap, in
// static data and behind something else; cleared, none does. The search does not
// find its own needles.
func TestSearchFindsWhatIsThere(t *testing.T) {
	planted = make([]byte, 32)
	key := planted
	for i := range key { // a source of randomness would keep a copy of its own
		key[i] = byte(i*i*13 + i*59 + 101)
	}
	n := New("planted", key)
	count := func() int {
		found, err := Search(n, New("the other half", key[16:]))
		if errors.Is(err, ErrUnsupported) {
			t.Skip("skipped: ", err)
		}
		require.NoError(t, err)
		require.Equal(t, found[0], found[1], "both halves are where the key is")
		return found[0]
	}
	require.Equal(t, 1, count(), "the key itself")
	for i := range 3 {
		room := make([]byte, 3<<20)
		copy(room[i*(1<<20)-i*7+1:], key) // also across the border of a chunk
		kept = append(kept, room)
		require.Equal(t, 2+i, count(), "and %d copies", i+1)
	}
	for _, room := range kept {
		clear(room)
	}
	require.Equal(t, 1, count())
	clear(key)
	require.Zero(t, func() int { f, err := Search(n); require.NoError(t, err); return f[0] }())
	kept = nil
	runtime.KeepAlive(key)
}

func TestNewRefusesWhatIsFoundAnywhere(t *testing.T) {
	require.Panics(t, func() { New("short", make([]byte, 15)) })
	require.Panics(t, func() { New("zeros", make([]byte, 32)) })
}
