package crashfs

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
)

// ErrPower is what every change answers once power is gone.
var ErrPower = errors.New("crashfs: power lost")

// Sector is what a disk writes whole or not at all, in bytes.
const Sector = 512

// FS is a file system.
type FS struct {
	root    *inode
	pending []naming // since their directory was synced, in order
	changes int
	cutAt   int // -1 is never
}

// naming is a change of names: of the program's view, on its way to the disk.
type naming struct {
	from   *inode // the directory that loses a name; nil for none
	remove string
	to     *inode // the directory that gets one; nil for none
	add    string
	file   *inode
}

// inode is the content of a file, or a directory.
type inode struct {
	cache   []byte // as the program sees it
	medium  []byte // as it is on the disk
	pending []write

	names  map[string]*inode // of a directory, as the program sees them; nil for a file
	synced map[string]*inode // as they are on the disk
}

func directory() *inode { return &inode{names: map[string]*inode{}, synced: map[string]*inode{}} }

// write is a change of content: bytes at an offset, or, without bytes, a new length.
type write struct {
	at   int64
	data []byte
}

// New is an empty file system with power.
func New() *FS { return &FS{root: directory(), cutAt: -1} }

// Clone is a file system of its own in the same state, with what waits for a sync. The files that are open
// stay with f.
func (f *FS) Clone() *FS {
	copies := map[*inode]*inode{nil: nil} // a file may have two names
	var copied func(i *inode) *inode
	views := func(names map[string]*inode) map[string]*inode {
		if names == nil {
			return nil
		}
		c := make(map[string]*inode, len(names))
		for _, name := range slices.Sorted(maps.Keys(names)) {
			c[name] = copied(names[name])
		}
		return c
	}
	copied = func(i *inode) *inode {
		if c, ok := copies[i]; ok {
			return c
		}
		// The bytes of a write are never changed.
		c := &inode{cache: bytes.Clone(i.cache), medium: bytes.Clone(i.medium), pending: slices.Clone(i.pending)}
		copies[i] = c
		c.names, c.synced = views(i.names), views(i.synced)
		return c
	}
	c := &FS{root: copied(f.root), changes: f.changes, cutAt: f.cutAt}
	for _, n := range f.pending {
		c.pending = append(c.pending, naming{from: copied(n.from), remove: n.remove, to: copied(n.to), add: n.add, file: copied(n.file)})
	}
	return c
}

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

// Names lists the names of all files, with their directories, in order. Directories without a file are
// not among them.
func (f *FS) Names() []string { return f.list(false) }

// Directories lists the names of all directories, in order.
func (f *FS) Directories() []string { return f.list(true) }

func (f *FS) list(directories bool) (all []string) {
	var walk func(dir string, d *inode)
	walk = func(dir string, d *inode) {
		for _, name := range slices.Sorted(maps.Keys(d.names)) {
			i, name := d.names[name], path.Join(dir, name)
			if (i.names != nil) == directories {
				all = append(all, name)
			}
			if i.names != nil {
				walk(name, i)
			}
		}
	}
	walk("", f.root)
	slices.Sort(all)
	return all
}

// parent is the directory in which a name is, or is to be, and the name in it. Directories that nobody
// made are there as soon as a name is made in them, on the disk too.
func (f *FS) parent(name string) (*inode, string) {
	d := f.root
	dir, base := path.Split(path.Clean("/" + name))
	for _, part := range strings.FieldsFunc(dir, func(r rune) bool { return r == '/' }) {
		if d.names[part] == nil {
			d.names[part] = directory()
			d.synced[part] = d.names[part]
		}
		if d = d.names[part]; d.names == nil {
			return directory(), base // a file is in the way, and nothing is below it
		}
	}
	return d, base
}

// find is what a name leads to, or nil.
func (f *FS) find(name string) *inode {
	i := f.root
	for _, part := range strings.FieldsFunc(path.Clean("/"+name), func(r rune) bool { return r == '/' }) {
		if i = i.names[part]; i == nil {
			return nil
		}
	}
	return i
}

// Create makes a file. It is an error (fs.ErrExist) if there is one of that name.
func (f *FS) Create(name string) (*File, error) {
	file := &inode{}
	if err := f.make("create", name, file); err != nil {
		return nil, err
	}
	return &File{fs: f, name: name, inode: file}, nil
}

// Mkdir makes a directory. It is an error (fs.ErrExist) if something has that name.
func (f *FS) Mkdir(name string) error { return f.make("mkdir", name, directory()) }

func (f *FS) make(op, name string, i *inode) error {
	to, add := f.parent(name)
	if to.names[add] != nil {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrExist}
	}
	return f.rename(op, name, naming{to: to, add: add, file: i})
}

// Open opens a file, or fails with fs.ErrNotExist.
func (f *FS) Open(name string) (*File, error) {
	file := f.find(name)
	if file == nil || file.names != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &File{fs: f, name: name, inode: file}, nil
}

// Link gives a file a second name, which must be free.
func (f *FS) Link(old, name string) error {
	file := f.find(old)
	if file == nil || file.names != nil {
		return &fs.PathError{Op: "link", Path: old, Err: fs.ErrNotExist}
	}
	return f.make("link", name, file)
}

// Rename gives a file or a directory another name, in place of the file or the empty directory that has it.
func (f *FS) Rename(old, name string) error {
	file := f.find(old)
	to, add := f.parent(name)
	switch there := to.names[add]; {
	case file == nil:
		return &fs.PathError{Op: "rename", Path: old, Err: fs.ErrNotExist}
	case there != nil && (len(there.names) > 0 || (there.names != nil) != (file.names != nil)):
		return &fs.PathError{Op: "rename", Path: name, Err: fs.ErrExist}
	}
	from, remove := f.parent(old)
	return f.rename("rename", name, naming{from: from, remove: remove, to: to, add: add, file: file})
}

// Remove takes the name of a file, or of an empty directory, away.
func (f *FS) Remove(name string) error {
	switch i := f.find(name); {
	case i == nil:
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	case len(i.names) > 0:
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrExist}
	}
	from, remove := f.parent(name)
	return f.rename("remove", name, naming{from: from, remove: remove})
}

func (f *FS) rename(op, name string, n naming) error {
	dead := f.dies()
	f.pending = append(f.pending, n) // the change in flight may have reached the disk as well
	if dead {
		return &fs.PathError{Op: op, Path: name, Err: ErrPower}
	}
	n.apply(func(d *inode) map[string]*inode { return d.names })
	return nil
}

// apply makes the change in a view of the directories.
func (n *naming) apply(view func(*inode) map[string]*inode) {
	if n.from != nil {
		delete(view(n.from), n.remove)
	}
	if n.to != nil {
		view(n.to)[n.add] = n.file
	}
}

// SyncDir brings the names in a directory to the disk.
func (f *FS) SyncDir(dir string) error {
	if f.dies() {
		return &fs.PathError{Op: "sync", Path: dir, Err: ErrPower}
	}
	d := f.find(dir)
	left := f.pending[:0]
	for _, n := range f.pending {
		if d != nil && (n.from == d || n.to == d) {
			n.apply(func(d *inode) map[string]*inode { return d.synced })
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
	views := map[*inode]map[string]*inode{}
	view := func(d *inode) map[string]*inode {
		if views[d] == nil {
			views[d] = maps.Clone(d.synced)
		}
		return views[d]
	}
	for _, n := range f.pending {
		if there() {
			n.apply(view)
		}
	}
	copies := map[*inode]*inode{} // a file may have two names
	var copied func(i *inode) *inode
	copied = func(i *inode) *inode {
		if c := copies[i]; c != nil {
			return c
		}
		c := &inode{}
		if i.names != nil {
			c = directory()
		}
		copies[i] = c
		if i.names == nil {
			c.cache = i.afterCut(there)
			c.medium = bytes.Clone(c.cache)
			return c
		}
		names := view(i)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			c.names[name] = copied(names[name])
			c.synced[name] = c.names[name]
		}
		return c
	}
	return &FS{root: copied(f.root), cutAt: -1}
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
