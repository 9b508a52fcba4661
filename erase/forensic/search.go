package forensic

import (
	"crypto/sha256"
	"fmt"
	"math"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// Options say how a drive derives its keys and how long to look.
type Options struct {
	// Deep tries much more, at a price that grows with the square of the
	// written flash: see the package documentation.
	Deep bool
	// Iterations of PBKDF2 for PINs shorter than 32 bytes; the drive's
	// Config.PBKDF2Iterations. 0 is 1.
	Iterations int
	// KDF derives a KEK from root key, PIN and salt; nil is drive.KEK. root is
	// all zeros where the derivation is tried without a root key. An error
	// means that nothing is derived from this PIN.
	KDF func(root *secret.Key32, pin drive.PIN, salt [16]byte) (*secret.Key32, error)
}

const (
	akWrap  = 40 // AES-KW of a 32-byte key
	mekWrap = 72 // AES-KW of a 64-byte key

	wrapDistinctMin = 20 // of 40 bytes
	keyDistinctMin  = 12 // of 32 bytes, deep search only
)

// Search looks for keys in a dump. It needs no oracle, but without one it can
// only list the wraps that open. Errors are about the arguments; whatever the
// dump holds, it is searched.
func Search(dump drive.Dump, secrets []Secret, oracles []Oracle, opts Options) (Findings, error) {
	for i := range oracles {
		if err := oracles[i].check(); err != nil {
			return Findings{}, err
		}
	}
	s := newSearch(dump, oracles, opts)
	s.run(secrets)
	s.forget()
	return s.out, nil
}

func newSearch(dump drive.Dump, oracles []Oracle, opts Options) *search {
	s := &search{opts: opts, oracles: oracles, seen: map[[sha256.Size]byte]bool{}, found: map[string]bool{}}
	if s.opts.KDF == nil {
		s.opts.KDF = func(root *secret.Key32, pin drive.PIN, salt [16]byte) (*secret.Key32, error) {
			return drive.KEK(root, pin, salt, max(1, s.opts.Iterations))
		}
	}
	s.load(dump)
	return s
}

func (s *search) run(secrets []Secret) {
	s.bareKeys()
	s.assume(secrets)
	s.salted()
	if s.opts.Deep {
		s.saltedDeep()
		s.windowKEKs()
	}
	s.close()
}

// page is a page of the dump. A key may end in blank bytes but not begin behind
// the last other byte: data ends there, full is the page.
type page struct {
	block, page int
	full        []byte
	data        []byte
	run         []int // by offset/8: how many bytes from there on could be of a wrap
}

// blob is a place that could be a wrap.
type blob struct {
	page   *page
	offset int
	size   int // 40, or 72
}

func (b *blob) bytes() []byte { return b.page.full[b.offset : b.offset+b.size] }

// kek is a key-encrypting key and how it was reached.
type kek struct {
	key  *secret.Key32
	path Path
	weak bool
}

// pinSecret is what goes into the drive's derivation.
type pinSecret struct {
	name string
	of   int // Step.Secret
	pin  drive.PIN
	weak bool
}

// rootSecret is a root key to derive with.
type rootSecret struct {
	name string // "" for the derivation without a root key
	key  *secret.Key32
}

type search struct {
	opts    Options
	oracles []Oracle
	pages   []page
	blobs   []blob
	pins    []pinSecret
	roots   []rootSecret
	keks    []kek // in the order found; those from `closed` on were not tried yet
	closed  int
	seen    map[[sha256.Size]byte]bool    // SHA-256 of the KEKs, so that no map holds a key
	found   map[string]bool               // paths of findings
	open    keywrap.KEK                   // the KEK that is tried
	buf     [keywrap.Eight * mekWrap]byte // wraps, and what they gave
	out     Findings
}

// load trims the pages and lists the places that could be wraps, each different
// content (with the 16 bytes before it) once.
func (s *search) load(dump drive.Dump) {
	type content struct {
		b [16 + mekWrap]byte
		n int
	}
	known := map[content]bool{}
	for _, p := range dump.Flash {
		n := len(p.Data)
		for n > 0 && (p.Data[n-1] == 0xFF || p.Data[n-1] == 0) {
			n--
		}
		if n == 0 {
			continue
		}
		s.pages = append(s.pages, page{block: p.Block, page: p.Page, full: p.Data, data: p.Data[:n]})
	}
	s.out.Tried.Pages = len(s.pages)
	for i := range s.pages {
		p := &s.pages[i]
		p.run = make([]int, len(p.full)/8+1)
		random := 0
		for off := (len(p.full) - 8) &^ 7; off >= 0; off -= 8 {
			if varied(p.full[off : off+8]) {
				random += 8
			} else {
				random = 0
			}
			p.run[off/8] = random
		}
		for off := 0; off < len(p.data); off += 8 {
			for _, size := range []int{akWrap, mekWrap} {
				if p.run[off/8] < size || distinct(p.full[off:off+akWrap]) < wrapDistinctMin {
					break
				}
				c := content{n: size}
				if off >= 16 {
					copy(c.b[:16], p.full[off-16:])
				}
				copy(c.b[16:], p.full[off:off+size])
				if !known[c] {
					known[c] = true
					s.blobs = append(s.blobs, blob{page: p, offset: off, size: size})
				}
			}
		}
	}
	s.out.Tried.Wraps = len(s.blobs)
}

// assume takes the secrets in: each one as a KEK itself, and as input of the
// drive's derivation.
func (s *search) assume(secrets []Secret) {
	s.roots = []rootSecret{{key: new(secret.Key32)}}
	for i, sec := range secrets {
		k := new(secret.Key32)
		copy(k[:], sec.b)
		if sec.root {
			s.roots = append(s.roots, rootSecret{name: sec.name, key: k.Clone()})
		}
		weak := len(sec.b) == 0
		s.add(kek{key: k, path: Path{{Name: sec.name, Secret: i + 1}}, weak: weak})
		if sec.root {
			k := s.roots[len(s.roots)-1].key
			s.add(kek{key: drive.RootKEK(k), path: Path{{Name: "KEK of the " + sec.name, Secret: i + 1}}})
		}
		pin, _ := drive.NewPIN(sec.b) // the zero PIN for an empty secret: what the derivation makes of it
		s.pins = append(s.pins, pinSecret{name: sec.name, of: i + 1, pin: pin, weak: weak})
	}
	for c := range 256 {
		likely := c == 0x00 || c == 0xFF
		if !likely && !s.opts.Deep {
			continue
		}
		k := new(secret.Key32)
		for i := range k {
			k[i] = byte(c)
		}
		name := fmt.Sprintf("constant %02X", c)
		if likely {
			s.pins = append(s.pins, pinSecret{name: name, pin: drive.CredentialPIN(k), weak: true})
		}
		s.add(kek{key: k, path: Path{{Name: name}}, weak: true})
	}
	nothing := secret.Key32(sha256.Sum256(nil))
	s.add(kek{key: &nothing, path: Path{{Name: "SHA-256 of nothing"}}, weak: true})
	s.pins = append(s.pins, pinSecret{name: "empty PIN", weak: true})
}

// add takes a KEK over: it remembers one that is new, and clears another.
func (s *search) add(k kek) {
	if id := sha256.Sum256(k.key[:]); !s.seen[id] {
		s.seen[id] = true
		s.keks = append(s.keks, k)
		s.out.Tried.KEKs++
		return
	}
	k.key.Clear()
}

// derive runs the drive's derivation for every secret, with and without the root
// key, and calls try with each KEK.
func (s *search) derive(salt [16]byte, try func(*kek)) {
	for i := range s.pins {
		for j := range s.roots {
			p, r := &s.pins[i], &s.roots[j]
			key, err := s.opts.KDF(r.key, p.pin, salt)
			if err != nil {
				continue
			}
			s.out.Tried.KEKs++
			name := p.name + " and " + r.name
			if r.name == "" {
				name = p.name + " without a root key"
			}
			try(&kek{key: key, path: Path{{Name: name, Secret: p.of}}, weak: p.weak || r.name == ""})
			key.Clear()
		}
	}
}

// salted tries at each place the KEKs whose salt lies right before it.
func (s *search) salted() {
	for i := 0; i < len(s.blobs); i++ {
		b := &s.blobs[i]
		if b.offset < 16 {
			continue
		}
		// The 40-byte and the 72-byte candidate of one place follow each other
		// and share their salt.
		last := i
		for last+1 < len(s.blobs) && s.blobs[last+1].page == b.page && s.blobs[last+1].offset == b.offset {
			last++
		}
		s.derive([16]byte(b.page.full[b.offset-16:]), func(k *kek) {
			s.open.Expand((*[32]byte)(k.key))
			for j := i; j <= last; j++ {
				s.out.Tried.Unwraps++
				s.openOne(k, &s.blobs[j])
			}
			s.open.Clear()
		})
		i = last
	}
}

// close tries every KEK on every place until no new KEK comes out.
func (s *search) close() {
	all := s.batched(func(*blob) bool { return true })
	for ; s.closed < len(s.keks); s.closed++ {
		k := s.keks[s.closed] // a copy: try may grow the slice
		s.tryAll(&k, all)
	}
}

// opened takes in the key that a wrap gave.
func (s *search) opened(k *kek, b *blob, key []byte) {
	name := "AK"
	if b.size == mekWrap {
		name = "MEK"
	}
	path := append(append(Path(nil), k.path...), step(name, b.page, b.offset, b.size))
	s.note(Finding{Path: path, Weak: k.weak})
	if b.size == akWrap {
		s.add(kek{key: secret.Take32(key), path: path, weak: k.weak})
		return
	}
	s.judge(key, path, k.weak)
}

// judge tries a 64-byte key on every oracle.
func (s *search) judge(key []byte, path Path, weak bool) {
	for i := range s.oracles {
		if ok, swapped := s.oracles[i].opensWith(key); ok {
			s.note(Finding{Path: path, Oracle: s.oracles[i].Name, Swapped: swapped, Weak: weak, Bits: strength(key)})
		}
	}
}

// strength bounds the strength of a 64-byte key of AES-256-XTS, in bits: as many
// bytes of as many different values as it has make no more keys than that.
func strength(key []byte) int {
	return min(256, int(float64(len(key))*math.Log2(float64(distinct(key)))))
}

func step(name string, p *page, offset, size int) Step {
	return Step{Name: name, Placed: true, Block: p.block, Page: p.page, Offset: offset, Size: size}
}

// note adds a finding that is new.
func (s *search) note(f Finding) {
	id := f.String()
	if s.found[id] {
		return
	}
	s.found[id] = true
	if f.Oracle != "" {
		s.out.Keys = append(s.out.Keys, f)
	} else {
		s.out.Wraps = append(s.out.Wraps, f)
	}
}

// forget clears the keys that were reached.
func (s *search) forget() {
	for i := range s.keks {
		s.keks[i].key.Clear()
	}
	for i := range s.roots {
		s.roots[i].key.Clear()
	}
	for i := range s.pins {
		s.pins[i].pin.Clear()
	}
	clear(s.seen)
	clear(s.buf[:])
}
