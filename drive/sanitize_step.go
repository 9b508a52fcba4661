package drive

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// SanitizeStep does a piece of the operation under way: the keys, or as many sectors. more says whether something
// is left to do. What fails is the operation, which SanitizeStatus says; the error is of a drive that cannot go
// on with it now: NoPower, PowerLost, Degraded.
func (d *Drive) SanitizeStep(sectors uint64) (more bool, err error) {
	const op = "sanitize step"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready(op); err != nil {
		return false, err
	}
	s := d.rec.sanitize
	if s == nil || !s.works() {
		return false, nil
	}
	if err := d.settled(op); err != nil {
		return false, err
	}
	next := *s
	err = d.sanitizePiece(op, &next, max(sectors, 1))
	switch {
	case errors.Is(err, PowerLost):
		return false, err
	case err != nil:
		return false, d.sanitizeFailed(op, s.state)
	}
	return d.rec.sanitize.works(), nil
}

// works says whether there is something to do without being asked.
func (s *sanitizeRecord) works() bool {
	return s.state == RestrictedProcessing || s.state == UnrestrictedProcessing || s.state == PostVerification
}

// sanitizePiece does the next piece of work of the operation, and records how far it is.
func (d *Drive) sanitizePiece(op string, s *sanitizeRecord, sectors uint64) error {
	if !s.keyed {
		s.keyed = true
		return d.replaceKeys(op, func() record {
			r := d.rec.clone()
			r.sanitize = s
			return r
		})
	}
	if int(s.phase) < s.phases() {
		n := min(sectors, d.cfg.Sectors-s.done)
		if err := d.sanitizeSectors(op, s, n); err != nil {
			return err
		}
		const marks = 8 // in a phase: a loss of power costs no more work than lies between two
		was := s.done * marks / d.cfg.Sectors
		s.done += n
		if s.done == d.cfg.Sectors {
			s.phase, s.done = s.phase+1, 0
		} else if s.done*marks/d.cfg.Sectors == was {
			d.rec.sanitize = s
			return nil
		}
	}
	// What is on record as done is done: an operation that goes on behind a loss of power does it no more.
	if err := d.syncMedia(op); err != nil {
		return err
	}
	if int(s.phase) == s.phases() {
		s.finish()
	}
	return d.setSanitize(op, s)
}

// finish is the end of the work: of the operation, or of what comes before Media Verification.
func (s *sanitizeRecord) finish() {
	if s.order.Verify && !s.cancelled && s.state != PostVerification {
		s.state = MediaVerification
		return
	}
	s.state, s.failed, s.clean = SanitizeIdle, SanitizeIdle, true
}

// sanitizeSectors works on n sectors of the phase under way.
func (d *Drive) sanitizeSectors(op string, s *sanitizeRecord, n uint64) error {
	if err := d.ciphers(op); err != nil {
		return err
	}
	pattern, ok := s.overwrites()
	if !ok {
		return d.discard(op, s.done, n)
	}
	sector := bytes.Repeat(binary.LittleEndian.AppendUint32(nil, pattern), d.cfg.SectorSize/4)
	return d.fill(op, s.done, n, sector)
}

// ciphers has the cipher of every range ready, or fails where a key is not there.
func (d *Drive) ciphers(op string) error {
	for n := range d.ram {
		if err := d.cipherReady(op, n); err != nil {
			return err
		}
	}
	return nil
}

// sanitizeFailed puts the failure of an operation on record. Where not even that works, the next step finds
// the same cause again. The error is PowerLost, or nil.
func (d *Drive) sanitizeFailed(op string, in SanitizeState) error {
	if !d.powered {
		return d.ready(op)
	}
	s := *d.rec.sanitize
	s.failed, s.state = in, RestrictedFailure
	if s.order.Unrestricted {
		s.state = UnrestrictedFailure
	}
	d.rec.sanitize = &s
	if err := d.note(op); errors.Is(err, PowerLost) {
		return err
	}
	return nil
}

// interruptSanitize is a reset of the subsystem or a loss of power: Media Verification is over, or will not be
// entered (NVMe Base 2.1, 8.1.24.3, transitions by reset). The error is PowerLost or nil; where the record cannot be
// written, what is in RAM counts.
func (d *Drive) interruptSanitize(op string) error {
	s := d.rec.sanitize
	if s == nil || !s.order.Verify || s.cancelled || s.state != MediaVerification && !s.works() || s.state == PostVerification {
		return nil
	}
	next := *s
	next.cancelled = true
	if s.state == MediaVerification {
		next.state, next.phase, next.done = PostVerification, 0, 0
	}
	d.rec.sanitize = &next
	if err := d.note(op); errors.Is(err, PowerLost) {
		return err
	}
	return nil
}

// soil puts on record that a host writes to a drive that was clean since its last sanitize operation.
func (d *Drive) soil(op string) error {
	if d.rec.sanitize == nil || !d.rec.sanitize.clean {
		return nil
	}
	s := *d.rec.sanitize
	s.clean = false
	return d.setSanitize(op, &s)
}
