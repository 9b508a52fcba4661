package repository

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSlotVector: the pages of a slot, byte for byte. The vector was computed apart from this
// code, from what the comments of the formats say; the disks of a facility hold such pages.
func TestSlotVector(t *testing.T) {
	entries := []entry{{"certificate", bytes.Repeat([]byte{1}, 4080)}, {"group 1", nil}, {"group 2", []byte("two")}}
	var id [16]byte
	for i := range id {
		id[i] = byte(i)
	}
	pages := encodeSlot(id, 0x0102030405060708, encodeEntries(entries))
	require.Len(t, pages, 3)
	head := func(n, size int) string {
		require.Len(t, pages[n], PageSize)
		return hex.EncodeToString(pages[n][:size]) + " " + hex.EncodeToString(pages[n][PageSize-4:])
	}
	const magic = "46445250" + "0102030405060708"
	require.Equal(t, magic+"00000000"+"0038"+"000102030405060708090a0b0c0d0e0f"+"000000000000101b"+
		"c3cfe60b4693ea2b0f757c2537b7aa8c30e0e73dde7f06eb60efbc8bdac46f3b"+" a8c7208a", head(0, headerSize+56))
	require.Equal(t, magic+"00000001"+"0fea"+"0b6365727469666963617465"+"00000ff0"+"0101010101"+"01"+" 5ecfce3e", head(1, 40))
	require.Equal(t, magic+"00000002"+"0031"+strings.Repeat("01", 22)+"0767726f75702031"+"00000000"+"0767726f75702032"+"00000003"+"74776f"+" ec66dacd", head(2, headerSize+49))
	sum := sha256.Sum256(bytes.Join(pages, nil))
	require.Equal(t, "60cb0fe1e865006cca58d3e5c976adb8c991610f732485bf7aaca9bbc98062f6", hex.EncodeToString(sum[:]), "and zeros between")

	d := NewMemDevice(8)
	for i, p := range pages {
		require.NoError(t, d.WritePage(i, p))
	}
	c := (&replica{dev: d}).read()
	require.True(t, c.ok, "%v", c.err)
	require.Equal(t, id, c.id)
	require.Equal(t, uint64(0x0102030405060708), c.generation)
	require.Len(t, c.entries, 3)
	for i, e := range entries {
		require.Equal(t, e.name, c.entries[i].name)
		require.True(t, bytes.Equal(e.value, c.entries[i].value))
	}
}

func TestPagesThatAreRefused(t *testing.T) {
	good := encodePage(1, 2, []byte("content"))
	generation, content, err := decodePage(good, 2)
	require.NoError(t, err)
	require.Equal(t, uint64(1), generation)
	require.Equal(t, "content", string(content))
	resum := func(p []byte) {
		s := crc32.Checksum(p[:PageSize-4], castagnoli)
		copy(p[PageSize-4:], []byte{byte(s >> 24), byte(s >> 16), byte(s >> 8), byte(s)})
	}
	for name, c := range map[string]struct {
		bend func(p []byte)
		want error
	}{
		"blank":              {func(p []byte) { clear(p) }, errBlank},
		"a flipped bit":      {func(p []byte) { p[100] ^= 1 }, errDamaged},
		"another check sum":  {func(p []byte) { p[PageSize-1] ^= 1 }, errDamaged},
		"another magic":      {func(p []byte) { p[0] = 'G'; resum(p) }, errDamaged},
		"more than its room": {func(p []byte) { p[16], p[17] = contentSize>>8, contentSize&0xff+1; resum(p) }, errDamaged},
		"another place":      {func(p []byte) { p[15] = 3; resum(p) }, nil},
	} {
		p := bytes.Clone(good)
		c.bend(p)
		_, content, err := decodePage(p, 2)
		require.Error(t, err, name)
		if c.want != nil {
			require.ErrorIs(t, err, c.want, name)
		} else {
			require.ErrorContains(t, err, "it is page 3, need 2")
		}
		require.Nil(t, content)
	}
	full := encodePage(1, 2, make([]byte, contentSize))
	_, content, err = decodePage(full, 2)
	require.NoError(t, err)
	require.Len(t, content, contentSize)
	for _, n := range []int{0, 55, 57} {
		_, err := decodeBase(make([]byte, n))
		require.ErrorIs(t, err, errDamaged, "a base of %d bytes", n)
	}
}

func TestEntriesThatAreRefused(t *testing.T) {
	long := strings.Repeat("n", nameMax)
	good := []entry{{" ", []byte{1, 2}}, {long, []byte{}}, {"~", []byte{3}}}
	b := encodeEntries(good)
	list, err := decodeEntries(b)
	require.NoError(t, err)
	require.Equal(t, good, list)
	whole := map[int]int{0: 0, 1 + 1 + 4 + 2: 1, 1 + 1 + 4 + 2 + 1 + nameMax + 4: 2}
	for n := range len(b) {
		list, err := decodeEntries(b[:n])
		if k, ok := whole[n]; ok {
			require.NoError(t, err)
			require.Len(t, list, k)
			continue
		}
		require.ErrorContains(t, err, "ends too early", "cut after %d bytes", n)
		require.Nil(t, list)
	}
	for name, list := range map[string][]entry{
		"need 1 to 64 printable": {{"", nil}},
		`"\x7f"`:                 {{"\x7f", nil}},
		`"\x1f"`:                 {{"\x1f", nil}},
		long + `n"`:              {{long + "n", nil}},
		`"a" is out of order`:    {{"b", nil}, {"a", nil}},
		`"b" is out of order`:    {{"a", nil}, {"b", nil}, {"b", nil}},
	} {
		_, err := decodeEntries(encodeEntries(list))
		require.ErrorContains(t, err, name)
	}
	require.Equal(t, "blank condition 7 permanent error verdict 3", CopyBlank.String()+" "+Condition(7).String()+" "+Permanent.String()+" "+Verdict(3).String())
}
