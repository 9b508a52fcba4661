package forensic

import (
	"bytes"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Searcher searches one dump of a drive after the other with the same secrets and oracles. What an
// earlier dump held and a later one still holds is not tried again: the findings, and the work that
// they speak of, are those of Search all the same.
type Searcher struct {
	secrets []Secret
	oracles []Oracle
	opts    Options
	memory  memory
}

// NewSearcher refuses what Search refuses. The secrets are the caller's to keep until Clear, and to
// clear.
func NewSearcher(secrets []Secret, oracles []Oracle, opts Options) (*Searcher, error) {
	if err := checkOracles(oracles); err != nil {
		return nil, err
	}
	return &Searcher{secrets: secrets, oracles: oracles, opts: opts, memory: memory{places: map[content]*tries{}}}, nil
}

// Search is Search of a dump, whose bytes stay as they are until the next search.
//
// A page that cannot be read (drive.Dump.Unread) is not searched: that the findings are all is then for the
// caller to deny.
func (s *Searcher) Search(dump drive.Dump) Findings {
	x := newSearch(dump, s.oracles, s.opts)
	if s.opts.KDF == nil && !s.opts.Deep && s.opts.Also == 0 {
		x.recall(&s.memory)
	}
	x.run(s.secrets)
	x.remember()
	x.forget()
	s.memory.pages = nil
	if x.before != nil && !x.barely && len(x.pages) <= memoryPages {
		s.memory.pages = x.pages
	}
	return x.out
}

// Clear overwrites the keys that the searches found.
func (s *Searcher) Clear() {
	for _, t := range s.memory.all {
		for _, m := range slices.Concat(t.salted, t.assumed) {
			clear(m.key)
		}
	}
	s.memory = memory{places: map[content]*tries{}}
}

// memoryPages is up to how many pages of the dump before are looked at for a window that was tried.
const memoryPages = 16

// memory is what a Searcher has tried.
type memory struct {
	places map[content]*tries
	all    []*tries // of places
	pages  []page   // of the last dump, if no bare key was found in it
}

// tries are what opened a place of the KEKs that were tried on it. All derivations with the salt before
// it were, if there is one, and all KEKs that are known without a dump.
type tries struct{ salted, assumed []memo }

// memo is a KEK that opens a wrap, by its number, and the key in it.
type memo struct {
	kek int
	key []byte
}

// held says whether a window was tried at the same offset in the dump before. One of blank bytes alone
// may have been left out there.
func (m *memory) held(window []byte, off int) bool {
	if m == nil {
		return false
	}
	for i := range m.pages {
		p := &m.pages[i]
		if off+64 <= len(p.full) && off < len(p.data) && bytes.Equal(window, p.full[off:off+64]) && !uniform(window) {
			return true
		}
	}
	return false
}

// recall says of each place what the memory, which may be nil, has of it.
func (s *search) recall(m *memory) {
	if m == nil {
		return
	}
	s.before, s.old, s.fresh = m, make([]*tries, len(s.blobs)), make([]tries, len(s.blobs))
	for i := range s.blobs {
		s.old[i] = m.places[s.blobs[i].content()]
	}
}

// remember puts the places that are new into the memory.
func (s *search) remember() {
	for i := range s.fresh {
		if s.old[i] == nil {
			s.before.places[s.blobs[i].content()] = &s.fresh[i]
			s.before.all = append(s.before.all, &s.fresh[i])
		}
	}
}

// knew says whether the i-th place was tried in a dump before.
func (s *search) knew(i int) bool { return s.before != nil && s.old[i] != nil }

// recallSalted leaves out of starts the places that were tried in a dump before, and gives what the KEKs
// with the salts there opened.
func (s *search) recallSalted(starts []int) (left []int, hits []hit) {
	keks := 0
	for i := range s.derived {
		if s.derived[i].pin.Len() > 0 {
			keks++
		}
	}
	for _, i := range starts {
		last := s.lastAt(i)
		if !s.knew(i) || !s.knew(last) {
			left = append(left, i)
			continue
		}
		s.out.Tried.KEKs += keks
		for j := i; j <= last; j++ {
			s.out.Tried.Unwraps += keks
			for _, m := range s.old[j].salted {
				hits = append(hits, hit{turn: i*len(s.derived) + m.kek, kek: &s.derived[m.kek].kek, blob: j, key: bytes.Clone(m.key)})
			}
		}
	}
	return left, hits
}

// keepSalted keeps hits of new places for the memory.
func (s *search) keepSalted(hits []hit) {
	for i := range hits {
		if h := &hits[i]; s.before != nil && !s.knew(h.blob) {
			t := &s.fresh[h.blob]
			t.salted = append(t.salted, memo{kek: h.turn % len(s.derived), key: bytes.Clone(h.key)})
		}
	}
}

// recallAssumed gives what the first KEKs, which are known without a dump, opened at the places that
// were tried in a dump before.
func (s *search) recallAssumed(keks int) (hits []hit) {
	for i := range s.old {
		if !s.knew(i) {
			continue
		}
		s.out.Tried.Unwraps += keks
		for _, m := range s.old[i].assumed {
			hits = append(hits, hit{turn: m.kek, kek: &s.keks[m.kek], blob: i, key: bytes.Clone(m.key)})
		}
	}
	return hits
}

// keepAssumed keeps hits of new places for the memory.
func (s *search) keepAssumed(hits []hit) {
	for i := range hits {
		if h := &hits[i]; s.before != nil && !s.knew(h.blob) {
			t := &s.fresh[h.blob]
			t.assumed = append(t.assumed, memo{kek: h.turn, key: bytes.Clone(h.key)})
		}
	}
}
