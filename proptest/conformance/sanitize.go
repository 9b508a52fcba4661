package conformance

import (
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// CanSanitize is a device that sanitizes itself.
const CanSanitize Capability = "sanitize" // Sanitizer

// Sanitizer makes all user data unreadable, by new keys or in another way, with nobody's PIN, as the
// Sanitize command of NVMe (2.1) does. PINs and places stay. It may go on in the background. From its
// acceptance on nothing that was written before is readable, over power cycles and resets too, and neither
// ends it. Until it has ended, and after one that failed until another one has, reads and writes may be refused
// with drive.InvalidState or drive.SPBusy, and so may another one while it goes on. While a range has locks
// enabled, a sanitize may be refused with drive.Locked.
type Sanitizer interface {
	Sanitize() error
	SanitizeStatus() (SanitizeStatus, error)
}

// SanitizeState is how the last sanitize of a device is.
type SanitizeState int

// The states.
const (
	NeverSanitized SanitizeState = iota
	Sanitizing
	Sanitized
	SanitizeFailed
)

// SanitizeStatus is what a device says of its last sanitize.
type SanitizeStatus struct {
	State    SanitizeState
	Progress uint16 // of 65,536, while it is Sanitizing
}

// sanitizeMax is how often a device is asked whether it has ended.
const sanitizeMax = 10_000

// nonsense is what a device says of itself that cannot be.
type nonsense string

func (n nonsense) Error() string { return string(n) }

// sanitizeEnds asks the device until the sanitize has ended, or has never begun.
func (w *World) sanitizeEnds() error {
	before := uint16(0)
	for range sanitizeMax {
		s, err := w.dev.(Sanitizer).SanitizeStatus()
		switch {
		case err != nil:
			return err
		case s.State == Sanitized:
			return nil
		case s.State == SanitizeFailed:
			return drive.HardwareFailure
		case s.State == NeverSanitized:
			return drive.InvalidState
		case s.State != Sanitizing:
			return nonsense(fmt.Sprintf("a state of sanitize that is none: %d", s.State))
		case s.Progress < before:
			return nonsense(fmt.Sprintf("the progress of sanitize goes back from %d to %d of 65,536", before, s.Progress))
		}
		before = s.Progress
	}
	return nonsense(fmt.Sprintf("sanitize does not end, as the device says %d times", sanitizeMax))
}

// sanitizes is the command in the model, and sanitized the wait for its end. A device that was told to
// sanitize has other keys from then on, as far as a host can see.
func (m *model) sanitizes() []outcome {
	if m.degraded {
		return m.ends(drive.Degraded)
	}
	var out []outcome
	if m.sanitize == Sanitizing {
		out = m.busy(out)
	}
	if slices.ContainsFunc(m.ranges, func(g band) bool { return g.c.ReadLockEnabled || g.c.WriteLockEnabled }) {
		out = append(out, m.clone().ends(drive.Locked)...)
	}
	for n := range m.ranges {
		m.newKey(n)
		m.ranges[n].ram = true
	}
	m.sanitize = Sanitizing
	return append(out, m.ends(done)...)
}

func (m *model) sanitized() []outcome {
	switch {
	case m.degraded:
		return m.ends(drive.Degraded, drive.HardwareFailure)
	case m.sanitize == Sanitizing:
		m.sanitize = Sanitized
	case m.sanitize == SanitizeFailed:
		return m.ends(drive.HardwareFailure)
	case m.sanitize == NeverSanitized:
		return m.ends(drive.InvalidState)
	}
	return m.ends(done)
}

// sanitizeFails: it ended and said that it failed. Nobody knows what the sectors hold.
func (m *model) sanitizeFails() *model {
	f := m.clone()
	f.sanitize = SanitizeFailed
	clear(f.sectors)
	return f
}

// busy adds the refusals of a device that sanitizes, or could not, which has not done the command then.
func (m *model) busy(out []outcome) []outcome {
	return append(out, m.clone().ends(drive.InvalidState, drive.SPBusy)...)
}

// SA: sanitize.
var sanitizeProperties = []*Property{
	family("SA01", "once a sanitize has ended nothing of before is readable, and no key of before is left", nvme, Property{Needs: []Capability{CanSanitize}}, sa01),
	family("SA02", "a sanitize that was begun goes on over power cycles and resets to its end", nvme, Property{Needs: []Capability{CanSanitize}}, sa02),
	family("SA03", "a sanitize that failed is not reported as done", nvme, Property{Needs: []Capability{CanSanitize, HasBreaks}, Faults: true}, sa03),
	family("SA04", "from the acceptance of a sanitize on nothing of before is readable", nvme, Property{Needs: []Capability{CanSanitize}}, sa04),
	family("SA05", "a power cut at every step of a sanitize: it goes on, or it had not begun", nvme, Property{Needs: []Capability{CanSanitize, HasBreaks}, Faults: true}, sa05),
}

const nvme = "derived, no incident found; NVM Express Base 2.1, 8.1.24 (not read)"

// full makes a device with data in range 0, and in the first and the last range where it has them.
func (t *Trial) full() (w *World, read string) {
	w = t.World(func(w *Wish) { // a small one: it may go over every sector
		w.Sectors = min(w.Sectors, max(64, uint64(w.Ranges+2)*max(8, w.Granularity)))
	})
	w.Do("write 0 2 1")
	read = "read 0 2"
	for i, n := range []int{1, w.id.Ranges} {
		if n > 0 && (i == 0 || n > 1) && n <= w.id.Ranges {
			w.place(n, "msid")
			w.Do("write %d 1 %d", w.at(n), 2+n)
			read += fmt.Sprintf("; read %d 1", w.at(n))
		}
	}
	w.Do("%s", read)
	return w, read
}

func sa01(t *Trial) {
	for range 2 {
		w, read := t.full()
		w.Do("sanitize; sanitized; %s; write 0 1 9; read 0 1; power-off; power-on; %s", read, read)
		if w.has(HasDump) {
			w.Do("thief")
		}
		w.Do("sanitize; sanitized; %s; try BandMaster0 msid", read) // and once more
		t.claim()
	}
}

func sa02(t *Trial) {
	for _, between := range []string{
		"power-off; power-on", "reset warm", "reset hot", "power-off; power-on; power-off; power-on", "reset warm; power-off; power-on; reset hot",
	} {
		w, read := t.full()
		w.Do("sanitize; %s; sanitized; %s; power-off; power-on; sanitized; %s", between, read, read)
		t.claim()
	}
}

func sa03(t *Trial) {
	for _, kind := range []BreakKind{ProgramRefused, ProgramTorn, EraseRefused, EraseTorn} {
		for k := -1; k < 6; k++ {
			w, read := t.full()
			if !w.breaks([]Break{{kind, k}}) {
				continue
			}
			w.fires("sanitize; sanitized", Break{kind, k})
			w.Do("%s; power-off; power-on; %s", read, read)
			w, read = t.full()
			w.Do("sanitize")
			w.fires("sanitized", Break{kind, k}) // and where it was well when it began
			w.Do("%s; power-off; power-on; %s", read, read)
		}
	}
}

func sa04(t *Trial) {
	w, read := t.full()
	w.Do("sanitize; %s; sanitized; %s", read, read)
	t.claim()
}

func sa05(t *Trial) {
	t.cuts(func(b Break) bool {
		w, read := t.full()
		fired := w.fires("sanitize; sanitized", b)
		w.Do("%s; sanitized; %s", read, read)
		if w.has(HasDump) {
			w.Do("thief")
		}
		w.Do("sanitize; sanitized; %s", read)
		return fired
	})
}
