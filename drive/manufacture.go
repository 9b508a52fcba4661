package drive

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// Validate says in one line what is wrong with a configuration.
func (c *Config) Validate() error {
	printable := func(s string) bool {
		for _, r := range []byte(s) {
			if r < ' ' || r > '~' {
				return false
			}
		}
		return true
	}
	switch {
	case len(c.Serial) < 1 || len(c.Serial) > 20 || !printable(c.Serial):
		return fmt.Errorf("drive: serial %q, need 1 to 20 printable ASCII characters", c.Serial)
	case len(c.Model) > 40 || !printable(c.Model):
		return fmt.Errorf("drive: model %q, need at most 40 printable ASCII characters", c.Model)
	case c.SectorSize != 512 && c.SectorSize != 4096:
		return fmt.Errorf("drive: sectors of %d bytes, need 512 or 4096", c.SectorSize)
	case c.Sectors < 1 || c.Sectors > 1<<48:
		return fmt.Errorf("drive: %d sectors, need 1 to 2^48", c.Sectors)
	case c.Ranges < 0 || c.Ranges > MaxRanges:
		return fmt.Errorf("drive: %d ranges beside the global one, need 0 to %d", c.Ranges, MaxRanges)
	case c.AlignmentGranularity > 1<<32:
		return fmt.Errorf("drive: an alignment granularity of %d sectors, need at most 2^32", c.AlignmentGranularity)
	case c.LowestAlignedLBA != 0 && c.LowestAlignedLBA >= c.AlignmentGranularity:
		return fmt.Errorf("drive: lowest aligned LBA %d, need one below the alignment granularity %d", c.LowestAlignedLBA, c.AlignmentGranularity)
	case c.Personality > Opal:
		return fmt.Errorf("drive: personality %d, need %d (Enterprise) or %d (Opal)", c.Personality, Enterprise, Opal)
	case c.Personality == Enterprise && (c.MBRSize != 0 || c.DataStoreSize != 0):
		return errors.New("drive: an MBR shadow or a DataStore, which an Enterprise drive does not have; need 0 bytes")
	case c.Personality == Opal && c.Ranges > maxOpalRanges:
		return fmt.Errorf("drive: %d ranges beside the global one, need 0 to %d in an Opal drive", c.Ranges, maxOpalRanges)
	case c.MBRSize%uint64(c.SectorSize) != 0 || c.DataStoreSize%uint64(c.SectorSize) != 0 || c.MBRSize > maxTable || c.DataStoreSize > maxTable:
		return fmt.Errorf("drive: tables of %d and %d bytes, need multiples of %d up to 2^40", c.MBRSize, c.DataStoreSize, c.SectorSize)
	case c.PBKDF2Iterations < 1 || c.PBKDF2Iterations > 10_000_000:
		return fmt.Errorf("drive: %d PBKDF2 iterations, need 1 to 10,000,000", c.PBKDF2Iterations)
	}
	return nil
}

// build checks configuration and parts, and makes a drive without power.
func build(cfg Config, parts Parts) (*Drive, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if parts.Flash == nil || parts.Media == nil || parts.Entropy == nil {
		return nil, errors.New("drive: a drive needs flash, media and a source of randomness")
	}
	worst := worstRecord(&cfg)
	worst.sanitize = &sanitizeRecord{}
	if g := parts.Flash.Geometry(); worst.size() > g.PageSize {
		return nil, fmt.Errorf("drive: a record of %d ranges takes %d bytes, a flash page has %d", cfg.Ranges+1, worst.size(), g.PageSize)
	}
	return &Drive{cfg: cfg, parts: parts, fuses: new(Fuses), entropy: entropy.Checked(parts.Entropy)}, nil
}

// worstRecord is as long as the longest record of an Enterprise drive, and as that of an Opal drive in
// which the Admins are granted everything.
func worstRecord(cfg *Config) record {
	if cfg.Personality == Opal {
		k := &areaKeys{wraps: make([][AKWrapSize]byte, 1+Admins)}
		r := record{slots: make([]slotRecord, opalSlots), ranges: make([]rangeRecord, cfg.Ranges+1)}
		for n := range r.ranges {
			r.ranges[n].opal = k
		}
		r.opal = &opalRecord{mbr: tableRecord{keys: k}, stores: []tableRecord{{keys: k}}}
		return r
	}
	r := record{slots: make([]slotRecord, cfg.Ranges+3), ranges: make([]rangeRecord, cfg.Ranges+1)}
	for n := range r.ranges {
		r.ranges[n].wraps = make([]wrapRecord, 1)
	}
	return r
}

// Manufacture makes a drive on a blank flash: burns the fuses, prints the
// label, writes the first record (state Erased, every PIN at MSID; of an Opal
// drive ManufacturedInactive) and leaves the drive powered on. If power is lost meanwhile (PowerLost) or the flash
// takes no record (HardwareFailure) it returns the drive, whose fuses are burnt,
// with the error: power it on, and a PSID revert finishes the job.
func Manufacture(cfg Config, parts Parts) (*Drive, Label, error) {
	d, err := build(cfg, parts)
	if err != nil {
		return nil, Label{}, err
	}
	if len(parts.Flash.Dump()) != 0 {
		return nil, Label{}, fmt.Errorf("drive: manufacture of %s: the flash is not blank", cfg.Serial)
	}
	label := Label{Serial: cfg.Serial}
	err = d.manufacture(&label)
	if errors.Is(err, EntropyFailure) {
		return nil, Label{}, err
	}
	return d, label, err
}

// manufacture is Manufacture for a drive that build made. Where the source of randomness fails
// there is no drive, and every key that was drawn before is cleared.
func (d *Drive) manufacture(label *Label) error {
	const op = "manufacture"
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.burn(label)
	if err == nil && d.cfg.Personality == Opal {
		err = d.revertOpal(op)
	} else if err == nil {
		var first record
		if first, err = d.factoryRecord(); err == nil {
			err = d.eraseStep(op, EventErase, first, 0, len(first.ranges), nil)
		}
	}
	if errors.Is(err, EntropyFailure) {
		err = d.named(op, err)
		d.dropPower()
		d.fuses.Clear()
		label.MSID.Clear()
		label.PSID.Clear()
	}
	if err != nil {
		return err
	}
	d.trusted = true
	return nil
}

// burn draws the keys and PINs of the fuses and the label, and switches the drive on without a
// record.
func (d *Drive) burn(label *Label) error {
	d.fuses.Config, d.fuses.Root = d.cfg, new(secret.Key32)
	if err := d.random(d.fuses.Root[:]); err != nil {
		return err
	}
	for _, p := range []*PIN{&label.MSID, &label.PSID} {
		if err := d.printedPIN(p); err != nil {
			return err
		}
	}
	d.fuses.MSID = label.MSID.Clone()
	ak, err := d.newAK()
	if err != nil {
		return err
	}
	defer ak.Clear()
	if err := d.seal(&d.fuses.PSIDSlot, label.PSID, ak); err != nil {
		return err
	}
	d.parts.Flash.PowerOn()
	d.powered = true
	d.store = newStore(d.parts.Flash, d.cfg.Personality.recordVersion())
	d.rootKEK = RootKEK(d.fuses.Root)
	d.distrust()
	return nil
}

// printedPIN draws a PIN that can stand on a label: 32 characters of an
// alphabet of 32, 160 bits.
func (d *Drive) printedPIN(p *PIN) error {
	const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	var b secret.Key32
	defer b.Clear()
	if err := d.random(b[:]); err != nil {
		return err
	}
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	*p = CredentialPIN(&b)
	return nil
}

// factoryRecord is a record with every PIN at MSID and no place for any range
// but the global one; eraseStep gives the ranges their keys.
func (d *Drive) factoryRecord() (record, error) {
	r := record{state: d.rec.state, ranges: make([]rangeRecord, d.cfg.Ranges+1)}
	for _, a := range []Authority{SID, EraseMaster} {
		ak, err := d.newAK()
		if err != nil {
			return r, err
		}
		slot := slotRecord{authority: a, atMSID: true}
		err = d.seal(&slot.slot, d.fuses.MSID, ak)
		ak.Clear()
		if err != nil {
			return r, err
		}
		r.slots = append(r.slots, slot)
	}
	for n := range r.ranges {
		r.slots = append(r.slots, slotRecord{authority: BandMaster(n)})
	}
	return r, nil
}

// Open attaches a drive to flash and media that lived on. The drive is off. It
// takes a copy of f.
func Open(f *Fuses, parts Parts) (*Drive, error) {
	if parts.Flash != nil {
		parts.Flash.PowerOff()
	}
	d, err := build(f.Config, parts)
	if err != nil {
		return nil, err
	}
	d.fuses = f.clone()
	return d, nil
}

// Fuses is what an attacker gets who opens the chip, a copy with bytes of its
// own. No host command reads it.
func (d *Drive) Fuses() *Fuses { return d.fuses.clone() }
