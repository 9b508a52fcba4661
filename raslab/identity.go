package raslab

import (
	"errors"
	"fmt"
	"io"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// A serial number is printed on a label, and numbers repeat in the field: clones, relabelled parts.
// So a drive is known by the factory identity that it proves. The facility challenges a drive when
// it arrives, before its erase or its custody record is believed, and before a rank takes it back.
// It asks each time anew, because an earlier answer says nothing about what is in the slot now.

// Attest lets the drive prove its factory identity.
func (p *Port) Attest(challenge [drive.ChallengeSize]byte) (drive.Attestation, error) {
	d, err := p.secure("attest")
	if err != nil {
		return drive.Attestation{}, err
	}
	return d.Attest(challenge)
}

// identify challenges the drive in a slot.
func (c *custody) identify(s *slot) (drive.Identity, error) {
	var challenge [drive.ChallengeSize]byte
	if _, err := io.ReadFull(c.challenges, challenge[:]); err != nil {
		return drive.Identity{}, fmt.Errorf("raslab: draw challenge: %w", err)
	}
	a, err := s.port.Attest(challenge)
	if err == nil {
		err = a.Verify(challenge)
	}
	if err != nil {
		return drive.Identity{}, err
	}
	if a.Serial != s.port.Serial() {
		return drive.Identity{}, fmt.Errorf("raslab: its label says %s, and the drive itself %s", quoted(s.port.Serial()), quoted(a.Serial))
	}
	return a.Identity, nil
}

// another says whether the drive in a slot proves that it is not the drive with a rank position's
// data, whatever its label says.
func (c *custody) another(m *member, s *slot) bool {
	if m.identity.IsZero() {
		return false
	}
	id, err := c.identify(s)
	return err == nil && id != m.identity
}

// setAsideImpostor sets aside a drive that has the serial number of the expected member and proves
// to be another drive. The drive is not touched.
func (l *Lab) setAsideImpostor(rep *reporter, m *member, s *slot) bool {
	if !l.custody.another(m, s) {
		return false
	}
	why := fmt.Sprintf("it has the serial number of the drive that %s waits for, and is another drive", l.plant.rankOf(m).name())
	s.setState(Inappropriate, why)
	rep.failed(s, "was left as it is", errors.New("raslab: "+why))
	return true
}

// present is one drive in a slot, and who it proves to be.
type present struct {
	slot *slot
	id   drive.Identity
	err  error // it proves nothing; id is zero
}

// rollCallAnyway is rollCall for callers that cannot return an error. If the facility loses its
// power meanwhile, it calls the roll again, of drives that are then off.
func (l *Lab) rollCallAnyway(op string) (all []present) {
	called := false
	func() {
		defer l.unwound(op, nil)
		all, called = l.rollCall(), true
	}()
	if !called {
		all = l.rollCall()
	}
	return all
}

// rollCall challenges every drive that is in a slot.
func (l *Lab) rollCall() (all []present) {
	for _, s := range l.plant.slots {
		if s.port.part == nil {
			continue
		}
		id, err := l.custody.identify(s)
		all = append(all, present{s, id, err})
	}
	return all
}

// twinOf is another slot whose drive proves the same identity, because fuses were copied, as with
// the file of a drive. It is nil if there is none.
func twinOf(all []present, p present) *slot {
	for _, o := range all {
		if o.slot != p.slot && o.err == nil && p.err == nil && o.id == p.id {
			return o.slot
		}
	}
	return nil
}

// certifyIdentity is the part of drive certify that asks for the identity. It sets aside a drive
// that proves nothing, one that is here twice, and one with the serial number of another drive that
// still concerns the facility, because every key and record of a drive goes by its serial number.
func (l *Lab) certifyIdentity(rep *reporter, s *slot) bool {
	id, err := l.custody.identify(s)
	if errors.Is(err, drive.NoPower) {
		rep.noAnswer(s, err)
		return false
	}
	if err != nil {
		s.setState(Inappropriate, "it does not prove its identity")
		rep.failed(s, "does not prove its identity", err)
		return false
	}
	if why := l.namesake(s, id); why != "" {
		s.setState(Inappropriate, why)
		rep.failed(s, "cannot be used here", errors.New("raslab: "+why))
		return false
	}
	if e := l.custody.arrived(s, id); e.State == CustodyAnswered {
		rep.note("%s is back, for which %s had answered: %s", e.Serial, e.By, e.Reason)
		l.custody.change(e, func() { e.State = CustodyHolds })
	}
	return true
}

// namesake says why a drive cannot be told from another one, "" if it can.
func (l *Lab) namesake(s *slot, id drive.Identity) string {
	for _, e := range l.custody.like(id, s.port.Serial()) {
		at := l.plant.byName[e.Slot]
		elsewhere := at != nil && at != s && at.port.part != nil
		switch {
		case e.Identity == id && elsewhere:
			if other, err := l.custody.identify(at); err == nil && other == id {
				return fmt.Sprintf("it proves the identity %s, as %s does: one is a copy of the other", id, at.name)
			}
		case e.Identity != id && e.Serial == s.port.Serial() && e.State == CustodyHolds:
			return fmt.Sprintf("it has the serial number of another drive, %s, which holds data (%s)", e.Identity, e.Why)
		case e.Identity != id && e.Serial == s.port.Serial() && elsewhere && at.port.Serial() == e.Serial:
			return fmt.Sprintf("it has the serial number of the drive in %s, and is another drive", at.name)
		}
	}
	return ""
}
