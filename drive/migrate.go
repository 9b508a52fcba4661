package drive

import "github.com/seed-9d983aeb/fdelab/drive/secret"

// SetPIN changes the PIN of the session's own authority (1 to 32 bytes). For a BandMaster that
// leaves MSID it is the lifecycle event migrate, from one own PIN to the next it is rekey; a
// BandMaster goes back to MSID by an erase only. The authority key is wrapped anew (one that MSID
// opened is replaced), the MEK never changes, and the old wrap is destroyed before SetPIN returns
// nil. Errors: those of keyStep; InvalidParameter for an empty PIN or a BandMaster's return to
// MSID; NoSession.
func (s *session) SetPIN(pin PIN) error {
	const op = "set pin"
	return s.run(op, func(d *Drive) error {
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
	})
}

// Migrate is access credential migration of the session BandMaster's own range
// in one key record: the AK is wrapped under the new 32-byte credential, both
// locks are enabled with LockOnReset at a power cycle, and the MEK, unchanged,
// is wrapped by the AK alone. The old wraps are destroyed before it returns
// nil. The range stays unlocked until power goes. From MSID this is the
// lifecycle event migrate, else rekey. Errors as SetPIN.
func (s *session) Migrate(credential PIN) error {
	const op = "migrate"
	return s.asBandMaster(op, func(d *Drive, n int) error {
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
	})
}

// reseal wraps the AK of the session's authority under pin in next. It gives that AK, and the
// lifecycle event (none for SID and EraseMaster). A BandMaster that leaves MSID gets a new AK: who
// once copied the factory's wrap must not hold a key to what the credential protects.
func (d *Drive) reseal(op string, next *record, s *session, pin PIN) (ak *secret.Key32, e Event, err error) {
	if pin.Len() == 0 {
		return nil, "", d.refuse(op, InvalidParameter, "an empty PIN; need 1 to %d bytes", PINSize)
	}
	slot := next.slot(s.authority)
	if slot == nil {
		return nil, "", d.refuse(op, NotAuthorized, "%v has no PIN that can be changed", s.authority)
	}
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
	} else if err := d.sound(op); err != nil {
		return nil, "", err
	}
	if e == EventMigrate {
		if ak, err = d.newAK(); err != nil {
			return nil, "", d.named(op, err)
		}
	} else {
		ak = s.ak.Clone()
	}
	if err := d.seal(&slot.slot, pin, ak); err != nil {
		ak.Clear()
		return nil, "", d.named(op, err)
	}
	slot.atMSID = isMSID
	return ak, e, nil
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
