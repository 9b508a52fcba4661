package main

import (
	"errors"
	"os"
	"path/filepath"
)

// newFile makes a file that was not there, and removes it again where it cannot be filled.
func newFile(path string, mode os.FileMode, fill func(f *os.File) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	err = errors.Join(fill(f), f.Sync(), f.Close())
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// writeNew makes a file that anybody may read; one that exists stays what it is.
func writeNew(name string, data []byte) error {
	return newFile(name, 0o644, fillWith(func() ([]byte, error) { return data, nil }))
}

// writeSecret makes a file that its owner alone may read, before it calls data, so that a name that cannot be had
// changes nothing.
func writeSecret(name string, data func() ([]byte, error)) error {
	return newFile(name, 0o600, fillWith(data))
}

func fillWith(data func() ([]byte, error)) func(*os.File) error {
	return func(f *os.File) error {
		text, err := data()
		if err == nil {
			_, err = f.Write(text)
		}
		return err
	}
}

// report is a file that a command is asked to write beside its answer.
type report struct {
	flag string // that names it, such as --html
	file string
	data []byte
}

// newReports refuses what is no new file of its own for each report, before any work is done. None is overwritten: the name
// may be that of what the report is about.
func newReports(command string, all []report) error {
	for i, r := range all {
		for _, other := range all[:i] {
			if filepath.Clean(r.file) == filepath.Clean(other.file) {
				return usagef("%s: %s and %s are one file, %s: each needs a file of its own", command, other.flag, r.flag, r.file)
			}
		}
		switch _, err := os.Lstat(r.file); {
		case err == nil:
			return existsAlready(command, r)
		case !errors.Is(err, os.ErrNotExist):
			return cannotf("%s: %s: %w", command, r.flag, err)
		}
	}
	return nil
}

func existsAlready(command string, r report) error {
	return cannotf("%s: %s %s: it exists: give the name of a new file", command, r.flag, r.file)
}

// writeReports writes all reports, or none.
func writeReports(command string, all []report) error {
	for i, r := range all {
		err := writeNew(r.file, r.data)
		if err == nil {
			continue
		}
		if errors.Is(err, os.ErrExist) {
			err = existsAlready(command, r)
		} else {
			err = cannotf("%s: %s: %w", command, r.flag, err)
		}
		for _, written := range all[:i] {
			err = errors.Join(err, os.Remove(written.file))
		}
		return err
	}
	return nil
}

// replaceFile writes a whole file or none, also where the process is killed. What a kill leaves behind
// has a name that the next call for this path uses again.
func replaceFile(path string, b []byte) error {
	part := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".part")
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return syncDirOf(path)
}

// syncDirOf makes the name of a new file safe.
func syncDirOf(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
