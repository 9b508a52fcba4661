package encgroup

import "github.com/seed-9d983aeb/fdelab/drive"

// Release erases a member with its EraseMaster, which a facility leaves at MSID (our assumption),
// and drops it. It believes the drive. After a verified erase by the erase engine, Forget is
// enough. Release needs no group key. The error is a *MemberError; on any error the drive stays a
// member.
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
