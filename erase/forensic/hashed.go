package forensic

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// hashing makes a KEK of a secret and a salt, which may be empty.
type hashing struct {
	name string
	cost int // in hashes, about
	make func(x, salt []byte) []byte
}

func first32(b [sha512.Size]byte) []byte { return b[:32] }

func mac(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return h.Sum(nil)
}

func sum256(parts ...[]byte) []byte {
	h := sha256.Sum256(slices.Concat(parts...))
	return h[:]
}

// hashings are those of every search; stretched are with PBKDF2.
var hashings = []hashing{
	{"SHA-256 of salt and %s", 1, func(x, salt []byte) []byte { return sum256(salt, x) }},
	{"SHA-256 of %s and salt", 1, func(x, salt []byte) []byte { return sum256(x, salt) }},
	{"SHA-512 of salt and %s", 1, func(x, salt []byte) []byte { return first32(sha512.Sum512(slices.Concat(salt, x))) }},
	{"HMAC-SHA-256 of the salt under %s", 2, func(x, salt []byte) []byte { return mac(x, salt) }},
	{"HMAC-SHA-256 of %s under the salt", 2, func(x, salt []byte) []byte { return mac(salt, x) }},
	{"HKDF-SHA-256 of %s", 4, func(x, salt []byte) []byte {
		k, _ := hkdf.Key(sha256.New, x, salt, "", 32) // 32 bytes are never too many
		return k
	}},
}

// unsalted are in addition.
var unsalted = []hashing{
	{"SHA-256 twice of %s", 2, func(x, _ []byte) []byte { return sum256(sum256(x)) }},
	{"SHA3-256 of %s", 1, func(x, _ []byte) []byte { h := sha3.Sum256(x); return h[:] }},
}

// stretched is PBKDF2-HMAC-SHA-256 with so many iterations.
func stretched(n int) hashing {
	return hashing{fmt.Sprintf("PBKDF2-HMAC-SHA-256, %d iterations, of %%s", n), 2 * n, func(x, salt []byte) []byte {
		k, _ := pbkdf2.Key(sha256.New, string(x), salt, n, 32) // as above
		return k
	}}
}

// ingredient is what is hashed: a secret, or one with the root key.
type ingredient struct {
	name string
	of   int
	b    []byte
}

// ingredients are the secrets, alone and behind and before each root key.
func ingredients(secrets []Secret) (out []ingredient) {
	for i, s := range secrets {
		if len(s.b) == 0 {
			continue
		}
		out = append(out, ingredient{s.name, i + 1, bytes.Clone(s.b)})
		for _, r := range secrets {
			if r.root && !s.root {
				out = append(out, ingredient{r.name + " and " + s.name, i + 1, slices.Concat(r.b, s.b)},
					ingredient{s.name + " and " + r.name, i + 1, slices.Concat(s.b, r.b)})
			}
		}
	}
	return out
}

func forgetAll(in []ingredient) {
	for _, x := range in {
		clear(x.b)
	}
}

// group are the pages that come from one page of the flash, with the salts there.
type group struct {
	salts  [][]byte
	blobs  []int // numbers of search.blobs
	places []*batch
	sealed []int // numbers of search.sealed
}

// groups are in the order of the flash; those without a place are left out. A quick search takes salts of
// 16 bytes, and AES-GCM wraps that begin with their nonce; those of a text it takes all.
func (s *search) groups() []*group {
	at := map[[2]int]*group{}
	var out []*group
	of := func(p *page) *group {
		g := at[[2]int{p.block, p.page}]
		if g == nil {
			g = &group{}
			at[[2]int{p.block, p.page}], out = g, append(out, g)
		}
		return g
	}
	for i := range s.pages {
		p := &s.pages[i]
		g := of(p)
		for off := 0; off < len(p.data) && (p.how == "" || off == 0); off += 8 {
			for _, n := range []int{8, 16, 32} {
				all := s.opts.Deep || p.how != "" || n == 16
				if all && off+n <= len(p.full) && distinct(p.full[off:off+n]) > n*5/8-2 {
					g.salts = append(g.salts, p.full[off:off+n])
				}
			}
		}
	}
	for i := range s.blobs {
		g := of(s.blobs[i].page)
		g.blobs = append(g.blobs, i)
	}
	for i := range s.sealed {
		if s.saltable(i, s.sealed[i].page) {
			g := of(s.sealed[i].page)
			g.sealed = append(g.sealed, i)
		}
	}
	for i := range s.pages {
		of(&s.pages[i]).too(s, &s.pages[i])
	}
	for _, g := range out {
		g.places = s.batchesOf(g.blobs)
	}
	return slices.DeleteFunc(out, func(g *group) bool { return len(g.places)+len(g.sealed) == 0 })
}

// too adds the places that lie on a page, too, and are listed by another.
func (g *group) too(s *search, p *page) {
	for _, i := range p.blobsToo {
		if !slices.Contains(g.blobs, i) {
			g.blobs = append(g.blobs, i)
		}
	}
	for _, i := range p.sealedToo {
		if s.saltable(i, p) && !slices.Contains(g.sealed, i) {
			g.sealed = append(g.sealed, i)
		}
	}
}

// saltable says whether salts are tried on the i-th AES-GCM wrap where it lies on a page.
func (s *search) saltable(i int, p *page) bool {
	return s.opts.Deep || p.how != "" || s.sealed[i].layout.first > 0
}

// hashed tries KEKs that are hashes of secrets with a salt.
func (s *search) hashed(secrets []Secret) {
	if !s.has(Hashed) {
		return
	}
	in := ingredients(secrets)
	defer forgetAll(in)
	how := append(slices.Clone(hashings), stretched(s.opts.Iterations))
	if s.opts.Iterations != 1000 {
		how = append(how, stretched(1000))
	}
	var keks []kek
	cost := 0
	for _, h := range how {
		for _, x := range in {
			keks = append(keks, kek{path: Path{{Name: fmt.Sprintf(h.name, x.name), Secret: x.of}}})
			cost += h.cost
		}
	}
	groups := s.groups()
	n := 0
	for _, g := range groups {
		n += len(g.salts) * (cost + len(keks)*(len(g.places)+len(g.sealed)))
	}
	if n == 0 || !s.afford(Hashed, n/8) {
		return
	}
	s.phase(Hashed.String())
	s.takeIn(s.share(len(groups), 1, func(w *worker, from, to int) {
		for _, g := range groups[from:to] {
			for _, salt := range g.salts {
				for i := range keks {
					key := how[i/len(in)].make(in[i%len(in)].b, salt)
					w.tried.KEKs++
					w.open.Expand((*[32]byte)(key))
					w.tryAll(&keks[i], g.places)
					if len(g.sealed) > 0 {
						gcm := gcmOf(key)
						for _, j := range g.sealed {
							w.trySealed(&keks[i], gcm, j)
						}
					}
					clear(key)
				}
			}
		}
	}))
}

// hashedAlone are the KEKs that are hashes of secrets without a salt.
func (s *search) hashedAlone(secrets []Secret) {
	if !s.has(Hashed) {
		return
	}
	in, how := ingredients(secrets), slices.Concat(hashings, unsalted, []hashing{stretched(s.opts.Iterations)})
	defer forgetAll(in)
	if !s.afford(Hashed, len(in)*len(how)*len(s.blobs)/8) {
		return
	}
	for _, x := range in {
		for _, h := range how {
			name := fmt.Sprintf(h.name, x.name) + ", without a salt"
			s.add(kek{key: secret.Take32(h.make(x.b, nil)), path: Path{{Name: name, Secret: x.of}}})
		}
	}
}

// windowPINs takes bytes of the dump for PINs.
func (s *search) windowPINs() {
	if !s.has(WindowPINs) {
		return
	}
	found := s.possiblePINs()
	starts := s.starts()
	if len(found) == 0 || !s.afford(WindowPINs, len(found)*(1+len(starts)*len(s.roots)*3)) {
		return
	}
	s.phase(WindowPINs.String())
	for _, f := range found {
		k := new(secret.Key32)
		copy(k[:], f.b)
		s.add(kek{key: k, path: Path{f.at}, weak: true})
		s.add(kek{key: secret.Take32(sum256(f.b)), path: Path{{Name: "SHA-256"}, f.at}, weak: true})
	}
	hits := s.share(len(found), 16, func(w *worker, from, to int) {
		for n := from; n < to; n++ {
			pin, _ := drive.NewPIN(found[n].b) // it has 4 to 32 bytes
			var all []derivation
			for _, r := range s.roots {
				d := derivation{pin: pin, root: r.key, kek: kek{path: Path{found[n].at}, weak: true}}
				if r.of > 0 {
					d.kek.path = Path{{Name: r.name, Secret: r.of}, found[n].at}
				}
				all = append(all, d)
			}
			for _, i := range s.opts.pins.worth(n, starts) {
				for r := range all { // one after the other: the PIN is stretched once
					w.pinAt(&all[r], n, i)
				}
			}
			pin.Clear()
		}
	})
	s.opts.pins.keep(hits)
	s.takeIn(inOrder(hits))
}

// pinAt tries one PIN with the salt before the i-th place.
func (w *worker) pinAt(d *derivation, turn, i int) {
	if b := &w.s.blobs[i]; !w.kdf(d, [16]byte(b.page.full[b.offset-16:])) {
		return
	}
	w.tried.KEKs++
	w.turn = turn
	w.open.Expand((*[32]byte)(w.key))
	for j := i; j <= w.s.lastAt(i); j++ {
		w.tried.Unwraps++
		w.openOne(&d.kek, j)
	}
}

// windowed is where bytes of the dump opened something as a PIN. Who has fewer root keys opens nothing elsewhere.
type windowed struct {
	tried bool
	at    map[int][]int // by the number of the PIN, the places in search.blobs
}

// worth are the places that a PIN is to be tried at.
func (p *windowed) worth(pin int, starts []int) []int {
	if p == nil || !p.tried {
		return starts
	}
	return p.at[pin]
}

// keep remembers what opened.
func (p *windowed) keep(hits []hit) {
	if p == nil || p.tried {
		return
	}
	p.tried, p.at = true, map[int][]int{}
	for _, h := range hits {
		if !slices.Contains(p.at[h.turn], h.blob) {
			p.at[h.turn] = append(p.at[h.turn], h.blob)
		}
	}
}

// possible is what could be a PIN.
type possible struct {
	at Step
	b  []byte
}

// possiblePINs are whole texts of 4 to 32 characters, and 32 bytes that look random at multiples of 8.
func (s *search) possiblePINs() (out []possible) {
	known := map[string]bool{}
	add := func(p *page, off, n int) {
		if b := p.full[off : off+n]; !known[string(b)] {
			known[string(b)] = true
			out = append(out, possible{step("bytes as a PIN", p, off, n), b})
		}
	}
	for i := range s.pages {
		p := &s.pages[i]
		begin := 0
		for off := 0; off <= len(p.full); off++ {
			if off < len(p.full) && p.full[off] >= ' ' && p.full[off] <= '~' {
				continue
			}
			if n := off - begin; n >= 4 && n <= drive.PINSize {
				add(p, begin, n)
			}
			begin = off + 1
		}
		for off := 0; off+32 <= len(p.full) && off < len(p.data); off += 8 {
			if distinct(p.full[off:off+32]) >= keyDistinctMin {
				add(p, off, 32)
			}
		}
	}
	return out
}
