package drive

import (
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// nobody is a user who is not root.
const nobody = 65534

// asNobody lets the calling thread use the file system as a user to whom a mode can forbid
// something. Root may do everything.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Getuid() != 0 {
		do()
		return
	}
	runtime.LockOSThread() // the user belongs to the thread
	require.NoError(t, syscall.Setfsuid(nobody))
	defer func() {
		require.NoError(t, syscall.Setfsuid(0))
		runtime.UnlockOSThread()
	}()
	do()
}

// TestWhatCannotBeClearedAwayIsReported: CreateFile says why, and makes no drive beside it.
func TestWhatCannotBeClearedAwayIsReported(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir) // the folders above may be closed to nobody
	const path = "a.drive"
	require.NoError(t, os.WriteFile(path, append([]byte(cutMagic), make([]byte, 100)...), 0o600))
	if os.Getuid() == 0 {
		require.NoError(t, os.Chown(dir, nobody, -1))
		require.NoError(t, os.Chown(path, nobody, -1))
	}
	require.NoError(t, os.Chmod(dir, 0o500))
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	asNobody(t, func() {
		m := &making{disk: hostDisk{}, path: path}
		require.ErrorIs(t, m.clearAway(), fs.ErrPermission)
	})
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}
