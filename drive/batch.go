package drive

import (
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// Batch is what one session changes in one step: all of it, or nothing. The zero value changes
// nothing. PIN is of the session's own authority; Range, Locks and GenKey are of a BandMaster's range;
// Erase is of the EraseMaster.
type Batch struct {
	PIN    PIN          // the new PIN; the zero PIN leaves it as it is
	Range  *RangeConfig // as SetRange takes it
	Locks  *Locks       // as SetLocks takes them
	GenKey bool         // a new media encryption key, as GenKey
	Erase  []int        // ranges to erase, as Erase; none twice
	// Enabled says which authorities may authenticate: the EraseMaster says it of BandMasters, SID of
	// the Makers (Enterprise SSC, column Enabled of table Authority). The wrap that the PIN of a disabled
	// BandMaster opened is destroyed; what is left of it takes the key of EraseMaster too.
	Enabled []Enabled
}

// Enabled is an authority, and whether it may authenticate.
type Enabled struct {
	Who Authority
	On  bool
}

// Makers are the authorities of who made the drive. A drive of ours has none; that SID disables them is
// recorded all the same.
const Makers Authority = 0x0F00

// Enabled says whether an authority may authenticate. Errors: NoPower, Degraded without a record,
// InvalidParameter for one that the drive does not have.
func (d *Drive) Enabled(a Authority) (bool, error) {
	const op = "enabled"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready(op); err != nil {
		return false, err
	}
	if s := d.rec.slot(a); s != nil && s.opal != nil {
		return s.opal.enabled, nil
	}
	if d.cfg.Personality == Enterprise && a == Makers {
		return !d.rec.slot(SID).noMakers, nil
	}
	s := d.rec.slot(a)
	if s == nil {
		return false, d.refuse(op, InvalidParameter, "%v has no key slot", a)
	}
	return s.sealed == nil, nil
}

// enable enables or disables the Makers, or a BandMaster by the AK of EraseMaster.
func (r *record) enable(e Enabled, by *secret.Key32) error {
	if e.Who == Makers {
		r.slot(SID).noMakers = !e.On
		return nil
	}
	switch s := r.slot(e.Who); {
	case e.On && s.sealed != nil:
		return s.reopen(by)
	case !e.On && s.sealed == nil:
		s.shut(by)
	}
	return nil
}

// mayEnable says whether one authority enables and disables the other.
func mayEnable(who, whom Authority) bool {
	_, band := whom.Band()
	return who == EraseMaster && band || who == SID && whom == Makers
}

// Locks are the locks of a range; each counts only while it is enabled.
type Locks struct{ Read, Write bool }

// BatchSession is a session that changes several things in one step. The sessions of a Drive are.
type BatchSession interface {
	Session
	// Check says whether Apply would refuse a batch, with the same error, and changes nothing.
	Check(b Batch) error
	// Apply makes all of a batch in one record: a power cut leaves all of it or nothing. Errors:
	// NotAuthorized for what the authority may not change, InvalidParameter, those of SetPIN, SetRange,
	// SetLocks, GenKey and Erase.
	Apply(b Batch) error
}

var _ BatchSession = (*session)(nil)

// Check implements BatchSession.
func (s *session) Check(b Batch) error {
	const op = "check"
	return s.run(op, func(d *Drive) error { return d.judge(op, s, &b) })
}

// Apply implements BatchSession.
func (s *session) Apply(b Batch) error {
	const op = "apply"
	return s.run(op, func(d *Drive) error {
		if err := d.judge(op, s, &b); err != nil {
			return err
		}
		if n, ok := s.authority.Band(); ok {
			return d.applyBand(op, s, n, &b)
		}
		return d.applyOther(op, s, &b)
	})
}

// judge refuses a batch that cannot be made.
func (d *Drive) judge(op string, s *session, b *Batch) error {
	n, band := s.authority.Band()
	switch {
	case (b.Range != nil || b.Locks != nil || b.GenKey) && !band:
		return d.refuse(op, NotAuthorized, "%v is no BandMaster", s.authority)
	case len(b.Erase) > 0 && s.authority != EraseMaster:
		return d.refuse(op, NotAuthorized, "%v is not the EraseMaster", s.authority)
	case b.PIN.Len() > 0 && d.rec.slot(s.authority) == nil:
		return d.refuse(op, NotAuthorized, "%v has no PIN that can be changed", s.authority)
	}
	for _, e := range b.Enabled {
		if !mayEnable(s.authority, e.Who) {
			return d.refuse(op, NotAuthorized, "%v does not enable %v", s.authority, e.Who)
		}
		if e.Who != Makers && d.rec.slot(e.Who) == nil {
			return d.refuse(op, InvalidParameter, "%v has no key slot", e.Who)
		}
	}
	for i, e := range b.Erase {
		if e < 0 || e >= len(d.rec.ranges) || slices.Contains(b.Erase[:i], e) {
			return d.refuse(op, InvalidParameter, "range %d to erase; need each once, the last is %d", e, len(d.rec.ranges)-1)
		}
	}
	if len(b.Erase) == 0 { // an erase is what cures a drive that is not sound
		if err := d.sound(op); err != nil {
			return err
		}
	}
	if !band {
		return nil
	}
	if b.PIN.Len() > 0 && b.PIN.Equal(d.fuses.MSID) {
		return d.refuse(op, InvalidParameter, "the new PIN is MSID; a BandMaster goes back to MSID by an erase only")
	}
	c := d.rec.ranges[n].cfg
	if b.Range != nil {
		c = *b.Range
		if err := d.checkRange(op, n, c, d.rec.ranges); err != nil {
			return err
		}
	}
	if b.Locks != nil && n > 0 && c.Length == 0 {
		return d.refuse(op, InvalidParameter, "range %d has no place; set its start and length first", n)
	}
	return nil
}

// applyBand makes the batch of a BandMaster.
func (d *Drive) applyBand(op string, s *session, n int, b *Batch) error {
	old, m := &d.rec.ranges[n], &d.ram[n]
	next := d.rec.clone()
	g := &next.ranges[n]
	locks := Locks{m.readLocked, m.writeLocked}
	if b.Locks != nil {
		locks = *b.Locks
	}
	if b.Range != nil {
		g.cfg = *b.Range
	}
	if g.cfg.LockOnReset&OnPowerCycle == 0 {
		// The flags outlive power, so what is locked stays locked.
		g.readLocked, g.writeLocked = locks.Read, locks.Write
	}
	mek, err := d.batchMEK(s, n, b)
	if err != nil {
		return d.named(op, err)
	}
	defer mek.Clear()
	keep := m.mek != nil && !b.GenKey
	switch {
	case b.PIN.Len() > 0 || b.GenKey || old.openAtPowerOn() != g.openAtPowerOn():
		err = d.rekeyBand(op, s, n, b, next, mek)
	case old.cfg != g.cfg || old.readLocked != g.readLocked || old.writeLocked != g.writeLocked:
		err = d.noteNext(op, next)
	}
	if err != nil {
		return err
	}
	m = &d.ram[n]
	m.readLocked, m.writeLocked = locks.Read, locks.Write
	if shut(&d.rec.ranges[n], m) {
		m.drop()
	} else if !keep {
		m.use(mek.Clone())
	}
	d.publish()
	return nil
}

// noteNext puts next, which changes no key, in force.
func (d *Drive) noteNext(op string, next record) error {
	was := d.rec
	d.rec = next
	err := d.note(op)
	if err != nil && d.powered {
		d.rec = was
	}
	return err
}

// batchMEK is the key of range n behind the batch.
func (d *Drive) batchMEK(s *session, n int, b *Batch) (*secret.Key64, error) {
	if b.GenKey {
		return d.newMEK()
	}
	return d.sessionMEK(s, n)
}

// rekeyBand puts next in force, in which the key of range n is wrapped anew.
func (d *Drive) rekeyBand(op string, s *session, n int, b *Batch, next record, mek *secret.Key64) error {
	ak, e := s.ak.Clone(), Event("")
	if b.PIN.Len() > 0 {
		ak.Clear()
		var err error
		if ak, e, err = d.reseal(op, &next, s, b.PIN); err != nil {
			return err
		}
	}
	d.rewrap(&next.ranges[n], n, mek, ak)
	return d.takeOver(op, e, next, s, ak)
}

// applyOther makes the batch of SID or of the EraseMaster.
func (d *Drive) applyOther(op string, s *session, b *Batch) error {
	next := d.rec.clone()
	if b.PIN.Len() > 0 { // the AK stays: SID and EraseMaster guard no key of data with it
		slot := next.slot(s.authority)
		if err := d.seal(&slot.slot, b.PIN, s.ak); err != nil {
			return d.named(op, err)
		}
		slot.atMSID = b.PIN.Equal(d.fuses.MSID)
	}
	for _, e := range b.Enabled {
		if err := next.enable(e, s.ak); err != nil {
			return d.refuse(op, HardwareFailure, "the slot of %v: %v", e.Who, err)
		}
	}
	switch {
	case len(b.Erase) > 0:
	case !next.sameKeys(&d.rec):
		return d.keyStep(op, "", next)
	default:
		return d.noteNext(op, next)
	}
	e := EventErase
	for i := range next.ranges {
		if s := next.slot(BandMaster(i)); !s.atMSID && !slices.Contains(b.Erase, i) {
			e = EventEraseBand
		}
	}
	return d.eraseBands(op, e, next, b.Erase, s.ak)
}
