package xts

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"testing"

	"github.com/c2sp/wycheproof"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/xts"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/aes256"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func key(t testing.TB, b []byte) *secret.Key64 {
	t.Helper()
	require.Len(t, b, 64)
	return (*secret.Key64)(b)
}

// onEveryPath runs a test on each path of this machine and build, and says which it could not run.
func onEveryPath(t *testing.T, f func(t *testing.T, path aes256.Path)) {
	t.Helper()
	have := aes256.Paths()
	for _, path := range []aes256.Path{aes256.Generic, aes256.AESNI, aes256.VAES} {
		t.Run(path.String(), func(t *testing.T) {
			if !slices.Contains(have, path) {
				t.Skipf("SKIPPED: this machine or build has no path %s", path)
			}
			f(t, path)
		})
	}
}

type wycheproofFile struct {
	Algorithm     string   `json:"algorithm"`
	Schema        string   `json:"schema"`
	NumberOfTests int      `json:"numberOfTests"`
	Header        []string `json:"header"`
	Notes         map[string]struct {
		BugType     string `json:"bugType"`
		Description string `json:"description"`
	} `json:"notes"`
	TestGroups []struct {
		Type   string `json:"type"`
		Source struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"source"`
		KeySize int `json:"keySize"`
		IVSize  int `json:"ivSize"`
		Tests   []struct {
			TcID    int      `json:"tcId"`
			Comment string   `json:"comment"`
			Flags   []string `json:"flags"`
			Key     string   `json:"key"`
			IV      string   `json:"iv"`
			Msg     string   `json:"msg"`
			CT      string   `json:"ct"`
			Result  string   `json:"result"`
		} `json:"tests"`
	} `json:"testGroups"`
}

// TestWycheproof runs every AES-XTS vector. Which ones the package can take is
// decided by what it is, and the rest is counted by reason: a vector that is
// skipped for a new reason fails the test.
func TestWycheproof(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		raw, err := fs.ReadFile(wycheproof.TestVectors, "aes_xts_test.json")
		require.NoError(t, err)
		var file wycheproofFile
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.DisallowUnknownFields()
		require.NoError(t, dec.Decode(&file), "a field that we do not know may change what a vector means")
		require.Equal(t, "AES-XTS", file.Algorithm)

		count := map[string]int{}
		total := 0
		for _, g := range file.TestGroups {
			require.Equal(t, "IndCpaTest", g.Type)
			for _, v := range g.Tests {
				total++
				require.Equal(t, "valid", v.Result, "vector %d: a result that we do not know", v.TcID)
				for _, f := range v.Flags {
					require.Equal(t, "Pseudorandom", f, "vector %d: a flag that we do not know", v.TcID)
				}
				k, iv, msg, ct := unhex(t, v.Key), unhex(t, v.IV), unhex(t, v.Msg), unhex(t, v.CT)
				require.Len(t, k, g.KeySize/8)
				require.Len(t, iv, g.IVSize/8)
				switch {
				case len(k) == 48:
					count["AES-192 is not in the standard"]++
				case len(k) != 64:
					count["AES-128: the wrapper takes AES-256 only"]++
				case len(iv) != 8:
					count["a tweak of more than 64 bits"]++
				case len(msg)%16 != 0:
					count["ciphertext stealing"]++
				default:
					count["run"]++
					c, err := NewOn(path, key(t, k), 512)
					require.NoError(t, err)
					lba := binary.LittleEndian.Uint64(iv)
					// A vector is shorter than a sector, and a block of a sector
					// depends on nothing but its place: the head of a sector that
					// begins with the message is the vector's ciphertext.
					require.LessOrEqual(t, len(msg), 512)
					sector := make([]byte, 512)
					copy(sector, msg)
					c.Encrypt(sector, sector, lba)
					require.Equal(t, ct, sector[:len(ct)], "vector %d: encryption", v.TcID)
					c.Decrypt(sector, sector, lba)
					require.Equal(t, msg, sector[:len(msg)], "vector %d: decryption after encryption", v.TcID)
					copy(sector, ct)
					c.Decrypt(sector, sector, lba)
					require.Equal(t, msg, sector[:len(msg)], "vector %d: decryption", v.TcID)
				}
			}
		}
		require.Equal(t, file.NumberOfTests, total)
		require.Equal(t, wycheproofCount, count, "which vectors run, and why the others do not")
	})
}

var wycheproofCount = map[string]int{
	"run":                          6,
	"ciphertext stealing":          20,
	"a tweak of more than 64 bits": 15,
	"AES-128: the wrapper takes AES-256 only": 41,
	"AES-192 is not in the standard":          41,
}

// TestIEEE1619 runs the vectors of IEEE 1619-2018 annex B for XTS-AES-256 with a
// data unit of 512 bytes, numbers 10 to 14; the others are for AES-128 or for data
// units that are no sector. The plaintext is 00, 01, ... FF, twice. Number 10 is
// compared whole, the others by their first two blocks: the data unit number
// enters a sector in its first block.
func TestIEEE1619(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		k := unhex(t, "2718281828459045235360287471352662497757247093699959574966967627"+
			"3141592653589793238462643383279502884197169399375105820974944592")
		plain := make([]byte, 512)
		for i := range plain {
			plain[i] = byte(i)
		}
		c, err := NewOn(path, key(t, k), 512)
		require.NoError(t, err)
		for _, v := range []struct {
			number int
			sector uint64
			cipher string
		}{
			{10, 0xff, "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b5d31e276f8fe4a8d66b317f9ac683f44680a86ac35adfc3345befecb4bb188fd" +
				"5776926c49a3095eb108fd1098baec70aaa66999a72a82f27d848b21d4a741b0c5cd4d5fff9dac89aeba122961d03a757123e9870f8acf1000020887891429ca" +
				"2a3e7a7d7df7b10355165c8b9a6d0a7de8b062c4500dc4cd120c0f7418dae3d0b5781c34803fa75421c790dfe1de1834f280d7667b327f6c8cd7557e12ac3a0f" +
				"93ec05c52e0493ef31a12d3d9260f79a289d6a379bc70c50841473d1a8cc81ec583e9645e07b8d9670655ba5bbcfecc6dc3966380ad8fecb17b6ba02469a020a" +
				"84e18e8f84252070c13e9f1f289be54fbc481457778f616015e1327a02b140f1505eb309326d68378f8374595c849d84f4c333ec4423885143cb47bd71c5edae" +
				"9be69a2ffeceb1bec9de244fbe15992b11b77c040f12bd8f6a975a44a0f90c29a9abc3d4d893927284c58754cce294529f8614dcd2aba991925fedc4ae74ffac" +
				"6e333b93eb4aff0479da9a410e4450e0dd7ae4c6e2910900575da401fc07059f645e8b7e9bfdef33943054ff84011493c27b3429eaedb4ed5376441a77ed4385" +
				"1ad77f16f541dfd269d50d6a5f14fb0aab1cbb4c1550be97f7ab4066193c4caa773dad38014bd2092fa755c824bb5e54c4f36ffda9fcea70b9c6e693e148c151"},
			{11, 0xffff, "77a31251618a15e6b92d1d66dffe7b50b50bad552305ba0217a610688eff7e11"},
			{12, 0xffffff, "e387aaa58ba483afa7e8eb469778317ecf4cf573aa9d4eac23f2cdf914e4e200"},
			{13, 0xffffffff, "bf53d2dade78e822a4d949a9bc6766b01b06a8ef70d26748c6a7fc36d80ae4c5"},
			{14, 0xffffffffff, "64497e5a831e4a932c09be3e5393376daa599548b816031d224bbf50a818ed23"},
		} {
			got := make([]byte, 512)
			c.Encrypt(got, plain, v.sector)
			require.Equal(t, v.cipher, hex.EncodeToString(got[:len(v.cipher)/2]), "vector %d: encryption", v.number)
			c.Decrypt(got, got, v.sector)
			require.Equal(t, plain, got, "vector %d: decryption", v.number)
		}
	})
}

func TestEqualHalvesAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var k secret.Key64
		half := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "half")
		copy(k[:32], half)
		copy(k[32:], half)
		_, err := New(&k, 512)
		require.ErrorIs(t, err, ErrEqualHalves)
		k[rapid.IntRange(0, 63).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		_, err = New(&k, 512)
		require.NoError(t, err, "one bit of difference is enough")
	})
}

func TestSectorSizes(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		k := secret.Key64{1}
		for _, n := range []int{-1, 0, 16, 511, 520, 1024, 4097} {
			_, err := NewOn(path, &k, n)
			require.ErrorContains(t, err, "need 512 or 4096", "sectors of %d bytes", n)
		}
		for _, n := range []int{512, 4096} {
			c, err := NewOn(path, &k, n)
			require.NoError(t, err)
			require.Equal(t, n, c.SectorSize())
			for _, bad := range []int{0, 16, n - 1, n + 16} {
				require.Panics(t, func() { c.Encrypt(make([]byte, bad), make([]byte, n), 0) }, "dst of %d bytes", bad)
				require.Panics(t, func() { c.Decrypt(make([]byte, n), make([]byte, bad), 0) }, "src of %d bytes", bad)
			}
		}
	})
}

// TestClearOverwritesTheKey: the expanded form of both halves is zeros afterwards.
func TestClearOverwritesTheKey(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		c, err := NewOn(path, &secret.Key64{1}, 512)
		require.NoError(t, err)
		var parts []reflect.Value
		for _, s := range []*aes256.Schedule{&c.data, &c.tweak} {
			if path == aes256.Generic {
				parts = append(parts, reflect.ValueOf(s.Block).Elem())
			} else {
				parts = append(parts, reflect.ValueOf(&s.Enc).Elem(), reflect.ValueOf(&s.Dec).Elem())
			}
		}
		for i, p := range parts {
			require.False(t, p.IsZero(), "part %d", i)
		}
		c.Clear()
		for i, p := range parts {
			require.True(t, p.IsZero(), "part %d", i)
		}
		require.PanicsWithValue(t, "BUG: xts: a cipher is used after Clear", func() { c.Encrypt(make([]byte, 512), make([]byte, 512), 0) },
			"it encrypts nothing with a key of zeros")
		c.Clear()
		(*Cipher)(nil).Clear()
	})
}

// TestOverlapIsRefused: buffers are the same or apart.
func TestOverlapIsRefused(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		c, err := NewOn(path, &secret.Key64{1}, 512)
		require.NoError(t, err)
		room := make([]byte, 1536)
		for _, at := range []int{0, 1, 511, 513, 1023, 1024} {
			run := func() { c.Encrypt(room[at:at+512], room[512:1024], 0) }
			if at == 0 || at == 1024 {
				require.NotPanics(t, run, "%d", at)
			} else {
				require.PanicsWithValue(t, "BUG: xts: sector buffers overlap", run, "%d", at)
				require.Panics(t, func() { c.Decrypt(room[512:1024], room[at:at+512], 0) }, "%d", at)
			}
		}
		require.NotPanics(t, func() { c.Encrypt(room[512:1024], room[512:1024], 0) })
	})
}

// TestNoPathAllocates: a sector costs no memory.
func TestNoPathAllocates(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		c, err := NewOn(path, &secret.Key64{1}, 4096)
		require.NoError(t, err)
		dst, src := make([]byte, 4096), make([]byte, 4096)
		require.Zero(t, testing.AllocsPerRun(50, func() { c.Encrypt(dst, src, 3); c.Decrypt(dst, dst, 3) }))
	})
}

// TestTweak: equal plaintext gives different ciphertext in every block of every
// sector (FAULTS 10).
func TestTweak(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		c, err := NewOn(path, key(t, bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7}, 10)[:64]), 4096)
		require.NoError(t, err)
		seen := map[[16]byte]uint64{}
		for _, lba := range []uint64{0, 1, 2, 255, 256, 1 << 32, 1 << 56, 1<<63 + 1, ^uint64(0)} {
			got := make([]byte, 4096)
			c.Encrypt(got, make([]byte, 4096), lba)
			for i := 0; i < len(got); i += 16 {
				block := [16]byte(got[i:])
				require.NotContains(t, seen, block, "a block of sector %d is also in sector %d", lba, seen[block])
				seen[block] = lba
			}
		}
	})
}

func TestRoundTrip(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		rapid.Check(t, func(t *rapid.T) {
			var k, other secret.Key64
			copy(k[:], rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "key"))
			k[0] = k[32] + 1
			other = k
			other[rapid.IntRange(1, 31).Draw(t, "byte of K1")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			size := rapid.SampledFrom([]int{512, 4096}).Draw(t, "size")
			lba := rapid.Uint64().Draw(t, "lba")
			src := bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "block"), size/16)
			c, err := NewOn(path, &k, size)
			require.NoError(t, err)
			apart, inPlace := make([]byte, size), bytes.Clone(src)
			c.Encrypt(apart, src, lba)
			c.Encrypt(inPlace, inPlace, lba)
			require.Equal(t, apart, inPlace)
			require.NotEqual(t, src, apart)
			back := make([]byte, size)
			c.Decrypt(back, apart, lba)
			require.Equal(t, src, back)
			c.Decrypt(back, apart, lba+1)
			require.NotEqual(t, src, back, "at another address it is noise")
			o, err := NewOn(path, &other, size)
			require.NoError(t, err)
			o.Decrypt(back, apart, lba)
			require.NotEqual(t, src, back, "under another key it is noise")
		})
	})
}

func BenchmarkNew(b *testing.B) {
	k := secret.Key64{1}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = New(&k, 512)
	}
}

// BenchmarkSector encrypts and decrypts on each path, and beside it golang.org/x/crypto/xts.
func BenchmarkSector(b *testing.B) {
	k := secret.Key64{1}
	for _, size := range []int{512, 4096} {
		buf := make([]byte, size)
		run := func(name string, f func()) {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					f()
				}
			})
		}
		for _, path := range aes256.Paths() {
			c, err := NewOn(path, &k, size)
			require.NoError(b, err)
			run("encrypt/"+path.String(), func() { c.Encrypt(buf, buf, 7) })
			run("decrypt/"+path.String(), func() { c.Decrypt(buf, buf, 7) })
		}
		x, err := xts.NewCipher(aes.NewCipher, k[:])
		require.NoError(b, err)
		run("encrypt/x-crypto", func() { x.Encrypt(buf, buf, 7) })
	}
}
