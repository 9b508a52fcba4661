package drive

import "github.com/seed-9d983aeb/fdelab/internal/xts"

// Read fills dst, a whole number of sectors, from lba on. A sector that was
// never written reads as zeros; one written under a key that is gone reads as
// noise. Errors: InvalidParameter for a length that is no whole number of
// sectors, OutOfRange, Locked, Degraded, MediaFailure, NoPower; dst is then
// undefined. It fails at once, it never waits. While the MBR shadow of an Opal drive is enabled and not
// done, its sectors read from the shadow, whatever is locked.
func (d *Drive) Read(lba uint64, dst []byte) error {
	const op = "read"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.access(op, lba, len(dst), readLocked); err != nil {
		return err
	}
	size := d.cfg.SectorSize
	m, run := d.parts.Media.(Runner)
	if run = run && !d.shadowed(lba); run { // the shadow lies before everything else
		if err := m.ReadSectors(lba, dst); err != nil {
			return &StatusError{Op: op, State: d.state(), Code: MediaFailure, Err: err}
		}
	}
	for i := 0; i < len(dst); i, lba = i+size, lba+1 {
		sector := dst[i : i+size]
		if d.shadowed(lba) {
			if err := d.readShadow(op, lba, sector); err != nil {
				return err
			}
			continue
		}
		var written bool
		var err error
		if run {
			written = !constant(sector, 0)
		} else {
			written, err = d.parts.Media.ReadSector(lba, sector)
		}
		if err != nil {
			return &StatusError{Op: op, State: d.state(), Code: MediaFailure, Err: err}
		}
		if written && isSpoilt(sector) {
			return d.refuse(op, MediaFailure, "sector %d was declared uncorrectable", lba)
		}
		if written {
			d.ram[d.rangeOf(lba)].cipher.Decrypt(sector, sector, lba)
		}
	}
	return nil
}

// Write encrypts and stores src, a whole number of sectors, from lba on. Errors
// as Read; what was written before a MediaFailure stays written. What lies under an MBR shadow that is
// enabled and not done is Locked.
func (d *Drive) Write(lba uint64, src []byte) error {
	const op = "write"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.access(op, lba, len(src), writeLocked); err != nil {
		return err
	}
	if err := d.soil(op); err != nil {
		return err
	}
	size := d.cfg.SectorSize
	m, run := d.parts.Media.(Runner)
	most := size
	if run {
		most = min(len(src), runSize)
	}
	buf := borrow(most)
	defer pages.Put(buf)
	for len(src) > 0 {
		part := (*buf)[:min(most, len(src))]
		for i := 0; i < len(part); i += size {
			at := lba + uint64(i/size)
			d.ram[d.rangeOf(at)].cipher.Encrypt(part[i:i+size], src[i:i+size], at)
		}
		var err error
		if run {
			err = m.WriteSectors(lba, part)
		} else {
			err = d.parts.Media.WriteSector(lba, part)
		}
		if err != nil {
			return &StatusError{Op: op, State: d.state(), Code: MediaFailure, Err: err}
		}
		lba, src = lba+uint64(len(part)/size), src[len(part):]
	}
	return nil
}

// lock says whether a direction of a range is locked.
type lock func(*rangeRecord, *rangeRAM) bool

func readLocked(g *rangeRecord, m *rangeRAM) bool { return g.cfg.ReadLockEnabled && m.readLocked }

func writeLocked(g *rangeRecord, m *rangeRAM) bool { return g.cfg.WriteLockEnabled && m.writeLocked }

// access checks a whole transfer of n bytes before a byte of it moves, and has the cipher
// of every range that it touches ready.
func (d *Drive) access(op string, lba uint64, n int, locked lock) error {
	if err := d.moves(op); err != nil {
		return err
	}
	size := d.cfg.SectorSize
	if n == 0 || n%size != 0 {
		return d.refuse(op, InvalidParameter, "%d bytes are no whole number of %d-byte sectors", n, size)
	}
	return d.admit(op, lba, uint64(n/size), locked)
}

// moves says whether data of a host may move at all.
func (d *Drive) moves(op string) error {
	if err := d.settled(op); err != nil {
		return err
	}
	return d.sanitizing(op)
}

// settled refuses without a record, and in SecurityDegraded.
func (d *Drive) settled(op string) error {
	if err := d.ready(op); err != nil {
		return err
	}
	if d.state() == SecurityDegraded {
		return d.refuse(op, Degraded, "no host data moves until the drive is restored or erased")
	}
	return nil
}

// admit is access for a number of sectors.
func (d *Drive) admit(op string, lba, sectors uint64, locked lock) error {
	if err := d.moves(op); err != nil {
		return err
	}
	if sectors == 0 {
		return d.refuse(op, InvalidParameter, "0 sectors, need at least 1")
	}
	if lba >= d.cfg.Sectors || sectors > d.cfg.Sectors-lba {
		return d.refuse(op, OutOfRange, "sectors %d to %d, the last is %d", lba, lba+sectors-1, d.cfg.Sectors-1)
	}
	for at, end := lba, lba+sectors; at < end; at = d.stretch(at, end) {
		if d.shadowed(at) {
			if op != "read" {
				return d.refuse(op, Locked, "sector %d is in the MBR shadow", at)
			}
			continue
		}
		r := d.rangeOf(at)
		m := &d.ram[r]
		if locked(&d.rec.ranges[r], m) || m.mek == nil {
			return d.refuse(op, Locked, "range %d", r)
		}
		if err := d.cipherReady(op, r); err != nil {
			return err
		}
	}
	return nil
}

// stretch is where the sectors from at on, as far as end, stop being alike: of one range, and all of them in the
// MBR shadow or none. A command may name billions of sectors, and the drive is locked while they are looked at.
func (d *Drive) stretch(at, end uint64) uint64 {
	next := func(edge uint64) {
		if edge > at {
			end = min(end, edge)
		}
	}
	if d.shadowed(at) {
		next(d.shadowEnd())
	}
	for n := range d.rec.ranges {
		c := &d.rec.ranges[n].cfg
		next(c.Start)
		next(c.Start + c.Length)
	}
	return end
}

// cipherReady makes the cipher of range r where there is none yet, or fails where its key is not there.
func (d *Drive) cipherReady(op string, r int) error {
	m := &d.ram[r]
	if m.cipher != nil {
		return nil
	}
	if m.mek == nil {
		return d.refuse(op, Locked, "range %d", r)
	}
	c, err := xts.New(m.mek, d.cfg.SectorSize)
	if err != nil {
		return d.named(op, err)
	}
	m.cipher = c
	return nil
}
