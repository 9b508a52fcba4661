package raslab

import "github.com/seed-9d983aeb/fdelab/raslab/src"

// certifyFacility is what drive certify looks at beside the drives, wherever it runs: a
// facility that encrypts needs a valid certificate. The drive is judged all the same, for the
// keys that a repair needs are in memory.
func (l *Lab) certifyFacility(during string) {
	if own := l.FacilityCertificate(); !own.Valid {
		l.raiseInvalidConfiguration(finding{location: l.location(), why: during + ": " + own.Warning})
	}
}

// noAnswer takes a drive that gave no answer in drive certify: nothing is known of it, least
// of all that it is of the wrong kind.
func (rep *reporter) noAnswer(s *slot, err error) {
	s.setState(Failed, "it does not answer")
	rep.failed(s, "did not answer", err)
}

// raiseInvalidConfiguration reports what drive certify found: no valid certificate
// on the facility, or a plain drive among encrypting ones.
func (l *Lab) raiseInvalidConfiguration(found finding) {
	scope := found.where()
	l.raise(src.BE14CFF5, scope, []finding{found}, func(e *event) (still []string) {
		for _, f := range e.found {
			switch {
			case f.slot == nil:
				if own := l.FacilityCertificate(); !own.Valid {
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
	})
}
