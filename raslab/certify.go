package raslab

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// arrive admits a drive that is new in its slot: power, drive certify, and an erase if one is due
// and allowed. It says whether the drive may be used.
func (l *Lab) arrive(rep *reporter, s *slot) bool { return l.certify(rep, s, rep.r.Action, true) }

func (l *Lab) certify(rep *reporter, s *slot, during string, mayErase bool) bool {
	l.certifyFacility(during)
	if err := s.port.PowerOn(); err != nil || !s.port.Status().Powered {
		if err == nil {
			err = noAnswer("power on", "the drive does not answer")
		}
		s.setState(Failed, "it does not power on")
		rep.failed(s, "did not power on", err)
		return false
	}
	if !l.fits(rep, s) {
		return false
	}
	switch encrypts, err := s.port.Encrypts(); {
	case err != nil:
		rep.noAnswer(s, err)
		return false
	case !encrypts:
		const why = "it cannot encrypt, and the others do"
		s.setState(Inappropriate, why)
		rep.failed(s, "cannot be used here", errors.New("raslab: "+why))
		l.raiseInvalidConfiguration(driveFinding(s, s.port.Serial(), during+": "+why))
		return false
	}
	if !l.certifyIdentity(rep, s) {
		return false
	}
	if l.foreign(s) {
		rep.failed(s, "is configured already", fmt.Errorf("raslab: it may hold customer data and is not erased: %w", encgroup.ErrConfigured))
		if l.custody.ours(s) {
			e := l.custody.at(s)
			rep.note("%s has left this facility with data (%s), and its credential was given up: an erase with the PSID of its label is what is left", e.Name(), e.Why)
		}
		l.refuseConfigured(rep, s, during)
		return false
	}
	if m := l.plant.awaited(s.port.Serial()); m != nil && m.slot != s && !l.custody.another(m, s) {
		why := fmt.Sprintf("it belongs in %s: %s waits for it there", m.slot.name, l.plant.rankOf(m).name())
		s.setState(Inappropriate, why)
		rep.failed(s, "was left as it is", errors.New("raslab: "+why))
		return false
	}
	st := s.port.Status()
	if !st.Powered {
		rep.noAnswer(s, noAnswer("status", "the drive does not respond"))
		return false
	}
	if st.State != drive.Erased || l.custody.due(s) || l.ownerOf(s) != nil {
		if !mayErase {
			s.setState(Inappropriate, "its lifecycle state is "+st.State.String()+" and no erase was allowed")
			rep.failed(s, "was left as it is", fmt.Errorf("raslab: %w: its lifecycle state is %s, and no erase was allowed", errNotErased, st.State))
			return false
		}
		if !l.released(rep, s, during) {
			l.raiseNotErased(rep, s, during)
			return false
		}
	}
	if !mayErase {
		if why := s.usedUp(); why != "" {
			s.setState(Inappropriate, why+", and no erase was allowed")
			rep.failed(s, "was left as it is", fmt.Errorf("raslab: %w: %s: an erase gives them back, and none was allowed", errNotErased, why))
			return false
		}
	}
	if err := l.normalize(rep, s); err != nil {
		rep.failed(s, "did not pass drive certify", err)
		if !l.unfit(rep, s, during, err) {
			l.notInitialized(rep, s, err)
		}
		return false
	}
	s.setState(Normal, "")
	return true
}

// certifyFacility is the part of drive certify that looks at the facility: one that encrypts needs
// a valid certificate. Without one the drives are still certified, because the keys that a repair
// needs are in memory.
func (l *Lab) certifyFacility(during string) {
	if own := l.FacilityCertificate(); !own.Valid {
		l.raiseInvalidConfiguration(finding{location: l.location(), why: during + ": " + own.Warning})
	}
}

// noAnswer fails a drive that gave no answer in drive certify. Nothing is known of it, so it is not
// called a drive of the wrong kind.
func (rep *reporter) noAnswer(s *slot, err error) {
	s.setState(Failed, "it does not answer")
	rep.failed(s, "did not answer", err)
}

// raiseInvalidConfiguration reports what drive certify found: no valid certificate
// on the facility, or a plain drive among encrypting ones.
func (l *Lab) raiseInvalidConfiguration(found finding) {
	scope := found.where()
	l.raise(src.BE14CFF5, scope, []finding{found}, invalidConfiguration{l})
}

// invalidConfiguration is no valid certificate on the facility, or plain drives in their slots.
type invalidConfiguration struct{ lab *Lab }

func (c invalidConfiguration) still(e *event) (still []string) {
	for _, f := range e.found {
		switch {
		case f.slot == nil:
			if own := c.lab.FacilityCertificate(); !own.Valid {
				still = append(still, own.Warning)
			}
		case f.slot.port.Serial() == f.serial:
			if encrypts, err := f.slot.port.Encrypts(); err != nil {
				still = append(still, f.slot.name+": "+f.serial+" does not answer and is still in the slot")
			} else if !encrypts {
				still = append(still, f.slot.name+": "+f.serial+" cannot encrypt and is still in the slot")
			}
		}
	}
	return still
}
