package aes256

import (
	"crypto/aes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// onEveryPath runs a test on each path of this machine and build, and says which it could not run.
func onEveryPath(t *testing.T, f func(t *testing.T, path Path)) {
	t.Helper()
	for path, name := range names {
		t.Run(name, func(t *testing.T) {
			if !slices.Contains(Paths(), Path(path)) {
				t.Skipf("SKIPPED: this machine or build has no path %s", name)
			}
			f(t, Path(path))
		})
	}
}

// TestKeyExpansion runs the example of FIPS 197 appendix A.3: the words w[0] to w[59]. The
// decryption keys are those of section 5.3.5, last first; the vectors of xts and keywrap judge them.
func TestKeyExpansion(t *testing.T) {
	const key = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
	want := key + strings.Join(strings.Fields(`
		9ba35411 8e6925af a51a8b5f 2067fcde a8b09c1a 93d194cd be49846e b75d5b9a
		d59aecb8 5bf3c917 fee94248 de8ebe96 b5a9328a 2678a647 98312229 2f6c79b3
		812c81ad dadf48ba 24360af2 fab8b464 98c5bfc9 bebd198e 268c3ba7 09e04214
		68007bac b2df3316 96e939e4 6c518d80 c814e204 76a9fb8a 5025c02d 59c58239
		de136967 6ccc5a71 fa256395 9674ee15 5886ca5d 2e2f31d7 7e0af1fa 27cf73c3
		749c47ab 18501dda e2757e4f 7401905a cafaaae3 e4d59b34 9adf6ace bd10190d
		fe4890d1 e6188d0b 046df344 706c631e`), "")
	raw, err := hex.DecodeString(key)
	require.NoError(t, err)
	onEveryPath(t, func(t *testing.T, p Path) {
		var s Schedule
		s.Expand((*[32]byte)(raw), p)
		require.Equal(t, p, s.Path)
		if p == Generic {
			require.Equal(t, [ScheduleSize]byte{}, s.Enc)
			require.Equal(t, 16, s.Block.BlockSize())
			return
		}
		require.Equal(t, want, hex.EncodeToString(s.Enc[:]))
		require.Equal(t, s.Enc[:16], s.Dec[ScheduleSize-16:], "the first round key is the last of the inverse cipher")
		require.Equal(t, s.Enc[ScheduleSize-16:], s.Dec[:16])
	})
}

// TestBlock runs the example of FIPS 197 appendix C.3, with either way to expand the key.
func TestBlock(t *testing.T) {
	key, plain, want := [32]byte{}, [16]byte{}, "8ea2b7ca516745bfeafc49904b496089"
	for i := range key {
		key[i] = byte(i)
	}
	for i := range plain {
		plain[i] = byte(i)<<4 | byte(i)
	}
	onEveryPath(t, func(t *testing.T, p Path) {
		var whole, half Schedule
		whole.Expand(&key, p)
		half.ExpandEncrypt(&key, p)
		require.Equal(t, whole.Enc, half.Enc)
		require.Equal(t, [ScheduleSize]byte{}, half.Dec)
		for _, s := range []*Schedule{&whole, &half} {
			got := plain
			s.Encrypt(&got, &got)
			require.Equal(t, want, hex.EncodeToString(got[:]))
		}
	})
}

// FuzzAgainstCryptoAES holds every path of this machine against crypto/aes: the round keys of both
// ways to expand a key, one block apart and in place, and no round key left.
func FuzzAgainstCryptoAES(f *testing.F) {
	f.Add([]byte("key"), []byte("plain"))
	f.Add([]byte{}, []byte{0xff})
	f.Fuzz(func(t *testing.T, seed, text []byte) {
		key, plain := sha256.Sum256(seed), [16]byte{}
		copy(plain[:], text)
		block, err := aes.NewCipher(key[:])
		require.NoError(t, err)
		var want [16]byte
		block.Encrypt(want[:], plain[:])
		for _, p := range Paths() {
			var whole, half Schedule
			whole.Expand(&key, p)
			half.ExpandEncrypt(&key, p)
			require.Equal(t, whole.Enc, half.Enc, p)
			for _, s := range []*Schedule{&whole, &half} {
				var apart [16]byte
				same := plain
				s.Encrypt(&apart, &plain)
				s.Encrypt(&same, &same)
				require.Equal(t, want, apart, p)
				require.Equal(t, want, same, p)
				s.Clear()
				require.Equal(t, Schedule{Path: p}, *s)
			}
		}
	})
}

func TestClear(t *testing.T) {
	onEveryPath(t, func(t *testing.T, p Path) {
		var s Schedule
		s.Expand(&[32]byte{1}, p)
		require.NotEqual(t, Schedule{Path: p}, s)
		s.Clear()
		require.Equal(t, Schedule{Path: p}, s)
		s.Clear()
	})
}

func TestChoice(t *testing.T) {
	all, some := []Path{Generic, AESNI, VAES}, []Path{Generic}
	for _, c := range []struct {
		value string
		have  []Path
		want  Path
		err   string
	}{
		{"", all, VAES, ""},
		{"", some, Generic, ""},
		{"aesni", all, AESNI, ""},
		{"generic", all, Generic, ""},
		{"vaes", some, Generic, `FDELAB_AES="vaes" is not a way to run AES here: use generic`},
		{"fast", all, VAES, `FDELAB_AES="fast" is not a way to run AES here: use generic, aesni, vaes`},
	} {
		got, err := choose(c.value, c.have)
		require.Equal(t, c.want, got, c.value)
		if c.err == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, c.err)
		}
	}
	require.Contains(t, Paths(), Chosen())
}

// TestAnExpansionOverAnotherLeavesNothingOfIt: also on the portable path, which has its round keys
// on the heap.
func TestAnExpansionOverAnotherLeavesNothingOfIt(t *testing.T) {
	var s Schedule
	key, plain, before, after := [32]byte{1}, [16]byte{2}, [16]byte{}, [16]byte{}
	for name, expand := range map[string]func(key *[32]byte, p Path){"both ways": s.Expand, "encryption": s.ExpandEncrypt} {
		s.Expand(&key, Generic)
		old := s.Block
		old.Encrypt(before[:], plain[:])
		expand(&[32]byte{3}, Generic)
		old.Encrypt(after[:], plain[:])
		require.NotEqual(t, before, after, name)
	}
}
