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
	says := w.says()
	for _, m := range w.candidates {
		says.adopt(w, m, c)
		if d := says.differs(m, c); d != "" {
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

// says is what a device says of itself between two commands. It is asked each thing once, however many
// candidates there are: a device in another process takes its time.
type says struct {
	state  StateReader
	ranges RangeReader
	msid   Indicator
	tries  TryReader

	stateIs *stateIs
	rangeIs map[int]rangeIs
	msidIs  map[drive.Authority]msidIs
	triesIs map[drive.Authority]triesIs
}

type stateIs struct {
	state drive.State
	err   error
}

type rangeIs struct {
	info drive.RangeInfo
	err  error
}

type msidIs struct {
	at  bool
	err error
}

type triesIs struct {
	used, limit uint16
	err         error
}

func (w *World) says() *says {
	return &says{
		state: capability[StateReader](w, TellsState), ranges: capability[RangeReader](w, TellsRanges),
		msid: capability[Indicator](w, TellsMSID), tries: capability[TryReader](w, TellsTries),
		rangeIs: map[int]rangeIs{}, msidIs: map[drive.Authority]msidIs{}, triesIs: map[drive.Authority]triesIs{},
	}
}

func (s *says) stateOf() (drive.State, error) {
	if s.stateIs == nil {
		s.stateIs = new(stateIs)
		s.stateIs.state, s.stateIs.err = s.state.State()
	}
	return s.stateIs.state, s.stateIs.err
}

func (s *says) rangeOf(n int) (drive.RangeInfo, error) {
	is, asked := s.rangeIs[n]
	if !asked {
		is.info, is.err = s.ranges.Range(n)
		s.rangeIs[n] = is
	}
	return is.info, is.err
}

func (s *says) atMSID(a drive.Authority) (bool, error) {
	is, asked := s.msidIs[a]
	if !asked {
		is.at, is.err = s.msid.AtMSID(a)
		s.msidIs[a] = is
	}
	return is.at, is.err
}

func (s *says) triesOf(a drive.Authority) (used, limit uint16, err error) {
	is, asked := s.triesIs[a]
	if !asked {
		is.used, is.limit, is.err = s.tries.Tries(a)
		s.triesIs[a] = is
	}
	return is.used, is.limit, is.err
}

// adopt takes over what a device has counted while its memory failed: the memory may not have taken
// it.
func (s *says) adopt(w *World, m *model, c Command) {
	if s.tries == nil || !m.worn || !m.on || m.degraded {
		return
	}
	all := append(w.authorities(), drive.PSID)
	for _, a := range []drive.Authority{c.Who, drive.BandMaster(c.Range)} {
		if m.index(a) >= 0 {
			all = append(all, a)
		}
	}
	for _, a := range all {
		if used, _, err := s.triesOf(a); err == nil {
			*m.count(a) = used
		}
	}
}

// differs says in one sentence how the device differs from what m expects, or "".
func (s *says) differs(m *model, c Command) string {
	if !m.on || m.degraded {
		return s.degraded(m)
	}
	if s.state != nil {
		state, err := s.stateOf()
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
		if d := s.rangeDiffers(m, n); d != "" {
			return d
		}
	}
	for _, a := range who {
		if d := s.slotDiffers(m, a); d != "" {
			return d
		}
	}
	if s.tries != nil {
		if used, _, err := s.triesOf(drive.PSID); err != nil || used != m.psid {
			return fmt.Sprintf("%d tries of the PSID were counted%s, expected %d", used, because(err), m.psid)
		}
	}
	return ""
}

// degraded: a device that has lost track says so, if it says anything.
func (s *says) degraded(m *model) string {
	if s.state != nil && m.on {
		if state, err := s.stateOf(); err == nil && state != drive.SecurityDegraded {
			return fmt.Sprintf("the state is %v, expected %v", state, drive.SecurityDegraded)
		}
	}
	return ""
}

func (s *says) rangeDiffers(m *model, n int) string {
	if s.ranges == nil {
		return ""
	}
	is, err := s.rangeOf(n)
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

func (s *says) slotDiffers(m *model, a drive.Authority) string {
	slot := m.slots[m.index(a)]
	if s.msid != nil {
		if at, err := s.atMSID(a); err != nil || at != (slot.pin == "msid") {
			return fmt.Sprintf("the device says whether %v has the factory PIN: %v%s, expected %v", a, at, because(err), slot.pin == "msid")
		}
	}
	if s.tries != nil {
		used, limit, err := s.triesOf(a)
		if err != nil && !errors.Is(err, drive.NoPower) || used != slot.tries || limit != m.id.TryLimit {
			return fmt.Sprintf("%d of %d tries of %v were counted%s, expected %d of %d", used, limit, a, because(err), slot.tries, m.id.TryLimit)
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
