package raslab

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// Every way into a rank leads through this file: a repair and a pseudo repair, a spare that takes
// over, a smart rebuild, the creation of a rank, and drive certify before them all. The judgement
// itself is encgroup's.

// mended logs what was put right on a drive that is taken in.
func (l *Lab) mended(s *slot, did string) {
	if l.service.hands != nil {
		l.service.hands.note("%s: %s: %s", s.name, s.port.Serial(), did)
		return
	}
	l.logf(s.name, "%s: %s", s.port.Serial(), did)
}

// into adds what is put right on drives to a report, until end is called.
func (s *service) into(rep *reporter) (end func()) {
	before := s.hands
	s.hands = rep
	return func() { s.hands = before }
}

// notes hears what a group put right.
type notes struct{ lab *Lab }

// Mended is called by the group.
func (n notes) Mended(serial, did string) {
	for _, s := range n.lab.plant.slots {
		if s.port.Serial() == serial {
			n.lab.mended(s, did)
		}
	}
}

// normalize brings a drive without an owner into its factory state, or says why it cannot.
func (l *Lab) normalize(rep *reporter, s *slot) error {
	defer l.service.into(rep)()
	return l.afresh(s, func() error {
		did, err := encgroup.Normalize(&s.port)
		for _, what := range did {
			l.mended(s, what)
		}
		return err
	})
}

// takeIn prepares a drive without an owner for a rank. It joins the rank's key group, or, without
// one (g nil), is brought into its factory state.
func (l *Lab) takeIn(rep *reporter, g *keyGroup, s *slot) error {
	if g == nil {
		return l.normalize(rep, s)
	}
	defer l.service.into(rep)()
	return l.afresh(s, func() error { return g.admit(s) })
}

// takeBack takes back a member that may have its data, also in an unencrypted rank.
func (l *Lab) takeBack(rep *reporter, g *keyGroup, s *slot) error {
	defer l.service.into(rep)()
	if g != nil {
		return g.readmit(s)
	}
	did, err := encgroup.Reclaim(&s.port)
	for _, what := range did {
		l.mended(s, what)
	}
	return err
}

// afresh tries something with a drive. If the drive's PIN tries are used up and a loss of power
// resets them, it power cycles the slot and tries again.
func (l *Lab) afresh(s *slot, try func() error) error {
	err := try()
	var unfit *encgroup.UnfitError
	if !errors.As(err, &unfit) || s.port.Config().Persistent {
		return err
	}
	for i := range unfit.Faults {
		if unfit.Faults[i].Tries() {
			s.port.PowerOff()
			if err := s.port.PowerOn(); err != nil {
				return err
			}
			l.mended(s, unfit.Faults[i].What+": its slot was powered off and on, which gives them back")
			return try()
		}
	}
	return err
}

// unfit reports a drive that cannot be taken in as it is, and sets it aside. It returns true if err
// says so; the drive was not touched then.
func (l *Lab) unfit(rep *reporter, s *slot, during string, err error) bool {
	var unfit *encgroup.UnfitError
	switch {
	case errors.Is(err, encgroup.ErrForeign):
		l.raiseConfigured(s, during+": "+cause(err))
		s.setState(Inappropriate, cause(err))
	case errors.Is(err, encgroup.ErrConfigured):
		l.refuseConfigured(rep, s, during)
	case errors.As(err, &unfit) && rep.r.Action == opResume:
		// Nobody can find out whose PIN it is: the drive refuses the factory PIN.
		l.raiseMigrationFailed(rep, s, err)
		s.setState(Failed, cause(err))
	case errors.As(err, &unfit):
		// Somebody used up the tries, and no erase can be started.
		l.raiseConfigured(s, during+": "+cause(err))
		s.setState(Inappropriate, cause(err))
	default:
		return false
	}
	rep.r.Failed = true
	return true
}

// notInitialized reports a replacement whose hardware could not be brought into its factory state.
// MAP4980 has no code for a drive that comes in another way: its state says it.
func (l *Lab) notInitialized(rep *reporter, s *slot, err error) {
	s.setState(Failed, cause(err))
	if rep.r.Action == opResume {
		l.raiseMigrationFailed(rep, s, err)
	}
}

// fits says whether a drive has the sectors that the facility's ranks are made of.
func (l *Lab) fits(rep *reporter, s *slot) bool {
	c := s.port.Config()
	if c.SectorSize != l.options.SectorSize || c.Sectors < l.options.Sectors {
		why := fmt.Sprintf("%d sectors of %d bytes, need %d of %d", c.Sectors, c.SectorSize, l.options.Sectors, l.options.SectorSize)
		s.setState(Inappropriate, why)
		rep.failed(s, "cannot be used here", errors.New("raslab: "+why))
		return false
	}
	if c.Sectors > l.options.Sectors {
		rep.note("%s: %s has %d sectors, of which ranks use %d", s.name, c.Serial, c.Sectors, l.options.Sectors)
	}
	return true
}

// unproved says why a member of an encrypted rank must not be written to, "" if it may be. A drive
// that was erased or given a credential behind the facility's back takes every write and does not
// protect it.
func (r *Rank) unproved(s *slot) string {
	if r.keygrp == 0 {
		return ""
	}
	st := s.port.Status()
	if !st.Powered || st.State == drive.Configured && s.suspect.settled && s.suspect.accepted == st.KeyGeneration {
		return "" // the write itself finds a drive that does not answer
	}
	if st.State != drive.Configured {
		return "its lifecycle state is " + st.State.String()
	}
	return r.lab.health.memberFault(s, r.group())
}

// usedUp names the first band whose BandMaster has no tries left; "" if there is none. Only
// an erase of the band gives them back, and with the factory PIN the band may hold data.
func (s *slot) usedUp() string {
	for n := 0; n <= s.port.Config().Ranges; n++ {
		if used, limit, err := s.port.Tries(drive.BandMaster(n)); err == nil && limit > 0 && used >= limit {
			return fmt.Sprintf("%v has used up its %d tries", drive.BandMaster(n), limit)
		}
	}
	return ""
}
