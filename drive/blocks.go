package drive

import (
	"bytes"
	"errors"
)

// Discarder is a Media that forgets sectors: they read as never written afterwards, and hold nothing that was
// there. A Media without it has zeros written, encrypted.
type Discarder interface {
	// Discard forgets n sectors from lba on. Where it fails some of them may be forgotten. With an
	// errors.ErrUnsupported the Media is as one without it.
	Discard(lba, n uint64) error
}

// Syncer is a Media whose writes survive a loss of power only once Sync has come back.
type Syncer interface{ Sync() error }

// Discard makes n sectors from lba on read as zeros, and gives up what they held. Errors as Write: it changes
// nothing where one of the sectors is locked or beyond the end; n is at least 1. Nobody's data get onto the drive,
// so that behind a sanitize operation it is as clean as it was.
func (d *Drive) Discard(lba, n uint64) error {
	const op = "discard"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.admit(op, lba, n, writeLocked); err != nil {
		return err
	}
	return d.discard(op, lba, n)
}

// WriteZeroes writes zeros to n sectors from lba on, with the errors of Write. The medium forgets them, as with
// Discard, but a host has written.
func (d *Drive) WriteZeroes(lba, n uint64) error {
	const op = "write zeroes"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.admit(op, lba, n, writeLocked); err != nil {
		return err
	}
	if err := d.soil(op); err != nil {
		return err
	}
	return d.discard(op, lba, n)
}

// discard is Discard of sectors that the host may write.
func (d *Drive) discard(op string, lba, n uint64) error {
	if m, ok := d.parts.Media.(Discarder); ok {
		if err := m.Discard(lba, n); err == nil {
			return nil
		} else if !errors.Is(err, errors.ErrUnsupported) {
			return &StatusError{Op: op, State: d.state(), Code: MediaFailure, Err: err}
		}
	}
	return d.fill(op, lba, n, make([]byte, d.cfg.SectorSize))
}

// fill writes one sector's content, encrypted, to n sectors whose ciphers are ready.
func (d *Drive) fill(op string, lba, n uint64, content []byte) error {
	buf := borrow(d.cfg.SectorSize)
	defer pages.Put(buf)
	for at := lba; at < lba+n; at++ {
		d.ram[d.rangeOf(at)].cipher.Encrypt(*buf, content, at)
		if err := d.parts.Media.WriteSector(at, *buf); err != nil {
			return &StatusError{Op: op, State: d.state(), Code: MediaFailure, Err: err}
		}
	}
	return nil
}

// spoilt is what a sector holds that a host has declared bad: it is on the medium as it stands here, which is
// no ciphertext that a key of the drive ever makes (the chance is 2^-4096), so no read gets anything from it.
const spoilt = "uncorrectable   "

// Spoil makes n sectors from lba on unreadable until they are written again: reading them is a MediaFailure,
// also after a loss of power. Errors as Write.
func (d *Drive) Spoil(lba, n uint64) error {
	const op = "spoil"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.admit(op, lba, n, writeLocked); err != nil {
		return err
	}
	if err := d.soil(op); err != nil {
		return err
	}
	mark := spoiltSector(d.cfg.SectorSize)
	for at := lba; at < lba+n; at++ {
		if err := d.parts.Media.WriteSector(at, mark); err != nil {
			return &StatusError{Op: op, State: d.state(), Code: MediaFailure, Err: err}
		}
	}
	return nil
}

func spoiltSector(size int) []byte { return bytes.Repeat([]byte(spoilt), size/len(spoilt)) }

// isSpoilt says whether a sector of the medium is one that Spoil wrote.
func isSpoilt(sector []byte) bool {
	for len(sector) >= len(spoilt) && string(sector[:len(spoilt)]) == spoilt {
		sector = sector[len(spoilt):]
	}
	return len(sector) == 0
}

// Readable says whether a host may read n sectors from lba on now, and Writable whether it may write them, with
// the errors of Read and Write. No data moves.
func (d *Drive) Readable(lba, n uint64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.admit("read", lba, n, readLocked)
}

// Writable is described at Readable.
func (d *Drive) Writable(lba, n uint64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.admit("write", lba, n, writeLocked)
}

// Sync has what was written survive a loss of power. Errors: NoPower, Degraded, MediaFailure.
func (d *Drive) Sync() error {
	const op = "sync"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready(op); err != nil {
		return err
	}
	return d.syncMedia(op)
}

func (d *Drive) syncMedia(op string) error {
	if m, ok := d.parts.Media.(Syncer); ok {
		if err := m.Sync(); err != nil {
			return &StatusError{Op: op, State: d.state(), Code: MediaFailure, Err: err}
		}
	}
	return nil
}

// Extenter is a Media that knows where nothing was ever written, without reading it.
type Extenter interface {
	// Extent says whether sector lba may hold something, and how many sectors from it on, n at most and one at
	// least, are alike. Sectors that hold nothing are as never written.
	Extent(lba, n uint64) (written bool, alike uint64)
}

// Extent says whether sector lba may hold something, and how many sectors from it on, n at most, are alike. Sectors
// that hold nothing read as zeros. It looks at 65,536 sectors at most. Errors as Read, of the sectors that are alike:
// where one is Locked, all of them are.
func (d *Drive) Extent(lba, n uint64) (written bool, alike uint64, err error) {
	const most = 1 << 16
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.admit("read", lba, n, func(*rangeRecord, *rangeRAM) bool { return false }); err != nil && !errors.Is(err, Locked) {
		return true, n, err
	}
	alike = min(d.stretch(lba, lba+n)-lba, most)
	if err := d.admit("read", lba, alike, readLocked); err != nil || d.shadowed(lba) {
		return true, alike, err
	}
	if m, ok := d.parts.Media.(Extenter); ok {
		written, alike = m.Extent(lba, alike)
		return written, alike, nil
	}
	return true, alike, nil
}
