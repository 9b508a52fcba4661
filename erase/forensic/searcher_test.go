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
