package raslab

import (
	"fmt"
	"maps"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// DriveVerdict is what the discontinue scan says of one drive.
type DriveVerdict struct {
	Slot, Location, Serial string
	Passed                 bool
	Verdict                string // "erased, certificate held", "never configured here", "security degraded", ...
	Certificate            []byte // JSON; nil if it was never erased here, or not proved
}

// DiscontinueReport is the result of the scan.
type DiscontinueReport struct {
	Report
	Verdicts []DriveVerdict // every drive that is in a slot, in slot order
}

// Discontinue asks every drive for its erase status, as is done before a
// facility leaves its site, and holds the answer against what the facility itself
// proved. It removes nothing and erases nothing. It is refused while ranks exist: a
// drive that is a member is not late, it is in use.
func (l *Lab) Discontinue() (result DiscontinueReport, failure error) {
	const op = "discontinue"
	defer l.recovered(op, &result.Report, &failure)
	if err := l.idle(op); err != nil {
		return DiscontinueReport{}, err
	}
	if len(l.ranks) > 0 {
		return DiscontinueReport{}, refuse(ErrState, op, fmt.Sprintf("rank %s still exists", l.ranks[0].name()), "remove every rank first")
	}
	rep := l.begin(op, l.options.Serial)
	var out DiscontinueReport
	var bad []finding
	for _, s := range l.slots {
		if s.port.part == nil {
			continue
		}
		v := DriveVerdict{Slot: s.name, Location: s.location, Serial: s.port.Serial()}
		v.Verdict, v.Passed = l.eraseStatus(s)
		if c := l.certificates[v.Serial]; c != nil && v.Passed {
			v.Certificate = c.JSON()
		}
		out.Verdicts = append(out.Verdicts, v)
		if !v.Passed {
			bad = append(bad, driveFinding(s, v.Serial, v.Verdict))
		}
	}
	for _, serial := range l.away() {
		rep.note("%s is not in the facility, and was not erased here: find it", serial)
	}
	if len(bad) > 0 {
		rep.r.Failed = true
		rep.note("%d of %d drives are not proved to be erased", len(bad), len(out.Verdicts))
		l.raise(src.BE34009F, "", bad, func(e *event) (still []string) {
			for _, f := range e.found {
				if f.slot.port.Serial() != f.serial {
					continue // it was taken out
				}
				if verdict, ok := l.eraseStatus(f.slot); !ok {
					still = append(still, f.slot.name+": "+verdict)
				}
			}
			return still
		})
	} else {
		rep.note("all %d drives are erased", len(out.Verdicts))
	}
	out.Report = rep.done()
	return out, nil
}

// away lists the drives that were to be erased here and are in no slot, by serial.
func (l *Lab) away() []string {
	out := slices.Sorted(maps.Keys(l.unproven))
	for _, g := range l.groups {
		for _, m := range g.enc.Members() {
			out = append(out, m.Serial)
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), l.inSlot)
}

// eraseStatus is the verdict on one drive. The drive's own word is necessary, and
// not enough: a drive that was ever in use here needs an erase that was verified.
func (l *Lab) eraseStatus(s *slot) (verdict string, ok bool) {
	serial, st := s.port.Serial(), s.port.Status()
	switch {
	case !st.Powered:
		return "does not answer: nothing is proved", false
	case s.port.part.plain:
		return "can not encrypt, never used here", true
	case st.State == drive.SecurityDegraded:
		return "security degraded", false
	case st.State != drive.Erased:
		return "configured", false
	case l.unproven[serial] != "":
		return "not erased: " + l.unproven[serial], false
	case l.owner(serial) != nil:
		return "says erased, but its erase was never verified", false
	case l.certificates[serial] != nil:
		return "erased, certificate held", true
	}
	return "never configured here", true
}
