package forensic

import (
	"bytes"
	"crypto/aes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/xts"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// scene is a dump made by hand, with one sector of known plaintext.
type scene struct {
	t       *testing.T
	root    secret.Key32
	pin     drive.PIN
	ak      secret.Key32
	mek     secret.Key64
	salt    [16]byte
	pages   []flash.Page
	size    int // bytes of a page
	oracle  Oracle
	secrets []Secret
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, size: 2048}
	rnd := entropy.Stream(7, t.Name())
	var credential secret.Key32
	for _, b := range [][]byte{s.root[:], credential[:], s.ak[:], s.mek[:], s.salt[:]} {
		_, err := rnd.Read(b)
		require.NoError(t, err)
	}
	s.pin = drive.CredentialPIN(&credential)
	s.becomes(s.mek[:])
	s.secrets = []Secret{Root(&s.root), PIN("BandMaster0 credential generation 3", s.pin)}
	return s
}

// becomes makes another media key the one of the drive.
func (s *scene) becomes(mek []byte) {
	s.mek = secret.Key64(mek)
	plain := bytes.Repeat([]byte("known plaintext "), 32)
	ciphertext := make([]byte, len(plain))
	x, err := xts.NewCipher(aes.NewCipher, s.mek[:])
	require.NoError(s.t, err)
	x.Encrypt(ciphertext, plain, 1<<33+17)
	s.oracle = Oracle{Name: "LBA 17", SectorSize: 512, LBA: 1<<33 + 17, Plain: plain[:48], Cipher: ciphertext[:48]}
}

// page puts parts into a page: each is an offset and bytes.
func (s *scene) page(block, page int, parts ...any) {
	data := bytes.Repeat([]byte{0xFF}, s.size)
	for i := 0; i < len(parts); i += 2 {
		copy(data[parts[i].(int):], parts[i+1].([]byte))
	}
	s.pages = append(s.pages, flash.Page{Block: block, Page: page, Data: data})
}

func (s *scene) wrap(kek, key []byte) []byte {
	b, err := keywrap.Wrap(kek, key)
	require.NoError(s.t, err)
	return b
}

func (s *scene) kek(root *secret.Key32, pin drive.PIN) []byte {
	k, err := drive.KEK(root, pin, s.salt, 1)
	require.NoError(s.t, err)
	return k[:]
}

func (s *scene) search(o Options) Findings {
	s.t.Helper()
	f, err := Search(drive.Dump{Flash: s.pages}, s.secrets, []Oracle{s.oracle}, o)
	require.NoError(s.t, err)
	for _, f := range append(f.Keys, f.Wraps...) {
		require.NotContains(s.t, fmt.Sprintf("%v %+v", f, f), hex.EncodeToString(s.mek[:8]), "a finding holds no key bytes")
	}
	return f
}

func TestTheWayThroughAKToMEKIsFoundByName(t *testing.T) {
	s := newScene(t)
	s.page(3, 0, 104, s.salt[:], 120, s.wrap(s.kek(&s.root, s.pin), s.ak[:]))
	s.page(2, 1, 64, s.wrap(s.ak[:], s.mek[:]))
	f := s.search(Options{})
	require.Len(t, f.Keys, 1, "the credential opens the AK, the AK opens the MEK, the MEK opens the sector")
	require.Equal(t, "BandMaster0 credential generation 3 and root key -> AK at block 3 page 0 offset 120 -> MEK at block 2 page 1 offset 64 opens LBA 17",
		f.Keys[0].String())
	require.False(t, f.Keys[0].Weak, "this is how a drive keeps its key")
	require.Len(t, f.Wraps, 2)
	require.Empty(t, f.Weak())

	s.secrets = s.secrets[:1]
	require.Empty(t, s.search(Options{}).Keys, "without the credential there is no way")
	require.Empty(t, s.search(Options{Deep: true}).Keys, "not even for a deep search")
}

func TestEveryBareKeyIsFound(t *testing.T) {
	swapped := func(s *scene) []byte { return append(append([]byte(nil), s.mek[32:]...), s.mek[:32]...) }
	for _, c := range []struct {
		name string
		deep bool
		put  func(s *scene)
		want string
	}{
		{"at an odd offset", false, func(s *scene) { s.page(1, 1, 777, s.mek[:]) }, "bare key at block 1 page 1 offset 777 opens LBA 17"},
		{"at the start", false, func(s *scene) { s.page(1, 1, 0, s.mek[:]) }, "bare key at block 1 page 1 offset 0 opens LBA 17"},
		{"at the end", false, func(s *scene) { s.page(1, 1, 2048-64, s.mek[:]) }, "bare key at block 1 page 1 offset 1984 opens LBA 17"},
		{"swapped halves", false, func(s *scene) { s.page(0, 5, 33, swapped(s)) }, "bare key at block 0 page 5 offset 33 (halves swapped) opens LBA 17"},
		{"beside other bytes", false, func(s *scene) { s.page(0, 5, 32, s.root[:], 64, s.mek[:], 128, s.ak[:]) }, "bare key at block 0 page 5 offset 64 opens LBA 17"},
		{"on the second of two like pages", false, func(s *scene) {
			s.page(0, 0, 0, s.root[:])
			s.page(0, 1, 0, s.root[:], 32, s.mek[:])
		}, "bare key at block 0 page 1 offset 32 opens LBA 17"},
		{"on a page that differs in the second half only", false, func(s *scene) {
			s.page(0, 0, 32, s.mek[:32])
			s.page(0, 1, 32, s.mek[:])
		}, "bare key at block 0 page 1 offset 32 opens LBA 17"},
		{"halves apart", true, func(s *scene) { s.page(0, 5, 32, s.mek[:32], 512, s.mek[32:]) }, "first half at block 0 page 5 offset 32 -> second half at block 0 page 5 offset 512 opens LBA 17"},
		{"halves apart, second first", true, func(s *scene) { s.page(0, 5, 32, s.mek[32:], 512, s.mek[:32]) }, "first half at block 0 page 5 offset 32 -> second half at block 0 page 5 offset 512 (halves swapped) opens LBA 17"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.put(s)
			f := s.search(Options{Deep: c.deep})
			require.Len(t, f.Keys, 1, "the key lies there for all to see")
			require.Equal(t, c.want, f.Keys[0].String())
			require.True(t, f.Keys[0].Weak)
			if c.deep {
				require.Empty(t, s.search(Options{}).Keys, "only the deep search looks for halves apart")
			}
		})
	}
}

func TestEveryBadWrapIsFound(t *testing.T) {
	var zeros, ones secret.Key32
	for i := range ones {
		ones[i] = 0xFF
	}
	for _, c := range []struct {
		name string
		deep bool // needs the deep search
		weak bool
		put  func(s *scene)
		path string
	}{
		{"the zero key", false, true, func(s *scene) { s.page(0, 0, 8, s.wrap(zeros[:], s.mek[:])) }, "constant 00 -> MEK at block 0 page 0 offset 8"},
		{"the key of ones", false, true, func(s *scene) { s.page(0, 0, 8, s.wrap(ones[:], s.mek[:])) }, "constant FF -> MEK at block 0 page 0 offset 8"},
		{"another constant", true, true, func(s *scene) { s.page(0, 0, 8, s.wrap(bytes.Repeat([]byte{0x5A}, 32), s.mek[:])) }, "constant 5A -> MEK at block 0 page 0 offset 8"},
		{"the root key itself", false, false, func(s *scene) { s.page(0, 0, 8, s.wrap(s.root[:], s.mek[:])) }, "root key -> MEK at block 0 page 0 offset 8"},
		{"the KEK of the root key", false, false, func(s *scene) {
			k := drive.RootKEK(&s.root)
			s.page(0, 0, 8, s.wrap(k[:], s.mek[:]))
		}, "KEK of the root key -> MEK at block 0 page 0 offset 8"},
		{"the PIN itself", false, false, func(s *scene) { s.page(0, 0, 8, s.wrap(s.pin.Bytes(), s.mek[:])) }, "BandMaster0 credential generation 3 -> MEK at block 0 page 0 offset 8"},
		{"the PIN without the root key", false, true, func(s *scene) {
			s.page(0, 0, 24, s.salt[:], 40, s.wrap(s.kek(&zeros, s.pin), s.mek[:]))
		}, "BandMaster0 credential generation 3 without a root key -> MEK at block 0 page 0 offset 40"},
		{"a zero PIN", false, true, func(s *scene) {
			s.page(0, 0, 24, s.salt[:], 40, s.wrap(s.kek(&s.root, drive.CredentialPIN(&zeros)), s.mek[:]))
		}, "constant 00 and root key -> MEK at block 0 page 0 offset 40"},
		{"a salt elsewhere in the page", true, false, func(s *scene) {
			s.page(0, 0, 800, s.salt[:], 40, s.wrap(s.kek(&s.root, s.pin), s.mek[:]))
		}, "BandMaster0 credential generation 3 and root key -> MEK at block 0 page 0 offset 40"},
		{"an AK that lies bare on another page", true, true, func(s *scene) {
			s.page(0, 0, 40, s.wrap(s.ak[:], s.mek[:]))
			s.page(1, 0, 333, s.ak[:])
		}, "bytes at block 1 page 0 offset 333 -> MEK at block 0 page 0 offset 40"},
		{"three wraps deep", false, false, func(s *scene) {
			s.page(0, 0, 0, s.wrap(s.ak[:], s.mek[:]), 80, s.wrap(bytes.Repeat([]byte("0123456789abcdef"), 2), s.ak[:]), 128, s.wrap(s.pin.Bytes(), bytes.Repeat([]byte("0123456789abcdef"), 2)))
		}, "BandMaster0 credential generation 3 -> AK at block 0 page 0 offset 128 -> AK at block 0 page 0 offset 80 -> MEK at block 0 page 0 offset 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.put(s)
			f := s.search(Options{Deep: c.deep})
			require.Len(t, f.Keys, 1, "the wrap opens, and its key opens the sector")
			require.Equal(t, c.path, f.Keys[0].Path.String())
			of := map[string]int{"root": 1, "KEK ": 1, "Band": 2}[c.path[:4]]
			require.Equal(t, of, f.Keys[0].Path[0].Secret, "the first step names its secret")
			require.Equal(t, c.weak, f.Keys[0].Weak, "a wrap that needs no secret is a defect whatever it wraps")
			require.Equal(t, c.weak, len(f.Weak()) > 0)
			if c.deep {
				require.Empty(t, s.search(Options{}).Keys, "only the deep search looks there")
			}
		})
	}
}

func TestAnEmptyPINIsTriedWhereTheDerivationTakesIt(t *testing.T) {
	s := newScene(t)
	kdf := func(root *secret.Key32, pin drive.PIN, salt [16]byte) (*secret.Key32, error) {
		k := secret.Key32(sha256.Sum256(slices.Concat(root[:], salt[:], pin.Bytes())))
		return &k, nil // a drive that takes an empty PIN
	}
	k, err := kdf(&s.root, drive.PIN{}, s.salt)
	require.NoError(t, err)
	s.page(0, 0, 24, s.salt[:], 40, s.wrap(k[:], s.mek[:]))
	f := s.search(Options{KDF: kdf})
	require.NotEmpty(t, f.Keys)
	require.Contains(t, f.Keys[0].Path.String(), "empty PIN and root key")
	require.True(t, f.Keys[0].Weak)
}

func TestAForeignDumpHoldsNothing(t *testing.T) {
	s := newScene(t)
	noise := make([]byte, 2048)
	_, err := entropy.Stream(1, "noise").Read(noise)
	require.NoError(t, err)
	s.page(0, 0, 0, noise)
	s.page(0, 1)
	s.page(0, 2, 0, make([]byte, 2048))
	f := s.search(Options{})
	require.Empty(t, f.Keys)
	require.Empty(t, f.Wraps)
	require.Equal(t, 1, f.Tried.Pages, "blank and zeroed pages are skipped")
	require.GreaterOrEqual(t, f.Tried.Windows, 2048-63, "every byte offset is tried")
	require.Greater(t, f.Tried.Wraps, 2*240, "every multiple of 8 is tried, for both sizes")
}

func TestSearchRefusesBadArguments(t *testing.T) {
	s := newScene(t)
	for _, c := range []struct {
		name   string
		change func(o *Oracle)
		want   string
	}{
		{"size", func(o *Oracle) { o.SectorSize = 520 }, `forensic: oracle "LBA 17" has a sector size of 520 bytes, need 512 or 4096`},
		{"short", func(o *Oracle) { o.Plain, o.Cipher = o.Plain[:8], o.Cipher[:8] }, `forensic: oracle "LBA 17" has 8 bytes, need a multiple of 16 from 16 to the sector size`},
		{"unequal", func(o *Oracle) { o.Plain = o.Plain[:16] }, `forensic: oracle "LBA 17" has 16 bytes of plaintext and 48 of ciphertext, need as many of both`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := s.oracle
			c.change(&o)
			_, err := Search(drive.Dump{}, nil, []Oracle{o}, Options{})
			require.EqualError(t, err, c.want)
		})
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	s := newScene(t)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		out := fmt.Sprintf(format, s.secrets)
		require.NotContains(t, out, hex.EncodeToString(s.root[:4]), format)
		require.Contains(t, out, "root key [secret]", format)
	}
}

func TestRemainsFindsPiecesOfOldWraps(t *testing.T) {
	s := newScene(t)
	akWrap, mekWrap := s.wrap(s.kek(&s.root, s.pin), s.ak[:]), s.wrap(s.ak[:], s.mek[:])
	s.page(0, 0, 24, s.salt[:], 40, akWrap, 80, mekWrap, 400, []byte("serial number 75NR641-AB-CD"))
	dump := drive.Dump{Flash: s.pages}
	prints := PrintsOfWraps(dump, s.search(Options{}).Keys)
	require.NotEmpty(t, prints)
	require.Len(t, Remains(dump, prints), 1, "before the erase both wraps are there")

	all := PrintsOfAll(dump)
	require.Greater(t, len(all), len(prints), "the salt counts as key material, too")
	s.pages = nil
	s.page(5, 2, 100, []byte("serial number 75NR641-AB-CD"), 400, s.ak[:])
	require.Empty(t, Remains(drive.Dump{Flash: s.pages}, all), "text that stays is no key material, and new bytes are not old ones")

	s.pages = nil
	s.page(5, 2, 101, mekWrap[16:32])
	left := Remains(drive.Dump{Flash: s.pages}, prints)
	require.Len(t, left, 1, "16 bytes of a wrap, at any offset, are found")
	require.Equal(t, "old key material at block 5 page 2 offset 101", left[0].String())

	text, err := all.MarshalText()
	require.NoError(t, err)
	var back Prints
	require.NoError(t, back.UnmarshalText(text))
	require.Equal(t, all, back, "prints come back from a journal as they were")
	require.Error(t, back.UnmarshalText([]byte("AAAA")))
}

func BenchmarkSearch(b *testing.B) {
	for _, c := range []struct {
		name   string
		ranges int
	}{{"ranges=0", 0}, {"ranges=16", 16}} {
		d, label, err := drive.Manufacture(drive.Config{Serial: "B1", SectorSize: 512, Sectors: 1 << 20, Ranges: c.ranges, PBKDF2Iterations: 1000}, drive.Parts{
			Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "B1"),
		})
		require.NoError(b, err)
		plain := make([]byte, 512)
		require.NoError(b, d.Write(5, plain))
		ciphertext, _ := d.Dump().Sector(5)
		oracle := Oracle{Name: "LBA 5", SectorSize: 512, LBA: 5, Plain: plain[:32], Cipher: ciphertext[:32]}
		for range 2 {
			s, err := d.Authenticate(drive.BandMaster(0), label.MSID)
			require.NoError(b, err)
			s.Close()
		}
		fuses := d.Fuses()
		secrets := []Secret{Root(fuses.Root), PIN("MSID", label.MSID), PIN("PSID", label.PSID)}
		dump := d.Dump()
		for _, deep := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/deep=%v", c.name, deep), func(b *testing.B) {
				b.ReportAllocs()
				var f Findings
				for b.Loop() {
					f, err = Search(dump, secrets, []Oracle{oracle}, Options{Deep: deep})
				}
				require.NoError(b, err)
				require.NotEmpty(b, f.Keys, "the MSID opens a new drive")
				b.Logf("%v", f.Tried)
			})
		}
	}
}
