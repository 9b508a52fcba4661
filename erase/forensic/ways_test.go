package forensic

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/xts"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// planted is a key put into a dump in one way. Not planted, the dump holds another key in the same
// way.
type planted struct {
	name string
	way  Ways // which finds it, 0 for every search
	deep bool
	put  func(s *scene, key []byte)
	want string
}

func under(c byte, b []byte) []byte {
	b = bytes.Clone(b)
	for i := range b {
		b[i] ^= c
	}
	return b
}

func sealWith(kek, nonce, key []byte) []byte { return gcmOf(kek).Seal(nil, nonce, key, nil) }

// padded wraps as RFC 5649 does where no padding is needed: section 3 and RFC 3394 section 2.2.1.
func padded(kek, key []byte) []byte {
	b, _ := aes.NewCipher(kek)
	a := binary.BigEndian.AppendUint32([]byte{0xA6, 0x59, 0x59, 0xA6}, uint32(len(key)))
	r, room := bytes.Clone(key), make([]byte, 16)
	for j := range 6 {
		for i := 0; i < len(r); i += 8 {
			b.Encrypt(room, slices.Concat(a, r[i:i+8]))
			binary.BigEndian.PutUint64(a, binary.BigEndian.Uint64(room)^uint64(len(r)/8*j+i/8+1))
			copy(r[i:], room[8:])
		}
	}
	return append(a, r...)
}

func blocks(kek, iv, key []byte) []byte {
	b, _ := aes.NewCipher(kek)
	out := make([]byte, len(key))
	if iv != nil {
		cipher.NewCBCEncrypter(b, iv).CryptBlocks(out, key)
		return out
	}
	for i := 0; i < len(key); i += 16 {
		b.Encrypt(out[i:], key[i:i+16])
	}
	return out
}

var plants = []planted{
	{"raw", 0, false, func(s *scene, k []byte) { s.page(1, 2, 333, k) }, "bare key at block 1 page 2 offset 333"},
	{"halves apart", 0, true, func(s *scene, k []byte) { s.page(1, 2, 64, k[:32], 400, k[32:]) }, "first half at block 1 page 2 offset 64 -> second half at block 1 page 2 offset 400"},
	{"AES-KW", 0, false, func(s *scene, k []byte) { s.page(1, 2, 64, s.wrap(s.root[:], k)) }, "root key -> MEK at block 1 page 2 offset 64"},
	{"AES-KWP", 0, false, func(s *scene, k []byte) { s.page(1, 2, 64, padded(s.root[:], k)) }, "root key -> MEK at block 1 page 2 offset 64"},
	{"a window as KEK", 0, true, func(s *scene, k []byte) { s.page(1, 2, 99, s.ak[:], 400, s.wrap(s.ak[:], k)) }, "bytes at block 1 page 2 offset 99 -> MEK at block 1 page 2 offset 400"},

	{"hex", Encoded, false, func(s *scene, k []byte) { s.page(1, 2, 77, []byte("\""+hex.EncodeToString(k)+"\"")) }, "bare key in hex at block 1 page 2 offset 78"},
	{"upper-case hex behind a digit", Encoded, false, func(s *scene, k []byte) { s.page(1, 2, 77, []byte("7"+strings.ToUpper(hex.EncodeToString(k)))) }, "bare key in hex at block 1 page 2 offset 78"},
	{"base64", Encoded, false, func(s *scene, k []byte) { s.page(1, 2, 77, []byte(base64.StdEncoding.EncodeToString(k))) }, "bare key in base64 at block 1 page 2 offset 77"},
	{"base64 in lines", Encoded, false, func(s *scene, k []byte) {
		text := base64.StdEncoding.EncodeToString(k)
		s.page(1, 2, 77, []byte(text[:64]+"\r\n"+text[64:]))
	}, "bare key in base64 at block 1 page 2 offset 77"},
	{"base64 for URLs, behind letters", Encoded, false, func(s *scene, k []byte) { s.page(1, 2, 77, []byte("key"+base64.RawURLEncoding.EncodeToString(k))) }, "bare key in base64"},
	{"halves in base64", Encoded, false, func(s *scene, k []byte) {
		s.page(1, 2, 70, fmt.Appendf(nil, "{\"k1\":%q,\"k2\":%q}", base64.StdEncoding.EncodeToString(k[:32]), base64.StdEncoding.EncodeToString(k[32:])))
	}, "bare key in base64 at block 1 page 2 offset 77"},
	{"AES-KW in hex", Encoded, false, func(s *scene, k []byte) { s.page(1, 2, 77, []byte(hex.EncodeToString(s.wrap(s.root[:], k)))) }, "root key -> MEK in hex at block 1 page 2 offset 77"},
	{"backwards", Reversed, false, func(s *scene, k []byte) { s.page(1, 2, 77, backwardsOf(k)) }, "bare key backwards at block 1 page 2 offset 77"},
	{"inverted", Masked, false, func(s *scene, k []byte) { s.page(1, 2, 77, under(0xFF, k)) }, "bare key under the constant FF at block 1 page 2 offset 77"},
	{"under 01", Masked, false, func(s *scene, k []byte) { s.page(1, 2, 77, under(0x01, k)) }, "bare key under the constant 01 at block 1 page 2 offset 77"},

	{"AES-GCM", GCM, false, func(s *scene, k []byte) { s.page(1, 2, 76, s.salt[:12], 88, sealWith(s.root[:], s.salt[:12], k)) }, "root key -> MEK (AES-GCM) at block 1 page 2 offset 76"},
	{"AES-GCM, nonce last", GCM, false, func(s *scene, k []byte) { s.page(1, 2, 76, sealWith(s.root[:], s.salt[:12], k), 156, s.salt[:12]) }, "root key -> MEK (AES-GCM, nonce last) at block 1 page 2 offset 76"},
	{"AES-GCM, no nonce", GCM, false, func(s *scene, k []byte) { s.page(1, 2, 76, sealWith(s.root[:], make([]byte, 12), k)) }, "root key -> MEK (AES-GCM, nonce of zeros) at block 1 page 2 offset 76"},
	{"AES-GCM at an odd place", GCM, true, func(s *scene, k []byte) { s.page(1, 2, 77, s.salt[:12], 89, sealWith(s.root[:], s.salt[:12], k)) }, "root key -> MEK (AES-GCM) at block 1 page 2 offset 77"},
	{"AES-GCM, two steps", GCM, false, func(s *scene, k []byte) {
		s.page(1, 2, 76, s.salt[:12], 88, sealWith(s.pin.Bytes(), s.salt[:12], s.ak[:]), 400, s.salt[:12], 412, sealWith(s.ak[:], s.salt[:12], k))
	}, "BandMaster0 credential generation 3 -> AK (AES-GCM) at block 1 page 2 offset 76 -> MEK (AES-GCM) at block 1 page 2 offset 400"},
	{"AES-GCM, then AES-KW", GCM, false, func(s *scene, k []byte) {
		s.page(1, 2, 76, s.salt[:12], 88, sealWith(s.pin.Bytes(), s.salt[:12], s.ak[:]), 400, s.wrap(s.ak[:], k))
	}, "BandMaster0 credential generation 3 -> AK (AES-GCM) at block 1 page 2 offset 76 -> MEK at block 1 page 2 offset 400"},
	{"AES-GCM in base64", GCM | Encoded, false, func(s *scene, k []byte) {
		s.page(1, 2, 77, []byte(base64.StdEncoding.EncodeToString(append(bytes.Clone(s.salt[:12]), sealWith(s.root[:], s.salt[:12], k)...))))
	}, "root key -> MEK (AES-GCM) in base64 at block 1 page 2 offset 77"},
	{"AES-ECB", Blocks, false, func(s *scene, k []byte) { s.page(1, 2, 88, blocks(s.root[:], nil, k)) }, "root key -> MEK (AES-ECB) at block 1 page 2 offset 88"},
	{"AES-CBC", Blocks, false, func(s *scene, k []byte) { s.page(1, 2, 72, s.salt[:], 88, blocks(s.root[:], s.salt[:], k)) }, "root key -> MEK (AES-CBC) at block 1 page 2 offset 88"},
	{"AES-CBC from zeros", Blocks, false, func(s *scene, k []byte) { s.page(1, 2, 88, blocks(s.root[:], make([]byte, 16), k)) }, "root key -> MEK (AES-CBC, vector of zeros) at block 1 page 2 offset 88"},

	{"a PIN as it is in the dump", WindowPINs, false, func(s *scene, k []byte) {
		pin, _ := drive.NewPIN([]byte("correct horse"))
		s.page(1, 2, 64, []byte("correct horse\x00"), 400, s.salt[:], 416, s.wrap(s.kek(&s.root, pin), k))
	}, "root key -> bytes as a PIN at block 1 page 2 offset 64 -> MEK at block 1 page 2 offset 416"},
	{"a PIN of 32 bytes, without a root key", WindowPINs, false, func(s *scene, k []byte) {
		s.page(1, 2, 64, s.ak[:], 400, s.salt[:], 416, s.wrap(s.kek(new(secret.Key32), drive.CredentialPIN(&s.ak)), k))
	}, "bytes as a PIN at block 1 page 2 offset 64 -> MEK at block 1 page 2 offset 416"},
	{"the hash of a PIN in the dump", WindowPINs, false, func(s *scene, k []byte) {
		s.page(1, 2, 64, []byte("correct horse\x00"), 416, s.wrap(sum256([]byte("correct horse")), k))
	}, "SHA-256 -> bytes as a PIN at block 1 page 2 offset 64 -> MEK at block 1 page 2 offset 416"},
}

// Each hash is a way of its own.
func init() {
	for _, h := range append(slices.Clone(hashings), stretched(1000), stretched(1)) {
		plants = append(plants, planted{fmt.Sprintf(h.name, "PIN") + " of 16", Hashed, false, func(s *scene, k []byte) {
			s.page(1, 2, 64, s.salt[:], 400, s.wrap(h.make(s.pin.Bytes(), s.salt[:]), k))
		}, fmt.Sprintf(h.name, "BandMaster0 credential generation 3") + " -> MEK at block 1 page 2 offset 400"})
	}
	for i, h := range slices.Concat(hashings, unsalted, []hashing{stretched(1)}) {
		if i == 1 {
			continue // without a salt it is the first
		}
		plants = append(plants, planted{fmt.Sprintf(h.name, "PIN") + ", unsalted", Hashed, false, func(s *scene, k []byte) {
			s.page(1, 2, 400, s.wrap(h.make(s.pin.Bytes(), nil), k))
		}, fmt.Sprintf(h.name, "BandMaster0 credential generation 3") + ", without a salt -> MEK at block 1 page 2 offset 400"})
	}
	h := hashings[1]
	plants = append(plants, planted{"a hash of root key and PIN, and a salt of 8", Hashed, true, func(s *scene, k []byte) {
		s.page(1, 2, 64, s.salt[:8], 400, s.wrap(h.make(slices.Concat(s.root[:], s.pin.Bytes()), s.salt[:8]), k))
	}, "SHA-256 of root key and BandMaster0 credential generation 3 and salt -> MEK at block 1 page 2 offset 400"},
		planted{"a hash with a salt of 32, over AES-GCM", Hashed | GCM, true, func(s *scene, k []byte) {
			s.page(1, 2, 64, s.ak[:], 400, s.salt[:12], 412, sealWith(h.make(s.pin.Bytes(), s.ak[:]), s.salt[:12], k))
		}, "SHA-256 of BandMaster0 credential generation 3 and salt -> MEK (AES-GCM) at block 1 page 2 offset 400"},
		planted{"a hash with a salt in base64 beside the wrap in base64", Hashed | Encoded, false, func(s *scene, k []byte) {
			s.page(1, 2, 64, fmt.Appendf(nil, "{%q,%q}", base64.StdEncoding.EncodeToString(s.salt[:]),
				base64.StdEncoding.EncodeToString(s.wrap(h.make(s.pin.Bytes(), s.salt[:]), k))))
		}, "SHA-256 of BandMaster0 credential generation 3 and salt -> MEK in base64 at block 1 page 2 offset 93"})
}

// Each way finds the key that was put into the dump in that way, and no search finds it where another
// key lies in its place. A search without that way does not find it either.
func TestEachWayFindsWhatIsThere(t *testing.T) {
	for i, c := range plants {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && i%5 != 0 {
				t.Skip("skipped in short mode: every fifth way is tried")
			}
			s := newScene(t)
			s.size = 512
			c.put(s, s.mek[:])
			f := s.search(Options{Also: c.way, Deep: c.deep})
			require.NotEmpty(t, f.Keys)
			require.Contains(t, f.Keys[0].String(), c.want)
			require.Contains(t, f.Keys[0].String(), "opens LBA 17")
			most := Ways(AllWays)
			if c.deep {
				most = c.way | GCM | Encoded // the others take seconds then
			}
			all := s.search(Options{Also: most, Deep: c.deep})
			require.NotEmpty(t, all.Keys, "among all ways, too")
			for _, w := range c.way.List() {
				require.Empty(t, s.search(Options{Also: most &^ w, Deep: c.deep}).Keys, "without %v", w)
			}
			if c.deep {
				require.Empty(t, s.search(Options{Also: c.way}).Keys, "that takes the deep search")
			}
			s.pages = nil
			c.put(s, noise("another", 64))
			require.Empty(t, s.search(Options{Also: most, Deep: c.deep}).Keys, "it is not there")
			s.pages = nil
			c.put(s, s.mek[:])
			require.Equal(t, all, s.search(Options{Also: most, Deep: c.deep, Parallel: goroutines}), "whatever the runner")
		})
	}
}

// Every way but those with a test of their own is planted.
func TestNoWayIsForgotten(t *testing.T) {
	tried := Seeds | OwnBytes | Repeats
	for _, c := range plants {
		tried |= c.way
	}
	require.EqualValues(t, AllWays, tried)
	require.Len(t, Ways(AllWays).List(), len(wayNames))
}

// keyed gives the scene another key.
func (s *scene) keyed(key []byte) {
	x, err := xts.NewCipher(aes.NewCipher, key)
	require.NoError(s.t, err)
	ciphertext := make([]byte, 512)
	x.Encrypt(ciphertext, bytes.Repeat([]byte("known plaintext "), 32), s.oracle.LBA)
	s.oracle.Cipher = ciphertext[:48]
}

func TestKeysOfSmallSeeds(t *testing.T) {
	for _, g := range generators {
		s := newScene(t)
		var key [64]byte
		for _, seed := range []uint32{0, 42, 255} {
			g.make(seed, &key)
			s.keyed(key[:])
			f := s.search(Options{Also: Seeds})
			require.NotEmpty(t, f.Keys, "%s from seed %d", g.name, seed)
			require.Contains(t, f.Keys[0].String(), fmt.Sprintf("from seed %d opens LBA 17", seed))
			require.LessOrEqual(t, f.Keys[0].Bits, 8)
			require.Empty(t, s.search(Options{Also: AllWays &^ Seeds}).Keys)
		}
		g.make(256, &key)
		s.keyed(key[:])
		require.Empty(t, s.search(Options{Also: Seeds}).Keys, "%s: a quick search ends before", g.name)
	}
	s := newScene(t)
	key := sha512.Sum512([]byte("65535"))
	s.keyed(key[:])
	require.Len(t, s.search(Options{Also: Seeds, Deep: true}).Keys, 1)
}

func TestTheSecretsOwnBytes(t *testing.T) {
	u16 := func(b []byte) (out []byte) {
		for _, c := range b {
			out = append(out, c, 0)
		}
		return out
	}
	for name, form := range map[string]func([]byte) []byte{
		"as it is":                   bytes.Clone,
		"backwards":                  backwardsOf,
		"in hex":                     func(b []byte) []byte { return []byte(strings.ToUpper(hex.EncodeToString(b))) },
		"in base64":                  func(b []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(append([]byte("ab"), b...))) },
		"in base64url":               func(b []byte) []byte { return []byte(base64.URLEncoding.EncodeToString(append([]byte("x"), b...))) },
		"in UTF-16":                  u16,
		"under a constant":           func(b []byte) []byte { return under(0x5A, b) },
		"backwards under a constant": func(b []byte) []byte { return under(0x5A, backwardsOf(b)) },
	} {
		s := newScene(t)
		s.size = 256
		s.page(4, 1, 50, noise("before", 50), 100, form(s.pin.Bytes()))
		f := s.search(Options{Also: OwnBytes})
		require.NotEmpty(t, f.Secrets, name)
		require.Contains(t, f.Secrets[0].Path.String(), "BandMaster0 credential generation 3 "+strings.TrimSuffix(name, "url"))
		require.Equal(t, 2, f.Secrets[0].Path[0].Secret)
		require.Empty(t, s.search(Options{Also: AllWays &^ OwnBytes}).Secrets)
		s.pages = nil
		s.page(4, 1, 50, noise("before", 50), 100, form(noise("no PIN", 32)))
		require.Empty(t, s.search(Options{Also: AllWays}).Secrets, name)
	}
	s := newScene(t)
	s.page(4, 1, 100, s.pin.Bytes())
	s.secrets[1] = Public(s.secrets[1])
	require.Empty(t, s.search(Options{Also: OwnBytes}).Secrets, "everybody knows it")
}

func TestAKeyThatComesAgain(t *testing.T) {
	s := newScene(t)
	again := s.oracle
	again.Name, again.Generation = "LBA 17 after an erase", 1
	look := func(o Oracle) Findings {
		f, err := Search(drive.Dump{Flash: s.pages}, s.secrets, []Oracle{s.oracle, o}, Options{Also: Repeats})
		require.NoError(t, err)
		return f
	}
	require.Equal(t, "the key of generation 0 again in generation 1 opens LBA 17 after an erase", look(again).Keys[0].String())
	fresh := again
	fresh.Cipher = noise("another key", 48)
	require.Empty(t, look(fresh).Keys)

	s.page(1, 1, 50, s.mek[:]) // other plaintext, so that the ciphertext does not tell
	s.keyed(s.mek[:])
	x, err := xts.NewCipher(aes.NewCipher, s.mek[:])
	require.NoError(t, err)
	other := again
	other.Plain, other.Cipher = make([]byte, 512), make([]byte, 512)
	x.Encrypt(other.Cipher, other.Plain, other.LBA)
	f := look(other)
	require.Len(t, f.Keys, 3)
	require.Contains(t, f.Keys[2].String(), "the same key as of LBA 17 opens LBA 17 after an erase")
}

// What was not tried is said: ways that were not asked for, and those for which a dump is too large.
func TestWhatWasNotTriedIsSaid(t *testing.T) {
	s := newScene(t)
	s.size = 256
	s.page(0, 0, 0, noise("small", 200))
	s.size = 2048
	require.Empty(t, s.search(Options{}).Left)
	f := s.search(Options{Also: AllWays})
	require.Equal(t, deepNames, f.Left)
	require.Empty(t, s.search(Options{Also: AllWays, Deep: true}).Left)
	require.Contains(t, s.search(Options{Also: GCM}).Left, Masked.String())
	for i := range 8 {
		s.page(1, i, 0, noise(fmt.Sprint(i), 2048))
	}
	f = s.search(Options{Also: AllWays})
	for _, w := range []Ways{Masked, Hashed, WindowPINs} {
		require.True(t, slices.ContainsFunc(f.Left, func(l string) bool { return strings.HasPrefix(l, w.String()+": ") }), "%v: %q", w, f.Left)
	}
	s.page(9, 0, 100, under(0xFF, s.mek[:]))
	require.NotEmpty(t, s.search(Options{Also: Masked}).Keys, "one constant is within the budget")
}

func TestWaysByName(t *testing.T) {
	require.Equal(t, []Ways{Encoded, Reversed, Masked, GCM, Blocks, Hashed, WindowPINs, Seeds, OwnBytes, Repeats}, Ways(AllWays).List())
	require.Equal(t, []Ways{Reversed, GCM}, (GCM | Reversed).List())
	require.Equal(t, "keys backwards, AES-GCM wraps", (GCM | Reversed).String())
	require.Equal(t, "keys and wraps in hex and base64", Encoded.String())
	require.Equal(t, "keys that came again", Repeats.String())
	require.Empty(t, Ways(0).List())
	require.Empty(t, Ways(0).String())
}

func TestAWayIsWantedOrNot(t *testing.T) {
	x := &search{opts: Options{Also: GCM | Seeds}}
	for w, want := range map[Ways]bool{GCM: true, Seeds: true, Blocks: false, Encoded: false, Repeats: false} {
		require.Equal(t, want, x.has(w), "%v", w)
	}
}

// Each way has a budget of its own. What does not fit into what is left of it is refused as a whole, takes
// nothing, and is said once.
func TestTheBudgetOfAWay(t *testing.T) {
	for deep, budget := range map[bool]int{false: 1 << 20, true: 1 << 28} {
		x := &search{opts: Options{Deep: deep}}
		require.False(t, x.afford(GCM, budget+1))
		require.True(t, x.afford(GCM, budget-10))
		require.False(t, x.afford(GCM, 11))
		require.Equal(t, []string{fmt.Sprintf("AES-GCM wraps: %d operations, %d are left of the budget", budget+1, budget)}, x.out.Left)
		require.True(t, x.afford(GCM, 10), "what was refused took nothing")
		require.True(t, x.afford(GCM, 0))
		require.True(t, x.afford(Hashed, budget), "the budget of another way")
		require.False(t, x.afford(Hashed, 1))
		require.Equal(t, []string{x.out.Left[0], "keys hashed from PINs: 1 operations, 0 are left of the budget"}, x.out.Left)
		require.Equal(t, map[Ways]int{GCM: budget, Hashed: budget}, x.spent)
	}
	x := &search{}
	require.True(t, x.afford(GCM, QuickBudget-5))
	require.False(t, x.afford(GCM, 7))
	require.Equal(t, []string{"AES-GCM wraps: 7 operations, 5 are left of the budget"}, x.out.Left)
}

func TestWhatIsLeftIsSaidOnceForAWay(t *testing.T) {
	var f Findings
	for _, what := range []string{"keys backwards: 5 operations", "keys backwards: 7 operations", "keys backwards", "AES-GCM wraps", "AES-GCM wraps: 3"} {
		f.left(what)
	}
	require.Equal(t, []string{"keys backwards: 5 operations", "AES-GCM wraps"}, f.Left)
}

func TestWhatNobodyAskedForIsLeft(t *testing.T) {
	without := "keys without a wrap: there is no known plaintext"
	for _, c := range []struct {
		name string
		s    search
		want []string
	}{
		{"all", search{opts: Options{Also: AllWays, Deep: true}, oracles: make([]Oracle, 1)}, nil},
		{"no oracle", search{opts: Options{Also: AllWays, Deep: true}}, []string{without}},
		{"quick", search{opts: Options{Also: AllWays}, oracles: make([]Oracle, 1)}, deepNames},
		{"two ways", search{opts: Options{Also: AllWays &^ (Reversed | Seeds), Deep: true}, oracles: make([]Oracle, 1)}, []string{"keys backwards", "keys of small seeds"}},
		{"nothing", search{}, slices.Concat(wayNames, deepNames, []string{without})},
	} {
		c.s.leave()
		require.Equal(t, c.want, c.s.out.Left, c.name)
	}
}

func TestThePhaseIsTold(t *testing.T) {
	(&search{}).phase("nobody listens")
	var told []string
	x := &search{opts: Options{Phase: func(what string) { told = append(told, what) }}}
	x.phase("a")
	x.phase("b")
	require.Equal(t, []string{"a", "b"}, told)
}
