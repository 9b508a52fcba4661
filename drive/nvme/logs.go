package nvme

import (
	"encoding/binary"
	"math/bits"
	"time"
)

// Log pages (NVMe Base 2.1, figure 203).
const (
	logPages    = 0x00
	logErrors   = 0x01
	logSMART    = 0x02
	logFirmware = 0x03
	logChanged  = 0x04
	logEffects  = 0x05
	logHistory  = 0x0D
	logFeatures = 0x12
	logSanitize = 0x81
)

// getLog is Get Log Page (NVMe Base 2.1, 5.1.12).
func (c *Controller) getLog(cmd *Command, out []byte) Result {
	dw10 := cmd.DW(10)
	id, retain := uint8(dw10), dw10>>15&1 != 0
	length := (uint64(cmd.DW(11)&0xFFFF)<<16|uint64(dw10>>16))*4 + 4
	offset := uint64(cmd.DW(13))<<32 | uint64(cmd.DW(12))
	if nsid := cmd.NSID(); nsid != 0 && nsid != allNamespaces && nsid != namespace {
		return refused(InvalidNamespace)
	}
	if uint64(len(out)) != length {
		return refused(SGLLength)
	}
	var page []byte
	switch id {
	case logPages:
		page = pagesLog()
	case logErrors:
		page = c.errorLog()
	case logSMART:
		page = c.smartLog()
	case logFirmware:
		page = make([]byte, 512)
		page[0] = 1
		Text(page[8:16], firmware)
	case logChanged:
		page = make([]byte, identifySize)
	case logEffects:
		if cmd.DW(14)>>24 != 0 {
			return refused(InvalidField) // a command set that is not there
		}
		page = c.effectsLog()
	case logFeatures:
		page = featuresLog()
	case logHistory:
		var r Result
		if page, r = c.historyLog(uint8(dw10>>8) & 0x7F); r.Status != Success {
			return r
		}
	case logSanitize:
		page = c.s.sanitizeLog()
	default:
		return refused(InvalidLog)
	}
	if offset%4 != 0 || offset > uint64(len(page)) {
		return refused(InvalidField)
	}
	copy(out, page[offset:])
	if id == logSanitize && !retain {
		c.unmask(eventIOSpecific)
	}
	return done
}

// errorLog has the newest entry first.
func (c *Controller) errorLog() []byte {
	b := make([]byte, 64*maxErrors)
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.errors {
		c.errors[i].encode(b[64*i:])
	}
	return b
}

// smartLog is the SMART / health information log (NVMe Base 2.1, 5.1.12.1.3). Its counters begin when the
// drive is served; hours are of the clock of the subsystem.
func (c *Controller) smartLog() []byte {
	b := make([]byte, 512)
	le, n := binary.LittleEndian, &c.s.count
	le.PutUint16(b[1:], kelvin)
	b[3], b[4] = 100, 10
	units := func(sectors uint64) uint64 {
		hi, lo := bits.Mul64(sectors, uint64(c.s.cfg.SectorSize))
		lo, carry := bits.Add64(lo, 511_999, 0)
		q, _ := bits.Div64((hi+carry)%512_000, lo, 512_000)
		return q
	}
	le.PutUint64(b[32:], units(n.sectorsRead.Load()))
	le.PutUint64(b[48:], units(n.sectorsWritten.Load()))
	le.PutUint64(b[64:], n.reads.Load())
	le.PutUint64(b[80:], n.writes.Load())
	le.PutUint64(b[112:], uint64(c.s.d.Resets().PowerLosses-c.s.born.PowerLosses)+1)
	le.PutUint64(b[128:], uint64(c.s.o.Now()/time.Hour))
	le.PutUint64(b[144:], uint64(c.s.d.Resets().PowerLosses-c.s.born.PowerLosses))
	le.PutUint64(b[160:], n.mediaErrors.Load())
	c.mu.Lock()
	defer c.mu.Unlock()
	le.PutUint64(b[176:], c.failures)
	return b
}

// pagesLog says which log pages there are (NVMe Base 2.1, 5.1.12.1.1). That there is such a page is in no field of
// Identify: the bit for it (5 of LPA) says as well that the effects of commands name scopes, and Linux takes those of
// an I/O command for something unusual.
func pagesLog() []byte {
	b := make([]byte, 1024)
	for _, id := range []int{logPages, logErrors, logSMART, logFirmware, logChanged, logEffects, logHistory, logFeatures, logSanitize} {
		binary.LittleEndian.PutUint32(b[4*id:], 1)
	}
	b[4*logHistory+2] = 1 // a context can be made by reading the header
	return b
}

// featuresLog says which features there are, and that each is a controller's (NVMe Base 2.1, 5.1.12.1.16).
func featuresLog() []byte {
	const scopeController = 1 << 21
	b := make([]byte, 1024)
	for id := range 256 {
		if ok, _ := known(uint8(id)); ok {
			binary.LittleEndian.PutUint32(b[4*id:], 1|scopeController)
		}
	}
	return b
}

// The effects of commands (NVMe Base 2.1, 5.1.12.1.6).
const (
	effectSupported  = 1
	effectContent    = 1 << 1
	effectCapability = 1 << 2
	effectAloneHere  = 1 << 16
	effectAlone      = 2 << 16
	scopeNamespace   = 1 << 20
	scopeSubsystem   = 1 << 25
)

// effectsLog says which commands there are.
func (c *Controller) effectsLog() []byte {
	b := make([]byte, identifySize)
	put := func(at int, opcode uint8, v uint32) { binary.LittleEndian.PutUint32(b[at+4*int(opcode):], v) }
	admin := []uint8{OpGetLog, OpIdentify, OpAbort, OpSetFeatures, OpGetFeatures, OpAsyncEvent, OpKeepAlive}
	if c.s.o.Security != nil {
		admin = append(admin, OpSecuritySend, OpSecurityReceive)
	}
	for _, op := range admin {
		put(0, op, effectSupported)
	}
	put(0, OpFormat, effectSupported|effectContent|effectCapability|effectAloneHere|scopeNamespace)
	put(0, OpSanitize, effectSupported|effectContent|effectAlone|scopeSubsystem)
	for _, op := range []uint8{OpFlush, OpRead, OpCompare, OpVerify} {
		put(1024, op, effectSupported)
	}
	for _, op := range []uint8{OpWrite, OpUncorrect, OpWriteZeroes, OpDatasetMgmt, OpCopy} {
		put(1024, op, effectSupported|effectContent)
	}
	return b
}
