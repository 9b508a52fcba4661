package campaign

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFoldersOfOthers: nothing is written to a folder with files of somebody else, and none is made above that of a campaign.
func TestFoldersOfOthers(t *testing.T) {
	t.Parallel()
	p := plan(t, "idle jobs=3")
	dir := t.TempDir()
	for _, names := range [][]string{{"letter.txt"}, {"lock", "journal"}, {"streams/water", "letter.txt"}, {"begun", "letter.txt"}} {
		foreign, err := os.MkdirTemp(dir, "")
		require.NoError(t, err)
		for _, name := range names {
			require.NoError(t, os.MkdirAll(filepath.Join(foreign, filepath.Dir(name)), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(foreign, name), []byte("theirs"), 0o600))
		}
		was, err := os.ReadDir(foreign)
		require.NoError(t, err)
		_, err = Run(t.Context(), p, foreign, 1, Options{})
		require.ErrorIs(t, err, ErrForeign)
		_, _, err = Reach(foreign)
		require.ErrorIs(t, err, ErrForeign)
		require.ErrorIs(t, Free(foreign), ErrForeign)
		now, err := os.ReadDir(foreign)
		require.NoError(t, err)
		require.Len(t, now, len(was))
	}
	_, err := Run(t.Context(), p, filepath.Join(dir, "above", "campaign"), 1, Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "there is no folder "+filepath.Join(dir, "above"))
	require.NoDirExists(t, filepath.Join(dir, "above"))

	// What a process leaves that is killed while it makes one is no folder of others; nor is a campaign with reports.
	own := filepath.Join(dir, "own")
	require.NoError(t, os.Mkdir(own, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(own, lockFile), nil, 0o600))
	for range 2 {
		s, err := Run(t.Context(), p, own, 1, Options{})
		require.NoError(t, err)
		require.Equal(t, Done, s.Over)
		require.NoError(t, os.WriteFile(filepath.Join(own, "report.html"), nil, 0o600))
	}
}
