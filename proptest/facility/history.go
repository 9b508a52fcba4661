package facility

import (
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// kind is a kind of cause.
type kind string

const (
	kindArmed    kind = "fault plan"     // flash, media or port broken by a plan
	kindBroken   kind = "dead"           // the electronics
	kindPower    kind = "slot power cut" //
	kindPulled   kind = "pulled"
	kindInserted kind = "inserted" // a part of the shelf, perhaps with somebody's data
	kindOutsider kind = "outsider" // commands behind the facility's back
	kindKeys     kind = "key path"
	kindNoKey    kind = "no key for a drive"
	kindTried    kind = "erase of a member tried"
)

// history is what was broken so far.
type history struct {
	kinds  map[kind]bool
	drives map[string][]kind // by serial
	// mates is which drives served in one rank with a drive, by serial: what becomes of a
	// rebuild, and so of the drive that was rebuilt on, hangs on all of them.
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

// causes is what may lie behind an SRC. An SRC that is not here may not come up.
var causes = map[src.Code][]kind{
	// A member lost its credential, its record, its power or its answer; or a drive
	// was put in its place and could not join the group, which had no key.
	src.BE3400B3: {kindArmed, kindBroken, kindPower, kindPulled, kindInserted, kindOutsider, kindNoKey},
	// An erase that did not pass: flash that resists, a drive that does not answer,
	// a credential that was changed.
	src.BE34009E: {kindArmed, kindBroken, kindPower, kindPulled, kindInserted, kindOutsider},
	src.BE34009F: {kindArmed, kindBroken, kindPower, kindPulled, kindInserted, kindOutsider},
	src.BE31F004: {kindArmed, kindBroken, kindPower, kindPulled, kindInserted, kindOutsider},
	src.BE3400A2: {kindNoKey},
	src.BE3400A3: {kindPulled, kindInserted, kindOutsider, kindArmed, kindTried},
}

// serve takes down the drives that serve in one rank now.
func (h *history) serve(serials []string) {
	for _, s := range serials {
		if h.mates[s] == nil {
			h.mates[s] = map[string]bool{}
		}
		for _, mate := range serials {
			h.mates[s][mate] = true
		}
	}
}

// leftBehind says whether a drive may have lost its place in a rank, and kept the data, because
// of what happened to another one: its rebuild ended early, and a spare took over.
func (h *history) leftBehind(serial string, allowed []kind) bool {
	for mate := range h.mates[serial] {
		for _, k := range h.drives[mate] {
			if slices.Contains(allowed, k) {
				return true
			}
		}
	}
	return false
}

// explained says whether some drive of an event, or for a want of keys the key
// servers, has a cause in the history that the SRC may have.
func (h *history) explained(e raslab.ServiceEvent) bool {
	allowed, known := causes[src.Code(e.SRC)]
	if keyCode(e.SRC) {
		return true // compareEvents looks at each
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
		why = why || src.Code(e.SRC) == src.BE34009F && h.leftBehind(serial, allowed)
		if !why {
			return false
		}
	}
	return true
}

// FalseAlarms lists the events that nothing broken explains: all but those by which
// the facility reports what a person tried.
func (m *Machine) FalseAlarms() []raslab.ServiceEvent {
	return slices.DeleteFunc(m.Lab.Events(), func(e raslab.ServiceEvent) bool {
		return e.SRC == string(src.BE3400A3) && m.history.explained(e)
	})
}

// byHand tries to erase the drive in a slot in a manual recovery.
func byHand(erase func(*raslab.Lab, string) (raslab.Report, error)) func(*Machine, []string) error {
	return func(m *Machine, a []string) error {
		if d, err := m.Lab.Drive(a[0]); err == nil && d.KeyGroup != 0 {
			m.history.add(d.Serial, kindTried)
		}
		return m.report(erase(m.Lab, a[0]))
	}
}

// hurt breaks the drive in a slot.
func (m *Machine) hurt(slot string, k kind, how func(string) error) error {
	p, err := m.Lab.Part(slot)
	if err != nil && k != kindPower { // the slot is empty; its fuse can still go
		return m.expect(false, how(slot))
	}
	if err == nil {
		m.history.add(p.Serial(), k)
	}
	return m.expect(true, how(slot))
}

func (m *Machine) arm(a []string) error {
	return m.hurt(a[0], kindArmed, func(slot string) error { return m.Lab.Arm(slot, fault.MustParse(a[1])) })
}

// insert puts a part of the shelf into a slot; "any" is the first there is.
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
