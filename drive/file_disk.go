package drive

import (
	"errors"
	"fmt"
	"os"
)

// disk is the file system in which drive files are made. The host's is hostDisk; a test has one that
// loses what was not synced.
type disk interface {
	// Names lists what is in a directory, in order.
	Names(dir string) ([]string, error)
	// Has says whether there is something of that name.
	Has(name string) bool
	// Open opens a file for reading and writing.
	Open(name string) (hostFile, error)
	// CreateTemp makes a file of a new name; in the pattern, something takes the place of the star.
	CreateTemp(dir, pattern string) (hostFile, error)
	// Is says whether the name is that of f, and no symbolic link.
	Is(name string, f hostFile) bool
	Link(old, name string) error
	Remove(name string) error
	// SyncDir makes the names in a directory safe against a loss of power.
	SyncDir(dir string) error
}

// hostDisk is the file system of the host.
type hostDisk struct{}

func (hostDisk) Names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

func (hostDisk) Has(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

func (hostDisk) Open(name string) (hostFile, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil { // and no interface around a nil *os.File
		return nil, err
	}
	return f, nil
}

func (hostDisk) CreateTemp(dir, pattern string) (hostFile, error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (hostDisk) Is(name string, f hostFile) bool {
	file, ok := f.(*os.File)
	if !ok {
		return false
	}
	mine, _ := file.Stat()
	now, _ := os.Lstat(name) // a symbolic link is not f
	return os.SameFile(mine, now)
}

func (hostDisk) Link(old, name string) error { return os.Link(old, name) }

func (hostDisk) Remove(name string) error { return os.Remove(name) }

func (hostDisk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("drive: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
