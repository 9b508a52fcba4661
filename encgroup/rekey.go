package encgroup

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Rekey moves a member to a new credential. The data and the media key stay. The new generation is
// recorded as pending before the drive is touched. A rekey that was cut short is finished by Rekey,
// or resolved by the next Unlock or Readmit. The error is a *MemberError.
func (g *Group) Rekey(d Drive) error {
	const op = "rekey"
	before, err := g.member(d)
	if err != nil {
		return memberError(op, d, StepGroup, err)
	}
	if before.Generation == 0 {
		return memberError(op, d, StepGroup, ErrUnfinished)
	}
	switch st := d.Status(); {
	case !st.Powered:
		return memberError(op, d, StepState, drive.NoPower)
	case st.State == drive.Erased:
		return memberError(op, d, StepState, ErrErased)
	case st.State != drive.Configured:
		return memberError(op, d, StepState, drive.Degraded)
	}
	m := before
	if m.Pending == 0 {
		if m, err = g.next(before); err != nil {
			return memberError(op, d, StepGroup, err)
		}
		if err := g.saveMember(m); err != nil {
			return memberError(op, d, StepRecord, err)
		}
	}
	if step, err := g.setPIN(d, before, m); err != nil {
		return memberError(op, d, step, err)
	}
	if err := g.secureBands(d, m.Pending, before.Generation, m.Pending); err != nil {
		return memberError(op, d, StepBands, err)
	}
	if err := g.verify(d, m.Pending); err != nil {
		return memberError(op, d, StepVerify, err)
	}
	if err := g.settle(m, m.Pending); err != nil {
		return memberError(op, d, StepRecord, err)
	}
	return nil
}

// setPIN gives the drive the credential of m.Pending. If the drive does not open, the generation
// that was recorded for this attempt is taken back, because a pending generation can cost a try at
// each unlock.
func (g *Group) setPIN(d Drive, before, m Member) (Step, error) {
	s, _, err := g.open(d, before.Generation, before.Pending)
	if err != nil {
		if before.Pending == 0 {
			undone := m
			undone.Pending = 0
			if back := g.saveMember(undone); back != nil {
				err = fmt.Errorf("%w; and %w", err, back)
			}
		}
		return StepAuthenticate, err
	}
	defer s.Close()
	pin := g.pin(d.Serial(), m.Pending)
	defer pin.Clear()
	if err := s.SetPIN(pin); err != nil {
		return StepMigrate, err
	}
	return "", nil
}
