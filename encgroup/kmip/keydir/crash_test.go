package keydir

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault/crashfs"
	"github.com/seed-9d983aeb/fdelab/internal/crashtrace"
)

// TestInitThatLosesWhatWasNotSynced: power goes at every change that Init makes to the disk, and what was
// not synced is lost in part or whole. What is left is either a whole directory, or is refused by
// everything that could use it; then the next Init removes all of it and makes a new one. Once Init has
// returned, no cut takes anything away.
func TestInitThatLosesWhatWasNotSynced(t *testing.T) {
	if dir := crashtrace.Child(); dir != "" {
		require.NoError(t, Init(filepath.Join(dir, "keys"), options()))
		fmt.Println("it is made")
		return
	}
	t.Parallel()
	root := t.TempDir()
	trace := crashtrace.Record(t, t.Name(), root)
	seeds, step := uint64(10), 1
	if testing.Short() {
		seeds, step = 5, 3
	}
	wholes := 0
	changes, states := trace.Cuts(t, root, step, seeds, func(disk *crashfs.FS, said, when string, made bool) {
		whole := afterCut(t, disk, when)
		wholes += whole
		require.False(t, made && whole == 0, "%s: it was made, and is not there", when)
		require.False(t, whole == 0 && strings.Contains(said, "it is made"), when)
	})
	t.Logf("%d changes, %d states of the disk, %d of them whole", changes, states, wholes)
	require.Greater(t, changes, 40, "keys, certificates, the database, and their syncs")
	require.Positive(t, wholes)
}

// afterCut looks at what a cut has left. It gives 1 for a whole directory.
func afterCut(t *testing.T, disk *crashfs.FS, when string) int {
	parent := t.TempDir()
	crashtrace.Lay(t, disk, parent)
	dir := filepath.Join(parent, "keys")
	left := secrets(t, parent)
	store, _, err := Open(dir, nil, rand.Reader)
	if err == nil {
		require.NoError(t, store.Close())
		for _, file := range []string{"ca.key", "facility.crt", "facility.key", "other.crt", "other.key", "peer.key", "server.key"} {
			require.FileExists(t, filepath.Join(dir, file), when)
		}
		require.ErrorContains(t, Init(dir, options()), "is not empty", when)
		require.Equal(t, left, secrets(t, parent), when)
		return 1
	}
	if entries, gone := os.ReadDir(dir); gone == nil && len(entries) > 0 {
		require.ErrorContains(t, err, "was left unfinished", when)
	}
	require.NoError(t, Init(dir, options()), "%s: what was left is in nobody's way", when)
	entries, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Len(t, entries, 1, "%s: and nothing of it is left", when)
	return 0
}
