package nvme

import (
	"encoding/binary"
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// sanicap is field SANICAP: crypto erase, block erase, overwrite, media verification; without deallocation is as
// a host asks, and the medium is not modified behind an operation (NVMe Base 2.1, figure 313).
const sanicap = 1 | 1<<1 | 1<<2 | 1<<3 | 1<<30

// Values of field SANACT.
const (
	exitFailure      = 1
	exitVerification = 5
)

// Events of I/O command set specific status (NVMe Base 2.1, figure 153): type, information, log page.
const (
	eventIOSpecific     = 6
	eventSanitized      = logSanitize<<16 | 1<<8 | eventIOSpecific
	eventInVerification = logSanitize<<16 | 3<<8 | eventIOSpecific
)

// order reads the fields of Sanitize (NVMe Base 2.1, 5.1.22).
func order(cmd *Command) drive.SanitizeOrder {
	dw10 := cmd.DW(10)
	o := drive.SanitizeOrder{
		Action: drive.SanitizeAction(dw10 & 7), Unrestricted: dw10>>3&1 != 0,
		KeepBlocks: dw10>>9&1 != 0, Verify: dw10>>10&1 != 0,
	}
	if o.Action != drive.Overwrite {
		return o
	}
	o.Passes, o.Invert, o.Pattern = uint8(dw10>>4&0xF), dw10>>8&1 != 0, cmd.DW(11)
	if o.Passes == 0 {
		o.Passes = 16
	}
	return o
}

// dword10 is the command dword that an order came with.
func dword10(o *drive.SanitizeOrder) uint32 {
	bit := func(b bool, n int) uint32 {
		if b {
			return 1 << n
		}
		return 0
	}
	return uint32(o.Action) | bit(o.Unrestricted, 3) | uint32(o.Passes&0xF)<<4 | bit(o.Invert, 8) | bit(o.KeepBlocks, 9) | bit(o.Verify, 10)
}

// sanitize is Sanitize (NVMe Base 2.1, 5.1.22). It ends when the operation has begun.
func (c *Controller) sanitize(cmd *Command) Result {
	switch cmd.DW(10) & 7 {
	case exitFailure:
		return giveUp(c.s.d.ExitSanitizeFailure())
	case exitVerification:
		err := c.s.d.ExitMediaVerification()
		if errors.Is(err, drive.InvalidState) {
			if c.s.sanitizeState().State == drive.SanitizeIdle {
				return refused(InvalidField)
			}
			return c.whyNot()
		}
		return giveUp(err)
	}
	if c.s.sanitizeState().State == drive.MediaVerification {
		return refused(InvalidField)
	}
	r := giveUp(c.s.d.Sanitize(order(cmd)))
	if r.Status == Success {
		c.s.begun(c, cmd)
	}
	return r
}

func (s *Subsystem) sanitizeState() drive.SanitizeStatus {
	st, _ := s.d.SanitizeStatus() // without a record there is none
	return st
}

// begun: c began an operation by a command. Events of the one before are gone.
func (s *Subsystem) begun(c *Controller, cmd *Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sanitizer, s.reported = c, s.sanitizeState().State
	c.dropEvents()
	s.history.add(c.id, c.stamp(), eventSanitizeStart, sanitizeStarts(cmd))
}

func (c *Controller) dropEvents() {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := c.events[:0]
	for _, e := range c.events {
		if e.kind() != eventIOSpecific {
			left = append(left, e)
		}
	}
	c.events = left
}

// sectorsAtATime is how much of a sanitize operation one call of Work does.
const sectorsAtATime = 4096

// Work does a piece of what the drive does without being asked. Whoever serves the subsystem calls it now and
// then, and no faster than the drive is to be. The host that began an operation is told of its end.
func (s *Subsystem) Work() {
	// An error is of a drive that cannot go on now; the next call tries again.
	_, _ = s.d.SanitizeStep(sectorsAtATime)
	s.mu.Lock()
	c, was := s.sanitizer, s.reported
	now := s.sanitizeState().State
	s.reported = now
	s.mu.Unlock()
	if now == was || !s.Powered() {
		return
	}
	s.sanitized(c, was, now)
	if c == nil {
		return
	}
	switch now {
	case drive.MediaVerification:
		c.raise(event{dw0: eventInVerification})
	case drive.SanitizeIdle, drive.RestrictedFailure, drive.UnrestrictedFailure:
		if was != drive.RestrictedFailure && was != drive.UnrestrictedFailure {
			c.raise(event{dw0: eventSanitized})
		}
	}
}

// allowed are the admin commands that are done in every state of a sanitize operation (NVMe Base 2.1, figure 152).
func allowed(cmd *Command) bool {
	switch cmd.Opcode() {
	case OpAbort, OpAsyncEvent, OpSetFeatures, OpGetFeatures, OpIdentify, OpKeepAlive, OpSanitize:
		return true
	case OpGetLog:
		switch uint8(cmd.DW(10)) {
		case logErrors, logSMART, logChanged, logSanitize:
			return true
		}
	}
	return false
}

// whyNot is the status of what a sanitize operation forbids.
func (c *Controller) whyNot() Result {
	switch c.s.sanitizeState().State {
	case drive.RestrictedFailure, drive.UnrestrictedFailure:
		return refused(SanitizeFailed)
	}
	return refused(SanitizeRuns)
}

// whileSanitizing refuses admin commands that a sanitize operation forbids: with In Progress in every state
// (NVMe Base 2.1, 8.1.24.4).
func (c *Controller) whileSanitizing(cmd *Command) (Result, bool) {
	if c.s.sanitizeState().State == drive.SanitizeIdle || allowed(cmd) {
		return done, true
	}
	return refused(SanitizeRuns), false
}

// ioWhileSanitizing refuses I/O commands. In Media Verification a Read gives what the medium holds, with a status
// of its own; Flush has nothing to do.
func (c *Controller) ioWhileSanitizing(cmd *Command, out []byte) (Result, bool) {
	state := c.s.sanitizeState().State
	switch {
	case state == drive.SanitizeIdle:
		return done, true
	case cmd.Opcode() != OpRead || state != drive.MediaVerification:
		return c.whyNot(), false
	}
	lba, _, r, ok := c.blocks(cmd, len(out))
	if !ok {
		return r, false
	}
	if err := c.s.d.VerifyMedia(lba, out); err != nil {
		clear(out)
		return media(err, UnrecoveredRead), false
	}
	return refused(VerificationRead), false
}

// sanitizeLog is the Sanitize Status log page (NVMe Base 2.1, figure 291).
func (s *Subsystem) sanitizeLog() []byte {
	const (
		never, succeeded, running, failedOnce = 0, 1, 2, 3
		noEstimate                            = 0xFFFFFFFF
	)
	st, le, b := s.sanitizeState(), binary.LittleEndian, make([]byte, 512)
	progress, sos := uint64(0xFFFF), uint16(succeeded)
	switch st.State {
	case drive.RestrictedProcessing, drive.UnrestrictedProcessing, drive.PostVerification:
		progress, sos = 0, running
		if st.Of > 0 {
			progress = min(st.Done*65536/st.Of, 0xFFFF)
		}
	case drive.MediaVerification:
		sos = running
	}
	switch {
	case !st.Ever:
		sos = never
	case st.Failed != drive.SanitizeIdle && sos == succeeded:
		sos = failedOnce
	}
	le.PutUint16(b, uint16(progress))
	status := sos | uint16(st.Passes)<<3
	if st.Clean {
		status |= 1 << 8
	}
	if st.Cancelled {
		status |= 1 << 9
	}
	le.PutUint16(b[2:], status)
	if st.Ever {
		le.PutUint32(b[4:], dword10(&st.Order))
	}
	for at := 8; at <= 32; at += 4 {
		le.PutUint32(b[at:], noEstimate)
	}
	b[36] = byte(st.State) | byte(st.Failed)<<4
	return b
}
