package forensic

import (
	"bytes"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/aes256"
)

// half is a 32-byte window, expanded, with the tweak it gives for each oracle.
type half struct {
	key    aes256.Schedule
	tweaks [][16]byte
}

// make fills in a half, over what was in it.
func (w *worker) make(h *half, window []byte) {
	expand(&h.key, window)
	if len(h.tweaks) != len(w.s.oracles) {
		h.tweaks = make([][16]byte, len(w.s.oracles))
	}
	for i := range w.s.oracles {
		w.s.oracles[i].tweak(&h.key, &h.tweaks[i])
	}
}

// bareKeys tries every 64-byte window as an XTS key, in both orders.
func (s *search) bareKeys() {
	if len(s.oracles) == 0 {
		return
	}
	first := s.firstUniform()
	s.share(len(s.pages), pagesInShare, func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			w.windows(i, &first)
			if s.opts.Deep {
				w.apart(&s.pages[i])
			}
		}
	})
}

// spot is a place in the dump; page is from 1, so that the zero value is none.
type spot struct{ page, offset int }

// pagesBefore is how many of the pages before are looked at for a window that was tried. A drive writes
// records that differ in a count, to and fro.
const pagesBefore = 8

// pageBefore is one of the pages before with the same bytes in the same place, or -1. Blank bytes behind
// the data of a page do not count, because they were not tried there. hint is a page to look at first:
// where one place is the same, so are the next, as a rule.
func (s *search) pageBefore(page, from, to, hint int) int {
	bytesHere := s.pages[page].full[from:to]
	same := func(i int) bool {
		before := &s.pages[i]
		return from < len(before.data) && to <= len(before.full) && bytes.Equal(bytesHere, before.full[from:to])
	}
	first := max(0, page-pagesBefore)
	if hint >= first && hint < page && same(hint) {
		return hint
	}
	for i := page - 1; i >= first; i-- {
		if i != hint && same(i) {
			return i
		}
	}
	return -1
}

// firstUniform is where the first window of each value lies that is made of one value. The others
// need not be tried.
func (s *search) firstUniform() (first [256]spot) {
	for i := range s.pages {
		p := &s.pages[i]
		for off, end := 0, 0; off < len(p.data); off = end {
			for end = off; end < len(p.full) && p.full[end] == p.full[off]; {
				end++
			}
			if at := &first[p.full[off]]; at.page == 0 && end-off >= 64 {
				*at = spot{i + 1, off}
			}
		}
	}
	return first
}

// windows tries the windows of a page. A 32-byte window is the first half of one key and the second
// half of another, so each is expanded once.
func (w *worker) windows(page int, first *[256]spot) {
	s := w.s
	p := &s.pages[page]
	if w.halves == nil {
		w.halves, w.blank = halfRoom.Get().(*[64]half), new([256]*half)
	}
	var ring [64]*half // the window at byte n is in n%64: one of w.halves or of w.blank
	filled := 0        // halves are made up to here
	like := page - 1
	for off := 0; off+64 <= len(p.full) && off < len(p.data); off++ {
		window := p.full[off : off+64]
		if i := s.pageBefore(page, off, off+64, like); i >= 0 {
			like = i
			continue
		}
		if uniform(window) && first[window[0]] != (spot{page + 1, off}) {
			continue
		}
		if s.before.held(window, off) {
			w.tried.Windows++
			continue
		}
		for filled = max(filled, off); filled <= off+32; filled++ {
			ring[filled%64] = w.half(p.full[filled:filled+32], filled%64)
		}
		w.pair(p, off, off+32, ring[off%64], ring[(off+32)%64])
	}
}

// half makes a half of a window, in the i-th of w.halves. A blank one is made once: it may stand
// beside a real one.
func (w *worker) half(window []byte, i int) *half {
	if !uniform(window) {
		w.make(&w.halves[i], window)
		return &w.halves[i]
	}
	h := &w.blank[window[0]]
	if *h == nil {
		*h = new(half)
		w.make(*h, window)
	}
	return *h
}

// pair tries two windows as the halves of an XTS key, in both orders.
func (w *worker) pair(p *page, off1, off2 int, a, b *half) {
	w.tried.Windows++
	for i := range w.s.oracles {
		o := &w.s.oracles[i]
		forward := o.fits(&a.key, &b.tweaks[i], &w.block)
		if !forward && !o.fits(&b.key, &a.tweaks[i], &w.block) {
			continue
		}
		path := Path{step("bare key", p, off1, 64)}
		if off2 != off1+32 {
			path = Path{step("first half", p, off1, 32), step("second half", p, off2, 32)}
		}
		key := slices.Concat(p.full[off1:off1+32], p.full[off2:off2+32])
		w.bare = append(w.bare, Finding{Path: path, Oracle: o.Name, Swapped: !forward, Weak: true, Bits: strength(key)})
		clear(key)
	}
}

// apart tries 32-byte windows at multiples of 8, that look like key bytes, as
// the halves of a key wherever in the page they lie.
func (w *worker) apart(p *page) {
	var at []int
	var halves []*half
	for off := 0; off+32 <= len(p.full) && off < len(p.data); off += 8 {
		if window := p.full[off : off+32]; distinct(window) >= keyDistinctMin {
			h := new(half)
			w.make(h, window)
			at, halves = append(at, off), append(halves, h)
		}
	}
	for i := range halves {
		for j := i + 1; j < len(halves); j++ {
			if at[j] != at[i]+32 {
				w.pair(p, at[i], at[j], halves[i], halves[j])
			}
		}
	}
	for _, h := range halves {
		h.key.Clear()
	}
}

// saltedDeep derives KEKs with every 16-byte window at a multiple of 8 as salt
// and tries them on every place of the same page.
func (s *search) saltedDeep() {
	s.takeIn(s.share(len(s.pages), 1, func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			p := &s.pages[i]
			wraps := s.batched(func(i int) bool { return s.blobs[i].page == p || slices.Contains(p.blobsToo, i) })
			tried := map[[16]byte]bool{}
			for off := 0; off+16 <= len(p.full) && off < len(p.data); off += 8 {
				salt := [16]byte(p.full[off:])
				if !tried[salt] {
					tried[salt] = true
					w.derive(salt, 0, func(k *kek) { w.tryAll(k, wraps) })
				}
			}
		}
	}))
}

// windowKEKs takes every 32-byte window that looks like key bytes as a KEK.
func (s *search) windowKEKs() {
	for i := range s.pages {
		p := &s.pages[i]
		for off := 0; off+32 <= len(p.full) && off < len(p.data); off++ {
			if w := p.full[off : off+32]; distinct(w) >= keyDistinctMin {
				k := secret.Key32(w)
				s.add(kek{key: &k, path: Path{step("bytes", p, off, 32)}, weak: true})
			}
		}
	}
}
