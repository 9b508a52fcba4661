package labfile

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// What a command reads and writes of the host: done once, while it is given, and told again by the journal
// while it is played.

// readFile is console.Options.ReadFile.
func (l *Lab) readFile(name string) ([]byte, error) {
	if l.again != nil {
		f, err := l.again.file("read", name)
		return slices.Clone(f.Data), err
	}
	var data []byte
	err := error(&fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist})
	if l.options.ReadFile != nil {
		data, err = l.options.ReadFile(name)
	}
	l.files = append(l.files, File{Do: "read", Name: name, Data: slices.Clone(data), Error: text(err), Missing: errors.Is(err, fs.ErrNotExist)})
	return data, err
}

// writeFile is console.Options.WriteFile.
func (l *Lab) writeFile(name string, data []byte) error {
	if l.again != nil {
		_, err := l.again.file("write", name)
		return err
	}
	err := errNoFiles
	if l.options.WriteFile != nil {
		err = l.options.WriteFile(name, data)
	}
	l.files = append(l.files, File{Do: "write", Name: name, Error: text(err)})
	return err
}

var errNoFiles = errors.New("this lab has no files of the host")

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// file is what the journal says of the next file of the entry.
func (r *replay) file(do, name string) (File, error) {
	if len(r.files) == 0 || r.files[0].Do != do || r.files[0].Name != name {
		r.err = fmt.Errorf("it wants to %s the file %s", do, name)
		return File{}, r.err
	}
	f := r.files[0]
	r.files = r.files[1:]
	if f.Error != "" {
		return f, &fileError{f}
	}
	return f, nil
}

// fileError is the error that a file gave.
type fileError struct{ file File }

func (e *fileError) Error() string { return e.file.Error }

// Unwrap gives fs.ErrNotExist where there was no such file.
func (e *fileError) Unwrap() error {
	if e.file.Missing {
		return fs.ErrNotExist
	}
	return nil
}
