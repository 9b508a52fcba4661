package encgroup

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Unlock opens the data range of a member, with the current credential or,
// where a key step was cut short, the pending one; which of them it was is then recorded.
// A member stays locked while a band beside its data range is not the group's (StepBands).
// An erased drive is refused with ErrErased. The error is a *MemberError.
func (g *Group) Unlock(d Drive) error {
	const op = "unlock"
	m, err := g.member(d)
	if err != nil {
		return memberError(op, d, StepGroup, err)
	}
	if st := d.Status(); st.Powered && st.State == drive.Erased {
		return memberError(op, d, StepState, ErrErased)
	}
	s, generation, err := g.open(d, m.Generation, m.Pending)
	if err != nil {
		return memberError(op, d, StepAuthenticate, err)
	}
	defer func() {
		if s != nil {
			s.Close()
		}
	}()
	if d.Config().Ranges > 0 { // one session at a time
		s.Close()
		prove := g.proveBands
		if m.Pending != 0 { // a step was cut: its bands go with it
			prove = func(d Drive, to uint32) error { return g.secureBands(d, to, m.Generation, m.Pending) }
		}
		if err := prove(d, generation); err != nil {
			return memberError(op, d, StepBands, err)
		}
		if s, err = g.authenticate(d, generation); err != nil {
			return memberError(op, d, StepAuthenticate, err)
		}
	}
	if err := s.Unlock(); err != nil {
		return memberError(op, d, StepUnlock, err)
	}
	if err := g.settle(m, generation); err != nil {
		return memberError(op, d, StepRecord, err)
	}
	return nil
}

// UnlockResult is what became of one drive.
type UnlockResult struct {
	Serial string
	Err    error // nil or a *MemberError
}

// UnlockAll unlocks the drives one by one in the order given, each whatever
// became of the others.
func (g *Group) UnlockAll(drives []Drive) []UnlockResult {
	out := make([]UnlockResult, len(drives))
	for i, d := range drives {
		out[i] = UnlockResult{d.Serial(), g.Unlock(d)}
	}
	return out
}

// Rekey moves a member to a new credential: the data and the media key stay. The new
// generation is recorded as pending before the drive is touched; a rekey
// that was cut short is finished by calling Rekey again, or resolved by the next
// Unlock or Readmit. The error is a *MemberError.
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
		if err := g.put(m); err != nil {
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

// setPIN leads the drive to m.Pending. If it does not even open, what was
// recorded for this attempt is taken back: a pending generation costs the drive a try.
func (g *Group) setPIN(d Drive, before, m Member) (Step, error) {
	s, _, err := g.open(d, before.Generation, before.Pending)
	if err != nil {
		if before.Pending == 0 {
			undone := m
			undone.Pending = 0
			if back := g.put(undone); back != nil {
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

// Release erases a member with its EraseMaster, which a facility leaves at MSID
// (our assumption), and drops it. Nothing but the drive's word is asked: the erase
// engine verifies, and then Forget is enough. The error is a *MemberError; on any
// error the drive stays a member. The group key is not needed.
func (g *Group) Release(d Drive) error {
	const op = "release"
	if _, ok := g.Member(d.Serial()); !ok {
		return memberError(op, d, StepGroup, ErrNotMember)
	}
	msid, err := d.MSID()
	if err != nil {
		return memberError(op, d, StepMSID, err)
	}
	if step, err := eraseAll(d, msid); err != nil {
		return memberError(op, d, step, err)
	}
	if d.Status().State != drive.Erased {
		return memberError(op, d, StepVerify, ErrNotErased)
	}
	if err := vacateAll(d, msid); err != nil {
		return memberError(op, d, StepBands, err)
	}
	if err := g.Forget(d.Serial()); err != nil {
		return memberError(op, d, StepRecord, err)
	}
	return nil
}

func eraseAll(d Drive, msid drive.PIN) (Step, error) {
	s, err := d.Authenticate(drive.EraseMaster, msid)
	if err != nil {
		return StepAuthenticate, err
	}
	defer s.Close()
	if err := s.EraseAll(); err != nil {
		return StepErase, err
	}
	return "", nil
}

// member is the drive's membership, if the group can do something for it.
func (g *Group) member(d Drive) (Member, error) {
	if g.ram == nil {
		return Member{}, g.noKey()
	}
	m, ok := g.Member(d.Serial())
	if !ok {
		return Member{}, ErrNotMember
	}
	return m, nil
}

func memberError(op string, d Drive, step Step, err error) error {
	return &MemberError{Op: op, Serial: d.Serial(), Step: step, Status: d.Status(), Err: err}
}
