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
func (s *search) make(h *half, w []byte) {
	h.key.Clear() // the wiped block of the portable path
	expand(&h.key, w)
	if h.tweaks == nil {
		h.tweaks = make([][16]byte, len(s.oracles))
	}
	for i := range s.oracles {
		s.oracles[i].tweak(&h.key, &h.tweaks[i])
	}
}

// bareKeys tries every 64-byte window as an XTS key, in both orders. A 32-byte
// window is the first half of one key and the second half of another, so each is
// expanded once.
func (s *search) bareKeys() {
	if len(s.oracles) == 0 {
		return
	}
	var blank [256]*half // expanded once: a blank half may stand beside a real one
	var tried [256]bool
	halves := new([64]half) // the window at byte n is in n%64
	ring := new([64]*half)  // and which of these or of blank it is
	for i := range s.pages {
		p := &s.pages[i]
		var before []byte
		if i > 0 {
			before = s.pages[i-1].full
		}
		filled := 0 // halves are made up to here
		for off := 0; off+64 <= len(p.full) && off < len(p.data); off++ {
			w := p.full[off : off+64]
			if off+64 <= len(before) && bytes.Equal(w, before[off:off+64]) {
				continue // tried in the page before
			}
			if uniform(w) {
				if tried[w[0]] {
					continue
				}
				tried[w[0]] = true
			}
			for filled = max(filled, off); filled <= off+32; filled++ {
				w := p.full[filled : filled+32]
				switch {
				case !uniform(w):
					ring[filled%64] = &halves[filled%64]
					s.make(ring[filled%64], w)
				case blank[w[0]] == nil:
					blank[w[0]] = new(half)
					s.make(blank[w[0]], w)
					fallthrough
				default:
					ring[filled%64] = blank[w[0]]
				}
			}
			s.pair(p, off, off+32, ring[off%64], ring[(off+32)%64])
		}
		if s.opts.Deep {
			s.apart(p)
		}
	}
	for i := range halves {
		halves[i].key.Clear()
	}
}

// pair tries two windows as the halves of an XTS key, in both orders.
func (s *search) pair(p *page, off1, off2 int, a, b *half) {
	s.out.Tried.Windows++
	for i := range s.oracles {
		o := &s.oracles[i]
		forward := o.fits(&a.key, b.tweaks[i])
		if !forward && !o.fits(&b.key, a.tweaks[i]) {
			continue
		}
		path := Path{step("bare key", p, off1, 64)}
		if off2 != off1+32 {
			path = Path{step("first half", p, off1, 32), step("second half", p, off2, 32)}
		}
		key := slices.Concat(p.full[off1:off1+32], p.full[off2:off2+32])
		s.note(Finding{Path: path, Oracle: o.Name, Swapped: !forward, Weak: true, Bits: strength(key)})
		clear(key)
	}
}

// apart tries 32-byte windows at multiples of 8, that look like key bytes, as
// the halves of a key wherever in the page they lie.
func (s *search) apart(p *page) {
	var at []int
	var halves []*half
	for off := 0; off+32 <= len(p.full) && off < len(p.data); off += 8 {
		if w := p.full[off : off+32]; distinct(w) >= keyDistinctMin {
			h := new(half)
			s.make(h, w)
			at, halves = append(at, off), append(halves, h)
		}
	}
	for i := range halves {
		for j := i + 1; j < len(halves); j++ {
			if at[j] != at[i]+32 {
				s.pair(p, at[i], at[j], halves[i], halves[j])
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
	for i := range s.pages {
		p := &s.pages[i]
		wraps := s.batched(func(b *blob) bool { return b.page == p })
		tried := map[[16]byte]bool{}
		for off := 0; off+16 <= len(p.full) && off < len(p.data); off += 8 {
			salt := [16]byte(p.full[off:])
			if tried[salt] {
				continue
			}
			tried[salt] = true
			s.derive(salt, func(k *kek) { s.tryAll(k, wraps) })
		}
	}
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
