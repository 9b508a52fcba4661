package forensic

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// loaded are the places on some pages that could be wraps, as page, offset and size.
func loaded(opts Options, pages ...[]byte) (*search, []string) {
	var dump drive.Dump
	for i, b := range pages {
		dump.Flash = append(dump.Flash, flash.Page{Block: 7, Page: i, Data: slices.Clip(b)})
	}
	x := newSearch(dump, nil, opts)
	var out []string
	for _, b := range x.blobs {
		out = append(out, fmt.Sprintf("%d:%d+%d", b.page.page, b.offset, b.size))
	}
	return x, out
}

// The data of a page end behind the last byte that is neither FF nor 00. A page without data is left out.
func TestWhereTheDataOfAPageEnd(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		data int
	}{
		{nil, 0},
		{[]byte{0xFF}, 0},
		{[]byte{0, 0xFF, 0, 0xFF}, 0},
		{[]byte{1}, 1},
		{[]byte{0, 1}, 2},
		{[]byte{0xFF, 1, 0}, 2},
		{[]byte{1, 0xFF, 0, 0xFF}, 1},
		{[]byte{0xFE, 0xFF}, 1},
		{[]byte{0xFF, 0, 0xFE, 0xFF, 0, 0}, 3},
	} {
		x, _ := loaded(Options{}, run(0xFF, 16), c.b, []byte{9})
		require.Equal(t, page{block: 7, page: 2, full: []byte{9}, data: []byte{9}, run: []int{0}}, x.pages[len(x.pages)-1], "the page behind it")
		if c.data == 0 {
			require.Len(t, x.pages, 1, "%v", c.b)
			require.Equal(t, Tried{Pages: 1}, x.out.Tried)
			continue
		}
		require.Len(t, x.pages, 2, "%v", c.b)
		require.Equal(t, c.b, x.pages[0].full)
		require.Equal(t, c.b[:c.data], x.pages[0].data)
		require.Equal(t, Tried{Pages: 2}, x.out.Tried)
	}
}

// Texts are pages of the search, but none of the flash.
func TestTextsAreLoaded(t *testing.T) {
	text := []byte("00112233445566778899aabbccddeeff")
	for way, want := range map[Ways]int{Encoded: 1, AllWays &^ Encoded: 0} {
		x, _ := loaded(Options{Also: way}, text)
		hex := 0
		for _, p := range x.pages[1:] {
			if p.how == "hex" && bytes.Equal(p.full, []byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF}) {
				hex++
			}
		}
		require.Equal(t, want, hex)
		require.Equal(t, 1, x.out.Tried.Pages)
	}
}

// A place that could be a wrap begins at a multiple of 8 bytes, and every 8 bytes of it are varied. Those
// of 40 bytes have 20 values or more.
func TestPlacesThatCouldBeWraps(t *testing.T) {
	n := noise("n", 120)
	few := func(n int) []byte { // 40 bytes, 4 values or more in each 8
		b := make([]byte, 40)
		for i := range b {
			b[i] = byte(1 + i%4)
			if i < n {
				b[i] = byte(1 + i)
			}
		}
		return b
	}
	dull := []byte{1, 1, 1, 1, 2, 2, 3, 3}
	for _, c := range []struct {
		name string
		b    []byte
		want []string
	}{
		{"39 bytes", n[:39], nil},
		{"40 bytes", n[:40], []string{"0:0+40"}},
		{"47 bytes", n[:47], []string{"0:0+40"}},
		{"48 bytes", n[:48], []string{"0:0+40", "0:8+40"}},
		{"71 bytes", n[:71], []string{"0:0+40", "0:8+40", "0:16+40", "0:24+40"}},
		{"72 bytes", n[:72], []string{"0:0+40", "0:0+72", "0:8+40", "0:16+40", "0:24+40", "0:32+40"}},
		{"blank bytes behind", append(slices.Clone(n[:40]), run(0xFF, 40)...), []string{"0:0+40"}},
		{"blank bytes behind 36", append(slices.Clone(n[:36]), run(0xFF, 40)...), []string{"0:0+40"}}, // the last 8 have 5 values
		{"blank bytes behind 34", append(slices.Clone(n[:34]), run(0xFF, 40)...), nil},                // the last 8 have 3
		{"blank bytes before", append(run(0xFF, 8), n[:40]...), []string{"0:8+40"}},
		{"8 dull bytes between", slices.Concat(n[:32], dull, n[32:72]), []string{"0:40+40"}},
		{"dull bytes on both sides", slices.Concat(dull, n[:40], dull, n[40:72]), []string{"0:8+40"}},
		{"20 values", few(20), []string{"0:0+40"}},
		{"19 values", few(19), nil},
		{"19 values, then many", append(few(19), n[:16]...), []string{"0:8+40", "0:16+40"}},
		{"dull bytes at 64", slices.Concat(n[:64], dull, n[64:104]), []string{"0:0+40", "0:8+40", "0:16+40", "0:24+40", "0:72+40"}},
	} {
		_, got := loaded(Options{}, c.b)
		require.Equal(t, c.want, got, c.name)
	}
}

// One content is listed once, with the 16 bytes before it: they could be its salt.
func TestAPlaceIsListedOnce(t *testing.T) {
	n, dull := noise("n", 120), run(5, 16)
	at := func(pages ...[]byte) []string {
		x, got := loaded(Options{}, pages...)
		require.Equal(t, Tried{Pages: len(pages), Wraps: len(got)}, x.out.Tried)
		return got
	}
	one := slices.Concat(dull, n[:40])
	require.Equal(t, []string{"0:16+40"}, at(one, one))
	require.Equal(t, []string{"0:16+40"}, at(one, slices.Concat(run(6, 8), one)), "at another offset, too")
	require.Equal(t, []string{"0:16+40"}, at(slices.Concat(one, one)), "and on the same page")
	require.Equal(t, []string{"0:16+40", "1:16+40"}, at(one, slices.Concat(run(6, 1), dull[1:], n[:40])), "another salt")
	require.Equal(t, []string{"0:24+40"}, at(slices.Concat(run(6, 8), one), slices.Concat(run(7, 8), one)), "what is before the salt does not count")
	require.Equal(t, []string{"0:0+40", "1:16+40"}, at(n[:40], one), "none at the start of a page")
	require.Equal(t, []string{"0:16+40", "1:16+72", "1:24+40", "1:32+40", "1:40+40", "1:48+40"}, at(one, slices.Concat(dull, n[:72])), "40 bytes, and 72 at the same place")
	require.Equal(t, []string{"0:16+40", "1:56+40"}, at(one, slices.Concat(one[:40], run(1, 16), n[40:80])), "half of it, and another behind")
	require.Equal(t, []string{"0:16+40", "2:16+40"}, at(one, one, slices.Concat(dull, n[40:80]), one), "of several pages")
}

func TestContentIsThatOfThePlaceAndItsSalt(t *testing.T) {
	b := noise("n", 100)
	p := whole(b)
	require.Equal(t, content(sha256.Sum256(b[14:70])), (&blob{&p, 30, 40}).content())
	require.Equal(t, content(sha256.Sum256(b[0:56])), (&blob{&p, 16, 40}).content())
	require.Equal(t, content(sha256.Sum256(b[0:80])), (&blob{&p, 8, 72}).content())
	require.Equal(t, b[8:80], (&blob{&p, 8, 72}).bytes())
}

// What is known without a dump: each secret, the KEK of a root key, constants, SHA-256 of nothing; and what
// goes into the derivation of the drive, with and without each root key.
func TestWhatIsKnownWithoutADump(t *testing.T) {
	root, key := secret.Key32(noise("root", 32)), secret.Key32(noise("key", 32))
	short, err := drive.NewPIN([]byte("1234"))
	require.NoError(t, err)
	secrets := []Secret{Key("group key", &key), Root(&root), PIN("MSID", short), PIN("none", drive.PIN{})}
	for deep, constants := range map[bool]int{false: 2, true: 256} {
		x := newSearch(drive.Dump{}, nil, Options{Deep: deep})
		x.assume(secrets)
		padded := secret.Key32{'1', '2', '3', '4'}
		nothing := secret.Key32(sha256.Sum256(nil))
		want := []kek{
			{&key, Path{{Name: "group key", Secret: 1}}, false},
			{&root, Path{{Name: "root key", Secret: 2}}, false},
			{drive.RootKEK(&root), Path{{Name: "KEK of the root key", Secret: 2}}, false},
			{&padded, Path{{Name: "MSID", Secret: 3}}, false},
			{new(secret.Key32), Path{{Name: "none", Secret: 4}}, true}, // the constant 00 is that, too
		}
		for c := 1; c < 256; c++ {
			if c == 0xFF || deep {
				k := secret.Key32(run(byte(c), 32))
				want = append(want, kek{&k, Path{{Name: fmt.Sprintf("constant %02X", c)}}, true})
			}
		}
		want = append(want, kek{&nothing, Path{{Name: "SHA-256 of nothing"}}, true})
		require.Equal(t, want, x.keks)
		require.Equal(t, Tried{KEKs: 5 + constants}, x.out.Tried)
		require.Equal(t, []rootKey{{new(secret.Key32), "", 0}, {&root, "root key", 2}}, x.roots)

		var got []string
		for _, d := range x.derived {
			require.Equal(t, d.kek.path[0].Name[len(d.kek.path[0].Name)-12:] == "and root key", *d.root == root)
			require.Nil(t, d.kek.key)
			got = append(got, fmt.Sprintf("%s, secret %d, weak %v, PIN %x", d.kek.path, d.kek.path[0].Secret, d.kek.weak, d.pin.Bytes()))
		}
		zeros, ones := fmt.Sprintf("%x", make([]byte, 32)), fmt.Sprintf("%x", run(0xFF, 32))
		require.Equal(t, []string{
			fmt.Sprintf("group key without a root key, secret 1, weak true, PIN %x", key[:]), fmt.Sprintf("group key and root key, secret 1, weak false, PIN %x", key[:]),
			fmt.Sprintf("root key without a root key, secret 2, weak true, PIN %x", root[:]), fmt.Sprintf("root key and root key, secret 2, weak false, PIN %x", root[:]),
			"MSID without a root key, secret 3, weak true, PIN 31323334", "MSID and root key, secret 3, weak false, PIN 31323334",
			"none without a root key, secret 4, weak true, PIN ", "none and root key, secret 4, weak true, PIN ",
			"constant 00 without a root key, secret 0, weak true, PIN " + zeros, "constant 00 and root key, secret 0, weak true, PIN " + zeros,
			"constant FF without a root key, secret 0, weak true, PIN " + ones, "constant FF and root key, secret 0, weak true, PIN " + ones,
			"empty PIN without a root key, secret 0, weak true, PIN ", "empty PIN and root key, secret 0, weak true, PIN ",
		}, got)
	}
	two := secret.Key32(noise("two", 32))
	x := newSearch(drive.Dump{}, nil, Options{})
	x.assume([]Secret{Root(&root), Root(&two)})
	require.Equal(t, []rootKey{{new(secret.Key32), "", 0}, {&root, "root key", 1}, {&two, "root key", 2}}, x.roots)
	require.Equal(t, *drive.RootKEK(&two), *x.keks[3].key)
	x.keks[0].key.Clear()
	require.Equal(t, root, *x.roots[1].key, "the derivation has a copy of its own")
}

func TestAKEKIsAddedOnce(t *testing.T) {
	x := newSearch(drive.Dump{}, nil, Options{})
	a, again, b := secret.Key32{1}, secret.Key32{1}, secret.Key32{2}
	x.add(kek{key: &a, path: Path{{Name: "a"}}})
	x.add(kek{key: &again, path: Path{{Name: "again"}}})
	x.add(kek{key: &b, weak: true})
	require.Equal(t, []kek{{&secret.Key32{1}, Path{{Name: "a"}}, false}, {&secret.Key32{2}, nil, true}}, x.keks)
	require.Equal(t, 2, x.out.Tried.KEKs)
	require.Zero(t, again, "what is not taken is cleared")
}

// A search starts at the first candidate of each place with 16 bytes before it.
func TestStarts(t *testing.T) {
	a, b := &page{}, &page{}
	x := &search{blobs: []blob{{a, 8, 40}, {a, 15, 40}, {a, 16, 40}, {a, 16, 72}, {a, 24, 72}, {b, 24, 40}, {b, 24, 72}, {a, 24, 40}, {a, 0, 40}, {a, 32, 40}}}
	require.Equal(t, []int{2, 4, 5, 7, 9}, x.starts())
	require.Equal(t, []int{0}, (&search{blobs: []blob{{a, 16, 40}}}).starts())
	require.Empty(t, (&search{blobs: []blob{{a, 0, 40}}}).starts())
	require.Empty(t, (&search{}).starts())
}

// AES-KW comes before AES-GCM within a turn, whatever the numbers of their places.
func TestHitsOfTwoKindsKeepTheirOrder(t *testing.T) {
	var order []string
	for _, h := range inOrder([]hit{
		{turn: 1, blob: 9},
		{turn: 1, blob: 7},
		{turn: 0, blob: 8},
		{turn: 0, blob: 1, sealed: true},
		{turn: 1, blob: 3, sealed: true},
		{turn: 2, blob: 0, sealed: true},
	}) {
		order = append(order, fmt.Sprint(h.turn, h.blob, h.sealed))
	}
	require.Equal(t, []string{"0 8 false", "0 1 true", "1 7 false", "1 9 false", "1 3 true", "2 0 true"}, order)
}

// A key of 32 bytes that a wrap gave is a KEK; one of 64 is held against each oracle. Nothing of it stays.
func TestWhatOpenedIsTakenIn(t *testing.T) {
	s := newScene(t)
	other := s.oracle
	other.Name, other.Cipher = "LBA 18", noise("other", 48)
	ak := bytes.Clone(s.ak[:])
	swapped := slices.Concat(s.mek[32:], s.mek[:32])
	for _, weak := range []bool{false, true} {
		x := newSearch(drive.Dump{}, []Oracle{other, s.oracle}, Options{})
		p := page{block: 2, page: 3}
		x.blobs = []blob{{&p, 100, 40}, {&p, 200, 72}, {&p, 300, 72}, {&p, 400, 72}}
		x.sealed = []sealedPlace{{blob{&p, 500, 60}, &layouts[0]}, {blob{&p, 600, 92}, &layouts[1]}}
		path := make(Path, 1, 5)
		path[0] = Step{Name: "root key", Secret: 1}
		from := &kek{path: path, weak: weak}
		hits := []hit{
			{kek: from, blob: 0, key: bytes.Clone(ak)},
			{kek: from, blob: 1, key: bytes.Clone(s.mek[:])},
			{kek: from, blob: 2, key: bytes.Clone(swapped)},
			{kek: from, blob: 3, key: noise("none", 64)},
			{kek: from, blob: 0, sealed: true, key: noise("second AK", 32)},
			{kek: from, blob: 1, sealed: true, key: bytes.Clone(s.mek[:])},
			{kek: from, blob: 0, key: bytes.Clone(ak)},
		}
		x.takeIn(hits)
		to := func(name string, offset, size int) Path {
			return Path{{Name: "root key", Secret: 1}, {Name: name, Placed: true, Block: 2, Page: 3, Offset: offset, Size: size}}
		}
		require.Equal(t, []Finding{
			{Path: to("AK", 100, 40), Weak: weak},
			{Path: to("MEK", 200, 72), Weak: weak},
			{Path: to("MEK", 300, 72), Weak: weak},
			{Path: to("MEK", 400, 72), Weak: weak},
			{Path: to("AK (AES-GCM)", 500, 60), Weak: weak},
			{Path: to("MEK (AES-GCM, nonce last)", 600, 92), Weak: weak},
		}, x.out.Wraps, "each once")
		require.Equal(t, []Finding{
			{Path: to("MEK", 200, 72), Oracle: "LBA 17", Weak: weak, Bits: 256},
			{Path: to("MEK", 300, 72), Oracle: "LBA 17", Swapped: true, Weak: weak, Bits: 256},
			{Path: to("MEK (AES-GCM, nonce last)", 600, 92), Oracle: "LBA 17", Weak: weak, Bits: 256},
		}, x.out.Keys)
		second := secret.Key32(noise("second AK", 32))
		require.Equal(t, []kek{{(*secret.Key32)(ak), to("AK", 100, 40), weak}, {&second, to("AK (AES-GCM)", 500, 60), weak}}, x.keks)
		for _, h := range hits {
			require.Equal(t, make([]byte, len(h.key)), h.key)
		}
		require.Len(t, path, 1)
		require.Zero(t, path[:2][1], "the path of the KEK is its own")
	}
}

// A step is where the bytes lie in the flash: before the change of a page, and in the text that was decoded.
func TestAStepIsAPlaceInTheFlash(t *testing.T) {
	p := &page{block: 1, page: 2}
	require.Equal(t, Step{Name: "AK", Placed: true, Block: 1, Page: 2, Offset: 5, Size: 40}, step("AK", p, 5, 40))
	p.changed = func(off, size int) int { return 100 - off - size }
	require.Equal(t, Step{Name: "AK", Placed: true, Block: 1, Page: 2, Offset: 55, Size: 40}, step("AK", p, 5, 40))
	p.changed, p.how, p.where = nil, "hex", []int{7, 9, 11}
	require.Equal(t, Step{Name: "AK in hex", Placed: true, Block: 1, Page: 2, Offset: 11, Size: 40}, step("AK", p, 2, 40))
	p.changed = func(off, _ int) int { return off - 1 }
	require.Equal(t, Step{Name: "AK in hex", Placed: true, Block: 1, Page: 2, Offset: 9, Size: 40}, step("AK", p, 2, 40))
}

// What is told of the work, in its order.
func TestThePhasesOfASearch(t *testing.T) {
	s := newScene(t)
	s.page(0, 0, 0, noise("page", 100))
	phases := func(opts Options) (out []string) {
		opts.Phase = func(p string) { out = append(out, p) }
		s.search(opts)
		return out
	}
	require.Equal(t, []string{"bytes as keys", "salts beside wraps"}, phases(Options{}))
	require.Equal(t, []string{"bytes as keys", "salts beside wraps", "salts from anywhere in a page"}, phases(Options{Deep: true}))
	require.Equal(t, []string{"bytes as keys", "salts beside wraps", "keys of small seeds", "wraps"}, phases(Options{Also: Seeds}))
}

// Each step of a search is done in it, and those that need no secret are not done again.
func TestEachStepIsPartOfASearch(t *testing.T) {
	s := newScene(t)
	seeded := func() []byte {
		var key [64]byte
		generators[0].make(42, &key)
		return key[:]
	}()
	first := hashings[0]
	for _, c := range []struct {
		name  string
		opts  Options
		put   func()
		known bool // found, too, where what needs no secret was done before
	}{
		{"bytes as keys", Options{}, func() { s.page(0, 0, 33, s.mek[:]) }, false},
		{"secrets as KEKs", Options{}, func() { s.page(0, 0, 8, s.wrap(s.root[:], s.mek[:])) }, true},
		{"salts beside wraps", Options{}, func() { s.page(0, 0, 8, s.salt[:], 24, s.wrap(s.kek(&s.root, s.pin), s.mek[:])) }, true},
		{"salts elsewhere", Options{Deep: true}, func() { s.page(0, 0, 8, s.salt[:], 104, s.wrap(s.kek(&s.root, s.pin), s.mek[:])) }, true},
		{"bytes as KEKs", Options{Deep: true}, func() { s.page(0, 0, 9, s.ak[:], 104, s.wrap(s.ak[:], s.mek[:])) }, true},
		{"two steps", Options{}, func() { s.page(0, 0, 8, s.wrap(s.root[:], s.ak[:]), 104, s.wrap(s.ak[:], s.mek[:])) }, true},
		{"hashes alone", Options{Also: Hashed}, func() { s.page(0, 0, 8, s.wrap(first.make(s.root[:], nil), s.mek[:])) }, true},
		{"hashes with a salt", Options{Also: Hashed}, func() { s.page(0, 0, 8, s.salt[:], 104, s.wrap(first.make(s.root[:], s.salt[:]), s.mek[:])) }, true},
		{"bytes backwards", Options{Also: Reversed}, func() { s.page(0, 0, 33, backwardsOf(s.mek[:])) }, false},
		{"seeds", Options{Also: Seeds}, func() { s.becomes(seeded); s.page(0, 0, 33, noise("page", 16)) }, false},
		{"bytes as PINs", Options{Also: WindowPINs}, func() { s.page(0, 0, 8, s.ak[:], 104, s.wrap(s.ak[:], s.mek[:])) }, true},
		{"AES-GCM", Options{Also: GCM}, func() { s.page(0, 0, 8, sealWith(s.root[:], make([]byte, 12), s.mek[:])) }, true},
		{"blocks", Options{Also: Blocks}, func() { s.page(0, 0, 8, blocks(s.root[:], nil, s.mek[:])) }, true},
		{"wraps, beside a way", Options{Also: Blocks}, func() { s.page(0, 0, 8, s.wrap(s.root[:], s.mek[:])) }, true},
	} {
		s.pages = nil
		c.put()
		s.pages[0].Data = s.pages[0].Data[:256]
		before := *s
		require.Len(t, s.search(c.opts).Keys, 1, c.name)
		c.opts.known = true
		require.Equal(t, c.known, len(s.search(c.opts).Keys) > 0, c.name)
		*s = before
	}
	s.pages = nil
	s.page(0, 0, 8, s.pin.Bytes())
	require.Len(t, s.search(Options{Also: OwnBytes}).Secrets, 1)
	again := s.oracle
	again.Generation = 1
	f, err := Search(drive.Dump{}, nil, []Oracle{s.oracle, again}, Options{Also: Repeats})
	require.NoError(t, err)
	require.Len(t, f.Keys, 1)
	require.Equal(t, slices.Concat(wayNames[:9], deepNames), f.Left)
}

// A search of a dump with a page that cannot be read says so and finds nothing.
func TestADumpThatIsNotWholeIsNotSearched(t *testing.T) {
	s := newScene(t)
	s.page(0, 0, 33, s.mek[:])
	s.page(0, 1)
	s.pages[1].Err = errors.New("no answer")
	f, err := Search(drive.Dump{Flash: s.pages}, s.secrets, []Oracle{s.oracle}, Options{})
	require.EqualError(t, err, "forensic: the dump is not whole: no answer")
	require.Zero(t, f)
	f, err = Search(drive.Dump{Flash: s.pages[:1]}, s.secrets, []Oracle{s.oracle, {Name: "bad"}}, Options{})
	require.ErrorContains(t, err, `oracle "bad" has a sector size of 0 bytes`)
	require.Zero(t, f)
}

// A place that lies on several pages is listed once, and tried with the salts of each of them.
func TestAPlaceIsTriedWithTheSaltsOfEachPageOfIt(t *testing.T) {
	s := newScene(t)
	hash := hashings[0].make(s.pin.Bytes(), s.salt[:])
	for _, c := range []struct {
		name string
		opts Options
		wrap []byte
		want string
	}{
		{"a derivation", Options{Deep: true}, s.wrap(s.kek(&s.root, s.pin), s.mek[:]), "BandMaster0 credential generation 3 and root key -> MEK"},
		{"a hash", Options{Also: Hashed}, s.wrap(hash, s.mek[:]), "SHA-256 of salt and BandMaster0 credential generation 3 -> MEK"},
		{"a hash, over AES-GCM", Options{Also: Hashed | GCM}, slices.Concat(s.ak[:12], sealWith(hash, s.ak[:12], s.mek[:])), "SHA-256 of salt and BandMaster0 credential generation 3 -> MEK (AES-GCM)"},
	} {
		for salt := range 3 {
			s.pages = nil
			for i := range 3 {
				s.page(0, i, 40, c.wrap)
				if i == salt {
					copy(s.pages[i].Data[200:], s.salt[:])
				}
				s.pages[i].Data = s.pages[i].Data[:256]
			}
			f := s.search(c.opts)
			require.Len(t, f.Keys, 1, "%s, page %d", c.name, salt)
			require.Equal(t, c.want+" at block 0 page 0 offset 40", f.Keys[0].Path.String(), "%s, page %d", c.name, salt)
		}
	}
}

func TestPlacesThatLieOnAnotherPageToo(t *testing.T) {
	n := noise("n", 60)
	for name, opts := range map[string]Options{"deep": {Deep: true, Also: GCM}, "hashed": {Also: Hashed | GCM}} {
		x, got := loaded(opts, n[:48], n[:48], slices.Concat(n[:40], run(1, 16), n[:40]), n[20:60])
		require.Equal(t, []string{"0:0+40", "0:8+40", "2:56+40", "3:0+40"}, got, name)
		var blobs, sealed [][]int
		for _, p := range x.pages {
			blobs, sealed = append(blobs, p.blobsToo), append(sealed, p.sealedToo)
		}
		require.Equal(t, [][]int{nil, {0, 1}, {0}, nil}, blobs, name)
		require.Equal(t, []int{0}, sealed[1], name)
	}
	x, got := loaded(Options{}, n[:48], n[:48])
	require.Equal(t, []string{"0:0+40", "0:8+40"}, got)
	require.Empty(t, x.pages[1].blobsToo, "no salt elsewhere on the page is tried")

	x = newSearch(drive.Dump{}, nil, Options{Also: GCM})
	x.pages = []page{whole(n[:48]), whole(n[:48]), whole(n[12:60])}
	x.sealed = make([]sealedPlace, QuickBudget>>2-1)
	x.loadSealed()
	require.Nil(t, x.sealed)
	require.Nil(t, x.pages[1].sealedToo, "what is no longer listed")

	g, p := &group{blobs: []int{4, 5}, sealed: []int{2}}, &page{blobsToo: []int{5, 1, 1, 7}, sealedToo: []int{2, 0, 1, 1, 3}}
	x = newSearch(drive.Dump{}, nil, Options{})
	x.sealed = []sealedPlace{{layout: &layouts[0]}, {layout: &layouts[1]}, {layout: &layouts[0]}, {layout: &layouts[2]}}
	g.too(x, p)
	require.Equal(t, group{blobs: []int{4, 5, 1, 7}, sealed: []int{2, 0}}, *g, "a quick search salts those that begin with their nonce")
	p.how = "hex"
	g.too(x, p)
	require.Equal(t, []int{2, 0, 1, 3}, g.sealed, "and all of a text")
	g.sealed, p.how, x.opts.Deep = nil, "", true
	g.too(x, p)
	require.Equal(t, []int{2, 0, 1, 3}, g.sealed, "a deep one salts all")
}
