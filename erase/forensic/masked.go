package forensic

import (
	"fmt"
	"slices"
)

// altered tries the windows of all pages as keys after a change of each page: backwards, and under each
// constant.
func (s *search) altered() {
	if len(s.oracles) == 0 {
		return
	}
	n := 0
	for i := range s.pages {
		n += len(s.pages[i].data)
	}
	if s.has(Reversed) && s.afford(Reversed, n) {
		s.phase(Reversed.String())
		s.share(1, 1, func(w *worker, _, _ int) {
			w.bareIn(" backwards", func(b []byte) { slices.Reverse(b) }, func(off, size, n int) int { return n - off - size })
		})
	}
	if s.has(Masked) && s.afford(Masked, n) { // the constant that inverts goes first
		constants := 1
		if s.afford(Masked, 254*n) {
			constants = 255
		}
		s.phase(Masked.String())
		s.share(constants, 1, func(w *worker, from, to int) {
			for c := 0xFF - from; c > 0xFF-to; c-- {
				mask := func(b []byte) {
					for i := range b {
						b[i] ^= byte(c)
					}
				}
				w.bareIn(fmt.Sprintf(" under the constant %02X", c), mask, func(off, _, _ int) int { return off })
			}
		})
	}
}

// bareIn tries the windows of changed pages. back says where bytes of a changed page of n bytes lie in
// the dump.
func (w *worker) bareIn(how string, change func([]byte), back func(off, size, n int) int) {
	sub := &search{oracles: w.s.oracles, found: map[string]bool{}}
	for i := range w.s.pages {
		p := w.s.pages[i]
		p.full = slices.Clone(p.full)
		change(p.full)
		p.data = p.full
		p.changed = func(off, size int) int { return back(off, size, len(p.full)) }
		sub.pages = append(sub.pages, p)
	}
	sub.bareKeys()
	for _, f := range sub.out.Keys {
		for i := range f.Path {
			f.Path[i].Name += how
		}
		w.bare = append(w.bare, f)
	}
	w.tried.Windows += sub.out.Tried.Windows
	for i := range sub.pages {
		clear(sub.pages[i].full)
	}
}
