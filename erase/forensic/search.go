package forensic

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// Options say how a drive derives its keys and how long to look.
type Options struct {
	// Deep tries much more, at a price that grows with the square of the
	// written flash: see the package documentation.
	Deep bool
	// Also are further ways, which drives of other makes call for. Each has its budget.
	Also Ways
	// Phase, if not nil, is told what the search does now.
	Phase func(what string)
	// Iterations of PBKDF2 for PINs shorter than 32 bytes; the drive's
	// Config.PBKDF2Iterations. 0 is 1.
	Iterations int
	// KDF derives a KEK from root key, PIN and salt; nil is drive.KEK. root is
	// all zeros where the derivation is tried without a root key. An error
	// means that nothing is derived from this PIN. With Parallel, it is called by
	// several goroutines at once.
	KDF func(root *secret.Key32, pin drive.PIN, salt [16]byte) (*secret.Key32, error)
	// Parallel, if not nil, calls do with each number from 0 to n-1, in any order and
	// by as many goroutines as it likes, and returns when all calls have. This package
	// starts none. The findings are the same, in the same order.
	Parallel func(n int, do func(i int))

	// See SearchAs.
	known bool      // what needs no secret was tried
	pins  *windowed // may be nil
}

const (
	akWrap  = 40 // AES-KW of a 32-byte key
	mekWrap = 72 // AES-KW of a 64-byte key

	wrapDistinctMin = 20 // of 40 bytes
	keyDistinctMin  = 12 // of 32 bytes, deep search only
)

// Search looks for keys in a dump. It needs no oracle, but without one it can
// only list the wraps that open. Errors are about the arguments, and about a
// dump that lacks a page (drive.Dump.Unread): whatever the others hold, it is
// not searched, since a search that finds nothing would prove nothing.
func Search(dump drive.Dump, secrets []Secret, oracles []Oracle, opts Options) (Findings, error) {
	if err := checkOracles(oracles); err != nil {
		return Findings{}, err
	}
	if err := dump.Unread(); err != nil {
		return Findings{}, fmt.Errorf("forensic: the dump is not whole: %w", err)
	}
	return searched(dump, secrets, oracles, opts), nil
}

// searched is Search with arguments that are right.
func searched(dump drive.Dump, secrets []Secret, oracles []Oracle, opts Options) Findings {
	s := newSearch(dump, oracles, opts)
	s.run(secrets)
	s.forget()
	return s.out
}

func checkOracles(oracles []Oracle) error {
	for i := range oracles {
		if err := oracles[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func newSearch(dump drive.Dump, oracles []Oracle, opts Options) *search {
	opts.Iterations = max(1, opts.Iterations)
	s := &search{opts: opts, oracles: oracles, seen: map[[sha256.Size]byte]bool{}, found: map[string]bool{}}
	s.load(dump)
	return s
}

func (s *search) run(secrets []Secret) {
	s.phase("bytes as keys")
	if !s.opts.known {
		s.bareKeys()
	}
	s.assume(secrets)
	s.hashedAlone(secrets)
	s.assumed = len(s.keks)
	s.phase("salts beside wraps")
	s.salted()
	if s.opts.Deep {
		s.phase(deepNames[0])
		s.saltedDeep()
		s.windowKEKs()
	}
	if s.opts.Also == 0 {
		s.close()
		return
	}
	if !s.opts.known {
		s.altered()
		s.seeded()
	}
	s.hashed(secrets)
	s.windowPINs()
	s.phase("wraps")
	s.close()
	s.enciphered()
	s.ownBytes(secrets)
	s.repeats()
	s.leave()
}

// page is a page of the dump. A key may end in blank bytes but not begin behind
// the last other byte: data ends there, full is the page.
type page struct {
	block, page int
	full        []byte
	data        []byte
	run         []int                   // by offset/8: how many bytes from there on could be of a wrap
	how         string                  // "base64": what the page was decoded from; "" if it is a page of the flash
	where       []int                   // by offset: where the text of the byte lies; nil if it lies there
	changed     func(off, size int) int // where bytes lie before a change of the page; nil without one

	// Places are listed once. A salt on this page may be for one that lies here, too: these are the
	// numbers in search.blobs and search.sealed of those that are listed by another page.
	blobsToo, sealedToo []int
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

// derivation is what goes into the drive's derivation beside a salt.
type derivation struct {
	pin  drive.PIN
	root *secret.Key32
	kek  kek // which comes out: its key is none
}

// rootKey is a root key by its name, and which of the secrets it is. The first is no root key.
type rootKey struct {
	key  *secret.Key32
	name string
	of   int
}

type search struct {
	opts    Options
	oracles []Oracle
	pages   []page
	blobs   []blob
	derived []derivation
	roots   []rootKey
	sealed  []sealedPlace
	spent   map[Ways]int // of the budget of each way
	keks    []kek        // in the order found; those from `closed` on were not tried yet
	closed  int
	seen    map[[sha256.Size]byte]bool // SHA-256 of the KEKs, so that no map holds a key
	found   map[string]bool            // paths of findings
	assumed int                        // how many KEKs are known without a dump: the first ones
	alone   *worker                    // of the shares that are done one after the other
	before  *memory                    // of a Searcher; nil for a search alone
	old     []*tries                   // by blob, what is in the memory
	fresh   []tries                    // by blob, for the memory
	barely  bool                       // a bare key was found
	out     Findings
}

// content stands for what a place holds, with the 16 bytes before it: its SHA-256, because a bare
// key may be among it.
type content [sha256.Size]byte

func (b *blob) content() content {
	return sha256.Sum256(b.page.full[max(0, b.offset-16) : b.offset+b.size]) // no two lengths are alike
}

// load trims the pages and lists the places that could be wraps, each different content once.
func (s *search) load(dump drive.Dump) {
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
	if s.has(Encoded) {
		for _, p := range dump.Flash {
			s.pages = append(s.pages, decoded(p)...)
		}
	}
	known := map[content]int{}
	for i := range s.pages {
		s.loadWraps(i, known)
	}
	s.loadSealed()
	s.out.Tried.Wraps = len(s.blobs) + len(s.sealed)
}

// loadWraps lists the places of a page that could be wraps. known are the numbers in s.blobs.
func (s *search) loadWraps(i int, known map[content]int) {
	p := &s.pages[i]
	p.run = make([]int, len(p.data)/8+1)
	random := 0
	for off := min(len(p.full)-8, len(p.data)) &^ 7; off >= 0; off -= 8 { // what follows is blank
		if varied(p.full[off : off+8]) {
			random += 8
		} else {
			random = 0
		}
		p.run[off/8] = random
	}
	salts := s.opts.Deep || s.has(Hashed) // from anywhere on the page
	like := i - 1
	for off := 0; off < len(p.data); off += 8 {
		if p.run[off/8] < akWrap || distinct(p.full[off:off+akWrap]) < wrapDistinctMin {
			continue
		}
		for _, size := range []int{akWrap, mekWrap} {
			if p.run[off/8] < size {
				break
			}
			if !salts {
				if before := s.pageBefore(i, max(0, off-16), off+size, like); before >= 0 {
					like = before
					continue // the same place was looked at there
				}
			}
			b := blob{page: p, offset: off, size: size}
			c := b.content()
			if n, old := known[c]; !old {
				known[c] = len(s.blobs)
				s.blobs = append(s.blobs, b)
			} else if s.blobs[n].page != p {
				p.blobsToo = append(p.blobsToo, n)
			}
		}
	}
}

// assume takes the secrets in: each one as a KEK itself, and as input of the
// drive's derivation.
func (s *search) assume(secrets []Secret) {
	s.roots = []rootKey{{key: new(secret.Key32)}} // the first is for the derivation without one
	for i, sec := range secrets {
		k := new(secret.Key32)
		copy(k[:], sec.b)
		if sec.root {
			s.roots = append(s.roots, rootKey{k.Clone(), sec.name, i + 1})
		}
		s.add(kek{key: k, path: Path{{Name: sec.name, Secret: i + 1}}, weak: len(sec.b) == 0})
		if sec.root {
			s.add(kek{key: drive.RootKEK(s.roots[len(s.roots)-1].key), path: Path{{Name: "KEK of the " + sec.name, Secret: i + 1}}})
		}
	}
	input := func(name string, of int, pin drive.PIN, weak bool) {
		for i, root := range s.roots {
			from := name + " and " + root.name
			if i == 0 {
				from = name + " without a root key"
			}
			s.derived = append(s.derived, derivation{
				pin: pin, root: root.key, kek: kek{path: Path{{Name: from, Secret: of}}, weak: weak || i == 0},
			})
		}
	}
	for i, sec := range secrets {
		pin, _ := drive.NewPIN(sec.b) // the zero PIN for an empty secret: what the derivation makes of it
		input(sec.name, i+1, pin, len(sec.b) == 0)
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
			input(name, 0, drive.CredentialPIN(k), true)
		}
		s.add(kek{key: k, path: Path{{Name: name}}, weak: true})
	}
	nothing := secret.Key32(sha256.Sum256(nil))
	s.add(kek{key: &nothing, path: Path{{Name: "SHA-256 of nothing"}}, weak: true})
	input("empty PIN", 0, drive.PIN{}, true)
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

// starts are the places with room for a salt before them. The 40-byte and the 72-byte candidate of one
// place follow each other and share their salt: it is the first.
func (s *search) starts() (starts []int) {
	for i := range s.blobs {
		b := &s.blobs[i]
		if i > 0 && s.blobs[i-1].page == b.page && s.blobs[i-1].offset == b.offset || b.offset < 16 {
			continue
		}
		starts = append(starts, i)
	}
	return starts
}

// salted tries at each place the KEKs whose salt lies right before it.
func (s *search) salted() {
	starts, hits := s.recallSalted(s.starts())
	hits = append(hits, s.share(len(starts), saltsInShare, func(w *worker, from, to int) {
		for _, i := range starts[from:to] {
			b := &s.blobs[i]
			last := s.lastAt(i)
			w.derive([16]byte(b.page.full[b.offset-16:]), i*len(s.derived), func(k *kek) {
				for j := i; j <= last; j++ {
					w.tried.Unwraps++
					w.openOne(k, j)
				}
			})
		}
	})...)
	s.keepSalted(hits)
	s.takeIn(inOrder(hits))
}

// lastAt is the last candidate at the place of the i-th, which is the first there.
func (s *search) lastAt(i int) int {
	if i+1 < len(s.blobs) && s.blobs[i+1].page == s.blobs[i].page && s.blobs[i+1].offset == s.blobs[i].offset {
		return i + 1
	}
	return i
}

// close tries every KEK on every place until no new KEK comes out. What a wave of KEKs opens is the
// next wave.
func (s *search) close() {
	hits := s.recallAssumed(s.assumed)
	hits = append(hits, s.tryWave(s.keks[:s.assumed], s.batched(func(i int) bool { return !s.knew(i) }))...)
	s.keepAssumed(hits)
	s.takeIn(inOrder(append(hits, s.sealedWave(s.keks[:s.assumed])...)))
	all := s.batched(func(int) bool { return true })
	for s.closed = s.assumed; s.closed < len(s.keks); {
		wave := s.keks[s.closed:]
		s.closed = len(s.keks)
		s.takeIn(inOrder(append(s.tryWave(wave, all), s.sealedWave(wave)...)))
	}
}

// tryWave tries KEKs on the places of all batches.
func (s *search) tryWave(wave []kek, all []*batch) []hit {
	return s.share(len(wave)*len(all), batchesInShare, func(w *worker, from, to int) {
		for from < to {
			k, first := from/len(all), from%len(all)
			n := min(to-from, len(all)-first)
			w.turn = k
			w.open.Expand((*[32]byte)(wave[k].key))
			w.tryAll(&wave[k], all[first:first+n])
			from += n
		}
	})
}

func inOrder(hits []hit) []hit {
	slices.SortStableFunc(hits, func(a, b hit) int {
		if a.turn == b.turn && a.sealed != b.sealed {
			return 0 // they stay as they are: AES-KW first
		}
		return cmp.Or(a.turn-b.turn, a.blob-b.blob)
	})
	return hits
}

// takeIn takes in the keys of wraps, and leaves zeros in their place.
func (s *search) takeIn(hits []hit) {
	for i := range hits {
		h := &hits[i]
		if h.sealed {
			p := &s.sealed[h.blob]
			s.opened(h.kek, &p.blob, h.key, " ("+p.layout.name+")")
		} else {
			s.opened(h.kek, &s.blobs[h.blob], h.key, "")
		}
		clear(h.key)
	}
}

// opened takes in the key that a wrap gave.
func (s *search) opened(k *kek, b *blob, key []byte, how string) {
	name := "AK"
	if len(key) == 64 {
		name = "MEK"
	}
	path := append(append(Path(nil), k.path...), step(name+how, b.page, b.offset, b.size))
	s.note(Finding{Path: path, Weak: k.weak})
	if len(key) == 32 {
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
	if p.changed != nil {
		offset = p.changed(offset, size)
	}
	if p.how != "" {
		name += " in " + p.how
		offset = p.where[offset]
	}
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
	for i := range s.derived {
		s.derived[i].root.Clear()
		s.derived[i].pin.Clear()
	}
	clear(s.seen)
}
