package forensic

import (
	"bytes"
	"crypto/aes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// whole is a page whose bytes all may begin something.
func whole(b []byte) page { b = slices.Clip(b); return page{full: b, data: b} }

// sealedOf lists the places that could be AES-GCM wraps on some pages, as layout, page, offset and size.
func sealedOf(opts Options, pages ...page) (*search, []string) {
	x := newSearch(drive.Dump{}, nil, opts)
	for i := range pages {
		pages[i].page = i
	}
	x.pages = pages
	x.loadSealed()
	return x, placesOf(x.sealed)
}

func placesOf(sealed []sealedPlace) (out []string) {
	for _, p := range sealed {
		out = append(out, fmt.Sprintf("%s at %d:%d of %d", p.layout.name, p.page.page, p.offset, p.size))
	}
	return out
}

// A wrap of 32 bytes has 48, with a nonce 60; one of 64 bytes has 80 and 92.
func TestPlacesOfGCMByTheRoomOnThePage(t *testing.T) {
	const bare, first, last = "AES-GCM, nonce of zeros at 0:", "AES-GCM at 0:", "AES-GCM, nonce last at 0:"
	n := noise("page", 92)
	for size, want := range map[int][]string{
		47: nil,
		48: {bare + "0 of 48"},
		51: {bare + "0 of 48"},
		52: {bare + "0 of 48", bare + "4 of 48"},
		59: {bare + "0 of 48", bare + "4 of 48", bare + "8 of 48"},
		60: {first + "0 of 60", last + "0 of 60", bare + "0 of 48", bare + "4 of 48", bare + "8 of 48", bare + "12 of 48"},
	} {
		_, got := sealedOf(Options{Also: GCM}, whole(n[:size]))
		require.Equal(t, want, got, "%d bytes", size)
		_, got = sealedOf(Options{Also: AllWays &^ GCM, Deep: true}, whole(n[:size]))
		require.Empty(t, got, "nobody asked")
	}
	// At one place in the order of the layouts, short ones first.
	at := func(size, offset int) (out []string) {
		_, all := sealedOf(Options{Also: GCM}, whole(n[:size]))
		for _, p := range all {
			var o, k int
			l, rest, _ := strings.Cut(p, " at 0:")
			_, err := fmt.Sscanf(rest, "%d of %d", &o, &k)
			require.NoError(t, err)
			if o == offset {
				out = append(out, fmt.Sprint(l, " ", k))
			}
		}
		return out
	}
	short := []string{"AES-GCM 60", "AES-GCM, nonce last 60", "AES-GCM, nonce of zeros 48"}
	require.Equal(t, short, at(79, 0))
	require.Equal(t, append(slices.Clone(short), "AES-GCM, nonce of zeros 80"), at(80, 0))
	require.Equal(t, append(slices.Clone(short), "AES-GCM, nonce of zeros 80"), at(91, 0))
	require.Equal(t, append(slices.Clone(short), "AES-GCM 92", "AES-GCM, nonce last 92", "AES-GCM, nonce of zeros 80"), at(92, 0))
	require.Equal(t, append(slices.Clone(short), "AES-GCM, nonce of zeros 80"), at(92, 12))
	require.Equal(t, short, at(92, 16))
}

func TestADeepSearchLooksForGCMAtEveryByte(t *testing.T) {
	_, got := sealedOf(Options{Also: GCM, Deep: true}, whole(noise("page", 51)))
	const bare = "AES-GCM, nonce of zeros at 0:"
	require.Equal(t, []string{bare + "0 of 48", bare + "1 of 48", bare + "2 of 48", bare + "3 of 48"}, got)
}

// A wrap begins before the data of its page end, has 20 different bytes or more in its first 40 and 8 or
// more in its tag, and is listed once however often it is there.
func TestPlacesOfGCMByWhatLiesThere(t *testing.T) {
	none := []string(nil)
	bare := func(at string) []string { return []string{"AES-GCM, nonce of zeros at " + at + " of 48"} }
	sequence := func(n, of int) []byte { // n bytes of so many values
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(1 + i%of)
		}
		return b
	}
	n := noise("page", 64)
	get := func(pages ...page) []string {
		_, got := sealedOf(Options{Also: GCM}, pages...)
		return got
	}
	require.Equal(t, bare("0:0"), get(page{full: slices.Clip(n[:56]), data: n[:4]}))
	require.Equal(t, append(bare("0:0"), bare("0:4")...), get(page{full: slices.Clip(n[:56]), data: n[:5]}), "the data end behind its first byte")

	require.Equal(t, bare("0:0"), get(whole(slices.Concat(sequence(40, 20), n[:8]))))
	require.Equal(t, none, get(whole(slices.Concat(sequence(40, 19), n[:8]))))
	behind := get(whole(slices.Concat(make([]byte, 28), n[:48]))) // at 0 and 4 lie 13 and 17 values
	require.Subset(t, behind, append(bare("0:8"), bare("0:28")...), "one that is none does not end the search")
	require.NotContains(t, behind, bare("0:4")[0])

	require.Equal(t, bare("0:0"), get(whole(slices.Concat(n[:32], sequence(16, 8)))))
	require.Equal(t, none, get(whole(slices.Concat(n[:32], sequence(16, 7)))))
	// At 0 the tag of the short layout has 5 values.
	require.Equal(t, slices.Concat([]string{"AES-GCM at 0:0 of 60", "AES-GCM, nonce last at 0:0 of 60"}, bare("0:4"), bare("0:8"), bare("0:12")),
		get(whole(slices.Concat(n[:32], bytes.Repeat([]byte{9}, 12), n[:16]))), "where one layout does not fit, another may")

	require.Equal(t, bare("0:0"), get(whole(n[:48]), whole(n[:48])))
	require.Equal(t, append(bare("0:0"), bare("1:0")...), get(whole(n[:48]), whole(n[1:49])))
}

// The list has its budget. What is too long is dropped, and said.
func TestTooManyPlacesOfGCM(t *testing.T) {
	for _, deep := range []bool{false, true} {
		for extra, fits := range map[int]bool{0: true, 1: false} {
			if !fits && deep {
				continue // a list of 4 million
			}
			x := newSearch(drive.Dump{}, nil, Options{Also: GCM, Deep: deep})
			x.pages = []page{whole(noise("page", 48))}
			x.sealed = make([]sealedPlace, QuickBudget>>2-1+extra)
			before := len(x.sealed)
			x.loadSealed()
			if fits {
				require.Len(t, x.sealed, before+1)
				require.Empty(t, x.out.Left)
			} else {
				require.Nil(t, x.sealed)
				require.Equal(t, []string{"AES-GCM wraps: too many places for the budget"}, x.out.Left)
			}
		}
	}
	x := newSearch(drive.Dump{}, nil, Options{Also: GCM, Deep: true})
	x.pages = []page{whole(noise("page", 48))}
	x.sealed = make([]sealedPlace, QuickBudget>>2)
	x.loadSealed()
	require.Len(t, x.sealed, QuickBudget>>2+1, "a deep search has room for more")
	require.Empty(t, x.out.Left)
}

func TestAKeyOfAWrongSizeIsABug(t *testing.T) {
	require.PanicsWithValue(t, "BUG: forensic: crypto/aes: invalid key size 31", func() { gcmOf(make([]byte, 31)) })
}

// sealedAt makes a place of an AES-GCM wrap in each layout.
func sealedAt(l int, kek, key []byte) sealedPlace {
	nonce := noise("nonce", nonceSize)
	var b []byte
	switch l {
	case 0:
		b = slices.Concat(nonce, sealWith(kek, nonce, key))
	case 1:
		b = slices.Concat(sealWith(kek, nonce, key), nonce)
	default:
		b = sealWith(kek, make([]byte, nonceSize), key)
	}
	p := whole(slices.Concat(noise("before", 8), b))
	return sealedPlace{blob{&p, 8, len(b)}, &layouts[l]}
}

func TestAWrapOfEachLayoutOpens(t *testing.T) {
	k := kek{key: &secret.Key32{7}}
	for _, size := range []int{32, 64} {
		key := noise("key", size)
		for l := range layouts {
			x := newSearch(drive.Dump{}, nil, Options{})
			x.sealed = []sealedPlace{{}, sealedAt(l, k.key[:], key)}
			w := newWorker(x)
			w.turn = 5
			w.trySealed(&k, gcmOf(k.key[:]), 1)
			require.Equal(t, []hit{{turn: 5, kek: &k, blob: 1, sealed: true, key: key}}, w.hits, layouts[l].name)
			require.Same(t, &k, w.hits[0].kek)
			require.Equal(t, 1, w.tried.Unwraps)
			require.Zero(t, w.buf, "no key stays")
			w.trySealed(&k, gcmOf(make([]byte, 32)), 1)
			require.Len(t, w.hits, 1, "another key opens nothing")
			require.Equal(t, 2, w.tried.Unwraps)
		}
	}
}

func TestAWaveTriesEveryKEKOnEveryGCMWrap(t *testing.T) {
	wave := make([]kek, 17) // three shares
	for i := range wave {
		wave[i].key = &secret.Key32{byte(i + 1)}
	}
	key := noise("key", 32)
	for name, runner := range map[string]func(int, func(int)){"one worker": nil, "backwards": backwards} {
		var phases []string
		x := newSearch(drive.Dump{}, nil, Options{Also: GCM, Parallel: runner, Phase: func(p string) { phases = append(phases, p) }})
		require.Nil(t, x.sealedWave(wave), "there is no place")
		require.Empty(t, x.spent)
		require.Empty(t, phases)
		x.sealed = []sealedPlace{sealedAt(0, wave[16].key[:], key), sealedAt(1, wave[8].key[:], key), sealedAt(2, wave[7].key[:], key)}
		require.Equal(t, []hit{
			{turn: 7, kek: &wave[7], blob: 2, sealed: true, key: key},
			{turn: 8, kek: &wave[8], blob: 1, sealed: true, key: key},
			{turn: 16, kek: &wave[16], blob: 0, sealed: true, key: key},
		}, x.sealedWave(wave), name)
		require.Equal(t, 17*3, x.out.Tried.Unwraps)
		require.Equal(t, map[Ways]int{GCM: 17 * 3}, x.spent)
		require.Equal(t, []string{"AES-GCM wraps"}, phases)
		x.spent[GCM] = QuickBudget - 17*3 + 1
		require.Nil(t, x.sealedWave(wave), "the budget is spent")
		require.Equal(t, 17*3, x.out.Tried.Unwraps)
		require.Equal(t, []string{"AES-GCM wraps: 51 operations, 50 are left of the budget"}, x.out.Left)
	}
}

// deciphered is what decipher finds where 64 bytes lie at an offset of a page.
func deciphered(s *scene, offset int, iv []byte) *worker {
	other := s.oracle
	other.Name, other.Cipher = "LBA 18", noise("other", 48)
	x := newSearch(drive.Dump{}, []Oracle{other, s.oracle}, Options{})
	p := whole(slices.Concat(noise("before", offset), blocks(s.root[:], iv, s.mek[:])))
	copy(p.full[max(0, offset-16):], iv)
	if iv != nil && offset < 16 {
		p = whole(slices.Concat(make([]byte, offset), blocks(s.root[:], iv, s.mek[:])))
	}
	p.block, p.page = 3, 4
	block, err := aes.NewCipher(s.root[:])
	require.NoError(s.t, err)
	w := newWorker(x)
	path := make(Path, 1, 8)
	path[0] = Step{Name: "root key", Secret: 1}
	w.decipher(&kek{path: path, weak: offset == 24}, block, &blob{page: &p, offset: offset, size: 64})
	require.Equal(s.t, Path{path[0], {}}, path[:2], "the path of the KEK is its own")
	return w
}

func TestAKeyIsDecipheredInEachWay(t *testing.T) {
	s := newScene(t)
	for _, c := range []struct {
		name   string
		offset int
		iv     []byte
		tries  int
	}{
		{"AES-ECB", 0, nil, 2},
		{"AES-ECB", 15, nil, 2},
		{"AES-ECB", 24, nil, 3},
		{"AES-CBC, vector of zeros", 0, make([]byte, 16), 2},
		{"AES-CBC", 16, noise("iv", 16), 3},
		{"AES-CBC", 24, noise("iv", 16), 3},
		{"AES-CBC", 77, noise("iv", 16), 3},
		{"", 8, noise("iv", 16), 2}, // half of the vector lies on no page
	} {
		w := deciphered(s, c.offset, c.iv)
		require.Equal(t, c.tries, w.tried.Unwraps, "%s at %d", c.name, c.offset)
		if c.name == "" {
			require.Empty(t, w.bare)
			continue
		}
		require.Equal(t, []Finding{{
			Path: Path{
				{Name: "root key", Secret: 1}, {Name: "MEK (" + c.name + ")", Placed: true, Block: 3, Page: 4, Offset: c.offset, Size: 64},
			}, Oracle: "LBA 17", Weak: c.offset == 24, Bits: 256,
		}}, w.bare, "%s at %d", c.name, c.offset)
	}
	zeros := append(make([]byte, 8), s.mek[:]...)
	copy(s.mek[:], slices.Concat(zeros[40:], zeros[8:40]))
	w := deciphered(s, 0, nil) // the oracle has the halves the other way round
	require.Len(t, w.bare, 1)
	require.True(t, w.bare[0].Swapped)
}

// Every KEK is tried on every 64 bytes at a multiple of 8 that look random and begin in the data.
func TestEnciphered(t *testing.T) {
	s := newScene(t)
	look := func(opts Options, oracles []Oracle, pages ...page) (*search, []string) {
		var phases []string
		opts.Phase = func(p string) { phases = append(phases, p) }
		x := newSearch(drive.Dump{}, oracles, opts)
		x.pages = pages
		for i := range 9 { // three shares
			x.keks = append(x.keks, kek{key: &secret.Key32{byte(i + 1)}, path: Path{{Name: fmt.Sprint("key ", i)}}})
		}
		x.enciphered()
		return x, phases
	}
	of := func(x *search, _ []string) *search { return x }
	oracle := []Oracle{s.oracle}
	n := noise("page", 256)
	few := func(n int) []byte {
		b := make([]byte, 64)
		for i := range b {
			b[i] = byte(min(i, n-1))
		}
		return b
	}
	for name, c := range map[string]struct {
		page  page
		tries int // of each KEK
	}{
		"63 bytes":              {whole(n[:63]), 0},
		"64 bytes":              {whole(n[:64]), 2},
		"71 bytes":              {whole(n[:71]), 2},
		"72 bytes":              {whole(n[:72]), 2 + 2},
		"80 bytes":              {whole(n[:80]), 2 + 2 + 3},
		"data of 8 bytes":       {page{full: slices.Clip(n[:80]), data: n[:8]}, 2},
		"data of 9 bytes":       {page{full: slices.Clip(n[:80]), data: n[:9]}, 2 + 2},
		"20 values":             {whole(few(20)), 2},
		"19 values":             {whole(few(19)), 0},
		"19 in the first 40":    {whole(slices.Concat(few(19)[:40], n[:24])), 0},
		"blank bytes before it": {whole(slices.Concat(make([]byte, 32), n[:64])), 3 * 3}, // 40 bytes at 16 have 24 values
		"nothing":               {whole(nil), 0},
	} {
		x, phases := look(Options{Also: Blocks}, oracle, c.page)
		require.Equal(t, Tried{Unwraps: 9 * c.tries}, x.out.Tried, name)
		require.Equal(t, c.tries > 0, len(phases) == 1, name)
		require.Empty(t, x.out.Left)
		if c.tries == 0 {
			require.Empty(t, x.spent, name)
		} else {
			require.Equal(t, "keys in AES-ECB and AES-CBC", phases[0])
		}
	}
	key := blocks((&secret.Key32{9})[:], nil, s.mek[:])
	for _, runner := range []func(int, func(int)){nil, backwards} {
		x, _ := look(Options{Also: Blocks, Parallel: runner}, oracle, whole(n[:72]), whole(key))
		require.Equal(t, map[Ways]int{Blocks: 3 * 3 * 9}, x.spent)
		require.Len(t, x.out.Keys, 1)
		require.Equal(t, "key 8 -> MEK (AES-ECB) at block 0 page 0 offset 0 opens LBA 17", x.out.Keys[0].String())
		if x.alone != nil {
			require.Zero(t, x.alone.buf, "no key stays")
		}
	}
	for _, x := range []*search{
		of(look(Options{Also: AllWays &^ Blocks}, oracle, whole(key))),
		of(look(Options{Also: Blocks}, nil, whole(key))),
	} {
		require.Zero(t, x.out)
		require.Empty(t, x.spent)
	}
	x := newSearch(drive.Dump{}, oracle, Options{Also: Blocks})
	x.pages, x.keks = []page{whole(key)}, []kek{{key: &secret.Key32{9}}}
	x.spent = map[Ways]int{Blocks: QuickBudget - 2}
	x.enciphered()
	require.Zero(t, x.out.Tried)
	require.Equal(t, []string{"keys in AES-ECB and AES-CBC: 3 operations, 2 are left of the budget"}, x.out.Left)
}

// The search counts AES-GCM wraps among the places.
func TestGCMWrapsAreCounted(t *testing.T) {
	dump := drive.Dump{Flash: []flash.Page{{Data: noise("page", 48)}}}
	require.Equal(t, 2, newSearch(dump, nil, Options{}).out.Tried.Wraps, "40 bytes at 0 and 8")
	require.Equal(t, 3, newSearch(dump, nil, Options{Also: GCM}).out.Tried.Wraps)
}
