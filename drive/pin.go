package drive

import "github.com/seed-9d983aeb/fdelab/drive/secret"

// SetPIN changes the PIN of the session's own authority (1 to 32 bytes). For a
// BandMaster that leaves MSID it is the lifecycle event migrate, from one own
// PIN to the next it is rekey; a BandMaster goes back to MSID by an erase only.
// The authority key is wrapped anew (one that MSID opened is replaced), the MEK
// never changes, and the old wrap is destroyed before SetPIN returns nil. Errors: see keyStep; InvalidParameter
// for an empty PIN or a BandMaster's return to MSID, NoSession.
func (s *session) SetPIN(pin PIN) error {
	const op = "set pin"
	d, err := s.enter(op)
	if err != nil {
		return err
	}
	defer d.mu.Unlock()
	next := d.rec.clone()
	ak, e, err := d.reseal(op, &next, s, pin)
	if err != nil {
		return err
	}
	if e == EventMigrate {
		n, _ := s.authority.Band()
		if err := d.rewrapFor(s, &next.ranges[n], n, ak); err != nil {
			ak.Clear()
			return d.named(op, err)
		}
	}
	return d.takeOver(op, e, next, s, ak)
}

// takeOver puts next in force and, with it, the AK of the session.
func (d *Drive) takeOver(op string, e Event, next record, s *session, ak *secret.Key32) error {
	defer ak.Clear()
	if err := d.keyStep(op, e, next); err != nil {
		// Security degraded, the new record is in force all the same.
		if d.session == s && d.rec.slot(s.authority).slot == next.slot(s.authority).slot {
			*s.ak = *ak
		}
		return err
	}
	*s.ak = *ak
	return nil
}

// reseal wraps the AK of the session's authority under pin in next. It says
// which AK that is and which lifecycle event (none for SID and EraseMaster). A
// BandMaster that leaves MSID gets a new AK: who once copied the factory's wrap
// must not hold a key to what the credential protects.
func (d *Drive) reseal(op string, next *record, s *session, pin PIN) (ak *secret.Key32, e Event, err error) {
	if pin.Len() == 0 {
		return nil, "", d.refuse(op, InvalidParameter, "an empty PIN; need 1 to %d bytes", PINSize)
	}
	slot := next.slot(s.authority)
	isMSID := pin.Equal(d.fuses.MSID)
	if _, band := s.authority.Band(); band {
		if isMSID {
			return nil, "", d.refuse(op, InvalidParameter, "the new PIN is MSID; a BandMaster goes back to MSID by an erase only")
		}
		e = EventRekey
		if slot.atMSID {
			e = EventMigrate
		}
		if err := d.permit(op, e); err != nil {
			return nil, "", err
		}
	} else if d.state() == SecurityDegraded {
		return nil, "", d.refuse(op, Degraded, "restore or erase the drive first")
	}
	ak = s.ak.Clone()
	if e == EventMigrate {
		ak.Clear()
		if ak, err = d.newAK(); err != nil {
			return nil, "", d.named(op, err)
		}
	}
	sealed, err := d.seal(pin, ak)
	if err != nil {
		ak.Clear()
		return nil, "", d.named(op, err)
	}
	slot.slot, slot.atMSID = sealed, isMSID
	return ak, e, nil
}

// Migrate is access credential migration of the session BandMaster's own range
// in one key record: the AK is wrapped under the new 32-byte credential, both
// locks are enabled with LockOnReset at a power cycle, and the MEK, unchanged,
// is wrapped by the AK alone. The old wraps are destroyed before it returns
// nil. The range stays unlocked until power goes. From MSID this is the
// lifecycle event migrate, else rekey. Errors as SetPIN.
func (s *session) Migrate(credential PIN) error {
	const op = "migrate"
	d, err := s.enter(op)
	if err != nil {
		return err
	}
	defer d.mu.Unlock()
	n, err := s.band(d, op)
	if err != nil {
		return err
	}
	if credential.Len() != PINSize {
		return d.refuse(op, InvalidParameter, "an access credential of %d bytes, need %d", credential.Len(), PINSize)
	}
	next := d.rec.clone()
	ak, e, err := d.reseal(op, &next, s, credential)
	if err != nil {
		return err
	}
	g := &next.ranges[n]
	g.cfg.ReadLockEnabled, g.cfg.WriteLockEnabled = true, true
	g.cfg.LockOnReset |= OnPowerCycle
	if err := d.rewrapFor(s, g, n, ak); err != nil {
		ak.Clear()
		return d.named(op, err)
	}
	return d.takeOver(op, e, next, s, ak)
}

// rewrapFor is rewrap of the MEK that range n has now.
func (d *Drive) rewrapFor(s *session, g *rangeRecord, n int, ak *secret.Key32) error {
	mek, err := d.sessionMEK(s, n)
	if err != nil {
		return err
	}
	defer mek.Clear()
	return d.rewrap(g, n, mek, ak)
}

// GenKey replaces the MEK of the session BandMaster's range: what was written
// there is gone, the locks and the PIN stay. The old wraps are destroyed before
// it returns nil. Errors: see keyStep; Degraded in SecurityDegraded.
func (s *session) GenKey() error {
	const op = "genkey"
	d, err := s.enter(op)
	if err != nil {
		return err
	}
	defer d.mu.Unlock()
	n, err := s.band(d, op)
	if err != nil {
		return err
	}
	if d.state() == SecurityDegraded {
		return d.refuse(op, Degraded, "restore or erase the drive first")
	}
	mek, err := d.newMEK()
	if err != nil {
		return d.named(op, err)
	}
	next := d.rec.clone()
	if err := d.rewrap(&next.ranges[n], n, mek, s.ak); err != nil {
		return d.named(op, err)
	}
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
}

// sessionMEK unwraps the MEK of range n with what the session has a right to:
// its AK, or, for a range that is open to all, the KEK of the root key.
func (d *Drive) sessionMEK(s *session, n int) (*secret.Key64, error) {
	g := &d.rec.ranges[n]
	for i := range g.wraps {
		switch g.wraps[i].by {
		case s.authority:
			return unwrapMEK(s.ak, &g.wraps[i].wrap)
		case Nobody:
			return unwrapMEK(d.rootKEK, &g.wraps[i].wrap)
		}
	}
	return nil, d.refuse("unwrap", NotAuthorized, "no wrap of range %d is for %v", n, s.authority)
}

// rewrap gives g the wraps that its lock settings call for: the root KEK's if it
// is open at power-on, else its BandMaster's.
func (d *Drive) rewrap(g *rangeRecord, n int, mek *secret.Key64, ak *secret.Key32) error {
	by, kek := BandMaster(n), ak
	if g.openAtPowerOn() {
		by, kek = Nobody, d.rootKEK
	}
	w, err := wrapMEK(kek, mek)
	if err != nil {
		return err
	}
	g.wraps = []wrapRecord{{by: by, wrap: w}}
	return nil
}

// named gives a status from below the name of the method and the state.
func (d *Drive) named(op string, err error) error {
	if e, ok := err.(*StatusError); ok {
		e.Op, e.State = op, d.state()
		return e
	}
	return &StatusError{Op: op, State: d.state(), Code: HardwareFailure, Err: err}
}
