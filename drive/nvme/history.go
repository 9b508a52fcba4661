package nvme

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Types of events of the persistent event log (NVMe Base 2.1, 5.1.12.1.14).
const (
	eventTimestamp     = 0x03
	eventReset         = 0x04
	eventFormatStart   = 0x07
	eventFormatEnd     = 0x08
	eventSanitizeStart = 0x09
	eventSanitizeEnd   = 0x0A
)

const (
	historyUnits  = 1 // PELS, of 64 KiB
	historyMost   = 256
	historyHeader = 512
	eventHeader   = 24
)

// history is the persistent event log: what was done to the drive as a whole. The oldest events go.
type history struct {
	mu         sync.Mutex
	events     []pastEvent // oldest first
	resets     drive.Resets
	known      bool // resets is set
	generation uint16
}

type pastEvent struct {
	kind       uint8
	controller uint16
	at         []byte // as feature Timestamp
	data       []byte
}

// add puts an event of a controller behind the others. at is as stamp gives it.
func (h *history) add(controller uint16, at []byte, kind uint8, data []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.append(pastEvent{kind, controller, at, data})
}

// append is add; the lock is held.
func (h *history) append(e pastEvent) {
	if h.events = append(h.events, e); len(h.events) > historyMost {
		h.events = h.events[1:]
	}
}

// stamp is the time of an event that a controller reports.
func (c *Controller) stamp() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.features.clock.read(c.s.o.Now())
}

// connected notes that a drive was given its power or reset, when the first host connects behind that.
func (h *history) connected(c *Controller, since time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known && h.resets == c.lived {
		return
	}
	h.known, h.resets = true, c.lived
	le, b := binary.LittleEndian, make([]byte, 8+36)
	Text(b[:8], firmware)
	le.PutUint16(b[8:], c.id)
	le.PutUint32(b[24:], c.lived.PowerLosses)
	le.PutUint64(b[28:], uint64(since/time.Millisecond))
	h.append(pastEvent{eventReset, c.id, make([]byte, timestampSize), b})
}

func formatStarts(cmd *Command) []byte {
	b := make([]byte, 12)
	binary.LittleEndian.PutUint32(b, cmd.NSID())
	b[4] = fna
	binary.LittleEndian.PutUint32(b[8:], cmd.DW(10))
	return b
}

func formatEnds(cmd *Command, r Result) []byte {
	b := make([]byte, 12)
	binary.LittleEndian.PutUint32(b, cmd.NSID())
	if r.Status != Success {
		b[5] = 1
	}
	binary.LittleEndian.PutUint16(b[8:], uint16(r.Status)<<1)
	return b
}

func sanitizeStarts(cmd *Command) []byte {
	b := binary.LittleEndian.AppendUint32(nil, sanicap)
	b = binary.LittleEndian.AppendUint32(b, cmd.DW(10))
	return binary.LittleEndian.AppendUint32(b, cmd.DW(11))
}

// sanitized notes the end of a sanitize operation. c is who began it, or nil.
func (s *Subsystem) sanitized(c *Controller, was, now drive.SanitizeState) {
	switch was {
	case drive.RestrictedProcessing, drive.UnrestrictedProcessing, drive.PostVerification:
	default:
		return
	}
	switch now {
	case drive.SanitizeIdle, drive.RestrictedFailure, drive.UnrestrictedFailure:
	default:
		return
	}
	id, at := uint16(0), make([]byte, timestampSize)
	if c != nil {
		id, at = c.id, c.stamp()
	}
	s.history.add(id, at, eventSanitizeEnd, append(s.sanitizeLog()[:4:4], 0, 0, 0, 0))
}

// Actions on the persistent event log, in field LSP.
const (
	historyRead      = 0
	historyEstablish = 1
	historyRelease   = 2
	historyPeek      = 3 // establish, and read 512 bytes of the header
)

// historyLog is the persistent event log as it was when the host established a context (NVMe Base 2.1,
// 5.1.12.1.14). Reading it without one is out of order, and so is a second one.
func (c *Controller) historyLog(action uint8) ([]byte, Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	had := c.context != nil
	switch {
	case action > historyPeek:
		return nil, refused(InvalidField)
	case action == historyRelease:
		c.context = nil
		return nil, done
	case action == historyRead && !had, action == historyEstablish && had:
		return nil, refused(SequenceError)
	case !had:
		c.context = c.s.historyPage(c.features.clock.read(c.s.o.Now()))
	}
	page := append([]byte(nil), c.context...)
	if had {
		page[374+2] |= 1 << 2 // there was a context already
	}
	if action == historyPeek {
		page = page[:historyHeader]
	}
	return page, done
}

// historyPage is the log: the newest event first.
func (s *Subsystem) historyPage(at []byte) []byte {
	h := &s.history
	h.mu.Lock()
	defer h.mu.Unlock()
	h.generation++
	le, b := binary.LittleEndian, make([]byte, historyHeader)
	b[0] = logHistory
	le.PutUint32(b[4:], uint32(len(h.events)))
	b[16] = 3 // revision
	le.PutUint16(b[18:], historyHeader-20)
	copy(b[20:], at)
	le.PutUint64(b[28:], uint64(s.o.Now()/time.Hour))
	le.PutUint64(b[44:], uint64(s.d.Resets().PowerLosses-s.born.PowerLosses)+1)
	Text(b[56:76], s.cfg.Serial)
	Text(b[76:116], s.model())
	copy(b[116:372], s.o.NQN)
	le.PutUint16(b[372:], h.generation)
	b[374+2] = 1 // the context is one of a port of the subsystem
	for _, kind := range []int{eventTimestamp, eventReset, eventFormatStart, eventFormatEnd, eventSanitizeStart, eventSanitizeEnd} {
		b[480+kind/8] |= 1 << (kind % 8)
	}
	for i := len(h.events) - 1; i >= 0; i-- {
		e := &h.events[i]
		head := make([]byte, eventHeader)
		head[0], head[1], head[2] = e.kind, 1, eventHeader-3
		le.PutUint16(head[4:], e.controller)
		copy(head[6:], e.at)
		le.PutUint16(head[22:], uint16(len(e.data)))
		b = append(append(b, head...), e.data...)
	}
	le.PutUint64(b[8:], uint64(len(b)))
	return b
}
