package forensic

import (
	"bytes"
	"crypto/aes"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/xts"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// noise is random bytes, the same for the same name.
func noise(name string, n int) []byte {
	b := make([]byte, n)
	if _, err := entropy.Stream(3, name).Read(b); err != nil {
		panic(err)
	}
	return b
}

// Each of these wraps is found beside bytes that could hide it.
func TestAWrapIsFoundWhateverLiesBesideIt(t *testing.T) {
	for _, c := range []struct {
		name string
		put  func(s *scene, salted []byte) // salted is the AK under its credential
		want string
	}{
		{"at the start of a page, behind its salt", func(s *scene, w []byte) { s.page(0, 0, 0, s.salt[:], 16, w) }, "block 0 page 0 offset 16"},
		{"behind a blank page", func(s *scene, w []byte) {
			s.page(0, 0)
			s.page(0, 1, 40, s.salt[:], 56, w)
		}, "block 0 page 1 offset 56"},
		{"behind the same wrap with another salt", func(s *scene, w []byte) {
			s.page(0, 0, 40, noise("salt", 16), 56, w)
			s.page(0, 1, 40, s.salt[:], 56, w)
		}, "block 0 page 1 offset 56"},
		{"behind the same wrap without a salt", func(s *scene, w []byte) {
			s.page(0, 0, 8, w)
			s.page(0, 1, 0, s.salt[:], 16, w)
		}, "block 0 page 1 offset 16"},
		{"behind another wrap with the same salt", func(s *scene, w []byte) {
			s.page(0, 0, 40, s.salt[:], 56, noise("wrap", 40))
			s.page(0, 1, 40, s.salt[:], 56, w)
		}, "block 0 page 1 offset 56"},
		{"behind another wrap at the same offset", func(s *scene, w []byte) {
			s.page(0, 0, 40, noise("salt", 16), 56, noise("wrap", 40))
			s.page(0, 1, 40, s.salt[:], 56, w)
		}, "block 0 page 1 offset 56"},
		{"behind the only other wrap, at the same offset", func(s *scene, _ []byte) {
			s.salt = [16]byte(bytes.Repeat([]byte{7}, 16)) // looks like no part of a wrap
			s.page(0, 0, 40, bytes.Repeat([]byte{9}, 16), 56, noise("wrap", 40))
			s.page(0, 1, 40, s.salt[:], 56, s.wrap(s.kek(&s.root, s.pin), s.ak[:]))
		}, "block 0 page 1 offset 56"},
		{"at the end of a page", func(s *scene, w []byte) { s.page(0, 0, 2048-56, s.salt[:], 2048-40, w) }, "block 0 page 0 offset 2008"},
		{"on a page that is no multiple of 8", func(s *scene, w []byte) {
			s.page(0, 0, 2048-64, s.salt[:], 2048-48, w)
			s.pages[0].Data = s.pages[0].Data[:2044]
		}, "block 0 page 0 offset 2000"},
		{"on a short page behind a long one", func(s *scene, w []byte) {
			s.page(0, 0, 0, noise("long", 200))
			s.page(0, 1, 40, s.salt[:], 56, w)
			s.pages[1].Data = s.pages[1].Data[:96]
		}, "block 0 page 1 offset 56"},
		{"on a long page behind a short one", func(s *scene, w []byte) {
			s.page(0, 0, 0, noise("short", 96))
			s.pages[0].Data = s.pages[0].Data[:96]
			s.page(0, 1, 40, s.salt[:], 56, w)
		}, "block 0 page 1 offset 56"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.put(s, s.wrap(s.kek(&s.root, s.pin), s.ak[:]))
			s.page(7, 0, 8, s.wrap(s.ak[:], s.mek[:]))
			for _, deep := range []bool{false, true} {
				f := s.search(Options{Deep: deep})
				require.Len(t, f.Keys, 1, "deep %v: found once", deep)
				require.Equal(t, "BandMaster0 credential generation 3 and root key -> AK at "+c.want+" -> MEK at block 7 page 0 offset 8 opens LBA 17", f.Keys[0].String())
				require.Equal(t, 256, f.Keys[0].Bits)
				ways := map[string]bool{}
				for _, w := range f.Wraps {
					require.False(t, ways[w.String()], "%v is listed twice", w)
					ways[w.String()] = true
				}
				last := f.Keys[0].Last()
				require.Equal(t, Step{Name: "MEK", Placed: true, Block: 7, Offset: 8, Size: 72}, last)
				require.Equal(t, 2, f.Keys[0].Path[0].Secret, "the second of the secrets")
				require.Zero(t, f.Keys[0].Path[1].Secret)
				require.Equal(t, 40, f.Keys[0].Path[1].Size)
			}
		})
	}
}

func TestConstantsAndNothingAreTriedAsSecrets(t *testing.T) {
	ones := secret.Key32(bytes.Repeat([]byte{0xFF}, 32))
	nothing := sha256.Sum256(nil)
	for _, c := range []struct {
		name string
		kek  func(s *scene) []byte
		deep bool
	}{
		{"constant FF and root key", func(s *scene) []byte { return s.kek(&s.root, drive.CredentialPIN(&ones)) }, false},
		{"SHA-256 of nothing", func(*scene) []byte { return nothing[:] }, false},
		{"constant 01", func(*scene) []byte { return bytes.Repeat([]byte{1}, 32) }, true},
		{"constant FE", func(*scene) []byte { return bytes.Repeat([]byte{0xFE}, 32) }, true},
	} {
		s := newScene(t)
		s.page(0, 0, 24, s.salt[:], 40, s.wrap(c.kek(s), s.mek[:]))
		f := s.search(Options{Deep: c.deep})
		require.Len(t, f.Keys, 1, c.name)
		require.Equal(t, c.name+" -> MEK at block 0 page 0 offset 40", f.Keys[0].Path.String())
		require.True(t, f.Keys[0].Weak)
		require.Zero(t, f.Keys[0].Path[0].Secret)
	}
}

func TestAnEmptySecretIsTriedAndWeak(t *testing.T) {
	s := newScene(t)
	s.secrets = []Secret{PIN("a forgotten PIN", drive.PIN{}), Root(&s.root)}
	s.page(0, 0, 8, s.wrap(make([]byte, 32), s.mek[:]))
	f := s.search(Options{})
	require.Len(t, f.Keys, 1)
	require.Equal(t, "a forgotten PIN -> MEK at block 0 page 0 offset 8 opens LBA 17", f.Keys[0].String())
	require.True(t, f.Keys[0].Weak)
}

// A derivation that takes no empty root key is tried with the real one all the same.
func TestADerivationThatFailsOnceIsTriedOn(t *testing.T) {
	s := newScene(t)
	s.page(0, 0, 24, s.salt[:], 40, s.wrap(s.kek(&s.root, s.pin), s.mek[:]))
	f := s.search(Options{KDF: func(root *secret.Key32, pin drive.PIN, salt [16]byte) (*secret.Key32, error) {
		if *root == (secret.Key32{}) {
			return nil, errors.New("no root key")
		}
		return drive.KEK(root, pin, salt, 1)
	}})
	require.Len(t, f.Keys, 1)
}

// Iterations below 1 are 1.
func TestAShortPINIsStretchedAtLeastOnce(t *testing.T) {
	s := newScene(t)
	short, err := drive.NewPIN([]byte("1234"))
	require.NoError(t, err)
	s.secrets = []Secret{Root(&s.root), PIN("PIN", short)}
	s.page(0, 0, 24, s.salt[:], 40, s.wrap(s.kek(&s.root, short), s.mek[:]))
	for n, found := range map[int]bool{-1: true, 0: true, 1: true, 2: false} {
		require.Equal(t, found, len(s.search(Options{Iterations: n}).Keys) > 0, "%d iterations", n)
	}
}

func TestAKeyIsHeldAgainstEveryOracle(t *testing.T) {
	s := newScene(t)
	other := s.oracle
	other.Name, other.Cipher = "LBA 18", noise("other", 48)
	for name, put := range map[string]func(){
		"bare":    func() { s.page(0, 0, 100, s.mek[:]) },
		"wrapped": func() { s.page(0, 0, 104, s.wrap(s.pin.Bytes(), s.mek[:])) },
		"wrapped, halves swapped": func() {
			s.page(0, 0, 104, s.wrap(s.pin.Bytes(), append(bytes.Clone(s.mek[32:]), s.mek[:32]...)))
		},
	} {
		s.pages = nil
		put()
		for _, o := range [][]Oracle{{other, s.oracle}, {s.oracle, other}} {
			f, err := Search(drive.Dump{Flash: s.pages}, s.secrets, o, Options{})
			require.NoError(t, err)
			require.Len(t, f.Keys, 1, name)
			require.Equal(t, "LBA 17", f.Keys[0].Oracle, name)
			require.Equal(t, name == "wrapped, halves swapped", f.Keys[0].Swapped)
			require.Equal(t, 256, f.Keys[0].Bits, name)
		}
	}
}

// An oracle of any allowed length is held against every block of it, and none beyond.
func TestAnOracleHoldsToItsLastBlock(t *testing.T) {
	for _, size := range []int{512, 4096} {
		for _, n := range []int{16, 32, size} {
			s := newScene(t)
			plain, ciphertext := bytes.Repeat([]byte("known plaintext "), size/16), make([]byte, size)
			x, err := xts.NewCipher(aes.NewCipher, s.mek[:])
			require.NoError(t, err)
			x.Encrypt(ciphertext, plain, 5)
			s.oracle = Oracle{Name: "LBA 5", SectorSize: size, LBA: 5, Plain: plain[:n:n], Cipher: ciphertext[:n:n]}
			s.page(0, 0, 101, s.mek[:])
			require.Len(t, s.search(Options{}).Keys, 1, "%d of %d bytes", n, size)
			s.oracle.Cipher = bytes.Clone(s.oracle.Cipher)
			s.oracle.Cipher[n-1] ^= 1
			require.Empty(t, s.search(Options{}).Keys)
		}
		for _, n := range []int{0, 15, 24, size + 16} {
			o := Oracle{Name: "X", SectorSize: size, Plain: make([]byte, n), Cipher: make([]byte, n)}
			_, err := Search(drive.Dump{}, nil, []Oracle{o}, Options{})
			require.ErrorContains(t, err, "need a multiple of 16 from 16 to the sector size", "%d bytes", n)
		}
	}
}

func TestAKeyOfFewDifferentBytesIsWeaker(t *testing.T) {
	require.Equal(t, 256, strength(noise("key", 64)))
	require.Equal(t, 64, strength(bytes.Repeat([]byte{0, 1}, 32)))
	require.Equal(t, 128, strength(bytes.Repeat([]byte{0, 1, 2, 3}, 16)))
	require.Equal(t, 0, strength(make([]byte, 64)))

	s := newScene(t)
	key := bytes.Repeat([]byte{1, 2}, 16)
	key = append(key, bytes.Repeat([]byte{2, 1}, 16)...)
	x, err := xts.NewCipher(aes.NewCipher, key)
	require.NoError(t, err)
	ciphertext := make([]byte, 512)
	x.Encrypt(ciphertext, bytes.Repeat([]byte("known plaintext "), 32), 17)
	s.oracle = Oracle{Name: "LBA 17", SectorSize: 512, LBA: 17, Plain: bytes.Repeat([]byte("known plaintext "), 2), Cipher: ciphertext[:32]}
	s.page(0, 0, 100, key)
	require.Equal(t, 64, s.search(Options{}).Keys[0].Bits, "also one that lies bare")
}

// What looks like a wrap, and what like key material, is decided byte by byte.
func TestWhatLooksRandom(t *testing.T) {
	seq := func(n int) []byte { // 16 bytes of n different values, no text
		b := make([]byte, 16)
		for i := range b {
			b[i] = byte(0x80 + min(i, n-1))
		}
		return b
	}
	require.True(t, telling(seq(13)))
	require.False(t, telling(seq(12)))
	require.False(t, telling([]byte(" abcdefghijklmn~")), "every printable character is text")
	require.True(t, telling([]byte("\x7fabcdefghijklmn~")))
	require.True(t, telling([]byte(" abcdefghijklmn\x1f")))

	require.True(t, varied([]byte{1, 1, 1, 1, 2, 2, 3, 4}))
	require.False(t, varied([]byte{1, 1, 1, 1, 2, 2, 3, 3}))
	require.True(t, uniform([]byte{5, 5, 5}))
	require.False(t, uniform([]byte{5, 5, 6}))
	require.Equal(t, 3, distinct([]byte{0, 255, 7, 0}))
}

// The work of a search is the same for the same dump, and none of it is done twice. The
// numbers are counted by hand.
func TestTheWorkOfASearch(t *testing.T) {
	s := newScene(t)
	page := func(n int, parts ...any) flash.Page {
		data := bytes.Repeat([]byte{0xFF}, n)
		for i := 0; i < len(parts); i += 2 {
			copy(data[parts[i].(int):], parts[i+1].([]byte))
		}
		return flash.Page{Data: data}
	}
	few := func(n int) []byte { // 40 bytes of n different values, 8 in each 8
		b := make([]byte, 40)
		for i := range b {
			b[i] = byte(1 + i%min(n, 8))
			if i >= 8 && i < n {
				b[i] = byte(1 + i)
			}
		}
		return b
	}
	a, b := noise("a", 72), noise("b", 200)
	all := make([]byte, 40) // different bytes
	for i := range all {
		all[i] = byte(i + 1)
	}
	for _, c := range []struct {
		name  string
		deep  bool
		pages []flash.Page
		want  Tried
	}{
		// Unsalted KEKs: root key, KEK of it, PIN, 00, FF, SHA-256 of nothing. A salt gives 8
		// more: root key, PIN, 00 and FF, each with and without the root key; the drive
		// derives nothing from an empty PIN.
		{"nothing", false, nil, Tried{KEKs: 6}},
		{"blank and zero", false, []flash.Page{page(256), page(256, 0, make([]byte, 256))}, Tried{KEKs: 6}},
		// A key may begin at each of the 40 bytes. The wrap at 0 has no salt.
		{"one place", false, []flash.Page{page(256, 0, a[:40])}, Tried{Pages: 1, Windows: 40, Wraps: 1, KEKs: 6, Unwraps: 6}},
		{"one place on a short page", false, []flash.Page{page(96, 0, a[:40])}, Tried{Pages: 1, Windows: 33, Wraps: 1, KEKs: 6, Unwraps: 6}},
		// One blank window, then each that holds a byte of it.
		{"one place behind blank bytes", false, []flash.Page{page(256, 80, a[:40])}, Tried{Pages: 1, Windows: 1 + 63 + 40, Wraps: 1, KEKs: 6 + 8, Unwraps: 6 + 8}},
		// 40 and 72 bytes at 0; 40 at 8, 16, 24 and 32, and the last three have a salt.
		{"a long place", false, []flash.Page{page(256, 0, a)}, Tried{Pages: 1, Windows: 72, Wraps: 6, KEKs: 6 + 3*8, Unwraps: 6*6 + 3*8}},
		// 40 and 72 bytes at one place share their KEKs.
		{"two sizes with one salt", false, []flash.Page{page(256, 80, a)}, Tried{Pages: 1, Windows: 1 + 63 + 72, Wraps: 6, KEKs: 6 + 5*8, Unwraps: 6*6 + 6*8}},
		{"two places", false, []flash.Page{page(256, 0, a[:40], 80, b[:40])}, Tried{Pages: 1, Windows: 120, Wraps: 2, KEKs: 6 + 8, Unwraps: 2*6 + 8}},
		{"20 different bytes", false, []flash.Page{page(256, 0, few(20))}, Tried{Pages: 1, Windows: 40, Wraps: 1, KEKs: 6, Unwraps: 6}},
		{"19 different bytes", false, []flash.Page{page(256, 0, few(19))}, Tried{Pages: 1, Windows: 40, KEKs: 6}},
		{"the same page twice", false, []flash.Page{page(256, 0, a[:40]), page(256, 0, a[:40])}, Tried{Pages: 2, Windows: 40, Wraps: 1, KEKs: 6, Unwraps: 6}},
		// On the second page only what reaches 104 is new, and the blank window: the first page has it
		// behind its data, where nothing is tried.
		{"a page with more", false, []flash.Page{page(256, 0, a[:40]), page(256, 0, a[:40], 104, b[:40])}, Tried{Pages: 2, Windows: 40 + 1 + 63 + 40, Wraps: 2, KEKs: 6 + 8, Unwraps: 2*6 + 8}},
		// 254 more constants; a salt at each multiple of 8; KEKs at 0 to 29, where 11 bytes
		// and the blank ones make 12 values; halves at 0, 8, 16 and 24, so 6 pairs.
		{"deep", true, []flash.Page{page(256, 0, a[:40])}, Tried{Pages: 1, Windows: 40 + 6, Wraps: 1, KEKs: 260 + 5*8 + 30, Unwraps: 260 + 5*8 + 30}},
		// 11 bytes and a blank one are 12 values: a half at 24, and KEKs up to there.
		{"deep, 12 different bytes", true, []flash.Page{page(256, 0, all[:35])}, Tried{Pages: 1, Windows: 35 + 6, Wraps: 1, KEKs: 260 + 5*8 + 25, Unwraps: 260 + 5*8 + 25}},
		{"the same full page twice", false, []flash.Page{page(96, 0, b[:96]), page(96, 0, b[:96])}, Tried{Pages: 2, Windows: 33, Wraps: 12, KEKs: 6 + 6*8, Unwraps: 6*12 + 8*8}},
		// 9 halves make 36 pairs, of which 5 lie side by side; wraps at 8 and 4 places, of
		// which 6 have a salt before them; 11 salts; 65 KEKs.
		{"deep, to the end of a page", true, []flash.Page{page(96, 0, b[:96])}, Tried{Pages: 1, Windows: 33 + 31, Wraps: 12, KEKs: 260 + 6*8 + 11*8 + 65, Unwraps: (260+65)*12 + 8*8 + 11*8*12}},
		// As "deep, one place twice" but for the page: a salt is tried on the places of its own page.
		{"deep, two pages", true, []flash.Page{page(96, 0, a[:40]), page(96, 0, b[40:80])}, Tried{Pages: 2, Windows: 2 * (33 + 6), Wraps: 2, KEKs: 260 + 2*(5*8+30), Unwraps: 2*(260+2*30) + 2*5*8}},
		// The salts and KEKs of the second place are those of the first.
		{"deep, one place twice", true, []flash.Page{page(96, 0, a[:40], 56, a[:40])}, Tried{Pages: 1, Windows: 33 + 31, Wraps: 2, KEKs: 260 + 8 + 7*8 + 56, Unwraps: (260+56)*2 + 8 + 7*8*2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.pages = c.pages
			require.Equal(t, c.want, s.search(Options{Deep: c.deep}).Tried)
		})
	}
}

// Places of one size are opened eight at a time.
func TestPlacesFillTheirBatches(t *testing.T) {
	s := newSearch(drive.Dump{Flash: []flash.Page{{Data: noise("c", 256)}}}, nil, Options{})
	var sizes, counts []int
	for _, b := range s.batched(func(i int) bool { return s.blobs[i].offset != 8 }) {
		sizes, counts = append(sizes, b.size), append(counts, len(b.places))
		for _, i := range b.places {
			require.Equal(t, b.size, s.blobs[i].size)
			require.NotEqual(t, 8, s.blobs[i].offset, "nobody wants it")
		}
	}
	// 40 bytes at 0, 16, 24 to 216; 72 bytes at 0, 16, 24 to 184.
	require.Equal(t, []int{40, 72, 40, 72, 40, 72, 40}, sizes)
	require.Equal(t, []int{8, 8, 8, 8, 8, 7, 3}, counts)
}

// What opens with one key is reported by its place, whatever its size.
func TestWrapsAreListedByTheirPlace(t *testing.T) {
	s := newScene(t)
	pin := s.pin.Bytes()
	s.page(0, 0, 8, s.wrap(pin, s.mek[:]), 200, s.wrap(pin, s.ak[:]), 400, s.wrap(pin, append(s.ak[:], s.root[:]...)))
	var places []int
	for _, f := range s.search(Options{}).Wraps {
		places = append(places, f.Path[len(f.Path)-1].Offset)
	}
	require.Equal(t, []int{8, 200, 400}, places)
}

func TestWithoutAnOracleTheWrapsAreListed(t *testing.T) {
	s := newScene(t)
	s.page(0, 0, 8, s.wrap(s.pin.Bytes(), s.mek[:]), 300, s.mek[:])
	for _, deep := range []bool{false, true} {
		f, err := Search(drive.Dump{Flash: s.pages}, s.secrets, nil, Options{Deep: deep})
		require.NoError(t, err)
		require.Empty(t, f.Keys)
		require.Zero(t, f.Tried.Windows, "there is nothing to try them on")
		require.Len(t, f.Wraps, 1)
	}
}

func TestPlacesOfAKeyWhoseHalvesLieApart(t *testing.T) {
	s := newScene(t)
	s.page(0, 5, 32, s.mek[:32], 2016, s.mek[32:])
	f := s.search(Options{Deep: true})
	require.Equal(t, Path{
		{Name: "first half", Placed: true, Page: 5, Offset: 32, Size: 32}, {Name: "second half", Placed: true, Page: 5, Offset: 2016, Size: 32},
	}, f.Keys[0].Path)
	s.pages = nil
	s.page(0, 5, 40, s.mek[:])
	require.Equal(t, Path{{Name: "bare key", Placed: true, Page: 5, Offset: 40, Size: 64}}, s.search(Options{}).Keys[0].Path)
	s.pages = nil
	s.page(0, 5, 8, s.wrap(s.ak[:], s.mek[:]), 2016, s.ak[:])
	require.Equal(t, Step{Name: "bytes", Placed: true, Page: 5, Offset: 2016, Size: 32}, s.search(Options{Deep: true}).Keys[0].Path[0])
}

func TestPrintsReachTheEndOfAPage(t *testing.T) {
	s := newScene(t)
	piece := noise("piece", 16)
	s.page(0, 0, 2032, piece)
	s.page(0, 1, 2032, piece)
	dump := drive.Dump{Flash: s.pages}
	all := PrintsOfAll(dump)
	require.Contains(t, all, printOf(piece))
	require.Len(t, all, 1, "each piece once, and half a piece is none")
	require.Equal(t, []Step{
		{Name: "old key material", Placed: true, Page: 0, Offset: 2032, Size: 16}, {Name: "old key material", Placed: true, Page: 1, Offset: 2032, Size: 16},
	}, Remains(dump, all))

	wrap := Finding{Path: Path{{Name: "AK"}, {Name: "MEK", Placed: true, Offset: 2032, Size: 16}}}
	require.Equal(t, all, PrintsOfWraps(dump, []Finding{wrap, wrap}))
	wrap.Path[1].Size = 24
	require.Empty(t, PrintsOfWraps(dump, []Finding{wrap}), "a place that is none")
	wrap.Path[1].Block = 9
	require.Empty(t, PrintsOfWraps(dump, []Finding{wrap}))

	// 13 different values are the least, wherever the equal ones stand.
	few := append([]byte{0x80, 0x80, 0x80, 0x80}, noise("few", 12)...)
	s.pages = nil
	s.page(0, 0, 64, few)
	dump = drive.Dump{Flash: s.pages}
	require.NotEmpty(t, Remains(dump, Prints{printOf(few)}), "what gives a print is found by it")
}

func TestPrintsAreReadAsTheyWereWritten(t *testing.T) {
	p := Prints{1, 1<<63 | 0xFE}
	text, err := p.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "AAAAAAAAAAGAAAAAAAAA/g==", string(text), "as journals hold them")
	back := Prints{7, 8, 9}
	require.NoError(t, back.UnmarshalText(text))
	require.Equal(t, p, back)
	require.NoError(t, back.UnmarshalText(nil))
	require.Empty(t, back)
	require.Error(t, back.UnmarshalText([]byte("AAAAAAAAAAG=")[:11]))
}
