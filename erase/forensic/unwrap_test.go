package forensic

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// places gives a search places of these sizes, each on a page of its own.
func places(sizes ...int) *search {
	x := newSearch(drive.Dump{}, nil, Options{})
	for i, size := range sizes {
		p := whole(noise(fmt.Sprint("place ", i), 8+size))
		x.blobs = append(x.blobs, blob{&p, 8, size})
	}
	return x
}

// opens makes the i-th place a wrap, and returns the key in it.
func (s *search) opens(t *testing.T, i int, k *secret.Key32) []byte {
	b := &s.blobs[i]
	key := noise(fmt.Sprint("key ", i), b.size-keywrap.Overhead)
	wrapped, err := keywrap.Wrap(k[:], key)
	require.NoError(t, err)
	copy(b.bytes(), wrapped)
	return key
}

// What is wanted goes into batches of eight of one size, in its order.
func TestBatches(t *testing.T) {
	var sizes []int
	for i := range 20 {
		sizes = append(sizes, map[bool]int{true: 72, false: 40}[i%5 == 0]) // 0, 5, 10, 15
	}
	x := places(sizes...)
	require.Equal(t, []*batch{
		{72, []int{0, 5, 10, 15}}, {40, []int{1, 2, 3, 4, 6, 7, 8, 9}}, {40, []int{11, 12, 13, 14, 16, 17, 18, 19}},
	}, x.batched(func(int) bool { return true }))
	require.Equal(t, []*batch{{40, []int{2, 4, 6, 8, 12, 14, 16, 18}}, {72, []int{10}}}, x.batched(func(i int) bool { return i > 0 && i%2 == 0 }))
	require.Equal(t, []*batch{{40, []int{7, 3}}, {72, []int{15}}}, x.batchesOf([]int{7, 15, 3}))
	require.Empty(t, x.batched(func(int) bool { return false }))
	require.Empty(t, x.batchesOf(nil))
}

// What opens comes in the order of the places, whatever batch it lies in.
func TestAKEKIsTriedOnEveryPlaceOfItsBatches(t *testing.T) {
	k := kek{key: &secret.Key32{1, 2}}
	x := places(40, 72, 40, 72, 40, 40, 40, 40, 40, 40, 40, 40) // eight of 40 bytes, two of 72, two more of 40
	var want []hit
	for _, i := range []int{0, 1, 2, 3, 9, 11} {
		want = append(want, hit{turn: 4, kek: &k, blob: i, key: x.opens(t, i, k.key)})
	}
	w := newWorker(x)
	w.turn = 4
	w.open.Expand((*[32]byte)(k.key))
	all := x.batched(func(int) bool { return true })
	require.Len(t, all, 3)
	w.tryAll(&k, all)
	require.Equal(t, want, w.hits)
	require.Equal(t, 12, w.tried.Unwraps, "what fills up a batch does not count")

	w.hits = nil
	w.tryAll(&k, x.batchesOf([]int{4, 11, 5})) // one opens
	require.Equal(t, want[5:], w.hits)
	require.Equal(t, 15, w.tried.Unwraps)
	w.hits = nil
	w.open.Expand(&[32]byte{3})
	w.tryAll(&k, all)
	require.Empty(t, w.hits, "another KEK opens nothing")
}

func TestOneWrapIsOpened(t *testing.T) {
	k := kek{key: &secret.Key32{1, 2}}
	for _, size := range []int{40, 72} {
		x := places(size, size)
		before := string(x.blobs[1].page.full)
		key := x.opens(t, 0, k.key)
		w := newWorker(x)
		w.turn = 9
		w.open.Expand((*[32]byte)(k.key))
		w.openOne(&k, 1)
		require.Empty(t, w.hits, "that is none")
		require.Equal(t, before, string(x.blobs[1].page.full), "the dump stays as it is")
		w.openOne(&k, 0)
		require.Equal(t, []hit{{turn: 9, kek: &k, blob: 0, key: key}}, w.hits)
		require.Same(t, &k, w.hits[0].kek)
		require.Equal(t, make([]byte, size), w.buf[:size], "no key stays")
		require.Zero(t, w.tried.Unwraps, "the caller counts")
	}
}

func TestDifferentBytes(t *testing.T) {
	for _, c := range []struct {
		b        []byte
		distinct int
	}{{nil, 0}, {[]byte{0}, 1}, {[]byte{7, 7}, 1}, {[]byte{7, 0}, 2}, {[]byte{1, 2, 1, 2, 3}, 3}, {[]byte{0, 255}, 2}} {
		require.Equal(t, c.distinct, distinct(c.b), "%v", c.b)
		require.Equal(t, c.distinct < 2, uniform(c.b), "%v", c.b)
	}
	all := make([]byte, 512)
	for i := range all {
		all[i] = byte(i)
	}
	require.Equal(t, 256, distinct(all))
}

// Eight bytes are varied if they have four values, wherever those stand. Every one of five values stands at
// every place.
func TestVaried(t *testing.T) {
	for n := range 5 * 5 * 5 * 5 * 5 {
		b := []byte{9, 9, 9, 9, 9, 9, 9, 9}
		for i, rest := 1, n; i < 6; i, rest = i+1, rest/5 {
			b[i+n%3] = []byte{9, 0, 1, 2, 255}[rest%5]
		}
		require.Equal(t, distinct(b) >= 4, varied(b), "%v", b)
		b[0] = 0
		require.Equal(t, distinct(b) >= 4, varied(b), "%v", b)
	}
}
