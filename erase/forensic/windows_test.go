package forensic

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// over is a search of some pages, numbered from 0.
func (s *scene) over(opts Options, pages ...page) *search {
	x := newSearch(drive.Dump{}, []Oracle{s.oracle}, opts)
	for i := range pages {
		pages[i].page = i
	}
	x.pages = pages
	return x
}

// run is so many bytes of one value.
func run(value byte, n int) []byte { return bytes.Repeat([]byte{value}, n) }

// A uniform window begins where the first 64 equal bytes do, before the data of its page end.
func TestTheFirstUniformWindow(t *testing.T) {
	for _, c := range []struct {
		name  string
		pages []page
		want  map[byte]spot
	}{
		{"nothing", nil, nil},
		{"an empty page", []page{whole(nil)}, nil},
		{"63 bytes", []page{whole(run(7, 63))}, nil},
		{"64 bytes", []page{whole(run(7, 64))}, map[byte]spot{7: {1, 0}}},
		{"two values", []page{whole(slices.Concat(run(7, 64), run(0, 64)))}, map[byte]spot{7: {1, 0}, 0: {1, 64}}},
		{"behind another byte", []page{whole(slices.Concat(run(1, 1), run(7, 63), run(2, 1), run(7, 64), run(3, 1)))}, map[byte]spot{7: {1, 65}}},
		{"twice on a page", []page{whole(slices.Concat(run(7, 64), run(1, 1), run(7, 64)))}, map[byte]spot{7: {1, 0}}},
		{"on the second page and the third", []page{whole(run(7, 63)), whole(append(run(5, 1), run(7, 64)...)), whole(run(7, 64))}, map[byte]spot{7: {2, 1}}},
		{"behind the data", []page{{full: slices.Concat(noise("page", 8), run(0xFF, 64)), data: noise("page", 8)}}, nil},
		{"at the last byte of the data", []page{{full: append([]byte{1}, run(7, 64)...), data: []byte{1, 7}}}, map[byte]spot{7: {1, 1}}},
		{"into the bytes behind the data", []page{{full: run(7, 64), data: run(7, 10)}}, map[byte]spot{7: {1, 0}}},
	} {
		first := (&search{pages: c.pages}).firstUniform()
		got := map[byte]spot{}
		for v, at := range first {
			if at != (spot{}) {
				got[byte(v)] = at
			}
		}
		if c.want == nil {
			c.want = map[byte]spot{}
		}
		require.Equal(t, c.want, got, c.name)
	}
}

// A half has the key schedule of its window, and the tweak of each oracle under it, whatever was in it.
func TestAHalfIsMadeOverAnother(t *testing.T) {
	s := newScene(t)
	other := s.oracle
	other.LBA++
	used := new(half)
	newWorker(newSearch(drive.Dump{}, []Oracle{s.oracle}, Options{})).make(used, noise("another", 32))
	x := newSearch(drive.Dump{}, []Oracle{other, s.oracle}, Options{})
	w := newWorker(x)
	fresh := new(half)
	w.make(fresh, s.mek[32:])
	w.make(used, s.mek[32:])
	require.Equal(t, fresh, used)
	require.Len(t, used.tweaks, 2)
	require.NotEqual(t, used.tweaks[0], used.tweaks[1])
	room := &used.tweaks[0]
	w.make(used, s.mek[:32])
	require.Same(t, room, &used.tweaks[0], "its room is used again")
	w.make(used, s.mek[32:])
	require.Equal(t, fresh, used)

	var k1, b [16]byte
	var first half
	w.make(&first, s.mek[:32])
	x.oracles[1].tweak(&fresh.key, &k1)
	require.Equal(t, k1, fresh.tweaks[1])
	require.True(t, x.oracles[1].fits(&first.key, &fresh.tweaks[1], &b))
	require.False(t, x.oracles[0].fits(&first.key, &fresh.tweaks[0], &b))
}

// Windows of one value are made once and kept, others each in its place.
func TestHalvesOfAWorker(t *testing.T) {
	s := newScene(t)
	w := newWorker(s.over(Options{}))
	w.halves, w.blank = new([64]half), new([256]*half)
	want := func(window []byte) *half {
		h := new(half)
		w.make(h, window)
		return h
	}
	h := w.half(s.mek[:32], 5)
	require.Same(t, &w.halves[5], h)
	require.Equal(t, want(s.mek[:32]), h)
	h = w.half(s.mek[32:], 5)
	require.Same(t, &w.halves[5], h)
	require.Equal(t, want(s.mek[32:]), h)
	blank := w.half(run(7, 32), 6)
	require.Same(t, w.blank[7], blank)
	require.Equal(t, want(run(7, 32)), blank)
	require.Zero(t, w.halves[6])
	blank.tweaks[0][0] ^= 1
	changed := *blank
	require.Same(t, blank, w.half(run(7, 32), 6))
	require.Equal(t, changed, *blank, "it is not made again")
	require.NotSame(t, blank, w.half(run(8, 32), 6))
}

// A pair is tried on every oracle, in both orders, and its finding says where each half lies.
func TestAPairOfWindows(t *testing.T) {
	s := newScene(t)
	other := s.oracle
	other.Name, other.Cipher = "LBA 18", noise("other", 48)
	again := s.oracle
	again.Name = "LBA 17 again"
	x := newSearch(drive.Dump{}, []Oracle{other, s.oracle, again}, Options{})
	full := slices.Concat(noise("before", 5), s.mek[:], noise("between", 3), s.mek[32:], s.mek[:32])
	p := page{block: 3, page: 4, full: full, data: full}
	halfAt := func(w *worker, off int) *half {
		h := new(half)
		w.make(h, full[off:off+32])
		return h
	}
	at := func(name string, off, size int) Step {
		return Step{Name: name, Placed: true, Block: 3, Page: 4, Offset: off, Size: size}
	}
	for _, c := range []struct {
		name       string
		off1, off2 int
		want       Path
		swapped    bool
	}{
		{"beside each other", 5, 37, Path{at("bare key", 5, 64)}, false},
		{"swapped", 72, 104, Path{at("bare key", 72, 64)}, true},
		{"apart", 5, 72, Path{at("first half", 5, 32), at("second half", 72, 32)}, false},
		{"apart and swapped", 37, 104, Path{at("first half", 37, 32), at("second half", 104, 32)}, true},
		{"one byte apart", 6, 37, nil, false},
		{"twice the first half", 5, 104, nil, false},
	} {
		w := newWorker(x)
		w.pair(&p, c.off1, c.off2, halfAt(w, c.off1), halfAt(w, c.off2))
		require.Equal(t, Tried{Windows: 1}, w.tried, c.name)
		var want []Finding
		if c.want != nil {
			want = []Finding{
				{Path: c.want, Oracle: "LBA 17", Swapped: c.swapped, Weak: true, Bits: 256},
				{Path: c.want, Oracle: "LBA 17 again", Swapped: c.swapped, Weak: true, Bits: 256},
			}
		}
		require.Equal(t, want, w.bare, c.name)
	}
}

// What stands in the memory is counted and not tried. What follows is.
func TestAWindowThatWasTriedIsNotTriedAgain(t *testing.T) {
	s := newScene(t)
	p := whole(slices.Concat(noise("before", 10), s.mek[:], noise("behind", 20)))
	x := s.over(Options{}, p)
	x.bareKeys()
	require.Len(t, x.out.Keys, 1)
	require.Equal(t, Tried{Windows: 10 + 1 + 20}, x.out.Tried)

	held := whole(p.full[:10+64])
	x = s.over(Options{}, p)
	x.before = &memory{pages: []page{held}}
	x.bareKeys()
	require.Empty(t, x.out.Keys, "the key is held to have been tried")
	require.Equal(t, Tried{Windows: 10 + 1 + 20}, x.out.Tried)

	held = whole(p.full[:10+63])
	x = s.over(Options{}, p)
	x.before = &memory{pages: []page{held}}
	x.bareKeys()
	require.Len(t, x.out.Keys, 1, "what is tried follows what was")
	require.Equal(t, Tried{Windows: 10 + 1 + 20}, x.out.Tried)
}

// Nothing begins behind the data of its page.
func TestWindowsBeginInTheData(t *testing.T) {
	s := newScene(t)
	full := slices.Concat(noise("before", 8), s.mek[:])
	for data, keys := range map[int]int{8: 0, 9: 1} {
		x := s.over(Options{}, page{full: full, data: full[:data]})
		x.bareKeys()
		require.Len(t, x.out.Keys, keys)
		require.Equal(t, Tried{Windows: data}, x.out.Tried)
	}
}

// Every page is tried, whatever the shares, and in a deep search its halves apart.
func TestBareKeysOnEveryPage(t *testing.T) {
	s := newScene(t)
	apart := whole(slices.Concat(s.mek[:32], run(1, 8), s.mek[32:]))
	for name, runner := range map[string]func(int, func(int)){"one worker": nil, "backwards": backwards} {
		for at := range pagesInShare + 2 {
			pages := make([]page, pagesInShare+2)
			pages[at] = whole(s.mek[:])
			x := s.over(Options{Parallel: runner}, pages...)
			x.bareKeys()
			require.Len(t, x.out.Keys, 1, "%s, page %d", name, at)
			require.Equal(t, at, x.out.Keys[0].Last().Page)
			require.Equal(t, Tried{Windows: 1}, x.out.Tried)
			require.True(t, x.barely)
			pages[at] = apart
			for _, deep := range []bool{false, true} {
				x = s.over(Options{Parallel: runner, Deep: deep}, pages...)
				x.bareKeys()
				require.Equal(t, deep, len(x.out.Keys) == 1, "%s, page %d", name, at)
			}
		}
	}
	x := s.over(Options{}, whole(s.mek[:]))
	x.oracles = nil
	x.bareKeys()
	require.Zero(t, x.out, "there is nothing to hold it against")
}

// Halves lie at multiples of 8, begin in the data and have 12 values or more. Those side by side were tried.
func TestHalvesApart(t *testing.T) {
	s := newScene(t)
	n := noise("page", 200)
	few := func(n int) []byte {
		b := make([]byte, 32)
		for i := range b {
			b[i] = byte(min(i, n-1))
		}
		return b
	}
	for _, c := range []struct {
		name  string
		page  page
		pairs int
	}{
		{"one half", whole(n[:39]), 0},
		{"two", whole(n[:40]), 1},
		{"two, and 7 bytes", whole(n[:47]), 1},
		{"three", whole(n[:48]), 3},
		{"five, of which two lie side by side", whole(n[:64]), 10 - 1},
		{"data of 8 bytes", page{full: slices.Clip(n[:48]), data: n[:8]}, 0},
		{"data of 9 bytes", page{full: slices.Clip(n[:48]), data: n[:9]}, 1},
		// At 0, 24, 32 and 40; those at 0 and 32 lie side by side.
		{"12 values", whole(slices.Concat(few(12), run(0xFF, 8), few(12))), 6 - 1},
		{"11 values", whole(slices.Concat(few(11), run(10, 8), few(11))), 0},
	} {
		x := s.over(Options{}, c.page)
		w := newWorker(x)
		w.apart(&c.page)
		require.Equal(t, c.pairs, w.tried.Windows, c.name)
	}
	p := whole(slices.Concat(s.mek[32:], run(1, 8), s.mek[:32]))
	w := newWorker(s.over(Options{}, p))
	w.apart(&p)
	require.Len(t, w.bare, 1)
	require.Equal(t, "first half at block 0 page 0 offset 0 -> second half at block 0 page 0 offset 40 (halves swapped) opens LBA 17", w.bare[0].String())
}

// In a deep search each 16 bytes at a multiple of 8 are a salt for every place of their page, each value once.
func TestSaltsOfADeepSearch(t *testing.T) {
	s := newScene(t)
	n := noise("page", 64)
	k := kek{key: &secret.Key32{1}, path: Path{{Name: "derived"}}}
	for _, c := range []struct {
		name  string
		page  page
		salts int
	}{
		{"15 bytes", whole(n[:15]), 0},
		{"16 bytes", whole(n[:16]), 1},
		{"24 bytes", whole(n[:24]), 2},
		{"data of 8 bytes", page{full: slices.Clip(n[:40]), data: n[:8]}, 1},
		{"data of 9 bytes", page{full: slices.Clip(n[:40]), data: n[:9]}, 2},
		{"one value", whole(run(3, 64)), 1},
		{"two values, to and fro", whole(slices.Concat(run(3, 16), run(4, 16), run(3, 16))), 4},
	} {
		var salts [][16]byte
		x := s.over(Options{Deep: true, KDF: func(_ *secret.Key32, _ drive.PIN, salt [16]byte) (*secret.Key32, error) {
			salts = append(salts, salt)
			return k.key.Clone(), nil
		}}, c.page, whole(noise("other", 40)))
		x.pages[1].data = nil // has places, but no salts
		x.derived = []derivation{{root: new(secret.Key32), kek: k}}
		first, second := whole(s.wrap(k.key[:], s.ak[:])), &x.pages[1]
		copy(second.full, first.full)
		x.blobs = []blob{{&x.pages[0], 0, 40}, {second, 0, 40}}
		if len(c.page.full) < 40 {
			x.blobs = x.blobs[1:]
		}
		x.saltedDeep()
		require.Len(t, salts, c.salts, c.name)
		for i, salt := range salts {
			require.NotContains(t, salts[:i], salt)
		}
		own := c.salts
		if len(c.page.full) < 40 {
			own = 0
		}
		require.Equal(t, Tried{KEKs: c.salts, Unwraps: own}, x.out.Tried, "%s: on the places of its own page alone", c.name)
		require.Empty(t, x.out.Wraps)
	}
	p := whole(slices.Concat(n[:16], s.wrap(k.key[:], s.ak[:])))
	for at := range 3 {
		pages := []page{whole(n[:8]), whole(n[:8]), whole(n[:8])}
		pages[at] = p
		x := s.over(Options{Deep: true, KDF: func(_ *secret.Key32, _ drive.PIN, salt [16]byte) (*secret.Key32, error) { return k.key.Clone(), nil }}, pages...)
		x.derived = []derivation{{root: new(secret.Key32), kek: k}}
		x.blobs = []blob{{&x.pages[at], 16, 40}}
		x.saltedDeep()
		require.Len(t, x.out.Wraps, 1)
		require.Equal(t, "derived -> AK at block 0 page "+string(rune('0'+at))+" offset 16", x.out.Wraps[0].String())
		require.Len(t, x.keks, 1, "what comes out is a KEK")
	}
}

// In a deep search each 32 bytes with 12 values or more are a KEK, at any offset in the data.
func TestWindowsAsKEKs(t *testing.T) {
	few := func(n int) []byte {
		b := make([]byte, 32)
		for i := range b {
			b[i] = byte(min(i, n-1))
		}
		return b
	}
	n, sequence := noise("page", 64), make([]byte, 16)
	for i := range sequence {
		sequence[i] = byte(i + 1)
	}
	for _, c := range []struct {
		name string
		page page
		want []int
	}{
		{"31 bytes", whole(n[:31]), nil},
		{"32 bytes", whole(n[:32]), []int{0}},
		{"34 bytes", whole(n[:34]), []int{0, 1, 2}},
		{"data of 1 byte", page{full: slices.Clip(n[:40]), data: n[:1]}, []int{0}},
		{"data of 2 bytes", page{full: slices.Clip(n[:40]), data: n[:2]}, []int{0, 1}},
		{"12 values", whole(few(12)), []int{0}},
		{"11 values", whole(few(11)), nil},
		{"behind what is none", whole(append(run(0, 30), sequence...)), []int{9, 10, 11, 12, 13, 14}},
	} {
		x := (&scene{}).over(Options{}, whole(nil), c.page)
		x.windowKEKs()
		var at []int
		for _, k := range x.keks {
			last := k.path[0]
			at = append(at, last.Offset)
			require.Equal(t, kek{
				key:  (*secret.Key32)(c.page.full[last.Offset : last.Offset+32]),
				path: Path{{Name: "bytes", Placed: true, Page: 1, Offset: last.Offset, Size: 32}}, weak: true,
			}, k)
		}
		require.Equal(t, c.want, at, c.name)
	}
	x := (&scene{}).over(Options{}, whole(n))
	x.windowKEKs()
	require.NotSame(t, &n[0], &x.keks[0].key[0], "the dump stays when the KEKs are cleared")
}
