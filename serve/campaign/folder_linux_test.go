package campaign

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// folders are those in tmp, by their paths.
func folders(t *testing.T, tmp string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(tmp, folderPrefix+"*"))
	require.NoError(t, err)
	return all
}

// TestAKilledWorkerLeavesNothingForLong: what a worker left that was killed is removed by the next one, and what one has
// that works is not.
func TestAKilledWorkerLeavesNothingForLong(t *testing.T) {
	t.Parallel()
	tmp, port := t.TempDir(), freePort(t)
	url := "nats://127.0.0.1:" + port
	require.Equal(t, "ready", begins(t, "server", port, t.TempDir()).says(t, "ready"))
	beginsOne := func() (*process, string) {
		before := folders(t, tmp)
		p := beginsIn(t, "", []string{"TMPDIR=" + tmp}, "work programs", url, "", "allow")
		var own string
		require.Eventually(t, func() bool {
			for _, path := range folders(t, tmp) {
				_, err := os.Stat(filepath.Join(path, "kept"))
				if err == nil && !slices.Contains(before, path) {
					own = path
				}
			}
			return own != ""
		}, time.Minute, 10*time.Millisecond, "it has a folder")
		return p, own
	}
	killed, left := beginsOne()
	_, works := beginsOne()
	require.NoError(t, os.MkdirAll(filepath.Join(left, "job1", "here", "closed"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(left, "job1", "here", "closed", "file"), []byte("x"), 0o400))
	require.NoError(t, os.Chmod(filepath.Join(left, "job1", "here", "closed"), 0))
	killed.kill()
	require.DirExists(t, left, "it can remove nothing")
	_, next := beginsOne()
	require.NoDirExists(t, left)
	require.ElementsMatch(t, []string{works, next}, folders(t, tmp))
}

// TestWhatIsNoWorkersFolderStays: a link to one, a file, a name that is no worker's, a folder that is held, and one of
// another user.
func TestWhatIsNoWorkersFolderStays(t *testing.T) {
	tmp, elsewhere := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	in := func(name string) string { return filepath.Join(tmp, name) }
	require.NoError(t, os.WriteFile(filepath.Join(elsewhere, "file"), nil, 0o600))
	require.NoError(t, os.Symlink(elsewhere, in(folderPrefix+"link")))
	require.NoError(t, os.Symlink("nowhere", in(folderPrefix+"nowhere")))
	require.NoError(t, os.WriteFile(in(folderPrefix+"file"), nil, 0o600))
	require.NoError(t, os.Mkdir(in("fdelab-else"), 0o700))
	require.NoError(t, os.MkdirAll(in(folderPrefix+"left/kept"), 0o700))
	require.NoError(t, os.Symlink(elsewhere, in(folderPrefix+"left/kept/link")))
	held, err := newOwnFolder()
	require.NoError(t, err)
	require.NoError(t, held.root.Mkdir("kept", 0o700))
	stays := []string{folderPrefix + "link", folderPrefix + "nowhere", folderPrefix + "file", "fdelab-else", filepath.Base(held.path) + "/kept"}
	if os.Geteuid() == 0 {
		require.NoError(t, os.Mkdir(in(folderPrefix+"other"), 0o700))
		require.NoError(t, os.Chown(in(folderPrefix+"other"), 65534, 65534))
		stays = append(stays, folderPrefix+"other")
	} else {
		t.Log("SKIPPED: not root: no folder is another user's")
	}

	removeLeft(t.Logf)
	for _, name := range stays {
		_, err := os.Lstat(in(name))
		require.NoError(t, err)
	}
	require.FileExists(t, filepath.Join(elsewhere, "file"))
	require.NoDirExists(t, in(folderPrefix+"left"))
	require.NoError(t, held.remove())
	require.NoDirExists(t, held.path)
}

// TestWorkersThatBeginAtOnce: each has a folder of its own, which stays as long as it holds it, whoever looks meanwhile
// for what is left.
func TestWorkersThatBeginAtOnce(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	note := func(format string, args ...any) {}
	over := make(chan struct{})
	var look, work sync.WaitGroup
	for range 4 {
		look.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					removeLeft(note)
				}
			}
		})
	}
	failed := make(chan error, 4)
	for range 4 {
		work.Go(func() {
			for range 100 {
				f, err := newOwnFolder()
				if err == nil {
					if err = f.root.Mkdir("kept", 0o700); err == nil {
						_, err = os.Stat(filepath.Join(f.path, "kept"))
					}
				}
				if err == nil {
					err = f.remove()
				}
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	work.Wait()
	close(over)
	look.Wait()
	close(failed)
	require.NoError(t, <-failed)
	removeLeft(t.Logf)
	require.Empty(t, folders(t, tmp))
}
