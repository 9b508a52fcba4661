package drive

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// SanitizeState is where a drive is in a sanitize operation (NVMe Base 2.1, 8.1.24; the numbers are those of
// field SANS).
type SanitizeState uint8

const (
	// SanitizeIdle: there is none under way. Left by Sanitize.
	SanitizeIdle SanitizeState = iota
	// RestrictedProcessing: one is under way, and where it fails, only another one helps. Left when it is done, by
	// SanitizeIdle or MediaVerification, or when it has failed, by RestrictedFailure.
	RestrictedProcessing
	// RestrictedFailure: no data move. Left by another operation, which is restricted too.
	RestrictedFailure
	// UnrestrictedProcessing: as RestrictedProcessing, but it fails by UnrestrictedFailure.
	UnrestrictedProcessing
	// UnrestrictedFailure: no data move. Left by another operation, or by ExitSanitizeFailure.
	UnrestrictedFailure
	// MediaVerification: the operation is done, and a host may look at the medium. Left by ExitMediaVerification, a
	// loss of power, or a reset of the subsystem.
	MediaVerification
	// PostVerification: what the host has looked at is deallocated. Left by SanitizeIdle, or by a failure.
	PostVerification
)

var sanitizeStates = [...]string{
	"Idle", "Restricted Processing", "Restricted Failure", "Unrestricted Processing", "Unrestricted Failure",
	"Media Verification", "Post-Verification Deallocation",
}

func (s SanitizeState) String() string { return sanitizeStates[s] }

// SanitizeAction is how a sanitize operation removes data. Each begins with new keys for every range.
type SanitizeAction uint8

// The actions (NVMe Base 2.1, 5.1.22; the numbers are those of field SANACT).
const (
	BlockErase  SanitizeAction = 2 // the medium forgets every sector
	Overwrite   SanitizeAction = 3 // every sector is written with a pattern, in passes
	CryptoErase SanitizeAction = 4 // nothing more
)

// SanitizeOrder is what a host asks for.
type SanitizeOrder struct {
	Action       SanitizeAction
	Unrestricted bool   // where it fails the drive may be used again without another one
	KeepBlocks   bool   // sectors are not deallocated at the end
	Verify       bool   // a host wants to look at the medium at the end; not with Overwrite or KeepBlocks
	Passes       uint8  // of Overwrite, 1 to 16
	Invert       bool   // each pass of Overwrite has the pattern of the one before inverted
	Pattern      uint32 // of Overwrite; the last pass has it as it is
}

// SanitizeStatus is how far a drive is.
type SanitizeStatus struct {
	State     SanitizeState
	Ever      bool          // there was an operation
	Order     SanitizeOrder // of the last one
	Failed    SanitizeState // where the last one failed; SanitizeIdle if it did not
	Clean     bool          // nobody has written since the last one, which succeeded
	Cancelled bool          // Media Verification was cancelled, or will not be entered
	Passes    uint8         // passes of Overwrite that are done
	Done, Of  uint64        // sectors, of all phases of the work
}

// sanitizeRecord is the part of the record that holds the state of a sanitize operation. It is never changed
// in place. It stands behind everything else of the record but its check sum:
//
//	0  1  state
//	1  1  state in which it failed
//	2  1  1 clean, 2 Media Verification cancelled, 4 the keys are new
//	3  1  phases done
//	4  1  action
//	5  1  1 unrestricted, 2 keep blocks, 4 verify, 8 invert
//	6  1  passes
//	7  1  zero
//	8  4  pattern
//	12 4  zero
//	16 8  sectors done of the phase
type sanitizeRecord struct {
	state, failed           SanitizeState
	clean, cancelled, keyed bool
	phase                   uint8
	order                   SanitizeOrder
	done                    uint64
}

const sanitizeSize = 24

func (s *sanitizeRecord) size() int {
	if s == nil {
		return 0
	}
	return sanitizeSize
}

func (s *sanitizeRecord) encode(b []byte) []byte {
	if s == nil {
		return b
	}
	o := &s.order
	b = append(b, byte(s.state), byte(s.failed), flag(s.clean, 1)|flag(s.cancelled, 2)|flag(s.keyed, 4), s.phase,
		byte(o.Action), flag(o.Unrestricted, 1)|flag(o.KeepBlocks, 2)|flag(o.Verify, 4)|flag(o.Invert, 8), o.Passes, 0)
	b = binary.BigEndian.AppendUint32(b, o.Pattern)
	b = append(b, 0, 0, 0, 0)
	return binary.BigEndian.AppendUint64(b, s.done)
}

// parseSanitize reads what encode writes; ok is false for anything else.
func parseSanitize(b []byte) (s *sanitizeRecord, ok bool) {
	be := binary.BigEndian
	s = &sanitizeRecord{
		state: SanitizeState(b[0]), failed: SanitizeState(b[1]), clean: b[2]&1 != 0, cancelled: b[2]&2 != 0,
		keyed: b[2]&4 != 0, phase: b[3], done: be.Uint64(b[16:]),
		order: SanitizeOrder{
			Action: SanitizeAction(b[4]), Unrestricted: b[5]&1 != 0, KeepBlocks: b[5]&2 != 0, Verify: b[5]&4 != 0,
			Invert: b[5]&8 != 0, Passes: b[6], Pattern: be.Uint32(b[8:]),
		},
	}
	return s, s.state <= PostVerification && s.failed <= PostVerification && s.order.valid() && bytes.Equal(s.encode(nil), b)
}

// takeSanitize reads the state of a sanitize operation from a record that ends at a byte, where it has one, and
// gives where what is in front of it ends; -1 where it is none.
func (r *record) takeSanitize(p []byte, end int) int {
	if p[34] == 0 {
		return end
	}
	if end -= sanitizeSize; end < recordHeader {
		return -1
	}
	var ok bool
	if r.sanitize, ok = parseSanitize(p[end : end+sanitizeSize]); !ok {
		return -1
	}
	return end
}

func (o *SanitizeOrder) valid() bool {
	switch o.Action {
	case BlockErase, CryptoErase:
		return !o.Verify || !o.KeepBlocks
	case Overwrite:
		return !o.Verify && o.Passes >= 1 && o.Passes <= 16
	}
	return false
}

// phases is how often the medium is worked through.
func (s *sanitizeRecord) phases() int {
	deallocates := !s.order.KeepBlocks && (!s.order.Verify || s.cancelled)
	switch {
	case s.state == PostVerification, s.order.Action == BlockErase:
		return 1
	case s.order.Action == Overwrite && deallocates:
		return int(s.order.Passes) + 1
	case s.order.Action == Overwrite:
		return int(s.order.Passes)
	case deallocates:
		return 1
	}
	return 0
}

// overwrites says whether the phase under way writes a pattern, and which: OVRPAT, or with Invert its inverse
// where an odd number of passes is still to come.
func (s *sanitizeRecord) overwrites() (pattern uint32, ok bool) {
	if s.order.Action != Overwrite || s.phase >= s.order.Passes {
		return 0, false
	}
	if s.order.Invert && (s.order.Passes-1-s.phase)%2 == 1 {
		return ^s.order.Pattern, true
	}
	return s.order.Pattern, true
}

// sanitizing says whether data of hosts may move.
func (d *Drive) sanitizing(op string) error {
	switch s := d.rec.sanitize; {
	case s == nil || s.state == SanitizeIdle:
		return nil
	case s.state == RestrictedFailure || s.state == UnrestrictedFailure:
		return d.refuse(op, SanitizeFailed, "the last sanitize operation failed; begin another one")
	default:
		return d.refuse(op, SanitizeInProgress, "%v", s.state)
	}
}

// Sanitize begins a sanitize operation, which SanitizeStep does. It outlives every reset and loss of power; data of
// hosts move again when it is done. Like EraseData it takes no authority, and so no range may be locked. Errors:
// Locked, as there; InvalidParameter for an order that there is not; SanitizeInProgress; SanitizeFailed for
// an unrestricted one behind a restricted one that failed; NoSpace, Degraded, HardwareFailure, PowerLost, NoPower.
// Where there is one nothing has begun.
func (d *Drive) Sanitize(o SanitizeOrder) error {
	const op = "sanitize"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.settled(op); err != nil {
		return err
	}
	if !o.valid() {
		return d.refuse(op, InvalidParameter, "no such order")
	}
	if s := d.rec.sanitize; s != nil {
		err := d.sanitizing(op)
		if errors.Is(err, SanitizeInProgress) || err != nil && s.state == RestrictedFailure && o.Unrestricted {
			return err
		}
	}
	if err := d.unclaimed(op); err != nil {
		return err
	}
	s := &sanitizeRecord{state: RestrictedProcessing, order: o}
	if o.Unrestricted {
		s.state = UnrestrictedProcessing
	}
	return d.setSanitize(op, s)
}

// setSanitize puts the state of an operation on flash; where that fails it is as it was.
func (d *Drive) setSanitize(op string, s *sanitizeRecord) error {
	was := d.rec.sanitize
	d.rec.sanitize = s
	if d.rec.size() > d.store.geo.PageSize {
		d.rec.sanitize = was
		return d.refuse(op, NoSpace, "the security record has no room for the operation")
	}
	err := d.note(op)
	if err != nil && d.powered {
		d.rec.sanitize = was
	}
	return err
}

// ExitSanitizeFailure makes a drive usable again whose unrestricted operation failed; what is left of the data is
// left. In SanitizeIdle it does nothing. Errors: SanitizeInProgress, SanitizeFailed after a restricted one, and
// those of writing the record.
func (d *Drive) ExitSanitizeFailure() error {
	const op = "exit failure mode"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.settled(op); err != nil {
		return err
	}
	err := d.sanitizing(op)
	if err == nil || d.rec.sanitize.state != UnrestrictedFailure {
		return err
	}
	s := *d.rec.sanitize
	s.state = SanitizeIdle
	return d.setSanitize(op, &s)
}

// ExitMediaVerification ends Media Verification: the medium is deallocated. Errors: InvalidState in every other
// state, and those of writing the record.
func (d *Drive) ExitMediaVerification() error {
	const op = "exit media verification"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.settled(op); err != nil {
		return err
	}
	if s := d.rec.sanitize; s == nil || s.state != MediaVerification {
		return d.refuse(op, InvalidState, "the drive is not in Media Verification")
	}
	s := *d.rec.sanitize
	s.state, s.phase, s.done = PostVerification, 0, 0
	return d.setSanitize(op, &s)
}

// VerifyMedia fills dst, a whole number of sectors, with what the medium holds from lba on, as it lies there: what
// a thief finds who opens the drive. It is for Media Verification alone. Errors: InvalidState in every other
// state, InvalidParameter, OutOfRange, MediaFailure, Degraded, NoPower.
func (d *Drive) VerifyMedia(lba uint64, dst []byte) error {
	const op = "verify media"
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.settled(op); err != nil {
		return err
	}
	size := d.cfg.SectorSize
	switch n := uint64(len(dst) / size); {
	case d.rec.sanitize == nil || d.rec.sanitize.state != MediaVerification:
		return d.refuse(op, InvalidState, "the drive is not in Media Verification")
	case n == 0 || len(dst)%size != 0:
		return d.refuse(op, InvalidParameter, "%d bytes are no whole number of %d-byte sectors", len(dst), size)
	case lba >= d.cfg.Sectors || n > d.cfg.Sectors-lba:
		return d.refuse(op, OutOfRange, "sectors %d to %d, the last is %d", lba, lba+n-1, d.cfg.Sectors-1)
	}
	for at := 0; at < len(dst); at, lba = at+size, lba+1 {
		if _, err := d.parts.Media.ReadSector(lba, dst[at:at+size]); err != nil {
			return &StatusError{Op: op, State: d.state(), Code: MediaFailure, Err: err}
		}
	}
	return nil
}

// SanitizeStatus says how far the drive is. Errors: NoPower, Degraded without a record.
func (d *Drive) SanitizeStatus() (SanitizeStatus, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ready("sanitize status"); err != nil {
		return SanitizeStatus{}, err
	}
	s := d.rec.sanitize
	if s == nil {
		return SanitizeStatus{}, nil
	}
	out := SanitizeStatus{
		State: s.state, Ever: true, Order: s.order, Failed: s.failed, Clean: s.clean, Cancelled: s.cancelled,
		Done: uint64(s.phase)*d.cfg.Sectors + s.done, Of: uint64(s.phases()) * d.cfg.Sectors,
	}
	if s.order.Action == Overwrite {
		out.Passes = min(s.phase, s.order.Passes)
	}
	return out, nil
}
