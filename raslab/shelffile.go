package raslab

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// CreateFile manufactures a drive in a new file, in the state Erased, and puts it on the shelf.
// entropy must be a real source: the drive outlives the program, and a seeded stream would make the
// same keys again when the file is opened later. The caller closes the file when no facility uses
// the drive any more. sectorSize is in bytes, 512 or 4096.
func (s *Shelf) CreateFile(path, serial string, sectorSize int, sectors uint64, entropy io.Reader) (*Part, io.Closer, error) {
	const op = "shelf create"
	if slices.ContainsFunc(s.parts, func(o *Part) bool { return o.Serial() == serial }) {
		return nil, nil, refuse(ErrInvalid, op, fmt.Sprintf("a drive %q lies on the shelf already", serial), "serial numbers are unique")
	}
	p := &Part{}
	cfg := drive.Config{
		Serial: serial, Model: driveModel, SectorSize: sectorSize, Sectors: sectors,
		TryLimit: driveTryLimit, Persistent: true, PBKDF2Iterations: driveIterations,
	}
	f, label, err := drive.CreateFile(path, cfg, drive.FileOptions{Entropy: entropy, Wrap: p.wrap})
	if err != nil {
		return nil, nil, err
	}
	p.Drive, p.Label = f.Drive, label
	p.Drive.PowerOff()
	s.parts = append(s.parts, p)
	return p, f, nil
}

// OpenFile puts the drive of a file on the shelf, without power. The label is not in the file.
// label is the one that was kept; the label of a drive with another serial number is refused. With
// the zero Label only the serial number is known, and no PSID revert is possible. Another drive
// with that serial number may lie on the shelf, as in the field.
func (s *Shelf) OpenFile(path string, label drive.Label, entropy io.Reader) (*Part, io.Closer, error) {
	p := &Part{}
	f, err := drive.OpenFile(path, drive.FileOptions{Entropy: entropy, Wrap: p.wrap})
	if err != nil {
		return nil, nil, err
	}
	p.Drive = f.Drive
	if err := p.labelled("shelf open", label); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	s.parts = append(s.parts, p)
	return p, f, nil
}

// wrap puts the fault injectors around the parts of a drive.
func (p *Part) wrap(parts drive.Parts) drive.Parts {
	p.Flash, p.media = flash.NewFaulty(parts.Flash), drive.NewFaultyMedia(parts.Media)
	parts.Flash, parts.Media = &supplied{p.Flash, p}, p.media
	return parts
}
