package encgroup

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Admit makes an erased drive a member. The drive gets a new media key, because a key that the root
// key ever wrapped must not protect customer data. Then its credential migrates from the MSID to
// the group's. The credential's generation is recorded as pending before the drive is touched, and
// as current after the drive has proved it.
//
// Other bands, locks and used tries are reset first (see Normalize), and every other BandMaster
// gets a credential, too. An admission of this drive that was cut short is finished.
//
// The error is an *AdmitError. These drives are refused and left untouched:
//
//   - a Configured one, with ErrConfigured: it may hold customer data of another facility;
//   - a security degraded one, with drive.Degraded;
//   - one whose SID or EraseMaster has somebody else's PIN, with ErrForeign.
//
// If the admission fails before the credential was sent, the drive is not a member. If it fails
// later, the drive is an unfinished member until Readmit or Forget.
func (g *Group) Admit(d Drive) error {
	m, st := g.lookup(d.Serial()), d.Status()
	if g.rec.Kind != DAR {
		return admitError(d, StepGroup, ErrKind)
	}
	if g.ram == nil {
		return admitError(d, StepGroup, g.noKey())
	}
	if err := checkSerial(m.Serial); err != nil {
		return admitError(d, StepGroup, err)
	}
	if m.Generation != 0 {
		return admitError(d, StepGroup, ErrMember)
	}
	if m.Current() && st.Powered && st.State != drive.Erased {
		return g.rejoin(d, m)
	}
	return g.join(d, m)
}

// Readmit takes a member back after a repair or pseudo repair. It tries the current, the pending
// and the previous credential, restores a security degraded drive, unlocks it, and records which
// credential it has. An Erased drive holds nothing and is admitted afresh. The error is an
// *AdmitError.
func (g *Group) Readmit(d Drive) error {
	m, st := g.lookup(d.Serial()), d.Status()
	if g.ram == nil {
		return admitError(d, StepGroup, g.noKey())
	}
	if !m.Current() {
		return admitError(d, StepGroup, ErrNotMember)
	}
	if st.Powered && st.State == drive.Erased {
		return g.join(d, m)
	}
	return g.rejoin(d, m)
}

// join admits an erased drive.
func (g *Group) join(d Drive, before Member) error {
	switch st := d.Status(); {
	case !st.Powered:
		return admitError(d, StepState, drive.NoPower)
	case st.State == drive.Configured:
		return admitError(d, StepState, ErrConfigured)
	case st.State != drive.Erased:
		return admitError(d, StepState, fmt.Errorf("%w: it must be erased first", drive.Degraded))
	}
	did, err := Normalize(d)
	g.noted(d, did...)
	if err != nil {
		return admitError(d, StepInspect, err)
	}
	msid, err := d.MSID()
	if err != nil {
		return admitError(d, StepMSID, err)
	}
	m, err := g.next(before)
	if err != nil {
		return admitError(d, StepGroup, err)
	}
	m.Generation = 0
	if err := g.saveMember(m); err != nil {
		return admitError(d, StepRecord, err)
	}
	if step, err := g.migrate(d, msid, m.Pending); err != nil {
		if step != StepMigrate && !before.Current() {
			// The credential never left the facility. If the store fails now, the drive stays an
			// unfinished member, which is safe.
			m.Pending = 0
			err = errors.Join(err, g.saveMember(m))
		}
		return admitError(d, step, err)
	}
	if err := g.secureBands(d, m.Pending, m.Pending); err != nil {
		return admitError(d, StepBands, err)
	}
	if err := g.verify(d, m.Pending); err != nil {
		return admitError(d, StepVerify, err)
	}
	if err := g.settle(m, m.Pending); err != nil {
		return admitError(d, StepRecord, err)
	}
	return nil
}

// migrate gives the drive a new media key and then the credential.
func (g *Group) migrate(d Drive, msid drive.PIN, generation uint32) (Step, error) {
	s, err := d.Authenticate(drive.BandMaster(dataBand), msid)
	if err != nil {
		return StepAuthenticate, err
	}
	defer s.Close()
	if err := s.GenKey(); err != nil {
		return StepNewKey, err
	}
	pin := g.pin(d.Serial(), generation)
	defer pin.Clear()
	if err := s.Migrate(pin); err != nil {
		return StepMigrate, err
	}
	return "", nil
}

// rejoin readmits a member that may hold data.
func (g *Group) rejoin(d Drive, m Member) error {
	generation, step, err := g.recover(d, m)
	if err != nil {
		return admitError(d, step, err)
	}
	if err := g.verify(d, generation); err != nil {
		return admitError(d, StepVerify, err)
	}
	if err := g.unerasable(d); err != nil {
		return admitError(d, StepInspect, err)
	}
	if err := g.settle(m, generation); err != nil {
		return admitError(d, StepRecord, err)
	}
	return nil
}

func (g *Group) recover(d Drive, m Member) (uint32, Step, error) {
	var previous uint32
	if m.Generation > m.First {
		previous = m.Generation - 1 // 0 before the first
	}
	s, generation, err := g.open(d, m.Generation, m.Pending, previous)
	if err != nil {
		return 0, StepAuthenticate, err
	}
	if d.Status().State == drive.SecurityDegraded {
		if err := s.Restore(); err != nil {
			s.Close()
			return 0, StepRestore, err
		}
	}
	s.Close()
	if err := g.secureBands(d, generation, generation, m.Generation, m.Pending, previous); err != nil {
		return 0, StepBands, err
	}
	if s, err = g.authenticate(d, generation); err != nil {
		return 0, StepAuthenticate, err
	}
	defer s.Close()
	if err := s.Unlock(); err != nil {
		return 0, StepUnlock, err
	}
	return generation, "", nil
}

// unerasable notes a SID or EraseMaster that is not at MSID on a member with data. The facility
// cannot reset it, and it does not expose the data.
func (g *Group) unerasable(d Drive) error {
	faults, err := inspectMasters(d)
	for _, f := range faults {
		g.noted(d, f.What+", so this facility cannot erase the drive; "+f.Right)
	}
	return err
}
