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
func (s *search) batched(wanted func(*blob) bool) []*batch {
	var out []*batch
	filling := map[int]*batch{}
	for i := range s.blobs {
		p := &s.blobs[i]
		if !wanted(p) {
			continue
		}
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

// tryAll tries one KEK on every place of the batches, and takes in what opens in the order of the
// places.
func (s *search) tryAll(k *kek, batches []*batch) {
	s.open.Expand((*[32]byte)(k.key))
	defer s.open.Clear()
	var good []int
	for _, b := range batches {
		s.out.Tried.Unwraps += len(b.places)
		wraps := s.buf[:keywrap.Eight*b.size]
		for i := range keywrap.Eight { // a batch that is not full is filled up with its last place
			copy(wraps[i*b.size:], s.blobs[b.places[min(i, len(b.places)-1)]].bytes())
		}
		for i, mask := 0, s.open.OpenEight(wraps); i < len(b.places); i++ {
			if mask&(1<<i) != 0 {
				good = append(good, b.places[i])
			}
		}
	}
	slices.Sort(good)
	for _, i := range good {
		s.openOne(k, &s.blobs[i])
	}
}

// openOne opens a wrap with the KEK that is expanded in s.open.
func (s *search) openOne(k *kek, b *blob) {
	wrapped := s.buf[:b.size]
	copy(wrapped, b.bytes())
	if s.open.Open(wrapped) {
		s.opened(k, b, wrapped[keywrap.Overhead:])
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
	for _, c := range w[1:] {
		if c != w[0] {
			return false
		}
	}
	return true
}

// varied says whether 8 bytes hold 4 different values or more, as random ones
// do but for one in 10^9.
func varied(w []byte) bool {
	n := 0
	for i, c := range w {
		if bytes.IndexByte(w[:i], c) < 0 {
			n++
		}
	}
	return n >= 4
}
