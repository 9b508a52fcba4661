package forensic

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// A Searcher says of each dump what Search says of it, whatever it has seen before.
func TestASearcherFindsWhatSearchFinds(t *testing.T) {
	s := newScene(t)
	salted, wrapped := s.wrap(s.kek(&s.root, s.pin), s.ak[:]), s.wrap(s.ak[:], s.mek[:])
	direct := s.wrap(s.kek(&s.root, s.pin), s.mek[:])
	byPIN, weak := s.wrap(s.pin.Bytes(), s.ak[:]), s.wrap(s.kek(new(secret.Key32), s.pin), s.ak[:])
	page := func(n int, parts ...any) func() {
		return func() { s.page(n, 0, append([]any{1500, noise("tail", 100)}, parts...)...) }
	}
	dumps := [][]func(){
		{page(0, 24, s.salt[:], 40, salted), page(1, 8, wrapped)},                         // the way
		{page(0, 24, s.salt[:], 40, salted), page(1, 8, noise("new", 72))},                // half of it
		{page(2, 8, wrapped), page(1, 24, s.salt[:], 40, salted)},                         // elsewhere
		{page(0, 24, noise("salt", 16), 40, salted), page(1, 8, wrapped)},                 // another salt
		{page(0, 8, byPIN), page(1, 8, wrapped)},                                          // by the PIN itself
		{page(0, 8, byPIN, 200, wrapped, 400, s.mek[:])},                                  // and bare
		{page(0, 8, byPIN, 200, wrapped, 400, s.mek[:])},                                  // still
		{page(0, 401, s.mek[:])},                                                          // and elsewhere
		{page(0, 100, bytes.Repeat([]byte{7}, 100)), page(1, 24, s.salt[:], 40, wrapped)}, // 40 and 72 bytes at one place
		{},
		{page(0, 24, s.salt[:], 40, weak, 200, s.salt[:], 216, salted, 400, s.salt[:], 416, weak), page(1, 8, wrapped)}, // three places, two KEKs
		{page(0, 24, s.salt[:], 40, direct[:40])}, // a place of 40 bytes
		{page(0, 24, s.salt[:], 40, direct)},      // and of 72 at the same place
		{page(0, 400, s.mek[:62])},                // almost a key
		{page(0, 400, s.mek[:])},
	}
	for _, order := range [][]int{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 5, 0, 8}, {10, 10, 0, 10}, {11, 12, 13, 14, 0, 0, 5}} {
		x, err := NewSearcher(s.secrets, []Oracle{s.oracle}, Options{})
		require.NoError(t, err)
		keys := 0
		for _, n := range order {
			s.pages = nil
			for _, put := range dumps[n] {
				put()
			}
			want := s.search(Options{})
			require.Equal(t, want.String(), x.Search(drive.Dump{Flash: s.pages}).String(), "dump %d of %v", n, order)
			keys += len(want.Keys)
		}
		require.Greater(t, keys, 3)
	}
}

// String is all of the findings, for a comparison.
func (f Findings) String() string { return fmt.Sprintf("%v\n%v\n%v", f.Keys, f.Wraps, f.Tried) }

// What is remembered is counted as if it were tried, in the order in which it would be. An empty PIN
// derives nothing, and is not counted.
func TestASearcherCountsWhatItRemembers(t *testing.T) {
	s := newScene(t)
	s.secrets = []Secret{s.secrets[0], PIN("empty", drive.PIN{})}
	var pins []drive.PIN
	for i := range 40 { // more than there are places between the first and the last
		pins = append(pins, drive.CredentialPIN(&secret.Key32{byte(i), 1}))
		s.secrets = append(s.secrets, PIN(fmt.Sprint("PIN ", i), pins[i]))
	}
	first, last := s.wrap(s.kek(&s.root, pins[39]), s.mek[:]), s.wrap(s.kek(&s.root, pins[0]), s.ak[:])
	s.page(0, 0, 24, s.salt[:], 40, first, 200, s.salt[:], 216, last, 400, s.salt[:], 416, noise("none", 72))
	x, err := NewSearcher(s.secrets, []Oracle{s.oracle}, Options{})
	require.NoError(t, err)
	want := s.search(Options{})
	require.NotEmpty(t, want.Keys)
	for range 3 {
		require.Equal(t, want, x.Search(drive.Dump{Flash: s.pages}))
	}
}

// What a Searcher has seen is not tried again.
func TestASearcherTriesNothingTwice(t *testing.T) {
	s := newScene(t)
	s.page(0, 0, 0, noise("page", 2048))
	dump := drive.Dump{Flash: s.pages}
	x, err := NewSearcher(s.secrets, []Oracle{s.oracle}, Options{})
	require.NoError(t, err)
	x.Search(dump)
	again := newSearch(dump, x.oracles, x.opts)
	again.recall(&x.memory)
	again.assume(x.secrets)
	left, _ := again.recallSalted([]int{2, 4, 6})
	require.Empty(t, left)
	require.True(t, x.memory.held(s.pages[0].Data[5:69], 5))
	require.False(t, x.memory.held(s.pages[0].Data[5:69], 6))
}

// What was tried in a dump is every window that begins before its data end, and lies in its page.
func TestWhatWasTriedInADump(t *testing.T) {
	full := append(noise("held", 40), bytes.Repeat([]byte{0xFF}, 64)...)
	m := &memory{pages: []page{{full: full, data: full[:40]}}}
	require.True(t, m.held(full[0:64], 0))
	require.True(t, m.held(full[39:103], 39))
	require.False(t, m.held(full[40:104], 40), "nothing begins there")
	m.pages[0].data = full
	require.False(t, m.held(full[40:104], 40), "blank bytes alone may have been left out")
	mixed := append(noise("held", 40), bytes.Repeat([]byte{0, 0xFF}, 32)...)
	require.False(t, (&memory{pages: []page{{full: mixed, data: mixed[:40]}}}).held(mixed[40:], 40), "nothing begins there, whatever it is")
	require.True(t, (&memory{pages: []page{{full: mixed, data: mixed[:41]}}}).held(mixed[40:], 40))
	last := append(noise("held", 20), noise("last", 64)...)
	m = &memory{pages: []page{{full: last, data: last}}}
	require.True(t, m.held(last[20:], 20))
	require.False(t, m.held(last[20:], 21), "behind the end of the page")
	require.False(t, m.held(last[20:], 1000))
	require.False(t, (*memory)(nil).held(last[20:], 20))
}

// The windows of a large dump are not remembered, nor those of the dump before it.
func TestASearcherRemembersSmallDumps(t *testing.T) {
	s := newScene(t)
	x, err := NewSearcher(s.secrets, []Oracle{s.oracle}, Options{})
	require.NoError(t, err)
	for n := range memoryPages + 1 {
		s.page(n, 0, 0, noise(fmt.Sprint(n), 16))
	}
	x.Search(drive.Dump{Flash: s.pages[:memoryPages]})
	require.Len(t, x.memory.pages, memoryPages)
	x.Search(drive.Dump{Flash: s.pages})
	require.Empty(t, x.memory.pages)
}

// Clear overwrites the keys that are remembered.
func TestASearcherForgets(t *testing.T) {
	s := newScene(t)
	s.page(0, 0, 24, s.salt[:], 40, s.wrap(s.kek(&s.root, s.pin), s.ak[:]), 200, s.wrap(s.pin.Bytes(), s.mek[:]))
	x, err := NewSearcher(s.secrets, []Oracle{s.oracle}, Options{})
	require.NoError(t, err)
	require.NotEmpty(t, x.Search(drive.Dump{Flash: s.pages}).Keys)
	var keys [][]byte
	for _, p := range x.memory.places {
		for _, m := range append(p.salted, p.assumed...) {
			keys = append(keys, m.key)
		}
	}
	require.Len(t, keys, 2)
	x.Clear()
	for _, k := range keys {
		require.Equal(t, make([]byte, len(k)), k)
	}
	require.Empty(t, x.memory.places)
}

// A derivation of the caller's may answer otherwise the next time, so nothing is remembered of it, and
// nothing of a deep search.
func TestASearcherRemembersItsOwnDerivationAlone(t *testing.T) {
	s := newScene(t)
	s.page(0, 0, 24, s.salt[:], 40, s.wrap(s.kek(&s.root, s.pin), s.mek[:]))
	kdf := func(root *secret.Key32, pin drive.PIN, salt [16]byte) (*secret.Key32, error) {
		return drive.KEK(root, pin, salt, 1)
	}
	for _, o := range []Options{{KDF: kdf}, {Deep: true}} {
		x, err := NewSearcher(s.secrets, []Oracle{s.oracle}, o)
		require.NoError(t, err)
		for range 2 {
			require.Equal(t, s.search(o).String(), x.Search(drive.Dump{Flash: s.pages}).String())
			require.Empty(t, x.memory.places)
			require.Empty(t, x.memory.pages)
		}
	}
	_, err := NewSearcher(nil, []Oracle{{}}, Options{})
	require.Error(t, err)
	x, err := NewSearcher(nil, nil, Options{})
	require.NoError(t, err)
	require.Empty(t, x.Search(drive.Dump{Flash: []flash.Page{{Data: noise("page", 64)}}}).Keys)
}

// remembering is a search of places, of which a memory has those that are named, with three derivations, one
// of an empty PIN, and two KEKs that are known without a dump.
func remembering(known map[int]*tries, sizes ...int) *search {
	x := places(sizes...)
	m := &memory{places: map[content]*tries{}}
	for i, t := range known {
		m.places[x.blobs[i].content()] = t
		m.all = append(m.all, t)
	}
	x.recall(m)
	for i := range 3 {
		d := derivation{kek: kek{path: Path{{Name: fmt.Sprint("derived ", i)}}}}
		if i != 1 {
			d.pin = drive.CredentialPIN(&secret.Key32{byte(i)})
		}
		x.derived = append(x.derived, d)
		x.keks = append(x.keks, kek{key: &secret.Key32{byte(i)}})
	}
	return x
}

// samePlace makes the i-th place the one before it with another size.
func (s *search) samePlace(i int) {
	s.blobs[i].page, s.blobs[i].offset = s.blobs[i-1].page, s.blobs[i-1].offset
}

func TestAMemoryKnowsItsPlaces(t *testing.T) {
	x := remembering(map[int]*tries{0: {}, 2: {}}, 40, 40, 72)
	for i, want := range []bool{true, false, true} {
		require.Equal(t, want, x.knew(i), "%d", i)
	}
	x.fresh[1].salted = []memo{{kek: 7}}
	x.remember()
	require.Len(t, x.before.places, 3)
	require.Same(t, &x.fresh[1], x.before.places[x.blobs[1].content()])
	require.Len(t, x.before.all, 3)
	require.Same(t, &x.fresh[1], x.before.all[2])

	none := places(40)
	none.recall(nil)
	require.Nil(t, none.before)
	require.False(t, none.knew(0))
	none.remember()
	none.keepSalted([]hit{{blob: 0}})
	none.keepAssumed([]hit{{blob: 0}})
	left, hits := none.recallSalted([]int{0})
	require.Equal(t, []int{0}, left)
	require.Empty(t, hits)
	require.Empty(t, none.recallAssumed(3))
	require.Equal(t, Tried{}, none.out.Tried)
}

// A place whose candidates are all known is left out, and what its salt opened is given with the turn that it
// would have. Its work is counted.
func TestTheSaltsThatAreRemembered(t *testing.T) {
	key := func(i int) []byte { return noise(fmt.Sprint("key ", i), 32) }
	x := remembering(map[int]*tries{
		1: {salted: []memo{{0, key(0)}, {2, key(1)}}, assumed: []memo{{0, key(9)}}},
		2: {}, // 3 is at the same place, and new
		4: {salted: []memo{{2, key(2)}}}, 5: {salted: []memo{{0, key(3)}}},
		7: {},
	}, 40, 40, 40, 72, 40, 72, 40, 40)
	x.samePlace(3)
	x.samePlace(5)
	left, hits := x.recallSalted([]int{0, 1, 2, 4, 6, 7})
	require.Equal(t, []int{0, 2, 6}, left)
	require.Equal(t, []hit{
		{turn: 1*3 + 0, kek: &x.derived[0].kek, blob: 1, key: key(0)},
		{turn: 1*3 + 2, kek: &x.derived[2].kek, blob: 1, key: key(1)},
		{turn: 4*3 + 2, kek: &x.derived[2].kek, blob: 4, key: key(2)},
		{turn: 4*3 + 0, kek: &x.derived[0].kek, blob: 5, key: key(3)},
	}, hits)
	require.Same(t, &x.derived[2].kek, hits[1].kek)
	require.Equal(t, Tried{KEKs: 3 * 2, Unwraps: 4 * 2}, x.out.Tried, "an empty PIN derives nothing")
	clear(hits[0].key)
	require.Equal(t, key(0), x.old[1].salted[0].key, "the memory has a copy of its own")
}

func TestTheKEKsThatAreRemembered(t *testing.T) {
	key := func(i int) []byte { return noise(fmt.Sprint("key ", i), 32) }
	x := remembering(map[int]*tries{
		1: {assumed: []memo{{0, key(0)}, {2, key(1)}}, salted: []memo{{0, key(9)}}}, 3: {assumed: []memo{{1, key(2)}}}, 4: {},
	}, 40, 72, 40, 40, 72)
	hits := x.recallAssumed(5)
	require.Equal(t, []hit{
		{turn: 0, kek: &x.keks[0], blob: 1, key: key(0)}, {turn: 2, kek: &x.keks[2], blob: 1, key: key(1)}, {turn: 1, kek: &x.keks[1], blob: 3, key: key(2)},
	}, hits)
	require.Same(t, &x.keks[2], hits[1].kek)
	require.Equal(t, Tried{Unwraps: 3 * 5}, x.out.Tried)
	clear(hits[0].key)
	require.Equal(t, key(0), x.old[1].assumed[0].key, "the memory has a copy of its own")
}

// What opened a new place is kept by the number of its KEK.
func TestWhatIsKeptForTheMemory(t *testing.T) {
	x := remembering(map[int]*tries{1: {}}, 40, 40, 72)
	a, b := []byte{1}, []byte{2}
	hits := []hit{{turn: 0*3 + 2, blob: 0, key: a}, {turn: 1*3 + 1, blob: 1, key: a}, {turn: 2*3 + 1, blob: 2, key: b}, {turn: 2*3 + 0, blob: 2, key: a}}
	x.keepSalted(hits)
	require.Equal(t, []tries{{salted: []memo{{2, []byte{1}}}}, {}, {salted: []memo{{1, []byte{2}}, {0, []byte{1}}}}}, x.fresh)
	x.keepAssumed([]hit{{turn: 1, blob: 0, key: b}, {turn: 2, blob: 1, key: b}, {turn: 0, blob: 2, key: a}})
	require.Equal(t, []tries{
		{salted: []memo{{2, []byte{1}}}, assumed: []memo{{1, []byte{2}}}}, {}, {salted: []memo{{1, []byte{2}}, {0, []byte{1}}}, assumed: []memo{{0, []byte{1}}}},
	}, x.fresh)
	clear(a)
	clear(b)
	require.Equal(t, []byte{1}, x.fresh[0].salted[0].key, "the memory has a copy of its own")
	require.Equal(t, []byte{2}, x.fresh[0].assumed[0].key)
}

// A Searcher clears what it derived and was given copies of, and keeps nothing where another way is asked for.
func TestASearcherForgetsAfterEachSearch(t *testing.T) {
	s := newScene(t)
	s.page(0, 0, 24, s.salt[:], 40, s.wrap(s.kek(&s.root, s.pin), s.ak[:]), 80, s.wrap(s.ak[:], s.mek[:]))
	var roots []*secret.Key32
	var pins []drive.PIN
	kdf := func(root *secret.Key32, pin drive.PIN, salt [16]byte) (*secret.Key32, error) {
		roots, pins = append(roots, root), append(pins, pin)
		return drive.KEK(root, pin, salt, 1)
	}
	x, err := NewSearcher(s.secrets, []Oracle{s.oracle}, Options{KDF: kdf})
	require.NoError(t, err)
	for range 2 {
		require.Len(t, x.Search(drive.Dump{Flash: s.pages}).Keys, 1)
		require.NotEmpty(t, roots)
		for i := range roots {
			require.Zero(t, *roots[i])
			require.Zero(t, pins[i].Len())
		}
		roots, pins = nil, nil
	}
	require.Equal(t, s.root[:], s.secrets[0].b, "the caller's secrets stay")

	x, err = NewSearcher(s.secrets, []Oracle{s.oracle}, Options{Also: GCM})
	require.NoError(t, err)
	for range 2 {
		require.Equal(t, s.search(Options{Also: GCM}), x.Search(drive.Dump{Flash: s.pages}))
		require.Empty(t, x.memory.places)
		require.Empty(t, x.memory.pages)
	}
	x, err = NewSearcher(nil, []Oracle{{Name: "bad"}}, Options{})
	require.ErrorContains(t, err, `oracle "bad" has a sector size of 0 bytes`)
	require.Nil(t, x)
}

// The pages of a dump are kept for the next if no bare key was found in them.
func TestASearcherKeepsThePagesOfTheDumpBefore(t *testing.T) {
	s := newScene(t)
	x, err := NewSearcher(s.secrets, []Oracle{s.oracle}, Options{})
	require.NoError(t, err)
	s.page(0, 0, 0, noise("first", 70))
	s.page(1, 0, 0, noise("second", 70))
	x.Search(drive.Dump{Flash: s.pages})
	require.Len(t, x.memory.pages, 2)
	require.True(t, bytes.Equal(s.pages[1].Data, x.memory.pages[1].full))
	x.Search(drive.Dump{Flash: s.pages[:1]})
	require.Len(t, x.memory.pages, 1)
	s.page(2, 0, 0, s.mek[:])
	x.Search(drive.Dump{Flash: s.pages})
	require.Empty(t, x.memory.pages, "a key must be found again")
	x.Search(drive.Dump{Flash: s.pages[:2]})
	require.Len(t, x.memory.pages, 2)
	require.NotEmpty(t, x.memory.all)
	x.Clear()
	require.Equal(t, memory{places: map[content]*tries{}}, x.memory)
}
