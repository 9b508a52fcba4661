package raslab

import "github.com/seed-9d983aeb/fdelab/raslab/src"

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
			case f.slot.port.Serial() == f.serial && !f.slot.port.Encrypts():
				still = append(still, f.slot.name+": "+f.serial+" can not encrypt and is still in the slot")
			}
		}
		return still
	})
}
