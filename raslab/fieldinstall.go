package raslab

import "slices"

// FieldInstall certifies the delivered drives that are not installed yet (MAP4980, row BE14CFF5:
// "field install when drive certify is initiated"). It runs when the facility is built, and again
// when a service person asks for it after a repair of what was wrong. A facility without a valid
// certificate is not installed: no drive is certified. A drive that cannot be used does not stop
// the others.
func (l *Lab) FieldInstall() (out Report, bad error) {
	const op = "field install"
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	if !slices.ContainsFunc(l.plant.slots, (*slot).delivered) {
		return Report{}, refuse(ErrState, op, "every drive is installed", "mes install adds drives")
	}
	rep := l.begin(op, l.options.Serial)
	l.install(rep, false)
	return rep.done(), nil
}

// delivered says whether the slot holds a drive that no drive certify has passed.
func (s *slot) delivered() bool {
	return s.port.part != nil && (s.state == NewDrive || s.state == Inappropriate)
}

// install certifies the delivered drives. The first install leaves no trace of what goes well,
// because a lab begins with an installed facility.
func (l *Lab) install(rep *reporter, first bool) {
	if own := l.FacilityCertificate(); !own.Valid {
		l.certifyFacility(rep.r.Action)
		rep.r.Failed = true
		rep.note("no drive was certified: %s", own.Warning)
		return
	}
	for _, s := range l.plant.slots {
		if !s.delivered() {
			continue
		}
		if first {
			s.state, s.why = Normal, ""
		}
		if l.certify(rep, s, rep.r.Action, false) && !first {
			rep.did(s, "certified")
		}
	}
}
