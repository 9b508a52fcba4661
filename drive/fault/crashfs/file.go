package crashfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
)

// File is an open file. It reads and writes as an *os.File does.
type File struct {
	fs    *FS
	name  string
	inode *inode
	at    int64
}

// Name is the name under which the file was opened.
func (f *File) Name() string { return f.name }

// ReadAt reads what the program sees: what it wrote, synced or not.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(f.inode.cache)) {
		return 0, io.EOF
	}
	n := copy(p, f.inode.cache[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Read reads on from where the last Read or Write ended.
func (f *File) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.at)
	f.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// WriteAt is one change.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	dead := f.fs.dies()
	f.inode.pending = append(f.inode.pending, write{off, bytes.Clone(p)}) // it may have reached the disk
	if dead {
		return 0, f.lost("write")
	}
	f.inode.cache = put(f.inode.cache, off, p)
	return len(p), nil
}

// Write writes on from where the last Read or Write ended.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.WriteAt(p, f.at)
	f.at += int64(n)
	return n, err
}

// Seek says where the next Read or Write begins.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += int64(len(f.inode.cache))
	}
	if offset < 0 {
		return 0, &fs.PathError{Op: "seek", Path: f.name, Err: errors.New("a negative offset")}
	}
	f.at = offset
	return offset, nil
}

// Truncate is one change.
func (f *File) Truncate(size int64) error {
	dead := f.fs.dies()
	f.inode.pending = append(f.inode.pending, write{at: size})
	if dead {
		return f.lost("truncate")
	}
	f.inode.cache = resize(f.inode.cache, size)
	return nil
}

// Sync brings the content to the disk, and not the name.
func (f *File) Sync() error {
	if f.fs.dies() {
		return f.lost("sync")
	}
	f.inode.medium, f.inode.pending = bytes.Clone(f.inode.cache), nil
	return nil
}

// Close changes nothing: what was not synced is not synced.
func (f *File) Close() error { return nil }

func (f *File) lost(op string) error { return &fs.PathError{Op: op, Path: f.name, Err: ErrPower} }
