package conformance

import (
	"github.com/seed-9d983aeb/fdelab/drive"
)

// sanitizes is the Sanitizer of a drive of package drive. The drive does a piece of its work at each question how
// far it is.
type sanitizes struct {
	drive interface {
		Config() drive.Config
		Sanitize(drive.SanitizeOrder) error
		SanitizeStep(sectors uint64) (more bool, err error)
		SanitizeStatus() (drive.SanitizeStatus, error)
	}
	next uint64 // of the orders
}

const (
	wholeMax       = 1 << 12 // sectors of a drive of which a sanitize goes over the medium
	sanitizePieces = 4       // of a pass over it
)

// order is another one each time.
func (s *sanitizes) order() drive.SanitizeOrder {
	all := []drive.SanitizeOrder{
		{Action: drive.CryptoErase, KeepBlocks: true},
		{Action: drive.BlockErase},
		{Action: drive.CryptoErase, Unrestricted: true},
		{Action: drive.Overwrite, Passes: 1, Pattern: 0xA5A5A5A5},
	}
	if s.drive.Config().Sectors > wholeMax {
		all = all[:1]
	}
	s.next++
	return all[(s.next-1)%uint64(len(all))]
}

// Sanitize implements Sanitizer.
func (s *sanitizes) Sanitize() error { return s.drive.Sanitize(s.order()) }

// SanitizeStatus implements Sanitizer.
func (s *sanitizes) SanitizeStatus() (SanitizeStatus, error) {
	if _, err := s.drive.SanitizeStep(max(1, s.drive.Config().Sectors/sanitizePieces)); err != nil {
		return SanitizeStatus{}, err
	}
	is, err := s.drive.SanitizeStatus()
	if err != nil {
		return SanitizeStatus{}, err
	}
	switch is.State {
	case drive.RestrictedFailure, drive.UnrestrictedFailure:
		return SanitizeStatus{State: SanitizeFailed}, nil
	case drive.SanitizeIdle:
		if !is.Ever {
			return SanitizeStatus{}, nil
		}
		return SanitizeStatus{State: Sanitized}, nil
	}
	out := SanitizeStatus{State: Sanitizing}
	if is.Of > 0 {
		out.Progress = uint16(float64(is.Done) / float64(is.Of) * 65535)
	}
	return out, nil
}
