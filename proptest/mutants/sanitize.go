package mutants

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// sanitizer is the simulated drive with a sanitize of its own: at each question how far it is, one range
// gets a new key. The fields are in memory that survives. It is sound; the mutants are what wraps it.
// Only ranges whose BandMaster is at MSID can be sanitized so.
type sanitizer struct {
	whole
	label drive.Label
	state conformance.SanitizeState
	next  int // the range whose turn it is
}

// NewSanitizer makes the sound one.
func NewSanitizer(w conformance.Wish) (conformance.Device, drive.Label, error) {
	d, label, err := conformance.Simulated(w)
	if err != nil || d == nil {
		return d, label, err
	}
	return &sanitizer{whole: d.(whole), label: label}, label, nil
}

// sanitizing makes the maker of a wrapped sanitizer.
func sanitizing(wrap func(*sanitizer) conformance.Device) conformance.Maker {
	return func(w conformance.Wish) (conformance.Device, drive.Label, error) {
		d, label, err := NewSanitizer(w)
		if err != nil || d == nil {
			return d, label, err
		}
		return wrap(d.(*sanitizer)), label, nil
	}
}

func (s *sanitizer) Sanitize() error {
	if err := s.Flush(); err != nil { // has it power?
		return err
	}
	s.state, s.next = conformance.Sanitizing, 0
	return nil
}

func (s *sanitizer) SanitizeStatus() (conformance.SanitizeStatus, error) {
	return s.step(s.GenKey)
}

// step does one step of a sanitize that goes on.
func (s *sanitizer) step(genkey func(n int, pin drive.PIN) error) (conformance.SanitizeStatus, error) {
	if err := s.Flush(); err != nil {
		return conformance.SanitizeStatus{}, err
	}
	id, err := s.Identify()
	if err != nil {
		return conformance.SanitizeStatus{}, err
	}
	at := uint16(s.next * 65535 / (id.Ranges + 1))
	if s.state == conformance.Sanitizing {
		switch err := genkey(s.next, s.label.MSID); {
		case errors.Is(err, drive.PowerLost):
			return conformance.SanitizeStatus{}, err
		case err != nil:
			s.state = conformance.SanitizeFailed
		case s.next == id.Ranges:
			s.state = conformance.Sanitized
		default:
			s.next++
		}
	}
	return conformance.SanitizeStatus{State: s.state, Progress: at}, nil
}

// PowerOn gives back the try that a power cut in the middle of a new key has cost.
func (s *sanitizer) PowerOn() error {
	err := s.whole.PowerOn()
	if err == nil && s.state == conformance.Sanitizing {
		return s.Try(drive.BandMaster(s.next), s.label.MSID)
	}
	return err
}

func (s *sanitizer) Read(lba uint64, dst []byte) error {
	if s.state == conformance.Sanitizing && s.Flush() == nil {
		return &drive.StatusError{Op: "read", Code: drive.InvalidState}
	}
	return s.whole.Read(lba, dst)
}

func (s *sanitizer) Write(lba uint64, src []byte) error {
	if s.state == conformance.Sanitizing && s.Flush() == nil {
		return &drive.StatusError{Op: "write", Code: drive.InvalidState}
	}
	return s.whole.Write(lba, src)
}

// sanitizers list what wraps it, by the property that finds them out.
var sanitizers = []Mutant{
	{Of: "SA01", Defect: "a sanitize spares the last range", Maker: sanitizing(func(s *sanitizer) conformance.Device { return sparing{s} })},
	{Of: "SA01", Defect: "a sanitize does nothing the second time", Maker: sanitizing(func(s *sanitizer) conformance.Device { return &tired{sanitizer: s} })},
	{Of: "SA02", Defect: "a power cycle ends a sanitize, which is called done", Maker: sanitizing(func(s *sanitizer) conformance.Device { return hasty{s} })},
	{Of: "SA02", Defect: "a warm reset forgets that a sanitize was begun", Maker: sanitizing(func(s *sanitizer) conformance.Device { return fickle{s} })},
	{Of: "SA03", Defect: "a range that gets no new key, since the flash refuses, is passed over", Maker: sanitizing(func(s *sanitizer) conformance.Device { return cheerful{s} })},
	{Of: "SA04", Defect: "until its range has a new key data can be read during a sanitize", Maker: sanitizing(func(s *sanitizer) conformance.Device { return open{s} })},
	{Of: "SA05", Defect: "after a power cut a sanitize goes on with the next range", Maker: sanitizing(func(s *sanitizer) conformance.Device { return &skipping{sanitizer: s} })},
}

// sanitizes are the defects of the simulated drive's own sanitize.
var sanitizes = []Mutant{
	{Of: "SA01", Defect: "a sanitize leaves the media keys as they are", Edits: []Edit{{
		"drive/sanitize_step.go", "		return d.replaceKeys(op, func() record {\n			r := d.rec.clone()\n			r.sanitize = s\n			return r\n		})\n",
		"		return d.setSanitize(op, s)\n",
	}}},
	{Of: "SA02", Defect: "a sanitize that was begun is in RAM alone", Edits: []Edit{{
		"drive/sanitize.go", "	if o.Unrestricted {\n		s.state = UnrestrictedProcessing\n	}\n	return d.setSanitize(op, s)\n",
		"	if o.Unrestricted {\n		s.state = UnrestrictedProcessing\n	}\n	d.rec.sanitize = s\n	return nil\n",
	}}},
	{Of: "SA03", Defect: "a sanitize of which a step failed has ended well", Edits: []Edit{{
		"drive/sanitize_step.go", "	s.failed, s.state = in, RestrictedFailure\n	if s.order.Unrestricted {\n		s.state = UnrestrictedFailure\n	}\n",
		"	s.failed, s.state = in, RestrictedFailure\n	if d.state() != SecurityDegraded {\n		s.finish()\n	}\n",
	}}},
	{Of: "SA04", Defect: "data of hosts move while a sanitize goes on", Edits: []Edit{{
		"drive/sanitize.go", "	case s == nil || s.state == SanitizeIdle:\n		return nil\n", "	case s == nil || s.state == SanitizeIdle || op == \"read\" && s.works():\n		return nil\n",
	}}},
	{Of: "SA05", Defect: "that the keys are new is on record before they are", Edits: []Edit{{
		"drive/sanitize_step.go", "		s.keyed = true\n", "		s.keyed = true\n		if err := d.setSanitize(op, s); err != nil {\n			return err\n		}\n",
	}}},
}

type sparing struct{ *sanitizer }

func (s sparing) SanitizeStatus() (conformance.SanitizeStatus, error) {
	return s.step(func(n int, pin drive.PIN) error {
		if id, err := s.Identify(); err != nil || n > 0 && n == id.Ranges {
			return err
		}
		return s.GenKey(n, pin)
	})
}

type tired struct {
	*sanitizer
	ended bool
}

func (s *tired) SanitizeStatus() (conformance.SanitizeStatus, error) {
	is, err := s.step(func(n int, pin drive.PIN) error {
		if s.ended {
			return nil
		}
		return s.GenKey(n, pin)
	})
	s.ended = s.ended || is.State == conformance.Sanitized
	return is, err
}

type hasty struct{ *sanitizer }

func (s hasty) PowerOff() {
	s.whole.PowerOff()
	if s.state == conformance.Sanitizing {
		s.state = conformance.Sanitized
	}
}

type fickle struct{ *sanitizer }

func (s fickle) Reset(k drive.ResetKind) error {
	if k == drive.HardwareReset && s.state == conformance.Sanitizing {
		s.state = conformance.NeverSanitized
	}
	return s.whole.Reset(k)
}

type cheerful struct{ *sanitizer }

func (s cheerful) SanitizeStatus() (conformance.SanitizeStatus, error) {
	return s.step(func(n int, pin drive.PIN) error {
		if err := s.GenKey(n, pin); errors.Is(err, drive.PowerLost) {
			return err
		}
		return nil
	})
}

type open struct{ *sanitizer }

func (s open) Read(lba uint64, dst []byte) error { return s.whole.Read(lba, dst) }

type skipping struct {
	*sanitizer
	cut bool
}

func (s *skipping) SanitizeStatus() (conformance.SanitizeStatus, error) {
	is, err := s.step(s.GenKey)
	s.cut = s.cut || errors.Is(err, drive.PowerLost)
	return is, err
}

func (s *skipping) PowerOn() error {
	err := s.sanitizer.PowerOn()
	if id, bad := s.Identify(); err == nil && bad == nil && s.cut && s.next < id.Ranges {
		s.next, s.cut = s.next+1, false
	}
	return err
}
