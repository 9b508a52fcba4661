package host

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// maxBands is how many bands Enterprise can number beside the global one.
const maxBands = 1023

// MSID is the factory PIN, which anybody may read (Enterprise 4.3.1, C_PIN_MSID). The caller clears it.
func (d *Device) MSID() (pin drive.PIN, err error) {
	err = d.with(spec.AdminSP, func(s *Session) error {
		pin, err = s.MSID()
		return err
	})
	return pin, err
}

// MSID is Device.MSID in a session with the Admin SP.
func (s *Session) MSID() (pin drive.PIN, err error) {
	row, err := s.Get(spec.CPINMSID, "PIN", "PIN")
	if err != nil {
		return pin, err
	}
	v, ok := row.Value("PIN")
	b, isBytes := v.Bytes()
	if !ok || !isBytes {
		return pin, malformed("Get on C_PIN_MSID", "it has no PIN")
	}
	if pin, err = drive.NewPIN(b); err != nil {
		return pin, malformed("Get on C_PIN_MSID", "its PIN has %d bytes, need 1 to %d", len(b), drive.PINSize)
	}
	return pin, nil
}

// with opens a session as Anybody, runs do, and closes the session.
func (d *Device) with(sp spec.UID, do func(*Session) error) error {
	s, err := d.Start(sp, SessionOptions{})
	if err != nil {
		return err
	}
	return s.ending(do(s))
}

// as opens a session for an authority at its service provider, runs do, and closes the session.
func (d *Device) as(who spec.UID, pin drive.PIN, do func(*Session) error) error {
	s, err := d.StartAs(d.Home(who), who, pin, SessionOptions{})
	if err != nil {
		return err
	}
	return s.ending(do(s))
}

// ending closes a session behind what was done in it, and gives the first error: one that a broken way
// gives once more at closing says nothing new.
func (s *Session) ending(err error) error {
	closed := ignoreClosed(s.Close())
	if err != nil {
		return err
	}
	return closed
}

// Home is the service provider that an authority is in.
func (d *Device) Home(who spec.UID) spec.UID {
	if who == spec.SID || who == spec.PSID || who.Table() == spec.AuthorityTable && uint32(who)&^0xFF == 0x200 {
		return spec.AdminSP
	}
	return d.locking
}

// CPIN is the row of table C_PIN of an authority.
func CPIN(who spec.UID) spec.UID {
	if who == spec.SID {
		return spec.CPINSID
	}
	return spec.CPINTable | who&0xFFFFFFFF
}

// LockingInfo is the row of table LockingInfo (Core 5.7.2.1). What a device leaves out is 0.
type LockingInfo struct {
	MaxRanges            int // beside the global one
	AlignmentRequired    bool
	LogicalBlockSize     uint64 // bytes
	AlignmentGranularity uint64 // blocks
	LowestAlignedLBA     uint64
}

// LockingInfo reads how many ranges there are, and where they may begin.
func (d *Device) LockingInfo() (i LockingInfo, err error) {
	err = d.with(d.locking, func(s *Session) error {
		i, err = s.LockingInfo()
		return err
	})
	return i, err
}

// LockingInfo is Device.LockingInfo in a session with the Locking SP.
func (s *Session) LockingInfo() (i LockingInfo, err error) {
	row, err := s.Get(spec.LockingInfoRow, "", "")
	if err != nil {
		return i, err
	}
	ranges, ok := row.Uint("MaxRanges")
	if !ok || ranges > maxBands {
		return i, malformed("Get on LockingInfo", "MaxRanges is not there, or above %d", maxBands)
	}
	i.MaxRanges = int(ranges)
	i.AlignmentRequired, _ = row.Bool("AlignmentRequired")
	i.LogicalBlockSize, _ = row.Uint("LogicalBlockSize")
	i.AlignmentGranularity, _ = row.Uint("AlignmentGranularity")
	i.LowestAlignedLBA, _ = row.Uint("LowestAlignedLBA")
	return i, nil
}

// BandConfig is what the BandMaster of a band sets beside its locks. Start and Length are in blocks, and
// not looked at for the global band. LockOnReset holds kinds of reset, such as spec.PowerCycle.
type BandConfig struct {
	Start, Length                     uint64
	ReadLockEnabled, WriteLockEnabled bool
	LockOnReset                       []uint64
}

// Band is a row of table Locking (Core 5.7.2.2).
type Band struct {
	N    int // 0 is the global one
	Name string
	BandConfig
	ReadLocked, WriteLocked bool
	Hidden                  bool // who asked may not read the rest (Opal)
	// MasterDisabled says that its BandMaster may not authenticate (Enterprise, column Enabled of table
	// Authority); false where the device does not tell it.
	MasterDisabled bool
}

// Bands reads all bands that the device has, the global one first.
func (d *Device) Bands() (all []Band, err error) {
	if !d.names {
		return nil, errNotEnterprise
	}
	err = d.with(d.locking, func(s *Session) error {
		i, err := s.LockingInfo()
		if err != nil {
			return err
		}
		for n := range i.MaxRanges + 1 {
			b, err := s.Band(n)
			if err != nil {
				return err
			}
			all = append(all, b)
		}
		return nil
	})
	return all, err
}

// errNotEnterprise refuses a whole task on a device of another SSC.
var errNotEnterprise = errors.New("tcg: the device does not speak SSC Enterprise")

// Band reads a band in a session with the Locking SP of an Enterprise device. A device has no word for
// a band that it has not: it is a StatusError with NotAuthorized.
func (s *Session) Band(n int) (b Band, err error) {
	row, err := s.Get(spec.Band(n), "Name", "LockOnReset")
	if err != nil {
		return b, err
	}
	b.N = n
	b.Name, _ = row.Text("Name")
	var ok, isUint bool
	b.Start, ok = row.Uint("RangeStart")
	b.Length, isUint = row.Uint("RangeLength")
	if !ok || !isUint {
		return b, malformed("Get on "+spec.Name(spec.Band(n)), "RangeStart or RangeLength is no number")
	}
	if err := b.flags(row); err != nil {
		return b, err
	}
	enabled, err := s.Enabled(spec.BandMaster(n))
	var refused *StatusError
	if errors.As(err, &refused) {
		return b, nil // the device does not tell it to who asks
	}
	b.MasterDisabled = err == nil && !enabled
	return b, err
}

// Enabled says whether an authority of the session's service provider may authenticate (Core 5.3.2.10).
func (s *Session) Enabled(who spec.UID) (bool, error) {
	row, err := s.Get(who, "Enabled", "Enabled")
	if err != nil {
		return false, err
	}
	on, ok := row.Bool("Enabled")
	if !ok {
		return false, malformed("Get on "+spec.Name(who), "Enabled is neither true nor false")
	}
	return on, nil
}

func (b *Band) flags(row Row) error {
	doing := "Get on " + spec.Name(spec.Band(b.N))
	for _, f := range []struct {
		column string
		to     *bool
	}{
		{"ReadLockEnabled", &b.ReadLockEnabled},
		{"WriteLockEnabled", &b.WriteLockEnabled},
		{"ReadLocked", &b.ReadLocked},
		{"WriteLocked", &b.WriteLocked},
	} {
		v, ok := row.Bool(f.column)
		if !ok {
			return malformed(doing, "%s is neither true nor false", f.column)
		}
		*f.to = v
	}
	v, _ := row.Value("LockOnReset")
	items, ok := v.List()
	if !ok {
		return malformed(doing, "LockOnReset is no list")
	}
	for _, i := range items {
		u, ok := i.Uint()
		if !ok {
			return malformed(doing, "LockOnReset has what is no number")
		}
		b.LockOnReset = append(b.LockOnReset, u)
	}
	return nil
}

// Owner is who is to own a device. In an Opal device SID is all there is to it. Bands has a PIN for each band that gets one, by its number; the
// BandMasters of the others keep MSID.
type Owner struct {
	SID, EraseMaster drive.PIN
	Bands            []drive.PIN
}

// TakeOwnership gives SID, EraseMaster and the BandMasters PINs in place of MSID, one after the other. It
// can be called again when it was interrupted: who has its new PIN already keeps it. An authority that
// has neither MSID nor its new PIN is a StatusError with NotAuthorized, and those behind it keep MSID.
func (d *Device) TakeOwnership(o Owner) error {
	if !d.names && (o.EraseMaster.Len() > 0 || len(o.Bands) > 0) {
		return errNotEnterprise
	}
	msid, err := d.MSID()
	if err != nil {
		return err
	}
	defer msid.Clear()
	if !d.names {
		return d.take(spec.SID, msid, o.SID)
	}
	for _, a := range []struct {
		who spec.UID
		pin drive.PIN
	}{{spec.SID, o.SID}, {spec.EraseMaster, o.EraseMaster}} {
		if err := d.take(a.who, msid, a.pin); err != nil {
			return err
		}
	}
	for n, pin := range o.Bands {
		if err := d.take(spec.BandMaster(n), msid, pin); err != nil {
			return err
		}
	}
	return nil
}

// take sets a PIN where there is MSID, or finds that it is there already.
func (d *Device) take(who spec.UID, msid, pin drive.PIN) error {
	err := d.SetPIN(who, msid, pin)
	if !errors.Is(err, spec.NotAuthorized) {
		return err
	}
	if d.as(who, pin, func(*Session) error { return nil }) == nil {
		return nil
	}
	return fmt.Errorf("tcg: %s has neither the factory PIN nor the new one: %w", spec.Name(who), err)
}

// SetPIN gives an authority another PIN, as itself.
func (d *Device) SetPIN(who spec.UID, old, pin drive.PIN) error {
	return d.as(who, old, func(s *Session) error {
		return s.Set(CPIN(who), Cell{"PIN", token.B(pin.Bytes())})
	})
}

// SetBand sets a band's place, which locks are enabled, and which resets lock it, as its BandMaster, in
// one step.
func (d *Device) SetBand(n int, pin drive.PIN, c BandConfig) error {
	return d.SetColumns(n, pin, c.Cells(n)...)
}

// Cells are the columns that make a band so.
func (c *BandConfig) Cells(n int) []Cell {
	var resets []token.Value
	for _, r := range c.LockOnReset {
		resets = append(resets, token.U(r))
	}
	var cells []Cell
	if n > 0 {
		cells = []Cell{{"RangeStart", token.U(c.Start)}, {"RangeLength", token.U(c.Length)}}
	}
	return append(cells,
		Cell{"ReadLockEnabled", token.Bool(c.ReadLockEnabled)}, Cell{"WriteLockEnabled", token.Bool(c.WriteLockEnabled)},
		Cell{"LockOnReset", token.L(resets...)})
}

// SetColumns sets some columns of a band, as its BandMaster, in one step: those that are not named stay
// as they are. SetBand sets all that belong to its BandMaster beside the locks.
func (d *Device) SetColumns(n int, pin drive.PIN, cells ...Cell) error {
	if !d.names {
		return errNotEnterprise
	}
	return d.as(spec.BandMaster(n), pin, func(s *Session) error { return s.Set(spec.Band(n), cells...) })
}

// SetLocks locks or opens a band for reading and writing, as its BandMaster. A lock counts where it is
// enabled.
func (d *Device) SetLocks(n int, pin drive.PIN, read, write bool) error {
	if !d.names {
		return errNotEnterprise
	}
	return d.as(spec.BandMaster(n), pin, func(s *Session) error {
		return s.Set(spec.Band(n), Cell{"ReadLocked", token.Bool(read)}, Cell{"WriteLocked", token.Bool(write)})
	})
}

// GenKey gives a band a new key, as its BandMaster: what was written is gone (Core 5.3.3.16).
func (d *Device) GenKey(n int, pin drive.PIN) error {
	if !d.names {
		return errNotEnterprise
	}
	return d.as(spec.BandMaster(n), pin, func(s *Session) error { return s.GenKey(spec.Band(n)) })
}

// GenKey gives a row of table Locking a new key, as one who may (Core 5.3.3.16).
func (s *Session) GenKey(row spec.UID) error {
	cells, err := s.Get(row, "ActiveKey", "ActiveKey")
	if err != nil {
		return err
	}
	v, _ := cells.Value("ActiveKey")
	key, ok := v.UID()
	if !ok {
		return malformed("Get on "+spec.Name(row), "ActiveKey is no UID, or not for who asks")
	}
	_, err = s.Call(spec.UID(key), spec.GenKey)
	return err
}

// Erase erases a band cryptographically, as EraseMaster: it has a new key, its locks are open, its
// BandMaster is back at MSID (Enterprise 5.1, method Erase).
func (d *Device) Erase(n int, eraseMaster drive.PIN) error {
	if !d.names {
		return errNotEnterprise
	}
	return d.as(spec.EraseMaster, eraseMaster, func(s *Session) error {
		_, err := s.Call(spec.Band(n), spec.Erase)
		return err
	})
}

// Revert sets the device back to what it was when it was made, with the PSID of its label: all data is
// gone (PSID feature set 1.00, 4.2).
func (d *Device) Revert(psid drive.PIN) error {
	return d.as(spec.PSID, psid, func(s *Session) error {
		_, err := s.Call(spec.AdminSP, spec.Revert)
		return err
	})
}

// Authority is a row of table Authority, as far as anybody may read it.
type Authority struct {
	UID     spec.UID
	Name    string
	Enabled bool
	IsClass bool
	Hidden  bool // who asked may read the name alone: Opal tells its Admins more
}

// Authorities reads who there is at a service provider, as far as Anybody may.
func (d *Device) Authorities(sp spec.UID) ([]Authority, error) {
	return d.AuthoritiesBy(sp, Credential{})
}

// AuthoritiesBy reads who there is at a service provider, as far as somebody may.
func (d *Device) AuthoritiesBy(sp spec.UID, by Credential) (all []Authority, err error) {
	open := d.with
	if by.Who != spec.Null {
		open = func(sp spec.UID, do func(*Session) error) error { return d.by(sp, by, do) }
	}
	err = open(sp, func(s *Session) error {
		rows, err := s.Next(spec.AuthorityTable, spec.Null, 0)
		if err != nil {
			return err
		}
		if len(rows) > 4096 {
			return malformed("Next on Authority", "%d rows", len(rows))
		}
		for _, u := range rows {
			row, err := s.Get(u, "", "")
			if err != nil {
				return err
			}
			a := Authority{UID: u, Name: spec.Name(u)}
			var told bool
			a.Enabled, told = row.Bool("Enabled")
			a.Hidden = !told
			a.IsClass, _ = row.Bool("IsClass")
			all = append(all, a)
		}
		return nil
	})
	return all, err
}
