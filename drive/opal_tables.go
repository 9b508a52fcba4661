package drive

import (
	"crypto/subtle"
	"encoding/binary"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/xts"
)

// The tables of bytes of an Opal drive, the MBR shadow and the DataStore, lie on the medium behind the last
// sector that hosts address, as sectors of ciphertext under the MEK of their table. A stamp of 16 bytes a
// sector, derived from the MEK and the place, says that the sector was written under this key: where it is
// not there the sector reads as zeros, so a new key makes a table zeros. The stamp is written behind its
// sector. A write of bytes within one sector is whole or not there, also at a power cut; a longer one goes
// sector by sector, in order.
//
//	behind the last sector    the MBR shadow: its sectors, then the sectors of their stamps
//	                          the DataStore tables, one behind the other: likewise
const (
	stampSize = 16
	maxTable  = 1 << 40
)

// MaxDataStores is how many DataStore tables an Opal drive may have.
const MaxDataStores = 16

// stampSectors is how many sectors the stamps of n sectors take.
func (c *Config) stampSectors(n uint64) uint64 {
	per := uint64(c.SectorSize / stampSize)
	return (n + per - 1) / per
}

// MediaSectors is how many sectors the medium has: Sectors, and behind them those of an Opal drive's MBR shadow
// and DataStore.
func (c *Config) MediaSectors() uint64 {
	mbr, store := c.MBRSize/uint64(c.SectorSize), c.DataStoreSize/uint64(c.SectorSize)
	return c.Sectors + mbr + c.stampSectors(mbr) + store + c.stampSectors(store)
}

// tableRoom is a table that is read or written: where it is, and its keys.
type tableRoom struct {
	d      *Drive
	data   uint64 // first sector of the region
	first  uint64 // number of the table's first sector within the region
	stamps uint64 // first sector of the stamps of the region
	mek    *secret.Key64
	cipher *xts.Cipher
	sector []byte
}

// place finds the region of a table, without keys.
func (d *Drive) place(a Area) tableRoom {
	size := uint64(d.cfg.SectorSize)
	mbr := d.cfg.MBRSize / size
	t := tableRoom{d: d, data: d.cfg.Sectors, stamps: d.cfg.Sectors + mbr}
	if a == MBRShadow {
		return t
	}
	t.data = t.stamps + d.cfg.stampSectors(mbr)
	t.stamps = t.data + d.cfg.DataStoreSize/size
	for i := range int(a & 0xFF) {
		t.first += d.rec.opal.stores[i].size / size
	}
	return t
}

// stamp is what the stamp of the table's sector n is, in 16 bytes.
func (t *tableRoom) stamp(n uint64) (out [stampSize]byte) {
	salt := binary.BigEndian.AppendUint64(nil, t.first+n)
	k := secret.Derive32(t.mek[:], salt, "fdelab/table-stamp/1")
	copy(out[:], k[:])
	k.Clear()
	return out
}

// at is where the stamp of the table's sector n lies.
func (t *tableRoom) at(n uint64) (lba uint64, offset int) {
	per := uint64(t.d.cfg.SectorSize / stampSize)
	return t.stamps + (t.first+n)/per, int((t.first+n)%per) * stampSize
}

// read fills dst with the table's sector n, and says whether it was written under this key.
func (t *tableRoom) read(n uint64, dst []byte) (written bool, err error) {
	lba, offset := t.at(n)
	if _, err := t.d.parts.Media.ReadSector(lba, dst); err != nil {
		return false, err
	}
	want := t.stamp(n)
	if subtle.ConstantTimeCompare(dst[offset:offset+stampSize], want[:]) == 0 {
		clear(dst)
		return false, nil
	}
	lba = t.data + t.first + n
	if _, err := t.d.parts.Media.ReadSector(lba, dst); err != nil {
		return false, err
	}
	t.cipher.Decrypt(dst, dst, lba)
	return true, nil
}

// write puts src at an offset of the table's sector n.
func (t *tableRoom) write(n uint64, offset int, src []byte) error {
	stamped, err := t.read(n, t.sector)
	if err != nil {
		return err
	}
	copy(t.sector[offset:], src)
	lba := t.data + t.first + n
	t.cipher.Encrypt(t.sector, t.sector, lba)
	if err := t.d.parts.Media.WriteSector(lba, t.sector); err != nil || stamped {
		return err
	}
	lba, offset = t.at(n)
	if _, err := t.d.parts.Media.ReadSector(lba, t.sector); err != nil {
		return err
	}
	want := t.stamp(n)
	copy(t.sector[offset:], want[:])
	return t.d.parts.Media.WriteSector(lba, t.sector)
}

// shadowed says whether a sector reads from the MBR shadow now.
func (d *Drive) shadowed(lba uint64) bool {
	o := d.rec.opal
	return o != nil && o.mbrEnable && !d.opal.mbrDone && lba < d.shadowEnd()
}

// shadowEnd is the first sector behind the place of the MBR shadow.
func (d *Drive) shadowEnd() uint64 { return d.cfg.MBRSize / uint64(d.cfg.SectorSize) }

// resetShadow sets Done as a reset leaves it.
func (d *Drive) resetShadow(member ResetSet) {
	switch o := d.rec.opal; {
	case o == nil:
	case o.doneOnReset&member != 0:
		d.opal.mbrDone = false
	case member == OnPowerCycle:
		d.opal.mbrDone = o.mbrDone
	}
}

// shadowRoom is the MBR shadow with its keys, which stay in RAM.
func (d *Drive) shadowRoom() (tableRoom, error) {
	m := &d.opal.mbr
	if m.cipher == nil {
		mek, err := d.rootAreaMEK(d.rec.opal.mbr.keys)
		if err != nil {
			return tableRoom{}, err
		}
		m.use(mek)
		if m.cipher, err = xts.New(mek, d.cfg.SectorSize); err != nil {
			m.drop()
			return tableRoom{}, err
		}
	}
	t := d.place(MBRShadow)
	t.mek, t.cipher = m.mek, m.cipher
	return t, nil
}

// readShadow fills dst with a sector of the MBR shadow.
func (d *Drive) readShadow(op string, lba uint64, dst []byte) error {
	t, err := d.shadowRoom()
	if err != nil {
		return d.named(op, err)
	}
	if _, err := t.read(lba, dst); err != nil {
		return &StatusError{Op: op, State: d.state(), Code: MediaFailure, Err: err}
	}
	return nil
}

// MBRControl is the row of the table MBRControl.
type MBRControl struct {
	Enable, Done bool
	DoneOnReset  ResetSet
}

// MBRControl tells the row. Errors: NoPower, Degraded.
func (o *OpalDrive) MBRControl() (MBRControl, error) {
	d := o.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready("mbr control"); err != nil {
		return MBRControl{}, err
	}
	return MBRControl{d.rec.opal.mbrEnable, d.opal.mbrDone, d.rec.opal.doneOnReset}, nil
}

// TableSize is the length of a table in bytes. Errors: InvalidParameter, NoPower, Degraded.
func (o *OpalDrive) TableSize(a Area) (uint64, error) {
	d := o.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready("table size"); err != nil {
		return 0, err
	}
	return d.tableSize("table size", a)
}

func (d *Drive) tableSize(op string, a Area) (uint64, error) {
	if a>>8 == 0 || d.rec.area(a) == nil {
		return 0, d.refuse(op, InvalidParameter, "there is no table %v", a)
	}
	if a == MBRShadow {
		return d.rec.opal.mbr.size, nil
	}
	return d.rec.opal.stores[a&0xFF].size, nil
}

// DataStores is how many DataStore tables there are. Errors: NoPower, Degraded.
func (o *OpalDrive) DataStores() (int, error) {
	d := o.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready("datastores"); err != nil {
		return 0, err
	}
	return len(d.rec.opal.stores), nil
}

// ReadTable fills dst from an offset of a table on. The MBR shadow is read by anybody, a DataStore table by
// who holds it: it takes one of the logins, as those of Begin. Errors: InvalidParameter, KeyNotHeld,
// NoSession, MediaFailure, Degraded, NoPower; dst is then undefined.
func (o *OpalDrive) ReadTable(a Area, offset uint64, dst []byte, by ...*Login) error {
	return o.table("read table", a, offset, len(dst), by, func(t *tableRoom, n uint64, at, from, to int) error {
		_, err := t.read(n, t.sector)
		copy(dst[from:to], t.sector[at:])
		return err
	})
}

// WriteTable writes src at an offset of a table. The MBR shadow takes an Admin of the Locking SP, a DataStore table
// one who holds it. What lies within one sector is written whole or not at all; what was written before a
// failure stays written. Errors as ReadTable.
func (o *OpalDrive) WriteTable(a Area, offset uint64, src []byte, by ...*Login) error {
	return o.table("write table", a, offset, len(src), by, func(t *tableRoom, n uint64, at, from, to int) error {
		return t.write(n, at, src[from:to])
	})
}

// table calls do for each sector that a stretch of a table touches: its number, the offset in it, and the
// part of the stretch that lies there.
func (o *OpalDrive) table(op string, a Area, offset uint64, length int, by []*Login, do func(t *tableRoom, n uint64, at, from, to int) error) error {
	c, err := o.Begin(by...)
	if err != nil {
		return err
	}
	defer c.Abort()
	return c.run(op, func(d *Drive) error {
		size, err := d.tableSize(op, a)
		if err != nil {
			return err
		}
		if offset > size || uint64(length) > size-offset {
			return d.refuse(op, InvalidParameter, "%d bytes from byte %d on, %v has %d", length, offset, a, size)
		}
		t, done, err := c.room(op, a)
		if err != nil {
			return err
		}
		defer done()
		for from := 0; from < length; {
			n, at := (offset+uint64(from))/uint64(d.cfg.SectorSize), int((offset+uint64(from))%uint64(d.cfg.SectorSize))
			to := min(length, from+d.cfg.SectorSize-at)
			if err := do(&t, n, at, from, to); err != nil {
				return &StatusError{Op: op, State: d.state(), Code: MediaFailure, Err: err}
			}
			from = to
		}
		return nil
	})
}

// room is a table with its keys for one of the logins.
func (c *Change) room(op string, a Area) (t tableRoom, done func(), err error) {
	d := c.d
	buf := borrow(d.cfg.SectorSize)
	back := func() {
		clear(*buf)
		pages.Put(buf)
	}
	if a == MBRShadow {
		if op == "write table" && c.admin() == nil {
			err = d.refuse(op, KeyNotHeld, "this takes an Admin of the Locking SP")
		} else {
			t, err = d.shadowRoom()
		}
		t.sector = *buf
		return t, back, err
	}
	k := *d.rec.area(a)
	rk, err := c.rangeKey(op, a, k)
	if err != nil {
		return t, back, err
	}
	defer rk.Clear()
	mek, err := unwrapMEK(rk, &k.mek)
	if err != nil {
		return t, back, err
	}
	cipher, err := xts.New(mek, d.cfg.SectorSize)
	if err != nil {
		mek.Clear()
		return t, back, err
	}
	t = d.place(a)
	t.mek, t.cipher, t.sector = mek, cipher, *buf
	return t, func() { mek.Clear(); cipher.Clear(); back() }, nil
}

// SetMBRControl sets the row of the table MBRControl. It takes an authority of the Locking SP. Errors:
// InvalidParameter for a DoneOnReset that is neither empty nor has the power cycle, KeyNotHeld.
func (c *Change) SetMBRControl(m MBRControl) error {
	const op = "set mbr control"
	return c.run(op, func(d *Drive) error {
		if m.DoneOnReset > opalResets || m.DoneOnReset != 0 && m.DoneOnReset&OnPowerCycle == 0 {
			return d.refuse(op, InvalidParameter, "DoneOnReset %#x, need none or the power cycle among others", uint8(m.DoneOnReset))
		}
		if c.login(func(l *Login) bool { _, ok := holderOf(l.authority); return ok }) == nil {
			return d.refuse(op, KeyNotHeld, "this takes an authority of the Locking SP")
		}
		o := c.next.opal
		o.mbrEnable, o.doneOnReset = m.Enable, m.DoneOnReset
		// Where a power cycle clears it anyway it is of RAM only.
		o.mbrDone = m.Done && m.DoneOnReset == 0
		c.done = m.Done
		return nil
	})
}
