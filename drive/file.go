package drive

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/internal/filelock"
)

// File is a drive that lives on in one file: a page with the fuses, the flash,
// then the media as a sparse region up to the last sector. The file is the whole device, root key
// included, so it is created with mode 0600: who can read it has opened the
// chip. One process may have it open at a time.
type File struct {
	*Drive
	f     hostFile
	media *FileMedia
	flash *flash.File
}

// FileOptions say how a drive file is attached.
type FileOptions struct {
	Entropy  io.Reader      // source of every key and salt; never nil
	Geometry flash.Geometry // of a new file's flash; the zero value is FlashGeometry of its personality
	// Wrap, if not nil, may put fault injection around the parts.
	Wrap func(Parts) Parts
}

// hostFile is what a drive needs of its file. *os.File is one.
type hostFile interface {
	flash.Backing
	io.Seeker
	io.Closer
	Truncate(size int64) error
}

// keepOut keeps a second process out of a drive file. A file of no process is nobody else's.
func keepOut(f hostFile) error {
	shared, ok := f.(*os.File)
	if !ok {
		return nil
	}
	err := filelock.Take(shared)
	if errors.Is(err, filelock.ErrHeld) {
		return errors.New("another process has this drive open")
	}
	return err
}

// OpenFile attaches the drive in a file. It is off, as after a power loss. A
// file that is no drive, is truncated, damaged or open elsewhere is refused in
// one line; nothing in it is changed.
func OpenFile(path string, o FileOptions) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("drive: %w", err)
	}
	return attached(path, f, o)
}

// attached is OpenFile of a file that is open. It closes the file if that fails.
func attached(path string, f hostFile, o FileOptions) (*File, error) {
	fd, err := open(f, o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("drive: %s: %w", path, bare(err)), f.Close())
	}
	return fd, nil
}

func open(f hostFile, o FileOptions) (*File, error) {
	if err := keepOut(f); err != nil {
		return nil, err
	}
	page := make([]byte, fuseArea)
	if n, err := f.ReadAt(page, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	} else if n < len(page) {
		return nil, fmt.Errorf("not a drive file: %d bytes, a drive has at least %d", n, fuseArea)
	}
	fuses, geometry, err := parseFuses(page)
	long := page[longByte] == 1
	clear(page)
	if err != nil {
		return nil, err
	}
	defer fuses.Clear()
	if err := checkLength(f, fuses.Config, geometry, long); err != nil {
		return nil, err
	}
	fl, err := flash.OpenFile(f, fuseArea, geometry)
	if err != nil {
		return nil, err
	}
	o.Geometry = geometry
	fd, parts, err := attach(f, fl, fuses.Config, o)
	if err != nil {
		return nil, err
	}
	fd.Drive, err = Open(fuses, parts)
	return fd, err
}

// fileSize is how long the file of a drive is, sparse as it may be.
func fileSize(cfg Config, g flash.Geometry) (size int64, fits bool) {
	offset := mediaOffset(g)
	sectors := cfg.MediaSectors()
	if sectors > uint64(math.MaxInt64-offset)/uint64(cfg.SectorSize) {
		return 0, false
	}
	return offset + int64(sectors)*int64(cfg.SectorSize), true
}

// checkLength refuses a file that lost its end, or has something behind its end. Of a file without its whole
// length (long), only what is too much shows: such are those of systems without sparse files, and those
// from before there was the mark.
func checkLength(f io.Seeker, cfg Config, g flash.Geometry, long bool) error {
	want, fits := fileSize(cfg, g)
	if !fits {
		return nil // NewFileMedia says so
	}
	has, err := f.Seek(0, io.SeekEnd)
	switch {
	case err != nil:
		return err
	case has > want:
		return fmt.Errorf("longer than it should be: %d bytes, want %d for %d sectors of %d bytes: what is behind them is not the drive's", has, want, cfg.MediaSectors(), cfg.SectorSize)
	case long && has < mediaOffset(g):
		return nil // the flash says what is missing
	case long && has < want:
		return fmt.Errorf("truncated: %d bytes, want %d for %d sectors of %d bytes: bring the whole file back, or give up what the missing sectors held with truncate -s %d", has, want, cfg.MediaSectors(), cfg.SectorSize, want)
	}
	return nil
}

// attach makes the parts of a drive in f.
func attach(f hostFile, fl *flash.File, cfg Config, o FileOptions) (*File, Parts, error) {
	m, err := mediaIn(f, mediaOffset(o.Geometry), cfg.SectorSize, cfg.MediaSectors())
	if err != nil {
		return nil, Parts{}, err
	}
	parts := Parts{Flash: fl, Media: m, Entropy: o.Entropy}
	if o.Wrap != nil {
		parts = o.Wrap(parts)
	}
	return &File{f: f, media: m, flash: fl}, parts, nil
}

// Close takes the drive's power and closes the file. What was written to the media, and a count of tries
// that waits, is synced first: a host that has closed its drive takes it for safe.
func (d *File) Close() error {
	d.PowerOff()
	return errors.Join(d.flash.Flush(), d.media.Sync(), d.f.Close())
}
