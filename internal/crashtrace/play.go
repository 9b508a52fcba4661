package crashtrace

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-9d983aeb/fdelab/drive/fault/crashfs"
)

// player makes the calls of a trace on a disk.
type player struct {
	root string
	disk *crashfs.FS
	open map[string]*handle // by the number of the descriptor
	said strings.Builder
}

// handle is an open file or directory below the root.
type handle struct {
	file *crashfs.File // nil for a directory
	path string
}

// Play makes the changes below root on an empty disk, on which power goes at change cutAt, as
// crashfs.FS.CutAt counts; -1 is never. said is what the process had written to standard output before.
func (tr *Trace) Play(root string, cutAt int) (disk *crashfs.FS, said string, err error) {
	p := &player{root: root, disk: crashfs.New(), open: map[string]*handle{}}
	p.disk.CutAt(cutAt)
	for i := range tr.calls {
		c := &tr.calls[i]
		if err := p.play(c); errors.Is(err, crashfs.ErrPower) {
			break
		} else if err != nil {
			return nil, "", fmt.Errorf("crashtrace: %s: %w", c.name, err)
		}
	}
	return p.disk, p.said.String(), nil
}

// below is a path as the disk has it, for a path that the process gave, relative to a descriptor or not.
func (p *player) below(fd, arg string) (string, bool) {
	b, err := text(arg)
	name := string(b)
	if err == nil && !filepath.IsAbs(name) {
		h := p.open[fd]
		if h == nil {
			return "", false
		}
		return filepath.Join(h.path, name), true
	}
	rel, err2 := filepath.Rel(p.root, name)
	return rel, err == nil && err2 == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

func (p *player) play(c *call) error {
	h := p.open[c.args[0]]
	switch c.name {
	case "openat":
		return p.openat(c)
	case "close":
		delete(p.open, c.args[0])
	case "read", "lseek", "write", "pwrite64", "ftruncate", "fsync", "fdatasync":
		if c.name == "write" && c.args[0] == "1" {
			b, err := text(c.args[1])
			p.said.Write(b)
			return err
		}
		if h != nil {
			return p.content(c, h)
		}
	case "mkdirat":
		if name, ours := p.below(c.args[0], c.args[1]); ours {
			return p.disk.Mkdir(name)
		}
	case "unlinkat":
		if name, ours := p.below(c.args[0], c.args[1]); ours {
			return p.disk.Remove(name)
		}
	case "renameat", "renameat2", "linkat":
		return p.twoNames(c)
	case "mkdir", "rmdir", "unlink", "rename", "link":
		return errors.New("a call that this package does not know")
	}
	return nil
}

func (p *player) twoNames(c *call) error {
	old, ours := p.below(c.args[0], c.args[1])
	name, ours2 := p.below(c.args[2], c.args[3])
	switch {
	case !ours && !ours2:
		return nil
	case ours != ours2:
		return errors.New("a name comes from elsewhere, or goes there")
	case c.name == "linkat":
		return p.disk.Link(old, name)
	}
	return p.disk.Rename(old, name)
}

// openat opens what the process opened. A file that it made is made.
func (p *player) openat(c *call) error {
	name, ours := p.below(c.args[0], c.args[1])
	if !ours {
		return nil
	}
	fd, flags := strconv.Itoa(c.result), c.args[2]
	file, err := p.disk.Open(name)
	if err != nil && strings.Contains(flags, "O_CREAT") {
		file, err = p.disk.Create(name)
	} else if err == nil && strings.Contains(flags, "O_TRUNC") {
		err = file.Truncate(0)
	} else if err != nil {
		p.open[fd] = &handle{path: name} // a directory
		return nil
	}
	if err == nil && strings.Contains(flags, "O_APPEND") {
		err = errors.New("a file that is appended to")
	}
	p.open[fd] = &handle{file: file, path: name}
	return err
}

// content is a call that is about what is in a file.
func (p *player) content(c *call, h *handle) (err error) {
	if h.file == nil {
		if strings.HasSuffix(c.name, "sync") {
			return p.disk.SyncDir(h.path)
		}
		return nil
	}
	switch c.name {
	case "read":
		_, err = h.file.Seek(int64(c.result), io.SeekCurrent)
	case "lseek":
		_, err = h.file.Seek(int64(c.result), io.SeekStart)
	case "fsync", "fdatasync":
		err = h.file.Sync()
	case "ftruncate":
		var n int64
		if n, err = strconv.ParseInt(c.args[1], 10, 64); err == nil {
			err = h.file.Truncate(n)
		}
	default:
		b, bad := text(c.args[1])
		if bad != nil || c.result > len(b) {
			return errors.Join(bad, errors.New("a write that is cut short in the trace"))
		}
		if b = b[:c.result]; c.name == "write" {
			_, err = h.file.Write(b)
			break
		}
		var at int64
		if at, err = strconv.ParseInt(c.args[3], 10, 64); err == nil {
			_, err = h.file.WriteAt(b, at)
		}
	}
	return err
}

// Cuts lets power go at every step-th change, and after the last one, and gives look what each of so many
// seeds leaves of what was not synced: each state of the disk once. whole says that power went after the
// last change. It returns how many changes and how many states there were.
func (tr *Trace) Cuts(t testing.TB, root string, step int, seeds uint64, look func(disk *crashfs.FS, said, when string, whole bool)) (changes, states int) {
	t.Helper()
	all, _, err := tr.Play(root, -1)
	if err != nil {
		t.Fatal(err)
	}
	changes = all.Changes()
	seen := map[[sha256.Size]byte]bool{}
	for cut := 0; cut < changes+step; cut += step {
		at := min(cut, changes)
		disk, said, err := tr.Play(root, at)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range seeds {
			after := disk.AfterCut(seed)
			if sum := sumOf(t, after, said); !seen[sum] || at == changes {
				seen[sum] = true
				look(after, said, fmt.Sprintf("power went at change %d of %d, seed %d", at, changes, seed), at == changes)
			}
		}
	}
	return changes, len(seen)
}

// sumOf tells states of a disk apart, and what had been said until then.
func sumOf(t testing.TB, disk *crashfs.FS, said string) [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", said, disk.Directories())
	for _, name := range disk.Names() {
		fmt.Fprintf(h, "%q %x\n", name, sha256.Sum256(content(t, disk, name)))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func content(t testing.TB, disk *crashfs.FS, name string) []byte {
	t.Helper()
	f, err := disk.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Lay writes all files of a disk into a directory, which is made; files for their owner alone.
func Lay(t testing.TB, disk *crashfs.FS, dir string) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(dir, 0o700))
	for _, name := range disk.Directories() {
		must(os.MkdirAll(filepath.Join(dir, name), 0o700))
	}
	for _, name := range disk.Names() {
		must(os.WriteFile(filepath.Join(dir, name), content(t, disk, name), 0o600))
	}
}
