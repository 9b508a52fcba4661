package forensic

import (
	"bytes"
	"crypto/aes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/xts"

	"github.com/seed-9d983aeb/fdelab/internal/aes256"
)

// oracleOf is an oracle whose ciphertext the library made.
func oracleOf(t *testing.T, key []byte, lba uint64, size, n int) Oracle {
	t.Helper()
	x, err := xts.NewCipher(aes.NewCipher, key)
	require.NoError(t, err)
	plain, ciphertext := noise(fmt.Sprint("plain ", lba), size), make([]byte, size)
	x.Encrypt(ciphertext, plain, lba)
	return Oracle{Name: "LBA", SectorSize: size, LBA: lba, Plain: plain[:n:n], Cipher: ciphertext[:n:n]}
}

func TestAnOracleOpensWithItsKey(t *testing.T) {
	key := noise("a key for oracles", 64)
	swapped := slices.Concat(key[32:], key[:32])
	for _, lba := range []uint64{0, 1, 17, 1<<32 + 5, 1<<64 - 1} {
		for _, n := range []int{16, 32, 48, 512} {
			o := oracleOf(t, key, lba, 512, n)
			require.NoError(t, o.check())
			for _, c := range []struct {
				key         []byte
				ok, swapped bool
			}{{key, true, false}, {swapped, true, true}, {append(bytes.Clone(key), 7, 8), true, false}} {
				ok, swapped := o.opensWith(c.key)
				require.Equal(t, []bool{c.ok, c.swapped}, []bool{ok, swapped}, "LBA %d, %d bytes", lba, n)
			}
			for _, at := range []int{0, 31, 32, 63} { // a bit in either half
				wrong := bytes.Clone(key)
				wrong[at] ^= 0x80
				ok, _ := o.opensWith(wrong)
				require.False(t, ok, "byte %d", at)
				ok, _ = o.opensWith(slices.Concat(wrong[32:], wrong[:32]))
				require.False(t, ok, "byte %d", at)
			}
			for _, at := range []int{0, n - 16, n - 1} { // a bit of either text
				for _, text := range []*[]byte{&o.Plain, &o.Cipher} {
					good := *text
					*text = bytes.Clone(good)
					(*text)[at] ^= 1
					ok, _ := o.opensWith(key)
					require.False(t, ok, "byte %d of %d", at, n)
					*text = good
				}
			}
			o.LBA++
			ok, _ := o.opensWith(key)
			require.False(t, ok, "another sector")
		}
	}
}

// The first tweak is that of the sector, whatever the room for it held.
func TestTheTweakOfASector(t *testing.T) {
	key := noise("tweak key", 32)
	var s aes256.Schedule
	expand(&s, key)
	defer s.Clear()
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	for lba, first := range map[uint64][]byte{
		0:                  make([]byte, 16),
		0x0102:             {2, 1, 15: 0},
		0xF1020304050607F8: {0xF8, 7, 6, 5, 4, 3, 2, 0xF1, 15: 0},
	} {
		want, got := make([]byte, 16), [16]byte(noise("dirty", 16))
		block.Encrypt(want, first)
		(&Oracle{LBA: lba}).tweak(&s, &got)
		require.Equal(t, want, got[:], "LBA %#x", lba)
	}
}

// IEEE 1619-2018 section 5.2, counted by hand.
func TestATweakIsDoubled(t *testing.T) {
	for _, c := range []struct{ from, to []byte }{
		{[]byte{1, 15: 0}, []byte{2, 15: 0}},
		{[]byte{0x80, 15: 0}, []byte{0, 1, 15: 0}},
		{[]byte{7: 0x80, 15: 0}, []byte{8: 1, 15: 0}}, // from the first half into the second
		{[]byte{15: 0x80}, []byte{0x87, 15: 0}},       // out at the end
		{[]byte{15: 0x40}, []byte{15: 0x80}},          // not yet
		{bytes.Repeat([]byte{0xFF}, 16), append([]byte{0x79}, bytes.Repeat([]byte{0xFF}, 15)...)},
		{[]byte{0x43, 7: 0xC0, 8: 0x11, 15: 0xC2}, []byte{0x01, 7: 0x80, 8: 0x23, 15: 0x84}},
	} {
		got := [16]byte(c.from)
		double(&got)
		require.Equal(t, c.to, got[:], "% x", c.from)
	}
}

func TestExclusiveOrOfBlocks(t *testing.T) {
	a, b := [16]byte(noise("xor a", 16)), [16]byte(noise("xor b", 16))
	want := make([]byte, 16)
	for i := range want {
		want[i] = a[i] ^ b[i]
	}
	var dst [16]byte
	xor(&dst, &a, &b)
	require.Equal(t, want, dst[:])
	xor(&a, &a, &b)
	require.Equal(t, want, a[:], "in place")
}

func TestWhatAnOracleIsMadeOf(t *testing.T) {
	for _, c := range []struct {
		size, plain, cipher int
		want                string
	}{
		{512, 16, 16, ""},
		{512, 32, 32, ""},
		{512, 512, 512, ""},
		{4096, 4096, 4096, ""},
		{4096, 528, 528, ""},
		{512, 528, 528, `forensic: oracle "X" has 528 bytes, need a multiple of 16 from 16 to the sector size`},
		{4096, 4112, 4112, `forensic: oracle "X" has 4112 bytes, need a multiple of 16 from 16 to the sector size`},
		{512, 0, 0, `forensic: oracle "X" has 0 bytes, need a multiple of 16 from 16 to the sector size`},
		{512, 15, 15, `forensic: oracle "X" has 15 bytes, need a multiple of 16 from 16 to the sector size`},
		{512, 17, 17, `forensic: oracle "X" has 17 bytes, need a multiple of 16 from 16 to the sector size`},
		{512, 24, 24, `forensic: oracle "X" has 24 bytes, need a multiple of 16 from 16 to the sector size`},
		{512, 32, 16, `forensic: oracle "X" has 32 bytes of plaintext and 16 of ciphertext, need as many of both`},
		{512, 16, 32, `forensic: oracle "X" has 16 bytes of plaintext and 32 of ciphertext, need as many of both`},
		{0, 16, 16, `forensic: oracle "X" has a sector size of 0 bytes, need 512 or 4096`},
		{511, 16, 16, `forensic: oracle "X" has a sector size of 511 bytes, need 512 or 4096`},
		{520, 16, 16, `forensic: oracle "X" has a sector size of 520 bytes, need 512 or 4096`},
		{4097, 16, 16, `forensic: oracle "X" has a sector size of 4097 bytes, need 512 or 4096`},
	} {
		o := Oracle{Name: "X", SectorSize: c.size, Plain: make([]byte, c.plain), Cipher: make([]byte, c.cipher)}
		if err := o.check(); c.want != "" {
			require.EqualError(t, err, c.want)
		} else {
			require.NoError(t, err, "%d of %d bytes", c.plain, c.size)
		}
	}
}
