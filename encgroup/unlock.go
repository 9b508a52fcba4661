package encgroup

import "github.com/seed-9d983aeb/fdelab/drive"

// Unlock opens the data range of a member with its current credential. If a key step was cut short,
// it tries the pending one too, and records which of them opened. A member stays locked while a
// band beside its data range is not the group's (StepBands). An erased drive is refused with
// ErrErased. The error is a *MemberError.
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

// UnlockResult is the result for one drive.
type UnlockResult struct {
	Serial string
	Err    error // nil or a *MemberError
}

// UnlockAll unlocks the drives in the order given. A drive that fails does not stop it.
func (g *Group) UnlockAll(drives []Drive) []UnlockResult {
	out := make([]UnlockResult, len(drives))
	for i, d := range drives {
		out[i] = UnlockResult{d.Serial(), g.Unlock(d)}
	}
	return out
}
