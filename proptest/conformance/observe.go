package conformance

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// observe drops the candidates that differ from what the device says of itself to anybody. On a
// device with many ranges it asks for those that the command is about, and for the last one.
func (w *World) observe(c Command) {
	if c.Verb == Thief || c.Verb == Deep || c.Verb == Secrets || c.Verb == RAM || c.Verb == BreakIt || w.armed {
		return // a question would count as an operation of the faults
	}
	why := ""
	kept := w.candidates[:0]
	for _, m := range w.candidates {
		w.adopt(m, c)
		if d := w.differs(m, c); d != "" {
			if why == "" || !m.degraded { // what a sound device should say tells more
				why = d
			}
		} else {
			kept = append(kept, m)
		}
	}
	if len(kept) == 0 {
		w.failf("says", "after %v %s", c, why)
	}
	w.candidates = kept
}

// adopt takes over what a device has counted while its memory failed: the memory may not have taken
// it.
func (w *World) adopt(m *model, c Command) {
	t := capability[TryReader](w, TellsTries)
	if t == nil || !m.worn || !m.on || m.degraded {
		return
	}
	all := append(w.authorities(), drive.PSID)
	for _, a := range []drive.Authority{c.Who, drive.BandMaster(c.Range)} {
		if m.index(a) >= 0 {
			all = append(all, a)
		}
	}
	for _, a := range all {
		if used, _, err := t.Tries(a); err == nil {
			*m.count(a) = used
		}
	}
}

// differs says in one sentence how the device differs from what m expects, or "".
func (w *World) differs(m *model, c Command) string {
	if !m.on || m.degraded {
		return w.saysDegraded(m)
	}
	if s := capability[StateReader](w, TellsState); s != nil {
		state, err := s.State()
		want := drive.Erased
		if m.owned() {
			want = drive.Configured
		}
		if err != nil || state != want {
			return fmt.Sprintf("the state is %v%s, expected %v", state, because(err), want)
		}
	}
	last := m.id.Ranges
	ranges := []int{0, min(c.Range, last), last}
	if n, band := c.Who.Band(); band {
		ranges[1] = min(n, last)
	}
	who := []drive.Authority{drive.SID, drive.EraseMaster}
	for _, n := range ranges {
		who = append(who, drive.BandMaster(n))
		if d := w.rangeDiffers(m, n); d != "" {
			return d
		}
	}
	for _, a := range who {
		if d := w.slotDiffers(m, a); d != "" {
			return d
		}
	}
	if t := capability[TryReader](w, TellsTries); t != nil {
		if used, _, err := t.Tries(drive.PSID); err != nil || used != m.psid {
			return fmt.Sprintf("%d tries of the PSID were counted%s, expected %d", used, because(err), m.psid)
		}
	}
	return ""
}

// saysDegraded: a device that has lost track says so, if it says anything.
func (w *World) saysDegraded(m *model) string {
	if s := capability[StateReader](w, TellsState); s != nil && m.on {
		if state, err := s.State(); err == nil && state != drive.SecurityDegraded {
			return fmt.Sprintf("the state is %v, expected %v", state, drive.SecurityDegraded)
		}
	}
	return ""
}

func (w *World) rangeDiffers(m *model, n int) string {
	r := capability[RangeReader](w, TellsRanges)
	if r == nil {
		return ""
	}
	is, err := r.Range(n)
	g := &m.ranges[n]
	switch {
	case err != nil:
		return fmt.Sprintf("range %d cannot be read: %v", n, err)
	case is.RangeConfig != g.c:
		return fmt.Sprintf("range %d is %+v, expected %+v", n, is.RangeConfig, g.c)
	case is.ReadLocked != g.read || is.WriteLocked != g.write:
		return fmt.Sprintf("range %d says that its locks are %s, expected %s", n, flags([2]bool{is.ReadLocked, is.WriteLocked}), flags([2]bool{g.read, g.write}))
	}
	return ""
}

func (w *World) slotDiffers(m *model, a drive.Authority) string {
	s := m.slots[m.index(a)]
	if i := capability[Indicator](w, TellsMSID); i != nil {
		if at, err := i.AtMSID(a); err != nil || at != (s.pin == "msid") {
			return fmt.Sprintf("the device says whether %v has the factory PIN: %v%s, expected %v", a, at, because(err), s.pin == "msid")
		}
	}
	if t := capability[TryReader](w, TellsTries); t != nil {
		used, limit, err := t.Tries(a)
		if err != nil && !errors.Is(err, drive.NoPower) || used != s.tries || limit != m.id.TryLimit {
			return fmt.Sprintf("%d of %d tries of %v were counted%s, expected %d of %d", used, limit, a, because(err), s.tries, m.id.TryLimit)
		}
	}
	return ""
}

// because is an error behind what could not be asked.
func because(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf(" (%v)", err)
}
