package forensic

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRemainsLooksAtEachWindowAlone: whatever lies in front of it, a piece is found where it looks
// like key material, and only there.
func TestRemainsLooksAtEachWindowAlone(t *testing.T) {
	text, edge := []byte("The quick brown fox jumps over 13 lazy dogs ~~"), []byte(" !\"#$%&'()*+,-~}|{zyxwv\x1f\x7f ")
	for name, data := range map[string][]byte{
		"all kinds":     slices.Concat(noise("a", 40), text, bytes.Repeat([]byte{0}, 20), edge, text, noise("b", 33), bytes.Repeat([]byte{7, 9}, 12), noise("c", 17), bytes.Repeat([]byte{0xFF}, 30)),
		"to the end":    slices.Concat(text, noise("d", 24)),
		"one window":    noise("e", 16),
		"too short":     noise("f", 15),
		"nothing":       nil,
		"blank":         bytes.Repeat([]byte{0xFF}, 40),
		"a blank head":  slices.Concat(bytes.Repeat([]byte{0}, 40), noise("g", 16)),
		"ends in twins": slices.Concat(noise("h", 20), noise("h", 20)[:1], noise("h", 20)[:1]),
		"almost blank":  slices.Concat(noise("i", 1), bytes.Repeat([]byte{0}, 40)),
	} {
		found := 0
		for off := 0; off+printSize <= len(data); off++ {
			w := data[off : off+printSize]
			distinct, printable := distinct(w), true
			for _, c := range w {
				printable = printable && bytes.IndexByte([]byte(" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"), c) >= 0
			}
			at, ok := remains(data, map[uint64]bool{printOf(w): true})
			require.Equal(t, distinct >= 13 && !printable, ok, "%s, offset %d: % x", name, off, w)
			if ok {
				require.Equal(t, w, data[at:at+printSize], "%s, offset %d", name, off)
				found++
			}
		}
		_, ok := remains(data, map[uint64]bool{printOf(noise("none", 16)): true})
		require.False(t, ok)
		t.Logf("%s: %d found", name, found)
	}
}
