package facility

import (
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// kind is a kind of fault, the cause of an SRC.
type kind string

const (
	kindArmed    kind = "fault plan" // flash, media or port broken by a plan
	kindBroken   kind = "dead"       // the electronics
	kindPower    kind = "slot power cut"
	kindPulled   kind = "pulled"
	kindInserted kind = "inserted" // from the shelf, perhaps with data on it
	kindOutsider kind = "outsider" // commands that the facility does not know of
	kindKeys     kind = "key path"
	kindNoKey    kind = "no key for a drive"
	kindTried    kind = "erase of a member tried"
)

// history is all faults so far.
type history struct {
	kinds  map[kind]bool
	drives map[string][]kind // by serial
	// mates is which drives were in one rank with a drive, by serial. Whether a rebuild ends well,
	// and so what is on the drive that was rebuilt on, depends on all of them.
	mates map[string]map[string]bool
}

func newHistory() history {
	return history{kinds: map[kind]bool{}, drives: map[string][]kind{}, mates: map[string]map[string]bool{}}
}

func (h *history) add(serial string, k kind) {
	h.kinds[k] = true
	if serial != "" {
		h.drives[serial] = append(h.drives[serial], k)
	}
}

// causes is the faults that may cause an SRC. An SRC that is not here must not come.
var causes = map[src.Code][]kind{
	// A member lost its credential, its record or its power, or gave no answer; or the drive in
	// its place could not join the group, which had no key.
	src.BE3400B3: {kindArmed, kindBroken, kindPower, kindPulled, kindInserted, kindOutsider, kindNoKey},
	// An erase failed: flash that resists, a drive that does not answer, a credential that was
	// changed.
	src.BE34009E: {kindArmed, kindBroken, kindPower, kindPulled, kindInserted, kindOutsider},
	src.BE34009F: {kindArmed, kindBroken, kindPower, kindPulled, kindInserted, kindOutsider},
	src.BE31F004: {kindArmed, kindBroken, kindPower, kindPulled, kindInserted, kindOutsider},
	src.BE3400A2: {kindNoKey},
	src.BE3400A3: {kindPulled, kindInserted, kindOutsider, kindArmed, kindTried},
}

// serveTogether records drives that are in one rank.
func (h *history) serveTogether(serials []string) {
	for _, s := range serials {
		if h.mates[s] == nil {
			h.mates[s] = map[string]bool{}
		}
		for _, mate := range serials {
			h.mates[s][mate] = true
		}
	}
}

// lostItsPlace says whether a fault of another drive may have cost a drive its place in a rank
// while its data stayed on it: the rebuild on it ended early, and a spare took over.
func (h *history) lostItsPlace(serial string, allowed []kind) bool {
	for mate := range h.mates[serial] {
		for _, k := range h.drives[mate] {
			if slices.Contains(allowed, k) {
				return true
			}
		}
	}
	return false
}

// explained says whether the history has a cause for an event in each of its drives, or one that
// needs no drive.
func (h *history) explained(e raslab.ServiceEvent) bool {
	allowed, known := causes[src.Code(e.SRC)]
	if keyCode(e.SRC) {
		return true // compareEvents checks these
	}
	if !known {
		return false
	}
	if slices.Contains(allowed, kindNoKey) && h.kinds[kindNoKey] {
		return true
	}
	if len(e.Serials) == 0 {
		return len(h.kinds) > 0
	}
	for _, serial := range e.Serials {
		why := false
		for _, k := range h.drives[serial] {
			why = why || slices.Contains(allowed, k)
		}
		why = why || src.Code(e.SRC) == src.BE34009F && h.lostItsPlace(serial, allowed)
		if !why {
			return false
		}
	}
	return true
}

// FalseAlarms lists the events of a facility in which nothing broke, but for those about what a
// person tried.
func (m *Machine) FalseAlarms() []raslab.ServiceEvent {
	return slices.DeleteFunc(m.Lab.Events(), func(e raslab.ServiceEvent) bool {
		return e.SRC == string(src.BE3400A3) && m.history.explained(e)
	})
}

// byHand erases the drive in a slot as in a manual recovery.
func byHand(erase func(*raslab.Lab, string) (raslab.Report, error)) func(*Machine, []string) error {
	return func(m *Machine, a []string) error {
		if d, err := m.Lab.Drive(a[0]); err == nil && d.KeyGroup != 0 {
			m.history.add(d.Serial, kindTried)
		}
		return m.report(erase(m.Lab, a[0]))
	}
}

// breakDrive does something to the drive in a slot that breaks it.
func (m *Machine) breakDrive(slot string, k kind, how func(string) error) error {
	p, err := m.Lab.Part(slot)
	if err != nil && k != kindPower { // an empty slot can lose its power, and nothing else
		return m.expect(false, how(slot))
	}
	if err == nil {
		m.history.add(p.Serial(), k)
	}
	return m.expect(true, how(slot))
}

func (m *Machine) arm(a []string) error {
	return m.breakDrive(a[0], kindArmed, func(slot string) error { return m.Lab.Arm(slot, fault.MustParse(a[1])) })
}

// insert puts a part of the shelf into a slot; "any" is the first one there.
func (m *Machine) insert(a []string) error {
	serial := a[1]
	if serial == "any" {
		parts := m.Lab.Shelf().Parts()
		if len(parts) == 0 {
			_, err := m.Lab.Insert(a[0], serial)
			return m.expect(false, err)
		}
		serial = parts[0].Serial()
	}
	m.history.add(serial, kindInserted)
	return m.report(m.Lab.Insert(a[0], serial))
}
