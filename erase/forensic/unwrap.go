package forensic

import (
	"bytes"
	"slices"

	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// batch is up to eight places of one size, which are opened at once: their numbers in search.blobs.
type batch struct {
	size   int
	places []int
}

// batched puts the places that are wanted into batches.
func (s *search) batched(wanted func(i int) bool) []*batch {
	var list []int
	for i := range s.blobs {
		if wanted(i) {
			list = append(list, i)
		}
	}
	return s.batchesOf(list)
}

// batchesOf puts places, given by their numbers, into batches.
func (s *search) batchesOf(list []int) []*batch {
	var out []*batch
	filling := map[int]*batch{}
	for _, i := range list {
		p := &s.blobs[i]
		b := filling[p.size]
		if b == nil || len(b.places) == keywrap.Eight {
			b = &batch{size: p.size}
			filling[p.size] = b
			out = append(out, b)
		}
		b.places = append(b.places, i)
	}
	return out
}

// tryAll tries the KEK that is expanded in w.open on every place of the batches, and keeps what opens
// in the order of the places.
func (w *worker) tryAll(k *kek, batches []*batch) {
	var good []int
	for _, b := range batches {
		w.tried.Unwraps += len(b.places)
		wraps := w.buf[:keywrap.Eight*b.size]
		for i := range keywrap.Eight { // a batch that is not full is filled up with its last place
			copy(wraps[i*b.size:], w.s.blobs[b.places[min(i, len(b.places)-1)]].bytes())
		}
		mask := w.open.OpenEight(wraps)
		for i := 0; mask != 0 && i < len(b.places); i++ {
			if mask&(1<<i) != 0 {
				good = append(good, b.places[i])
			}
		}
	}
	slices.Sort(good)
	for _, i := range good {
		w.openOne(k, i)
	}
}

// openOne opens the wrap at a place with the KEK that is expanded in w.open.
func (w *worker) openOne(k *kek, blob int) {
	b := &w.s.blobs[blob]
	wrapped := w.buf[:b.size]
	copy(wrapped, b.bytes())
	if w.open.OpenEither(wrapped) {
		w.hits = append(w.hits, hit{turn: w.turn, kek: k, blob: blob, key: bytes.Clone(wrapped[keywrap.Overhead:])})
		clear(wrapped)
	}
}

// distinct counts the different byte values in w.
func distinct(w []byte) int {
	var seen [256]bool
	n := 0
	for _, c := range w {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n
}

// uniform says whether all bytes of w are the same.
func uniform(w []byte) bool {
	for _, c := range w {
		if c != w[0] {
			return false
		}
	}
	return true
}

// varied says whether 8 bytes hold 4 different values or more, as random ones
// do but for one in 10^9.
func varied(w []byte) bool {
	var other [3]byte // values beside w[0]
	n := 0
	for _, c := range w {
		if c == w[0] || n > 0 && c == other[0] || n > 1 && c == other[1] {
			continue
		}
		if n == 2 {
			return true
		}
		other[n] = c
		n++
	}
	return false
}
