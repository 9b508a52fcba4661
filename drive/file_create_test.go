package drive

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// rootOf is the root key that entropy gives to a drive made in a file.
func rootOf(t *testing.T) []byte {
	t.Helper()
	d, _, err := Manufacture(fileConfig(), Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: NewMemMedia(512), Entropy: entropy.Stream(2, "killed")})
	require.NoError(t, err)
	return bytes.Clone(d.fuses.Root[:])
}

func killedOptions() FileOptions { return FileOptions{Entropy: entropy.Stream(2, "killed")} }

// TestMakeAndDie is the child of TestKilledWhileItIsMade: it makes a drive and
// kills itself before step FDELAB_KILL, or at a flash operation within one.
func TestMakeAndDie(t *testing.T) {
	path := os.Getenv("FDELAB_MAKE")
	if path == "" {
		t.Skip("the child of TestKilledWhileItIsMade")
	}
	die := func() {
		self, err := os.FindProcess(os.Getpid())
		require.NoError(t, err)
		require.NoError(t, self.Kill())
		select {} // until the signal is here
	}
	step, err := strconv.Atoi(os.Getenv("FDELAB_KILL"))
	require.NoError(t, err)
	operation, err := strconv.Atoi(os.Getenv("FDELAB_KILL_FLASH"))
	require.NoError(t, err)
	o := killedOptions()
	o.Geometry = flash.DefaultGeometry
	o.Wrap = func(p Parts) Parts {
		p.Flash = &spy{Device: p.Flash, after: func() {
			if operation--; operation == 0 {
				die()
			}
		}}
		return p
	}
	m := &making{disk: hostDisk{}, path: path, cfg: fileConfig(), o: o}
	for k, s := range m.steps() {
		if k == step {
			die()
		}
		require.NoError(t, s.do(), s.name)
	}
}

// makeAndDie says whether the child was killed.
func makeAndDie(t *testing.T, path string, step, operation int) (killed bool) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, "-test.run", "^TestMakeAndDie$")
	cmd.Env = append(os.Environ(), "FDELAB_MAKE="+path, "FDELAB_KILL="+strconv.Itoa(step), "FDELAB_KILL_FLASH="+strconv.Itoa(operation))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == -1 {
		return true
	}
	require.NoError(t, err, "%s", out)
	return false
}

func TestKilledWhileItIsMade(t *testing.T) {
	root := rootOf(t)
	burnt := -1
	for i, s := range (&making{}).steps() {
		if s.name == "burn" {
			burnt = i
		}
	}
	require.Positive(t, burnt)
	check := func(t *testing.T, dir string, complete bool) {
		path := filepath.Join(dir, "a.drive")
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			require.NoError(t, err)
			if bytes.Contains(b, root) {
				require.True(t, complete, "%s holds the root key of a drive that was never finished", e.Name())
				require.Equal(t, "a.drive", e.Name())
			}
			info, err := e.Info()
			require.NoError(t, err)
			require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), "%s", e.Name())
		}
		d, err := OpenFile(path, fileOptions())
		if complete {
			require.NoError(t, err)
			require.NoError(t, d.PowerOn())
			require.Equal(t, Erased, d.Status().State)
			require.NoError(t, d.Close())
			_, _, err = CreateFile(path, fileConfig(), fileOptions())
			require.ErrorIs(t, err, fs.ErrExist)
			require.Len(t, entries, 1, "a whole drive has one name")
			return
		}
		require.Error(t, err, "nobody opens a drive that was never finished")
		require.NotContains(t, err.Error(), "\n")
		if !errors.Is(err, fs.ErrNotExist) {
			require.ErrorContains(t, err, "its creation was cut short, and there is no key in it: remove the file, or create the drive again")
		}
		d, _, err = CreateFile(path, fileConfig(), killedOptions())
		require.NoError(t, err, "it can be made again")
		require.NoError(t, d.Close())
		entries, err = os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries { // one that died before its mark cannot be told from a stranger's
			info, err := e.Info()
			require.NoError(t, err)
			require.True(t, e.Name() == "a.drive" || info.Size() == 0, "what was left is cleared away: %s", e.Name())
		}
	}
	for k := 0; ; k++ {
		dir := t.TempDir()
		killed := makeAndDie(t, filepath.Join(dir, "a.drive"), k, 0)
		check(t, dir, !killed || k > burnt)
		if !killed {
			require.Equal(t, len((&making{}).steps()), k)
			break
		}
	}
	operations := 0
	for n := 1; ; n++ {
		dir := t.TempDir()
		if !makeAndDie(t, filepath.Join(dir, "a.drive"), -1, n) {
			break
		}
		operations++
		check(t, dir, false)
	}
	require.Positive(t, operations, "making a drive writes its flash")
}

func TestAMakingThatFailsLeavesNothing(t *testing.T) {
	root := rootOf(t)
	for k, failing := range (&making{}).steps() {
		if failing.name == "clear away" || failing.name == "open" {
			continue
		}
		dir := t.TempDir()
		o := killedOptions()
		o.Geometry = flash.DefaultGeometry
		m := &making{disk: hostDisk{}, path: filepath.Join(dir, "a.drive"), cfg: fileConfig(), o: o}
		for _, s := range m.steps()[:k+1] { // the step is done, and its answer is an error
			require.NoError(t, s.do(), s.name)
		}
		name := m.f.Name()
		held, err := os.Open(name)
		if err != nil {
			held, err = os.Open(m.path)
		}
		require.NoError(t, err)
		require.NoError(t, m.undo())
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left, "after %s", failing.name)
		b := make([]byte, fuseArea)
		_, err = held.ReadAt(b, 0)
		require.NoError(t, err)
		require.False(t, bytes.Contains(b, root), "after %s: the sector of the root key is overwritten, too", failing.name)
		require.NoError(t, held.Close())
	}
}

// TestTheNameOfAnUnfinishedDrive is asked for once more under the lock.
func TestTheNameOfAnUnfinishedDrive(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, ".a.drive.1")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	defer f.Close()
	require.False(t, cut(hostDisk{}, f, name), "an empty file is none")
	_, err = f.WriteAt([]byte(cutMagic), 0)
	require.NoError(t, err)
	require.True(t, cut(hostDisk{}, f, name))

	other := filepath.Join(dir, ".a.drive.2")
	require.NoError(t, os.Symlink(name, other))
	require.False(t, cut(hostDisk{}, f, other), "a symbolic link to one is somebody else's")
	require.NoError(t, removeUnfinished(hostDisk{}, other))
	require.FileExists(t, other)
	require.NoError(t, os.Remove(other))
	require.NoError(t, os.WriteFile(other, []byte(cutMagic), 0o600))
	require.False(t, cut(hostDisk{}, f, other), "the name has gone to another file")
	require.NoError(t, removeUnfinished(hostDisk{}, other))
	require.NoFileExists(t, other)
	require.NoError(t, removeUnfinished(hostDisk{}, other), "it is gone already")
	require.NoError(t, removeUnfinished(hostDisk{}, dir), "a directory is somebody else's")

	// What fails names no file: the text that it goes into does.
	require.Equal(t, fs.ErrExist, bare(&os.LinkError{Op: "link", Old: name, New: other, Err: fs.ErrExist}))
	require.NoError(t, removed(hostDisk{}, other))
	require.Error(t, removed(hostDisk{}, dir), "a directory that is not empty stays, and that is reported")

	_, err = f.WriteAt([]byte(fuseMagic), 0)
	require.NoError(t, err)
	require.False(t, cut(hostDisk{}, f, name), "it has got its fuses")
	require.NoError(t, os.Remove(name))
	_, err = f.WriteAt([]byte(cutMagic), 0)
	require.NoError(t, err)
	require.False(t, cut(hostDisk{}, f, name), "the name is gone")
}

func TestNobodyElsesFileIsClearedAway(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.drive")
	for name, content := range map[string]string{".a.drive.notes": "mine", ".b.drive.1": cutMagic + strings.Repeat("\x00", 100), "a.drive.old": cutMagic} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	// One that another process is making right now.
	o := killedOptions()
	o.Geometry = flash.DefaultGeometry
	m := &making{disk: hostDisk{}, path: path, cfg: fileConfig(), o: o}
	for _, s := range m.steps()[:7] {
		require.NoError(t, s.do(), s.name)
	}
	_, _, err := CreateFile(path, fileConfig(), fileOptions())
	require.ErrorIs(t, err, fs.ErrExist)
	_, err = OpenFile(path, fileOptions())
	require.ErrorContains(t, err, "another process has this drive open")
	for _, s := range m.steps()[7:] {
		require.NoError(t, s.do(), s.name)
	}
	require.NoError(t, m.fd.Close())
	d, err := OpenFile(path, fileOptions())
	require.NoError(t, err)
	require.NoError(t, d.Close())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 4)
}
