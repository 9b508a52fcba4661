package drive

import (
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// Dump is everything physical outside the fuses: what a thief with a soldering
// iron and the platters has.
type Dump struct {
	Geometry flash.Geometry
	Flash    []flash.Page // every page with a programmed bit, in order
	// Sector is the ciphertext of one sector, false if it was never written or
	// cannot be read.
	Sector  func(lba uint64) ([]byte, bool)
	Written []uint64 // LBAs ever written, ascending
}

// Dump needs neither power nor the firmware's cooperation.
func (d *Drive) Dump() Dump {
	d.mu.Lock()
	defer d.mu.Unlock()
	m, size := d.parts.Media, d.cfg.SectorSize
	return Dump{
		Geometry: d.parts.Flash.Geometry(),
		Flash:    d.parts.Flash.Dump(),
		Written:  m.Written(),
		Sector: func(lba uint64) ([]byte, bool) {
			d.mu.Lock()
			defer d.mu.Unlock()
			b := make([]byte, size)
			ok, err := m.ReadSector(lba, b)
			return b, ok && err == nil
		},
	}
}

// SelfTest reads the record in force back from flash. A record that has rotted
// or cannot be read is written anew from RAM to a fresh block and what is left of it
// is destroyed, and so is one with odd bytes behind it (Status.ScrubNeeded); where
// that fails the drive is security degraded. While a page that may be newer cannot
// be read, the record is written anew and nothing is destroyed: a self test needs
// no PIN. Errors: NoPower, Degraded, HardwareFailure, PowerLost.
func (d *Drive) SelfTest() error {
	const op = "self test"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready(op); err != nil {
		return err
	}
	if d.store.intact(&d.rec) && !d.store.odd {
		return nil
	}
	if !d.store.doubt() {
		// No key changes, so the key generation stays.
		return d.commit(op, "", d.rec.clone())
	}
	// With an unread page behind it the record may be the older one.
	d.rec.doubt = d.store.use[d.store.active] == unread
	if err := d.store.move(&d.rec); err != nil {
		return d.fault(op, err)
	}
	d.publish()
	return nil
}
