package drive

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// Erase is the cryptographic erase of range n by the EraseMaster (TCG
// Storage SSC: Enterprise, method Erase): a new MEK, the range unlocked with its locks disabled,
// its BandMaster at MSID again, every older wrap destroyed and read back before
// it returns nil. The range keeps its place. Errors: NotAuthorized for another
// authority, InvalidParameter, and those of keyStep: on Degraded the erase did
// not succeed, whatever is readable.
func (s *session) Erase(n int) error {
	const op = "erase"
	return s.run(op, func(d *Drive) error {
		if n < 0 || n >= len(d.rec.ranges) {
			return d.refuse(op, InvalidParameter, "no range %d, the last is %d", n, len(d.rec.ranges)-1)
		}
		e := EventErase
		if d.rec.configured(BandMaster(n)) {
			e = EventEraseBand
		}
		return s.eraseRanges(op, e, n, n+1)
	})
}

// EraseAll is Erase of every range in one key step.
func (s *session) EraseAll() error {
	const op = "erase all"
	return s.run(op, func(d *Drive) error {
		return s.eraseRanges(op, EventErase, 0, len(d.rec.ranges))
	})
}

// eraseRanges erases the ranges from (inclusive) to to (exclusive), as EraseMaster.
func (s *session) eraseRanges(op string, e Event, from, to int) error {
	if s.authority != EraseMaster {
		return s.d.refuse(op, NotAuthorized, "%v is not the EraseMaster", s.authority)
	}
	return s.d.eraseStep(op, e, s.d.rec.clone(), from, to, s.ak)
}

// GenKey replaces the MEK of the session BandMaster's range: what was written
// there is gone, the locks and the PIN stay. The old wraps are destroyed before
// it returns nil. Errors: see keyStep; Degraded in SecurityDegraded.
func (s *session) GenKey() error {
	const op = "genkey"
	return s.asBandMaster(op, func(d *Drive, n int) error {
		if err := d.sound(op); err != nil {
			return err
		}
		mek, err := d.newMEK()
		if err != nil {
			return d.named(op, err)
		}
		next := d.rec.clone()
		d.rewrap(&next.ranges[n], n, mek, s.ak)
		inUse := d.ram[n].mek != nil
		if err := d.keyStep(op, "", next); err != nil {
			mek.Clear()
			return err
		}
		if inUse {
			d.ram[n].use(mek)
		} else {
			mek.Clear()
		}
		return nil
	})
}

// eraseStep replaces the MEKs of ranges from (inclusive) to to (exclusive) in
// next and puts it in force. A BandMaster that is disabled stays so, by the AK of EraseMaster, which may
// be nil where none is.
func (d *Drive) eraseStep(op string, e Event, next record, from, to int, by *secret.Key32) error {
	bands := make([]int, 0, to-from)
	for n := from; n < to; n++ {
		bands = append(bands, n)
	}
	return d.eraseBands(op, e, next, bands, by)
}

// eraseBands is eraseStep for some ranges.
func (d *Drive) eraseBands(op string, e Event, next record, bands []int, by *secret.Key32) error {
	meks := make([]*secret.Key64, len(next.ranges))
	defer func() {
		for _, k := range meks {
			if k != nil {
				k.Clear()
			}
		}
	}()
	for _, n := range bands {
		mek, err := d.eraseRange(&next, n, by)
		if err != nil {
			return d.named(op, err)
		}
		meks[n] = mek
	}
	was := d.state()
	if err := d.keyStep(op, e, next); err != nil {
		return err
	}
	if len(d.ram) < len(d.rec.ranges) {
		d.ram = make([]rangeRAM, len(d.rec.ranges))
	}
	for _, n := range bands {
		d.ram[n].readLocked, d.ram[n].writeLocked = false, false
		d.ram[n].use(meks[n])
		meks[n] = nil
	}
	if was == SecurityDegraded && d.state() != was {
		return d.reopen(op)
	}
	return nil
}

// eraseRange gives range n in next a new MEK and its BandMaster a new AK at MSID.
func (d *Drive) eraseRange(next *record, n int, by *secret.Key32) (*secret.Key64, error) {
	g, slot := &next.ranges[n], next.slot(BandMaster(n))
	g.cfg.ReadLockEnabled, g.cfg.WriteLockEnabled, g.cfg.LockOnReset = false, false, OnPowerCycle
	g.readLocked, g.writeLocked = false, false
	ak, err := d.newAK()
	if err != nil {
		return nil, err
	}
	defer ak.Clear()
	if err := d.seal(&slot.slot, d.fuses.MSID, ak); err != nil {
		return nil, err
	}
	slot.atMSID, slot.tries = true, 0
	if slot.sealed != nil {
		slot.shut(by)
	}
	mek, err := d.newMEK()
	if err != nil {
		return nil, err
	}
	d.rewrap(g, n, mek, ak)
	return mek, nil
}

// RevertPSID gives everything up and sets the drive to factory defaults: new
// keys, every PIN at MSID, ranges without place or locks (TCG PSID feature
// set). It proves physical presence by the PSID on the label, needs no session
// and no record that can be trusted. Errors: NotAuthorized, LockedOut, SPBusy,
// NoPower, and those of keyStep.
func (d *Drive) RevertPSID(psid PIN) error {
	const op = "revert psid"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.tryPSID(op, psid); err != nil {
		return err
	}
	return d.giveUp(op)
}

// PSIDSession is a session of the PSID: it may give everything up, and nothing else.
type PSIDSession interface {
	Session
	// Revert is RevertPSID of who has proved the PSID before. It ends the session.
	Revert() error
}

// AuthenticatePSID opens a session of the PSID. Errors: those of RevertPSID that come before
// anything is given up.
func (d *Drive) AuthenticatePSID(psid PIN) (PSIDSession, error) {
	const op = "authenticate psid"
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cfg.Personality != Enterprise {
		return nil, d.refuse(op, InvalidParameter, "an %v drive is used through Opal", d.cfg.Personality)
	}
	if err := d.tryPSID(op, psid); err != nil {
		return nil, err
	}
	if err := d.forgivePSID(op); err != nil {
		return nil, err
	}
	d.session = &session{d: d, authority: PSID}
	return d.session, nil
}

// forgivePSID takes the try back that tryPSID has counted.
func (d *Drive) forgivePSID(op string) error {
	d.lostTries = 0
	if !d.trusted {
		return nil
	}
	d.rec.psidTries = 0
	return d.count(op)
}

// Revert implements PSIDSession.
func (s *session) Revert() error {
	const op = "revert"
	return s.run(op, func(d *Drive) error {
		if s.authority != PSID {
			return d.refuse(op, NotAuthorized, "%v is not the PSID", s.authority)
		}
		d.endSession()
		return d.giveUp(op)
	})
}

// tryPSID counts a try and proves the PSID. The caller gives the try back.
func (d *Drive) tryPSID(op string, psid PIN) error {
	if !d.powered {
		return d.ready(op)
	}
	if d.session != nil {
		return d.refuse(op, SPBusy, "a session of %v is open", d.session.authority)
	}
	if psid.Len() == 0 {
		return d.refuse(op, InvalidParameter, "an empty PSID; it is on the label, %d characters", PINSize)
	}
	tries := &d.lostTries
	if d.trusted {
		tries = &d.rec.psidTries
	}
	if d.cfg.TryLimit > 0 && *tries >= d.cfg.TryLimit {
		return d.refuse(op, LockedOut, "PSID used up its %d tries", d.cfg.TryLimit)
	}
	if *tries < ^uint16(0) {
		*tries++
	}
	if d.trusted {
		if err := d.count(op); err != nil {
			return err
		}
	}
	ak, err := d.open(&d.fuses.PSIDSlot, psid)
	if errors.Is(err, keywrap.ErrIntegrity) {
		return d.refuse(op, NotAuthorized, "wrong PSID")
	}
	if err != nil {
		return d.refuse(op, HardwareFailure, "%v", err)
	}
	ak.Clear()
	return nil
}

// giveUp is the revert of who has proved the PSID.
func (d *Drive) giveUp(op string) error {
	if d.cfg.Personality == Opal {
		return d.revertOpal(op)
	}
	if !d.trusted {
		d.rootKEK.Clear() // of a revert that failed
		d.rootKEK = RootKEK(d.fuses.Root)
	}
	next, err := d.factoryRecord()
	if err != nil {
		return d.named(op, err)
	}
	if err := d.eraseStep(op, EventErase, next, 0, len(next.ranges), nil); err != nil {
		return err
	}
	d.trusted, d.lostTries = true, 0
	return nil
}
