package flash

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestKnownFile: the bytes of a flash in a file. Its check sums are computed by another
// program; one that writes others cannot open the drives of the programs before it.
func TestKnownFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "flash"))
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	g := Geometry{Blocks: 4, PagesPerBlock: 2, PageSize: 512}
	d, err := CreateFile(f, 512, g)
	require.NoError(t, err)
	require.NoError(t, d.Program(3, 1, []byte{0x0F, 0xFF, 0xA5}))
	require.NoError(t, d.Zero(0, 1))
	for range 3 {
		require.NoError(t, d.Erase(2))
	}
	all, err := os.ReadFile(f.Name())
	require.NoError(t, err)
	require.Len(t, all, 512+4096+8*512)
	require.EqualValues(t, 4096+8*512, FileSize(g))
	want := make([]byte, len(all))
	put := func(at int, text string) {
		b, err := hex.DecodeString(text)
		require.NoError(t, err)
		copy(want[512+at:], b)
	}
	put(0, hex.EncodeToString([]byte("fdeflash"))+"01000000"+"04000000"+"02000000"+"00020000"+"6b975c82")
	put(512, "0000000000000000"+"00000000"+"5db5602b")
	put(528, "0000000000000000"+"01000000"+"e51f25f6")
	put(544, "0300000000000000"+"02000000"+"8cea95c7")
	put(560, "0000000000000000"+"03000000"+"643c4249")
	copy(want[512+4096+512:], bytes.Repeat([]byte{0xFF}, 512)) // page 1 of block 0, every bit inverted
	put(4096+7*512, "f0005a")
	require.Equal(t, hex.EncodeToString(want), hex.EncodeToString(all))
}
