package proptest

import (
	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// Drive is what the machine and the sweep test: a drive that is used by sessions, as [*drive.Drive] is.
// [conformance.OfDrive] makes a device of the conformance suite of it, so that one drive goes through the
// suite, the machines of both packages, the sweep and [conformance.Benchmark].
type Drive interface {
	conformance.Opener
	// SelfTest reads the record in force back, and mends it: see the method of [*drive.Drive].
	SelfTest() error
}

// Maker makes drives. Where a function is nil, that of package drive is used.
type Maker struct {
	// Manufacture makes a new drive on parts. It may lose power on the way: then there is a drive and
	// an error that wraps drive.PowerLost. Without a drive the error is of the harness.
	Manufacture func(drive.Config, drive.Parts) (Drive, drive.Label, error)
	// Open gives a drive without power that lives on the flash and the media of parts. It is called
	// for copies and forks of a drive.
	Open func(*drive.Fuses, drive.Parts) (Drive, error)
}

func (m Maker) manufacture(c drive.Config, p drive.Parts) (Drive, drive.Label, error) {
	if m.Manufacture != nil {
		return m.Manufacture(c, p)
	}
	d, label, err := drive.Manufacture(c, p)
	if d == nil {
		return nil, label, err
	}
	return d, label, err
}

func (m Maker) open(f *drive.Fuses, p drive.Parts) (Drive, error) {
	if m.Open != nil {
		return m.Open(f, p)
	}
	d, err := drive.Open(f, p)
	if d == nil {
		return nil, err
	}
	return d, err
}
