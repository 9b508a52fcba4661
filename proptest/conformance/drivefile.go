package conformance

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// DriveFile makes devices of a drive in a file of package drive: each is a copy of its fuses and its
// flash with a blank medium, reverted to factory defaults with the PSID. The file itself is only
// read. What cannot be wished (sectors, ranges, try limit, geometry) is what the file has.
type DriveFile struct {
	size  int64  // of the whole file, in bytes
	front []byte // fuses and flash
	psid  drive.PIN
	dir   string

	mu   sync.Mutex
	made int
}

// frontMax bounds fuses and flash of a file, in bytes.
const frontMax = 1 << 30

// NewDriveFile reads the file. psid is that of the drive. The caller closes the DriveFile, and clears
// the PSID then.
func NewDriveFile(path string, psid drive.PIN) (*DriveFile, error) {
	var g flash.Geometry
	f, err := drive.OpenFile(path, drive.FileOptions{Entropy: entropy.Stream(0, "drive file"), Wrap: func(p drive.Parts) drive.Parts {
		g = p.Flash.Geometry()
		return p
	}})
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("conformance: %w", err)
	}
	const fuses = 4096 // the media begin at a multiple of it
	size := (fuses + flash.FileSize(g) + fuses - 1) / fuses * fuses
	if size > frontMax {
		return nil, fmt.Errorf("conformance: %s: a flash of more than %d bytes", path, frontMax)
	}
	front, err := beginningOf(path, size)
	if err != nil {
		return nil, fmt.Errorf("conformance: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("conformance: %w", err)
	}
	dir, err := os.MkdirTemp("", "fdelab-conform-")
	if err != nil {
		return nil, fmt.Errorf("conformance: %w", err)
	}
	d := &DriveFile{front: front, size: info.Size(), psid: psid, dir: dir}
	dev, _, err := d.Make(Wish{Seed: 1})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("conformance: %s: a copy cannot be reverted with that PSID: %w", path, err), d.Close())
	}
	return d, dev.(io.Closer).Close()
}

func beginningOf(path string, size int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, size)
	if n, err := io.ReadFull(f, b); err != nil && (n == 0 || !errors.Is(err, io.ErrUnexpectedEOF)) {
		return nil, err
	}
	return b, nil
}

// Close removes the copies.
func (d *DriveFile) Close() error { return os.RemoveAll(d.dir) }

// Make is a Maker.
func (d *DriveFile) Make(w Wish) (Device, drive.Label, error) {
	d.mu.Lock()
	d.made++
	path := filepath.Join(d.dir, fmt.Sprintf("%d.drive", d.made))
	d.mu.Unlock()
	// The media of a copy are a hole.
	if err := errors.Join(os.WriteFile(path, d.front, 0o600), os.Truncate(path, d.size)); err != nil {
		return nil, drive.Label{}, fmt.Errorf("conformance: %w", err)
	}
	dev := &filed{path: path, held: held{source: &source{own: entropy.Stream(w.Seed, "conformance")}}}
	dev.source.feed(w.Entropy)
	f, err := drive.OpenFile(path, drive.FileOptions{Entropy: dev.source, Wrap: func(p drive.Parts) drive.Parts {
		dev.faulty, dev.media = flash.NewFaulty(p.Flash, flash.WithTearSeed(w.Seed)), drive.NewFaultyMedia(p.Media)
		p.Flash, p.Media = dev.faulty, dev.media
		return p
	}})
	if err != nil {
		return nil, drive.Label{}, err
	}
	dev.SessionDevice, dev.sanitizes, dev.file = OfDrive(f), sanitizes{drive: f, next: w.Seed - 1}, f
	if err := errors.Join(f.PowerOn(), f.RevertPSID(d.psid)); err != nil {
		return nil, drive.Label{}, errors.Join(err, dev.Close())
	}
	label := drive.Label{Serial: f.Config().Serial, PSID: d.psid}
	if label.MSID, err = f.MSID(); err != nil {
		return nil, drive.Label{}, errors.Join(err, dev.Close())
	}
	return dev, label, nil
}

// filed is a copy of a drive in a file.
type filed struct {
	held // of which only what breaks and feeds is there
	*SessionDevice
	sanitizes
	file *drive.File
	path string
}

// Dump implements Dumper.
func (d *filed) Dump() drive.Dump { return d.file.Dump() }

// Close implements io.Closer.
func (d *filed) Close() error { return errors.Join(d.file.Close(), os.Remove(d.path)) }
