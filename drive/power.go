package drive

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// core is the part of a drive that lives only while it has power, all of it
// below the drive's lock.
//
// Keys stand behind pointers: fmt looks into the unexported fields of a struct
// without asking their Format methods, but it does not follow pointers there.
type core struct {
	powered bool
	trusted bool // rec is the record in flash; if false there is none, and no key
	rec     record
	store   *store
	machine *machine
	rootKEK *secret.Key32
	ram     []rangeRAM
	session *session
	// lostTries counts PSID attempts while there is no record to count them in.
	lostTries uint16
	opal      opalRAM
}

// PowerOn boots the drive: it finds the newest record, finishes the destruction of what is older,
// rebuilds the lifecycle machine from the record and locks what is to be locked.
//
// Two kinds of drive power on as SecurityDegraded, with nothing unread destroyed:
//
//   - One without a record that it can trust. Nothing in its flash is touched.
//   - One that cannot read a page that may hold older keys or a newer record, which is any page but
//     those in front of its record in the same block. A power-on that reads the page, a Restore or
//     an erase ends the doubt.
//
// The error is PowerLost when power goes again meanwhile. On a powered drive it does nothing.
func (d *Drive) PowerOn() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.powered {
		return nil
	}
	d.parts.Flash.PowerOn()
	d.powered = true
	d.store = newStore(d.parts.Flash, d.cfg.Personality.recordVersion())
	f, err := d.store.scan()
	if err != nil {
		return d.fault("power on", err)
	}
	if f.rec == nil || !d.fits(f.rec) {
		// A page that cannot be read now may hold the record and be readable
		// later, so nothing is destroyed.
		d.distrust()
		return nil
	}
	d.rootKEK = RootKEK(d.fuses.Root)
	d.rec, d.trusted = *f.rec, true
	d.machine = newMachine(d.cfg.Personality, d.rec.state)
	d.ram = make([]rangeRAM, len(d.rec.ranges))
	if d.cfg.Persistent {
		// On flash before the records that they come from are destroyed.
		if d.takeTries(&f) {
			if err := d.count("power on"); errors.Is(err, PowerLost) {
				return err
			} else if err != nil {
				return d.degrade("power on")
			}
		}
	} else if d.forgetTries() {
		if err := d.count("power on"); errors.Is(err, PowerLost) {
			return err
		}
	}
	resisting, err := d.store.cleanRead()
	if err != nil {
		return d.fault("power on", err)
	}
	for _, b := range resisting {
		if f.keys[b] {
			return d.degrade("power on")
		}
	}
	// What an unreadable page holds may be an old wrap that an erase had still to
	// destroy, so this drive must not call itself erased; or a newer record, so
	// nobody may destroy it unread.
	if f.doubt {
		d.suspend()
		return nil
	}
	if err := d.unlockOpen(); err != nil {
		return err
	}
	d.publish()
	return d.interruptSanitize("power on")
}

// takeTries takes over what was counted in doubt: no count that was on flash is
// forgotten because something could not be read for a while. Each unread page
// behind the last record may hold one count more, of anybody; but they leave every
// authority its last try. It says whether a count came from another record.
func (d *Drive) takeTries(f *found) (changed bool) {
	hidden := func(tries *uint16) {
		if most := int(d.cfg.TryLimit) - 1; int(*tries) < most {
			*tries = uint16(min(int(*tries)+f.hidden, most))
		}
	}
	raise := func(tries *uint16, to uint16) {
		changed = changed || to > *tries
		*tries = max(*tries, to)
	}
	for _, r := range f.tries {
		for i := range r.slots {
			if s := d.rec.slot(r.slots[i].authority); s != nil {
				raise(&s.tries, r.slots[i].tries)
			}
		}
		raise(&d.rec.psidTries, r.psidTries)
	}
	for i := range d.rec.slots {
		hidden(&d.rec.slots[i].tries)
	}
	hidden(&d.rec.psidTries)
	return changed
}

// forgetTries sets the counts of failed authentications to 0.
func (d *Drive) forgetTries() (changed bool) {
	for i := range d.rec.slots {
		changed = changed || d.rec.slots[i].tries != 0
		d.rec.slots[i].tries = 0
	}
	changed = changed || d.rec.psidTries != 0
	d.rec.psidTries = 0
	return changed
}

// fits says whether a record is of this drive: its ranges and its slots.
func (d *Drive) fits(r *record) bool {
	if d.cfg.Personality == Opal {
		return d.fitsOpal(r)
	}
	if len(r.ranges) != d.cfg.Ranges+1 || len(r.slots) != d.cfg.Ranges+3 {
		return false
	}
	for n := range r.ranges {
		if r.slot(BandMaster(n)) == nil || len(r.ranges[n].wraps) == 0 {
			return false
		}
	}
	return r.slot(SID) != nil && r.slot(EraseMaster) != nil
}

// unlockOpen sets the locks as a power cycle leaves them and loads the keys of
// the ranges that are open to all.
func (d *Drive) unlockOpen() error {
	for n := range d.rec.ranges {
		g, m := &d.rec.ranges[n], &d.ram[n]
		m.lockAsAtPowerOn(g)
		if d.state() == SecurityDegraded || !g.openAtPowerOn() {
			continue
		}
		mek, err := d.rootMEK(g)
		if err != nil {
			return d.degrade("power on")
		}
		m.use(mek)
	}
	d.resetShadow(OnPowerCycle)
	return nil
}

// lockAsAtPowerOn sets the locks of the range g as a power cycle leaves them.
func (m *rangeRAM) lockAsAtPowerOn(g *rangeRecord) {
	atPower := g.cfg.LockOnReset&OnPowerCycle != 0
	m.readLocked = g.readLocked || g.cfg.ReadLockEnabled && atPower
	m.writeLocked = g.writeLocked || g.cfg.WriteLockEnabled && atPower
}

// PowerOff takes power away, whether in order or not: sessions end, keys leave
// RAM. The drive writes nothing, so there is no difference to a power loss.
func (d *Drive) PowerOff() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dropPower()
}

func (d *Drive) dropPower() {
	d.endSession()
	d.resets.PowerLosses++
	for n := range d.ram {
		d.ram[n].drop()
	}
	d.opal.drop()
	d.rootKEK.Clear()
	d.core = core{lostTries: d.lostTries}
	d.parts.Flash.PowerOff()
	d.publish()
}

// Reset is a reset without loss of power. Every kind ends the session. A
// lock-enabled range is locked if its LockOnReset names the kind; otherwise its
// key stays in RAM and it stays as it was (TCG Core Specification, LockOnReset).
func (d *Drive) Reset(k ResetKind) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready("reset"); err != nil && !errors.Is(err, Degraded) {
		return err
	}
	var member ResetSet
	switch k {
	case HardwareReset:
		member = OnHardware
		d.resets.Hardware++
	case HotPlugReset:
		member = OnHotPlug
		d.resets.HotPlug++
	case ProgrammaticReset:
		if d.cfg.Personality != Opal {
			return d.refuse("reset", InvalidParameter, "no reset kind %d; it is of Opal drives", k)
		}
		member = OnProgrammatic
		d.resets.Programmatic++
	default:
		return d.refuse("reset", InvalidParameter, "no reset kind %d; a power cycle is PowerOff and PowerOn", k)
	}
	d.endSession()
	for n := range d.ram {
		g, m := &d.rec.ranges[n], &d.ram[n]
		if g.cfg.LockOnReset&member == 0 {
			continue
		}
		m.readLocked = m.readLocked || g.cfg.ReadLockEnabled
		m.writeLocked = m.writeLocked || g.cfg.WriteLockEnabled
		if shut(g, m) {
			m.drop()
		}
	}
	d.resetShadow(member)
	d.publish()
	if k == HardwareReset && d.trusted {
		return d.interruptSanitize("reset")
	}
	return nil
}

// Resets counts what ended sessions since the program made the drive, so that who keeps something
// for a host finds that it has to forget it.
type Resets struct{ PowerLosses, Hardware, HotPlug, Programmatic uint32 }

// Resets needs no power.
func (d *Drive) Resets() Resets {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.resets
}

func (d *Drive) endSession() {
	if d.session != nil {
		d.session.end()
		d.session = nil
	}
	d.opal.logout()
}
