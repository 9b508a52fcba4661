package crashfs

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
)

// ErrPower is what every change answers once power is gone.
var ErrPower = errors.New("crashfs: power lost")

// Sector is what a disk writes whole or not at all, in bytes.
const Sector = 512

// FS is a file system.
type FS struct {
	names   map[string]*inode // as the program sees them
	synced  map[string]*inode // as they are on the disk
	pending []naming          // since their directory was synced, in order
	changes int
	cutAt   int // -1 is never
}

// naming is a change of names: of the program's view, on its way to the disk.
type naming struct {
	dirs   []string // whose sync brings it to the disk
	remove string   // "" for none
	add    string   // "" for none
	file   *inode
}

// inode is the content of a file.
type inode struct {
	cache   []byte // as the program sees it
	medium  []byte // as it is on the disk
	pending []write
}

// write is a change of content: bytes at an offset, or, without bytes, a new length.
type write struct {
	at   int64
	data []byte
}

// New is an empty file system with power.
func New() *FS { return &FS{names: map[string]*inode{}, synced: map[string]*inode{}, cutAt: -1} }

// CutAt lets power go at change n, counted from 0 over the life of the file system. That change fails,
// and may all the same be found after the cut; so do all that follow. -1 is never.
func (f *FS) CutAt(n int) { f.cutAt = n }

// Changes is how many changes there were: writes, truncations, names and syncs.
func (f *FS) Changes() int { return f.changes }

// dies counts a change and says whether power is gone.
func (f *FS) dies() bool {
	f.changes++
	return f.cutAt >= 0 && f.changes > f.cutAt
}

// Names lists the names of all files, in order.
func (f *FS) Names() []string { return slices.Sorted(maps.Keys(f.names)) }

// Create makes a file. It is an error (fs.ErrExist) if there is one of that name.
func (f *FS) Create(name string) (*File, error) {
	if f.names[name] != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	file := &inode{}
	if err := f.rename("create", naming{dirs: []string{path.Dir(name)}, add: name, file: file}); err != nil {
		return nil, err
	}
	return &File{fs: f, name: name, inode: file}, nil
}

// Open opens a file, or fails with fs.ErrNotExist.
func (f *FS) Open(name string) (*File, error) {
	file := f.names[name]
	if file == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &File{fs: f, name: name, inode: file}, nil
}

// Link gives a file a second name, which must be free.
func (f *FS) Link(old, name string) error {
	switch file := f.names[old]; {
	case file == nil:
		return &fs.PathError{Op: "link", Path: old, Err: fs.ErrNotExist}
	case f.names[name] != nil:
		return &fs.PathError{Op: "link", Path: name, Err: fs.ErrExist}
	default:
		return f.rename("link", naming{dirs: []string{path.Dir(name)}, add: name, file: file})
	}
}

// Rename gives a file another name, in place of the file that has it.
func (f *FS) Rename(old, name string) error {
	file := f.names[old]
	if file == nil {
		return &fs.PathError{Op: "rename", Path: old, Err: fs.ErrNotExist}
	}
	return f.rename("rename", naming{dirs: []string{path.Dir(name), path.Dir(old)}, remove: old, add: name, file: file})
}

// Remove takes a name away.
func (f *FS) Remove(name string) error {
	if f.names[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	return f.rename("remove", naming{dirs: []string{path.Dir(name)}, remove: name})
}

func (f *FS) rename(op string, n naming) error {
	dead := f.dies()
	f.pending = append(f.pending, n) // the change in flight may have reached the disk as well
	if dead {
		return &fs.PathError{Op: op, Path: n.add + n.remove, Err: ErrPower}
	}
	n.apply(f.names)
	return nil
}

func (n *naming) apply(names map[string]*inode) {
	if n.remove != "" {
		delete(names, n.remove)
	}
	if n.add != "" {
		names[n.add] = n.file
	}
}

// SyncDir brings the names in a directory to the disk.
func (f *FS) SyncDir(dir string) error {
	if f.dies() {
		return &fs.PathError{Op: "sync", Path: dir, Err: ErrPower}
	}
	left := f.pending[:0]
	for _, n := range f.pending {
		if slices.Contains(n.dirs, path.Clean(dir)) {
			n.apply(f.synced)
		} else {
			left = append(left, n)
		}
	}
	f.pending = left
	return nil
}

// AfterCut is what the disk holds: what was synced, and of the rest what follows from the seed. In turn
// that is nothing, all, half of it, all but one change, and one change alone. It has power again, and
// nothing in it waits for a sync.
func (f *FS) AfterCut(seed uint64) *FS {
	changes := 0
	f.afterCut(func() bool { changes++; return true })
	random := rand.New(rand.NewPCG(seed, 0))
	one, at := random.IntN(max(1, changes)), -1
	return f.afterCut(func() bool {
		at++
		switch seed % 5 {
		case 0:
			return false
		case 1:
			return true
		case 2:
			return random.IntN(2) == 0
		case 3:
			return at != one
		default:
			return at == one
		}
	})
}

// afterCut is AfterCut where there says of each change that was not synced whether it is on the disk.
func (f *FS) afterCut(there func() bool) *FS {
	names := maps.Clone(f.synced)
	for _, n := range f.pending {
		if there() {
			n.apply(names)
		}
	}
	after, contents := New(), map[*inode]*inode{} // a file may have two names
	for _, name := range slices.Sorted(maps.Keys(names)) {
		file := names[name]
		if contents[file] == nil {
			b := file.afterCut(there)
			contents[file] = &inode{cache: b, medium: bytes.Clone(b)}
		}
		after.names[name], after.synced[name] = contents[file], contents[file]
	}
	return after
}

// afterCut is what the disk has of a file.
func (i *inode) afterCut(there func() bool) []byte {
	b := bytes.Clone(i.medium)
	for _, w := range i.pending {
		if w.data == nil {
			if there() {
				b = resize(b, w.at)
			}
			continue
		}
		for at, data := w.at, w.data; len(data) > 0; {
			n := min(len(data), Sector-int(at%Sector))
			if there() {
				b = put(b, at, data[:n])
			}
			at, data = at+int64(n), data[n:]
		}
	}
	return b
}

func put(b []byte, at int64, data []byte) []byte {
	b = resize(b, max(int64(len(b)), at+int64(len(data))))
	copy(b[at:], data)
	return b
}

func resize(b []byte, n int64) []byte {
	if n <= int64(len(b)) {
		return b[:n]
	}
	return append(b, make([]byte, n-int64(len(b)))...)
}
