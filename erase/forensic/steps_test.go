package forensic

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// Two candidates lie at one place if a wrap of 40 bytes and one of 72 bytes could begin there.
func TestLastAt(t *testing.T) {
	a, b := &page{}, &page{}
	s := &search{blobs: []blob{{a, 0, 40}, {a, 8, 40}, {a, 8, 72}, {b, 8, 40}, {b, 16, 40}, {b, 16, 72}}}
	for i, want := range []int{0, 2, 2, 3, 5, 5} {
		require.Equal(t, want, s.lastAt(i), "%d", i)
	}
}

// The nearest page before with the same bytes in the same place is found, the hint first.
func TestPageBefore(t *testing.T) {
	text := func(s string) page { return page{full: []byte(s), data: []byte(s)} }
	s := &search{pages: []page{
		text("same"), text("same"), text("other"), text("sa"), text("other"), text("same"), text("last"),
		text("same"), text("x"), text("y"), text("z"), text("end"), text("same"), text("x"), text("end"),
	}}
	for _, c := range []struct{ page, hint, want int }{
		{0, -1, -1},
		{0, 0, -1}, // none before
		{1, 0, 0},
		{1, -1, 0},
		{5, 0, 0},  // the hint
		{5, 4, 1},  // not the hint, nor one that is too short: the nearest
		{5, 5, 1},  // a hint that is the page itself
		{5, 12, 1}, // or a later one
		{7, 6, 5},
		{12, 11, 7},
		{12, 5, 5}, // seven before by the hint
		{12, 4, 7},
		{12, 3, 7},
		{12, 0, 7},   // too far before
		{11, 10, -1}, // no other one
		{14, 13, 11},
		{13, 12, 8},
	} {
		require.Equal(t, c.want, s.pageBefore(c.page, 0, len(s.pages[c.page].full), c.hint), "page %d, hint %d", c.page, c.hint)
	}
	s.pages = s.pages[:1]
	for range pagesBefore - 1 {
		s.pages = append(s.pages, text("none"))
	}
	s.pages = append(s.pages, text("same"))
	require.Equal(t, 0, s.pageBefore(pagesBefore, 0, 4, pagesBefore-1), "as far before as is looked")
	require.Equal(t, 0, s.pageBefore(pagesBefore, 0, 4, 0))
	s.pages = append(s.pages, text("same"))
	s.pages[pagesBefore] = text("none")
	require.Equal(t, -1, s.pageBefore(pagesBefore+1, 0, 4, 0), "and no further")
	s.pages[pagesBefore] = page{full: []byte("same"), data: nil}
	require.Equal(t, -1, s.pageBefore(pagesBefore+1, 0, 4, 0), "nothing was tried behind the data")
}

// A key of ones alone looks like a page that is blank there.
func TestAKeyOfOnesBesideABlankPage(t *testing.T) {
	s := newScene(t)
	s.becomes(bytes.Repeat([]byte{0xFF}, 64))
	s.page(0, 0, 0, noise("short", 20))
	s.page(0, 1, 0, noise("head", 100), 164, noise("tail", 100))
	f := s.search(Options{})
	require.Len(t, f.Keys, 1)
	require.Equal(t, "bare key at block 0 page 1 offset 100 opens LBA 17", f.Keys[0].String())
}

// The one worker of a search without a runner forgets its keys after each work, and what came out of
// one work is not given again by the next.
func TestTheOneWorkerForgets(t *testing.T) {
	x := newSearch(drive.Dump{}, nil, Options{})
	work := func() []hit {
		return x.share(3, 2, func(w *worker, from, to int) {
			*w.key = secret.Key32{1}
			w.tried.KEKs += to - from
			w.bare = append(w.bare, Finding{})
			for i := from; i < to; i++ {
				w.hits = append(w.hits, hit{turn: i})
			}
		})
	}
	for n := 1; n <= 2; n++ {
		require.Equal(t, []hit{{turn: 0}, {turn: 1}, {turn: 2}}, work())
		require.Zero(t, *x.alone.key)
		require.Equal(t, 3*n, x.out.Tried.KEKs)
		require.True(t, x.barely, "a bare key was noted")
	}
	require.Nil(t, x.share(0, 2, nil))
}

// A wave tries each of its KEKs on every place once, however it falls into shares, and its hits have
// the turns of their KEKs.
func TestAWaveTriesEveryKEKOnEveryPlace(t *testing.T) {
	s := newScene(t)
	const places = 2*keywrap.Eight + 3 // three batches, so that shares begin inside the work of a KEK
	keks := 2*batchesInShare/3 + 10
	inner := func(i int) []byte { return noise(fmt.Sprint("key ", i), 32) }
	for name, runner := range map[string]func(int, func(int)){"one worker": nil, "backwards": backwards} {
		x := newSearch(drive.Dump{}, nil, Options{Parallel: runner})
		wave := make([]kek, keks)
		for i := range wave {
			wave[i].key = &secret.Key32{byte(i), byte(i >> 8), 1}
		}
		edge := batchesInShare / 3 // the KEK whose work is in two shares
		opens := []int{0, edge - 1, edge, edge, edge + 1, keks - 1}
		at := []int{0, places - 1, 1, places - 2, keywrap.Eight, keywrap.Eight + 1}
		for i := range places {
			x.blobs = append(x.blobs, blob{page: &page{full: noise(fmt.Sprint("place ", i), 40)}, size: 40})
		}
		for i, k := range opens {
			x.blobs[at[i]].page = &page{full: s.wrap(wave[k].key[:], inner(i))}
		}
		hits := inOrder(x.tryWave(wave, x.batched(func(int) bool { return true })))
		require.Equal(t, keks*places, x.out.Tried.Unwraps, name)
		require.Len(t, hits, len(opens), name)
		for i, h := range hits {
			require.Equal(t, []int{opens[i], at[i]}, []int{h.turn, h.blob}, "%s, hit %d", name, i)
			require.Equal(t, inner(i), h.key)
			require.Same(t, &wave[opens[i]], h.kek)
		}
	}
}

// A KEK that cannot be derived is left out, and those behind it have their turns.
func TestADerivationThatFailsIsLeftOut(t *testing.T) {
	var derived []*secret.Key32
	x := newSearch(drive.Dump{Flash: []flash.Page{{Data: bytes.Repeat([]byte{1}, 16)}}}, nil, Options{
		KDF: func(_ *secret.Key32, pin drive.PIN, _ [16]byte) (*secret.Key32, error) {
			if pin.Bytes()[0] == 2 {
				return nil, errors.New("none")
			}
			derived = append(derived, &secret.Key32{pin.Bytes()[0]})
			return derived[len(derived)-1], nil
		},
	})
	for i := range 3 {
		x.derived = append(x.derived, derivation{pin: drive.CredentialPIN(&secret.Key32{byte(i + 1)})})
	}
	w := newWorker(x)
	var turns []int
	var keys []byte
	w.derive([16]byte{}, 100, func(k *kek) {
		turns, keys = append(turns, w.turn), append(keys, w.key[0])
		require.Same(t, &x.derived[w.turn-100].kek, k)
	})
	require.Equal(t, []int{100, 102}, turns)
	require.Equal(t, []byte{1, 3}, keys)
	require.Equal(t, 2, w.tried.KEKs)
	for _, k := range derived {
		require.Zero(t, *k, "what the caller derived is cleared")
	}
}
