package forensic

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
)

const (
	nonceSize = 12
	tagSize   = 16
)

// layout is where nonce and key stand in an AES-GCM wrap.
type layout struct {
	name  string
	first int // bytes of the nonce before the key
	last  int // and behind its tag
}

var layouts = []layout{{"AES-GCM", nonceSize, 0}, {"AES-GCM, nonce last", 0, nonceSize}, {"AES-GCM, nonce of zeros", 0, 0}}

// sealedPlace could be an AES-GCM wrap.
type sealedPlace struct {
	blob
	layout *layout
}

// loadSealed lists the places that could be AES-GCM wraps: at multiples of 4 bytes, deep at every byte.
func (s *search) loadSealed() {
	if !s.has(GCM) {
		return
	}
	step, most := 4, QuickBudget>>2
	if s.opts.Deep {
		step, most = 1, DeepBudget>>6
	}
	var known [6]map[string]int // by size of the key and layout: numbers in s.sealed
	for i := range known {
		known[i] = map[string]int{}
	}
	for i := range s.pages {
		p := &s.pages[i]
		for off := 0; off+48 <= len(p.full) && off < len(p.data); off += step {
			if distinct(p.full[off:off+akWrap]) < wrapDistinctMin {
				continue
			}
			for half, key := range []int{32, 64} {
				for l := range layouts {
					size := layouts[l].first + key + tagSize + layouts[l].last
					if off+size > len(p.full) || distinct(p.full[off+size-tagSize:off+size]) < 8 {
						continue
					}
					k, b := known[len(layouts)*half+l], blob{page: p, offset: off, size: size}
					if n, old := k[string(b.bytes())]; !old {
						k[string(b.bytes())] = len(s.sealed)
						s.sealed = append(s.sealed, sealedPlace{b, &layouts[l]})
					} else if s.sealed[n].page != p {
						p.sealedToo = append(p.sealedToo, n)
					}
				}
			}
			if len(s.sealed) > most {
				s.sealed = nil
				for i := range s.pages {
					s.pages[i].sealedToo = nil
				}
				s.out.left(fmt.Sprintf("%v: too many places for the budget", GCM))
				return
			}
		}
	}
}

// gcmOf is AES-GCM under a KEK. Its key schedule is the standard library's, which overwrites none.
func gcmOf(key []byte) cipher.AEAD {
	return must(cipher.NewGCM(must(aes.NewCipher(key))))
}

// must gives what was made of a key of this package's own, which is never of a wrong size.
func must[T any](made T, err error) T {
	if err != nil {
		panic("BUG: forensic: " + err.Error())
	}
	return made
}

// trySealed tries a KEK on one AES-GCM wrap, given by its number in search.sealed. g is AES-GCM under
// it: to make one costs more than to try a wrap.
func (w *worker) trySealed(k *kek, g cipher.AEAD, i int) {
	p := &w.s.sealed[i]
	b := p.bytes()
	var none [nonceSize]byte
	nonce, rest := none[:], b[p.layout.first:len(b)-p.layout.last]
	switch {
	case p.layout.first > 0:
		nonce = b[:nonceSize]
	case p.layout.last > 0:
		nonce = b[len(b)-nonceSize:]
	}
	w.tried.Unwraps++
	plain, err := g.Open(w.buf[:0], nonce, rest, nil)
	if err == nil {
		w.hits = append(w.hits, hit{turn: w.turn, kek: k, blob: i, sealed: true, key: bytes.Clone(plain)})
		clear(plain)
	}
}

// sealedWave tries new KEKs on all AES-GCM wraps.
func (s *search) sealedWave(wave []kek) []hit {
	if len(s.sealed) == 0 || !s.afford(GCM, len(wave)*len(s.sealed)) {
		return nil
	}
	s.phase(GCM.String())
	return s.share(len(wave), 8, func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			w.turn = i
			g := gcmOf(wave[i].key[:])
			for j := range s.sealed {
				w.trySealed(&wave[i], g, j)
			}
		}
	})
}

// enciphered decrypts 64 bytes in ECB and CBC under every KEK, and holds what comes out against the
// known plaintext.
func (s *search) enciphered() {
	if !s.has(Blocks) || len(s.oracles) == 0 {
		return
	}
	var places []blob
	for i := range s.pages {
		p := &s.pages[i]
		for off := 0; off+64 <= len(p.full) && off < len(p.data); off += 8 {
			if distinct(p.full[off:off+akWrap]) >= wrapDistinctMin {
				places = append(places, blob{page: p, offset: off, size: 64})
			}
		}
	}
	if len(places) == 0 || !s.afford(Blocks, 3*len(places)*len(s.keks)) {
		return
	}
	s.phase(Blocks.String())
	s.share(len(s.keks), 4, func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			block := must(aes.NewCipher(s.keks[i].key[:]))
			for j := range places {
				w.decipher(&s.keks[i], block, &places[j])
			}
		}
	})
}

// decipher tries a place in ECB and CBC.
func (w *worker) decipher(k *kek, block cipher.Block, b *blob) {
	key, c := w.buf[:64], b.bytes()
	for i := 0; i < 64; i += 16 {
		block.Decrypt(key[i:i+16], c[i:i+16])
	}
	try := func(name string) {
		w.tried.Unwraps++
		for i := range w.s.oracles {
			o := &w.s.oracles[i]
			if ok, swapped := o.opensWith(key); ok {
				path := append(append(Path(nil), k.path...), step("MEK ("+name+")", b.page, b.offset, 64))
				w.bare = append(w.bare, Finding{Path: path, Oracle: o.Name, Swapped: swapped, Weak: k.weak, Bits: strength(key)})
			}
		}
	}
	try("AES-ECB")
	for i := 16; i < 64; i++ {
		key[i] ^= c[i-16]
	}
	try("AES-CBC, vector of zeros")
	if b.offset >= 16 {
		for i := range 16 {
			key[i] ^= b.page.full[b.offset-16+i]
		}
		try("AES-CBC")
	}
}
