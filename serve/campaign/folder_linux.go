package campaign

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/seed-9d983aeb/fdelab/internal/filelock"
)

// ownFolder is the folder of a worker that runs programs. The worker holds its lock, which ends with the process, however
// it ends: by that, and by nothing else, a later worker knows that the folder is nobody's.
type ownFolder struct {
	path string
	held *os.File // the folder, locked; programs do not inherit it
	root *os.Root
}

// folderPrefix begins the names of such folders, in the directory for temporary files.
const folderPrefix = "fdelab-programs-"

// folderTries is how many folders are made for one: another worker that begins may remove one before it is locked.
const folderTries = 100

// newOwnFolder makes a folder and locks it. The error is of the file system, also where that has no locks.
func newOwnFolder() (f *ownFolder, err error) {
	for range folderTries {
		path, err := os.MkdirTemp("", folderPrefix)
		if err != nil {
			return nil, err
		}
		f, err := lockFolder(path)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, errNotOurs) {
			return nil, errors.Join(err, unix.Rmdir(path))
		}
	}
	return nil, fmt.Errorf("others remove each folder that is made in %s", os.TempDir())
}

// errNotOurs: a folder is held by a worker that lives, of another user, no folder, or there no more.
var errNotOurs = errors.New("the folder is not this worker's")

// lockFolder opens and locks a folder of this user. The error wraps errNotOurs, or is of the file system.
func lockFolder(path string) (f *ownFolder, err error) {
	held, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
			err = fmt.Errorf("%w: %w", errNotOurs, err)
		}
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = held.Close()
		}
	}()
	var s unix.Stat_t
	if err := unix.Fstat(int(held.Fd()), &s); err != nil {
		return nil, err
	}
	if int(s.Uid) != os.Geteuid() {
		return nil, errNotOurs
	}
	if err := filelock.Take(held); errors.Is(err, filelock.ErrHeld) {
		return nil, fmt.Errorf("%w: %w", errNotOurs, err)
	} else if err != nil {
		return nil, err
	}
	locked, err := held.Stat()
	if err != nil {
		return nil, err
	}
	// Whoever had the lock a moment ago may have removed it.
	if named, err := os.Lstat(path); err != nil || !os.SameFile(locked, named) {
		return nil, errors.Join(errNotOurs, err)
	}
	// What is removed later is what is locked here, whatever the path names by then.
	root, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", held.Fd()))
	if err != nil {
		return nil, err
	}
	return &ownFolder{path, held, root}, nil
}

// remove removes the folder with all that is in it, and then lets go of its lock.
func (f *ownFolder) remove() error {
	err := f.held.Chmod(0o700) // a program may have closed it
	all, errRead := fs.ReadDir(f.root.FS(), ".")
	err = errors.Join(err, errRead)
	for _, d := range all {
		err = errors.Join(err, f.removeAll(d.Name()))
	}
	if err == nil {
		if err = unix.Rmdir(f.path); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	return errors.Join(err, f.root.Close(), f.held.Close())
}

// removeAll removes what is in the folder under a name, also with folders in it that a program has closed.
func (f *ownFolder) removeAll(name string) error {
	if f.root.RemoveAll(name) == nil {
		return nil
	}
	_ = fs.WalkDir(f.root.FS(), name, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = f.root.Chmod(path, 0o700)
		} else if err != nil && d != nil && d.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	return f.root.RemoveAll(name)
}

// removeLeft removes the folders of workers of this user that are gone.
func removeLeft(note func(format string, args ...any)) {
	all, err := os.ReadDir(os.TempDir())
	if err != nil {
		note("nobody looks for what workers left that are gone: %v", err)
		return
	}
	for _, d := range all {
		if !strings.HasPrefix(d.Name(), folderPrefix) {
			continue
		}
		path := filepath.Join(os.TempDir(), d.Name())
		f, err := lockFolder(path)
		switch {
		case errors.Is(err, errNotOurs):
			continue
		case err == nil:
			err = f.remove()
		}
		if err != nil {
			note("what a worker left that is gone is not removed: %v", err)
			continue
		}
		note("%s is removed: its worker is gone", path)
	}
}
