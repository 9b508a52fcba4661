package clouddir

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault/crashfs"
	"github.com/seed-9d983aeb/fdelab/internal/crashtrace"
)

// TestInitThatLosesWhatWasNotSynced: power goes at every change that Init makes to the disk, and what was
// not synced is lost in part or whole. What is left is a whole directory, or in nobody's way.
func TestInitThatLosesWhatWasNotSynced(t *testing.T) {
	o := Options{Hosts: []string{"localhost"}, Now: time.Now(), Entropy: rand.Reader}
	if dir := crashtrace.Child(); dir != "" {
		require.NoError(t, Init(filepath.Join(dir, "cloud"), o))
		fmt.Println("it is made")
		return
	}
	root := t.TempDir()
	trace := crashtrace.Record(t, t.Name(), root)
	seeds, step := uint64(10), 1
	if testing.Short() {
		seeds, step = 5, 2
	}
	wholes := 0
	changes, states := trace.Cuts(t, root, step, seeds, func(disk *crashfs.FS, said, when string, made bool) {
		parent := t.TempDir()
		crashtrace.Lay(t, disk, parent)
		dir := filepath.Join(parent, "cloud")
		if _, _, err := Open(dir); err == nil {
			for _, name := range []string{"ca.crt", "ca.key", "server.key", "token", "objects"} {
				_, err := os.Stat(filepath.Join(dir, name))
				require.NoError(t, err, when)
			}
			wholes++
			return
		}
		require.False(t, made || strings.Contains(said, "it is made"), when)
		require.NoError(t, Init(dir, o), when)
		entries, err := os.ReadDir(parent)
		require.NoError(t, err)
		require.Len(t, entries, 1, when)
	})
	t.Logf("%d changes, %d states of the disk, %d of them whole", changes, states, wholes)
	require.Greater(t, changes, 15)
	require.Positive(t, wholes)
}
