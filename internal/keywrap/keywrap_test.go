package keywrap

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"slices"
	"testing"

	"github.com/c2sp/wycheproof"
	josecipher "github.com/go-jose/go-jose/v4/cipher"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/internal/aes256"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
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
		BugType     string   `json:"bugType"`
		Description string   `json:"description"`
		Effect      string   `json:"effect"`
		Links       []string `json:"links"`
	} `json:"notes"`
	TestGroups []struct {
		Type   string `json:"type"`
		Source struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"source"`
		KeySize int `json:"keySize"`
		Tests   []struct {
			TcID    int      `json:"tcId"`
			Comment string   `json:"comment"`
			Flags   []string `json:"flags"`
			Key     string   `json:"key"`
			Msg     string   `json:"msg"`
			CT      string   `json:"ct"`
			Result  string   `json:"result"`
		} `json:"tests"`
	} `json:"testGroups"`
}

// TestWycheproof runs every AES-WRAP vector through Wrap and Unwrap. A field, a
// result or a flag that is not known here fails the test: it may change what a
// vector means.
func TestWycheproof(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		raw, err := fs.ReadFile(wycheproof.TestVectors, "aes_wrap_test.json")
		require.NoError(t, err)
		var file wycheproofFile
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.DisallowUnknownFields()
		require.NoError(t, dec.Decode(&file))
		require.Equal(t, "AES-WRAP", file.Algorithm)
		known := []string{"CounterOverflow", "EmptyKey", "InvalidWrappingSize", "ModifiedIv", "Normal", "ShortKey", "WrongDataSize"}

		total := 0
		count := map[string]int{}
		for _, g := range file.TestGroups {
			require.Equal(t, "KeywrapTest", g.Type)
			for _, v := range g.Tests {
				total++
				count[v.Result]++
				for _, f := range v.Flags {
					require.Contains(t, known, f, "vector %d: a flag that we do not know", v.TcID)
				}
				kek, msg, ct := unhex(t, v.Key), unhex(t, v.Msg), unhex(t, v.CT)
				require.Len(t, kek, g.KeySize/8)
				wrapped, wrapErr := WrapOn(path, kek, msg)
				unwrapped, unwrapErr := UnwrapOn(path, kek, ct)
				switch v.Result {
				case "valid":
					require.NoError(t, wrapErr, "vector %d (%s)", v.TcID, v.Comment)
					require.Equal(t, ct, wrapped, "vector %d: the wrap", v.TcID)
					require.NoError(t, unwrapErr, "vector %d (%s)", v.TcID, v.Comment)
					require.Equal(t, msg, unwrapped, "vector %d: the key", v.TcID)
				case "acceptable":
					// A key of 8 bytes: RFC 3394 permits it, SP 800-38F does not.
					require.Equal(t, []string{"ShortKey"}, v.Flags, "vector %d: acceptable for a reason that we do not know", v.TcID)
					require.Error(t, wrapErr, "vector %d (%s)", v.TcID, v.Comment)
					require.Error(t, unwrapErr, "vector %d (%s)", v.TcID, v.Comment)
				case "invalid":
					require.Error(t, unwrapErr, "vector %d (%s) unwraps", v.TcID, v.Comment)
					require.Nil(t, unwrapped, "vector %d: nothing comes out of a refused wrap", v.TcID)
					if slices.Contains(v.Flags, "ModifiedIv") {
						require.ErrorIs(t, unwrapErr, ErrIntegrity, "vector %d", v.TcID)
					} else if wrapErr == nil {
						require.NotEqual(t, ct, wrapped, "vector %d (%s) is what we would have made", v.TcID, v.Comment)
					}
				default:
					require.Failf(t, "unknown result", "vector %d: %q", v.TcID, v.Result)
				}
			}
		}
		require.Equal(t, file.NumberOfTests, total)
		require.Equal(t, map[string]int{"valid": 36, "acceptable": 3, "invalid": 126}, count, "no vector was left out")
	})
}

// TestRFC3394 runs the six vectors of RFC 3394 section 4.
func TestRFC3394(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		const (
			kek = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
			key = "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f"
		)
		for _, v := range []struct {
			section  string
			kek, key int // bytes
			wrapped  string
		}{
			{"4.1", 16, 16, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"},
			{"4.2", 24, 16, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"},
			{"4.3", 32, 16, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
			{"4.4", 24, 24, "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2"},
			{"4.5", 32, 24, "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"},
			{"4.6", 32, 32, "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"},
		} {
			kek, key := unhex(t, kek)[:v.kek], unhex(t, key)[:v.key]
			got, err := WrapOn(path, kek, key)
			require.NoError(t, err)
			require.Equal(t, v.wrapped, hex.EncodeToString(got), "section %s: wrap", v.section)
			back, err := UnwrapOn(path, kek, got)
			require.NoError(t, err)
			require.Equal(t, key, back, "section %s: unwrap", v.section)
		}
	})
}

// TestRefusals: what SP 800-38F sections 5.3.1 and 6.2 do not define is refused.
func TestRefusals(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		kek := make([]byte, 32)
		for _, n := range []int{0, 1, 8, 15, 17, 20, 31, 33, 4097, 4104} {
			_, err := WrapOn(path, kek, make([]byte, n))
			require.ErrorContains(t, err, "need 16 to 4096 in steps of 8", "a key of %d bytes", n)
		}
		for _, n := range []int{0, 7, 8, 16, 23, 25, 4111, 4112} {
			out, err := UnwrapOn(path, kek, make([]byte, n))
			require.ErrorContains(t, err, "need 24 to 4104 in steps of 8", "a wrap of %d bytes", n)
			require.NotErrorIs(t, err, ErrIntegrity)
			require.Nil(t, out)
		}
		longest, err := WrapOn(path, kek, make([]byte, 4096))
		require.NoError(t, err, "the longest key that the package takes")
		out, err := UnwrapOn(path, kek, longest)
		require.NoError(t, err)
		require.Len(t, out, 4096)
		for _, n := range []int{0, 8, 15, 17, 31, 33, 64} {
			_, err := WrapOn(path, make([]byte, n), make([]byte, 32))
			require.ErrorContains(t, err, "need 16, 24 or 32", "a KEK of %d bytes", n)
			_, err = UnwrapOn(path, make([]byte, n), make([]byte, 40))
			require.ErrorContains(t, err, "need 16, 24 or 32", "a KEK of %d bytes", n)
		}
	})
}

func drawKey(t *rapid.T, name string, n int) []byte {
	return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, name)
}

// TestBitFlip: no altered wrap opens, and no other key opens a wrap.
func TestBitFlip(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		rapid.Check(t, func(t *rapid.T) {
			kek := drawKey(t, "kek", rapid.SampledFrom([]int{16, 24, 32}).Draw(t, "kek length"))
			key := drawKey(t, "key", 8*rapid.IntRange(2, 16).Draw(t, "blocks"))
			wrapped, err := WrapOn(path, kek, key)
			require.NoError(t, err)
			require.Len(t, wrapped, len(key)+Overhead)
			back, err := UnwrapOn(path, kek, wrapped)
			require.NoError(t, err)
			require.Equal(t, key, back)

			bit := rapid.IntRange(0, len(wrapped)*8-1).Draw(t, "bit of the wrap")
			altered := bytes.Clone(wrapped)
			altered[bit/8] ^= 1 << (bit % 8)
			out, err := UnwrapOn(path, kek, altered)
			require.ErrorIs(t, err, ErrIntegrity, "an altered wrap opened")
			require.Nil(t, out)

			bit = rapid.IntRange(0, len(kek)*8-1).Draw(t, "bit of the KEK")
			other := bytes.Clone(kek)
			other[bit/8] ^= 1 << (bit % 8)
			out, err = UnwrapOn(path, other, wrapped)
			require.ErrorIs(t, err, ErrIntegrity, "another key opened the wrap")
			require.Nil(t, out)
		})
	})
}

// TestInputsStay: neither function writes to what it is given.
func TestInputsStay(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		kek, key := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 64)
		wrapped, err := WrapOn(path, kek, key)
		require.NoError(t, err)
		before := bytes.Clone(wrapped)
		_, err = UnwrapOn(path, kek, wrapped)
		require.NoError(t, err)
		require.Equal(t, before, wrapped)
		require.Equal(t, bytes.Repeat([]byte{1}, 32), kek)
		require.Equal(t, bytes.Repeat([]byte{2}, 64), key)
	})
}

func benchmarkWrap(b *testing.B, n int) {
	kek, key := make([]byte, 32), make([]byte, n)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Wrap(kek, key)
	}
}

func benchmarkUnwrap(b *testing.B, n int) {
	kek := make([]byte, 32)
	wrapped, err := Wrap(kek, make([]byte, n))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Unwrap(kek, wrapped)
	}
}

func BenchmarkWrap32(b *testing.B)   { benchmarkWrap(b, 32) }
func BenchmarkWrap64(b *testing.B)   { benchmarkWrap(b, 64) }
func BenchmarkUnwrap32(b *testing.B) { benchmarkUnwrap(b, 32) }
func BenchmarkUnwrap64(b *testing.B) { benchmarkUnwrap(b, 64) }

// TestAgreesWithALibrary compares with the key wrap of go-jose.
func TestAgreesWithALibrary(t *testing.T) {
	onEveryPath(t, func(t *testing.T, path aes256.Path) {
		rapid.Check(t, func(t *rapid.T) {
			kek := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "kek")
			key := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key")
			for range rapid.IntRange(0, 8).Draw(t, "more") {
				key = append(key, rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "block")...)
			}
			block, err := aes.NewCipher(kek)
			require.NoError(t, err)
			want, err := josecipher.KeyWrap(block, key)
			require.NoError(t, err)
			got, err := WrapOn(path, kek, key)
			require.NoError(t, err)
			require.Equal(t, want, got)
			back, err := UnwrapOn(path, kek, got)
			require.NoError(t, err)
			require.Equal(t, key, back)
		})
	})
}
