package drive

import "github.com/seed-9d983aeb/fdelab/drive/flash"

// Dump is everything physical outside the fuses: what a thief with a soldering
// iron and the platters has.
type Dump struct {
	Geometry flash.Geometry
	Flash    []flash.Page // every page with a programmed bit, in order; see Unread
	// Sector is the ciphertext of one sector, false if it was never written or
	// cannot be read.
	Sector  func(lba uint64) ([]byte, bool)
	Written []uint64 // LBAs ever written, ascending
}

// Unread is why a page of the flash cannot be read, of the first of them; nil if all were. What searches a
// dump that has one cannot say that something is not there.
func (d Dump) Unread() error {
	for _, p := range d.Flash {
		if p.Err != nil {
			return p.Err
		}
	}
	return nil
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
