package conformance

import (
	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// Device is a drive under test, as a host sees it: the least that the suite needs. Whatever else a
// drive can do is a capability, which the suite finds by type assertion.
//
// Every command carries the PIN of the authority that gives it. A refusal is an error that wraps a
// drive.Code, so that errors.Is(err, drive.Locked) holds. The suite looks at the kind of a refusal
// only where a host would act on it. It gives one command at a time, but for the properties that
// need the capability Concurrent. A Device that is an io.Closer is closed when the suite is done with
// it; a property uses the last four that it made.
type Device interface {
	// Identify says what the device is. It needs power.
	Identify() (Identity, error)
	// MSID is the factory PIN, which anyone may read.
	MSID() (drive.PIN, error)
	// Try proves that pin is the PIN of who, as the start of a session does, and does nothing more.
	Try(who drive.Authority, pin drive.PIN) error
	// SetPIN gives who the PIN to.
	SetPIN(who drive.Authority, pin, to drive.PIN) error
	// SetRange places range n and enables its locks, as BandMaster(n). Range 0 is the rest of the
	// drive: its Start and Length are 0.
	SetRange(n int, pin drive.PIN, c drive.RangeConfig) error
	// SetLocks closes (true) or opens the locks of range n, as BandMaster(n).
	SetLocks(n int, pin drive.PIN, read, write bool) error
	// Erase erases range n cryptographically, with the PIN of EraseMaster. Its BandMaster has MSID
	// afterwards, and its locks are not enabled; it keeps its place.
	Erase(n int, pin drive.PIN) error
	// Revert sets the device to factory defaults with the PIN of its label. Every key is new.
	Revert(psid drive.PIN) error
	// Read and Write move whole sectors from lba on.
	Read(lba uint64, dst []byte) error
	Write(lba uint64, src []byte) error
	// Flush returns once every write that was answered survives a loss of power.
	Flush() error
	// PowerOff takes power away, at once. PowerOn gives it back; on a powered device it does nothing.
	PowerOff()
	PowerOn() error
	// Reset is a reset without loss of power.
	Reset(drive.ResetKind) error
}

// Identity is what a device says of itself.
type Identity struct {
	Maker, Model, Serial string
	SectorSize           int    // bytes, 512 or 4096
	Sectors              uint64 // capacity
	Ranges               int    // beside the global one
	TryLimit             uint16 // wrong PINs until lock-out, for each authority and the PSID; 0: none
	Persistent           bool   // a power cycle keeps the counts of wrong PINs
	Granularity          uint64 // ranges begin and end on this grid, in sectors; 0 and 1: none
}

// Wish is the device that the suite would like to have next. A device does what it can; what it
// really is it says by Identify. Seed names the device: two with the same seed are alike in all that
// the maker decides, keys included where the device is fed with Entropy.
type Wish struct {
	Seed       uint64
	SectorSize int
	Sectors    uint64
	Ranges     int
	TryLimit   uint16
	Persistent bool
	// Granularity is the grid of ranges in sectors; 0 is none.
	Granularity uint64
	Geometry    flash.Geometry
	// Entropy feeds the device from its manufacture on; nil is a source of its own.
	Entropy *Entropy
	// Parts are held by the suite. A device that is built from them says so by OnParts, and has
	// the capabilities Dump, Breaks and Feed by that alone.
	Parts drive.Parts
}

// Entropy is a random source that the suite feeds: Bytes, and then the source fails, or begins
// again where Repeat is set. No bytes at all is a dead source.
type Entropy struct {
	Bytes  []byte
	Repeat bool
}

// Maker makes a new device. It returns the label, of which the suite needs the PSID. An error with
// a device is a manufacture that failed half-way, with an entropy that is broken for example.
type Maker func(Wish) (Device, drive.Label, error)

// Config is the wish as a configuration of a simulated drive.
func (w Wish) Config() drive.Config {
	return drive.Config{
		Serial: serial(w.Seed), Model: "conformance", SectorSize: w.SectorSize, Sectors: w.Sectors, Ranges: w.Ranges,
		TryLimit: w.TryLimit, Persistent: w.Persistent, PBKDF2Iterations: 2,
		AlignmentGranularity: w.Granularity,
	}
}
