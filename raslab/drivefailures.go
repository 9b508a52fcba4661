package raslab

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// DriveFailure is a drive that the facility has found failed and that no open serviceable event
// names. MAP4980 has no code for a plain drive failure: RAID deals with it, and the drive is
// exchanged.
type DriveFailure struct {
	Slot   string
	Serial string
	Why    string // one clause
	Next   string // what happens by itself, and what to do
}

// DriveFailures lists them, in slot order. It says what the software has found: it knows of a drive
// that died a moment ago only after the next I/O or health check.
func (l *Lab) DriveFailures() (out []DriveFailure) {
	for _, s := range l.plant.slots {
		m := s.member()
		if s.state != Failed && (m == nil || m.state != failedMember) || l.service.underRepair(s) || l.events.reported(s) {
			continue
		}
		if s.port.answers() && s.port.Status().State == drive.SecurityDegraded {
			continue // that is no plain failure: a check or a scan has a code for it
		}
		f := DriveFailure{Slot: s.name, Serial: s.port.Serial(), Why: s.why, Next: l.plant.afterFailure(s, m)}
		if m != nil {
			f.Serial = m.serial // also where the slot is empty
		}
		out = append(out, f)
	}
	return out
}

// reported says whether an open event names the drive in a slot.
func (g *events) reported(s *slot) bool {
	for _, e := range g.open {
		for _, f := range e.found {
			if f.slot == s {
				return true
			}
		}
	}
	return false
}

func (p *plant) afterFailure(s *slot, m *member) string {
	exchange := "exchange the drive: repair start drive=" + s.name
	switch {
	case m == nil:
		return "it serves no rank; " + exchange
	case m.job != nil:
		return fmt.Sprintf("%s is rebuilt onto %s; then %s", p.rankOf(m).name(), m.job.target.name, exchange)
	case p.spareFor(s, nil) == nil:
		return fmt.Sprintf("%s has no spare and is not rebuilt; %s", p.rankOf(m).name(), exchange)
	}
	return fmt.Sprintf("%s is not rebuilt yet; %s", p.rankOf(m).name(), exchange)
}
