package drive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// CreateFile manufactures a drive in a new file. It is an error (fs.ErrExist) if
// there is something of that name.
//
// The root key is written last, in one sector. A process that is killed, or a
// machine that loses power, before that leaves a file without a key, and after it
// a whole drive. OpenFile refuses a file without a key, and the next CreateFile of
// that name removes it.
func CreateFile(path string, cfg Config, o FileOptions) (*File, Label, error) {
	if o.Geometry == (flash.Geometry{}) {
		o.Geometry = cfg.Personality.FlashGeometry()
	}
	return create(hostDisk{}, path, cfg, o)
}

// create is CreateFile on a disk.
func create(on disk, path string, cfg Config, o FileOptions) (*File, Label, error) {
	m := &making{disk: on, path: path, cfg: cfg, o: o}
	for _, s := range m.steps() {
		if err := s.do(); err != nil {
			return nil, Label{}, errors.Join(fmt.Errorf("drive: %s: %w", path, bare(err)), m.undo())
		}
	}
	return m.fd, m.label, nil
}

// bare is the reason of a failed call of the file system, for a text that names the drive's file.
func bare(err error) error {
	switch call := err.(type) {
	case *fs.PathError:
		return call.Err
	case *os.LinkError:
		return call.Err
	}
	return err
}

// making is a drive file that is being made.
type making struct {
	disk
	path   string
	cfg    Config
	o      FileOptions
	f      hostFile // under a name of its own, until it has the drive's
	linked bool     // path is f
	fd     *File
	label  Label
	long   bool // the file has its whole length
}

// makingStep is one change of the file system, which happens whole or not at all.
type makingStep struct {
	name string
	do   func() error
}

func (m *making) steps() []makingStep {
	return []makingStep{
		{"clear away", m.clearAway},
		{"open", m.open},
		{"mark", m.mark},
		{"manufacture", m.manufacture},
		// The mark and the drive before the name: else the name may be that of a file without the mark,
		// which nobody clears away.
		{"sync", func() error { return m.f.Sync() }},
		// Link, unlike rename, never replaces what another process put there meanwhile.
		{"link", m.link},
		{"unlink", func() error { return m.Remove(m.f.Name()) }},
		// The name before the root key: else a drive with a label may lie under a name that is swept away.
		{"sync the directory", func() error { return m.SyncDir(filepath.Dir(m.path)) }},
		{"burn", m.burn},
		// The root key before the label: else a label may be printed of a drive without a key.
		{"sync the fuses", func() error { return m.f.Sync() }},
	}
}

// clearAway removes what a making that was cut left behind.
func (m *making) clearAway() error {
	dir, base := filepath.Split(m.path)
	names, err := m.Names(filepath.Clean(dir))
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == base || strings.HasPrefix(name, "."+base+".") {
			if err := removeUnfinished(m.disk, filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	if m.Has(m.path) {
		return fs.ErrExist
	}
	return nil
}

// removeUnfinished removes a drive file without fuses that nobody is making.
func removeUnfinished(on disk, name string) error {
	f, err := on.Open(name)
	if err != nil {
		return nil // it is somebody else's
	}
	defer f.Close()
	// Asked again under the lock: meanwhile the name may have gone to another file,
	// or the file may have got its fuses.
	if !cut(on, f, name) || keepOut(f) != nil || !cut(on, f, name) {
		return nil
	}
	return removed(on, name)
}

// cut says whether name is f, and f a drive file without fuses.
func cut(on disk, f hostFile, name string) bool {
	head := make([]byte, len(cutMagic))
	n, _ := f.ReadAt(head, 0)
	return string(head[:n]) == cutMagic && on.Is(name, f)
}

// removed removes what may be gone already.
func removed(on disk, name string) error {
	if err := on.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (m *making) open() (err error) {
	if m.f, err = m.CreateTemp(filepath.Dir(m.path), "."+filepath.Base(m.path)+".*"); err != nil {
		return err
	}
	return keepOut(m.f)
}

func (m *making) mark() error {
	page := make([]byte, fuseArea)
	copy(page, cutMagic)
	_, err := m.f.WriteAt(page, 0)
	return err
}

func (m *making) manufacture() error {
	fl, err := flash.CreateFile(m.f, fuseArea, m.o.Geometry)
	if err != nil {
		return err
	}
	fd, parts, err := attach(m.f, fl, m.cfg, m.o)
	if err != nil {
		return err
	}
	if fd.Drive, m.label, err = Manufacture(m.cfg, parts); err == nil {
		m.lengthen()
	}
	m.fd = fd
	return err
}

func (m *making) link() error {
	if err := m.Link(m.f.Name(), m.path); err != nil {
		return err
	}
	m.linked = true
	return nil
}

// lengthen gives the file its whole length, so that one that loses its end is found out. Where a system
// cannot tell holes from data, or has no files so long, the file ends with the last sector that was written.
func (m *making) lengthen() {
	if size, fits := fileSize(m.cfg, m.o.Geometry); fits && sparse {
		m.long = m.f.Truncate(size) == nil
	}
}

// burn writes the root key: all of it lies in the first 512 bytes of the page.
func (m *making) burn() error {
	page := m.fd.fuses.encode(m.o.Geometry, m.long)
	defer clear(page)
	if _, err := m.f.WriteAt(page, 0); err != nil {
		return fmt.Errorf("burn fuses: %w", err)
	}
	return nil
}

// undo leaves nothing of a making that failed.
func (m *making) undo() error {
	if m.f == nil {
		return nil
	}
	if m.fd != nil && m.fd.Drive != nil {
		m.fd.fuses.Clear()
	}
	// The bytes that may hold the root key go first: where the name cannot be
	// removed, the key is gone all the same.
	errs := []error{m.mark()}
	if m.linked {
		errs = append(errs, m.Remove(m.path))
	}
	return errors.Join(append(errs, removed(m.disk, m.f.Name()), m.f.Close())...)
}
