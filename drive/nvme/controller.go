package nvme

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Controller is what one host sees of a subsystem. It may be used by several goroutines: those of its queues.
type Controller struct {
	s     *Subsystem
	id    uint16
	host  Host
	lived drive.Resets // of the drive, when the controller was made
	ready atomic.Bool  // enabled, and not shut down
	gone  atomic.Bool

	mu       sync.Mutex
	cc       uint32
	csts     uint32
	features features
	context  []byte         // of the persistent event log, while the host reads it
	queues   int            // I/O queues that are connected
	waiting  []uint16       // CIDs of Asynchronous Event Requests
	events   []event        // that no request was there for
	masked   map[uint8]bool // event types whose log was not read since
	out      []Completion   // for Events
	errors   []errorEntry   // newest first
	failures uint64         // error log entries ever
	heard    time.Duration  // when the host was last heard of
}

// Completion is one that did not come at once.
type Completion struct {
	CID uint16
	Result
}

// ID is the number of the controller.
func (c *Controller) ID() uint16 { return c.id }

// Host is who has the controller.
func (c *Controller) Host() Host { return c.host }

// Close ends the controller. Commands of it that come later are Gone.
func (c *Controller) Close() {
	c.gone.Store(true)
	c.ready.Store(false)
	c.s.remove(c)
}

// Alive says whether the controller is still there: the drive has had its power without a break, and no reset
// of the subsystem, since the host connected; and the host was heard of within its keep-alive time-out. A
// controller that is not is closed.
func (c *Controller) Alive() bool {
	if c.gone.Load() {
		return false
	}
	lost := c.over() || !c.s.d.Status().Powered || c.late()
	if lost {
		c.Close()
	}
	return !lost
}

// over says whether the drive has lost its power, or was reset, since the host connected. Commands of a
// controller that is over do nothing, also where nobody has looked at Alive since (NVMe Base 2.3, 9.6): a write of
// before must not be done behind what the next controller does, nor may it begin an exchange with the TPer.
func (c *Controller) over() bool {
	if c.gone.Load() {
		return true
	}
	now := c.s.d.Resets()
	return now.PowerLosses != c.lived.PowerLosses || now.Hardware != c.lived.Hardware || now.HotPlug != c.lived.HotPlug
}

// late says whether the keep-alive time-out is over (NVMe Base 2.1, 3.9). With TBKAS any command counts, and a
// host then has twice the time.
func (c *Controller) late() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	kato := c.features.keepAlive
	return kato > 0 && c.cc&ccEnable != 0 && c.csts&cstsReady != 0 && c.s.o.Now()-c.heard > 2*kato
}

func (c *Controller) hear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = c.s.o.Now()
}

// The properties (NVMe Base 2.1, 3.1.4), by their offsets.
const (
	PropertyCAP  = 0x00
	PropertyVS   = 0x08
	PropertyCC   = 0x14
	PropertyCSTS = 0x1C
	PropertyNSSR = 0x20
)

const (
	version = 0x20100 // NVMe 2.1
	// MaxQueueEntries is how many commands a queue holds at most.
	MaxQueueEntries = 128
	// MaxQueues is how many I/O queues a controller has at most.
	MaxQueues = 64

	ccEnable     = 1
	ccShutdown   = 3 << 14
	ccNormal     = 1 << 14
	cstsReady    = 1
	cstsFatal    = 2
	cstsShutDown = 2 << 2
	cstsReset    = 1 << 4
	nssrMagic    = 0x4E564D65

	capNSSRS = 1 << 36
	capNVM   = 1 << 37
	capCQR   = 1 << 16
	capTO    = 10 << 24 // 5 s
)

// capabilities is property CAP.
const capabilities uint64 = (MaxQueueEntries - 1) | capCQR | capTO | capNSSRS | capNVM

// Property is Property Get: the value of a property of 4 or 8 bytes.
func (c *Controller) Property(offset uint32, size int) (uint64, Status) {
	c.hear()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case offset == PropertyCAP && size == 8:
		return capabilities, Success
	case offset == PropertyVS && size == 4:
		return version, Success
	case offset == PropertyCC && size == 4:
		return uint64(c.cc), Success
	case offset == PropertyCSTS && size == 4:
		return uint64(c.csts), Success
	case offset == PropertyNSSR && size == 4:
		return 0, Success
	}
	return 0, InvalidField | DNR
}

// SetProperty is Property Set. A reset of the subsystem is a hardware reset of the drive: the result is good, and
// the controller is Alive no more.
func (c *Controller) SetProperty(offset uint32, size int, v uint64) Status {
	c.hear()
	switch {
	case size != 4:
		return InvalidField | DNR
	case offset == PropertyCC:
		c.configure(uint32(v))
		return Success
	case offset == PropertyCSTS:
		return Success // nothing in it that a host clears is ever set
	case offset == PropertyNSSR:
		if uint32(v) == nssrMagic {
			_ = c.s.d.Reset(drive.HardwareReset) // without power the controller is gone anyway
		}
		return Success
	}
	return InvalidField | DNR
}

// configure is a write to property CC.
func (c *Controller) configure(v uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.cc
	c.cc = v
	switch {
	case v&ccEnable != 0 && was&ccEnable == 0:
		c.enable(v)
	case v&ccEnable == 0 && was&ccEnable != 0:
		c.reset()
	}
	if v&ccShutdown != 0 {
		c.csts |= cstsShutDown
	} else {
		c.csts &^= 3 << 2
	}
	c.ready.Store(c.csts&(cstsReady|cstsShutDown) == cstsReady)
}

// enable checks the sizes of queue entries, the page size, arbitration and command set (NVMe Base 2.1, figure 41).
func (c *Controller) enable(v uint32) {
	const entries, wanted = 0xFF << 16, 0x46 << 16
	if v&entries != wanted || v>>4&0x7F != 0 || v>>11&7 != 0 {
		c.csts |= cstsFatal
		return
	}
	c.heard = c.s.o.Now()
	c.csts |= cstsReady
}

// reset is a controller reset: what the host had set is forgotten, its requests for events have no completion.
// Nothing happens to the locks of the drive.
func (c *Controller) reset() {
	c.csts = 0
	c.waiting, c.events, c.out, c.masked = nil, nil, nil, nil
	c.features.init(c.features.keepAlive, c.s.o.Now())
	c.context = nil
}

// Connected counts an I/O queue that the host connects, and Disconnected takes it back. ok is false while the
// controller is not enabled, and where there are too many.
func (c *Controller) Connected() (ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ready.Load() || c.queues >= MaxQueues {
		return false
	}
	c.queues++
	return true
}

// Disconnected is described at Connected.
func (c *Controller) Disconnected() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queues--
}

// MaxError is how many entries the error log has.
const maxErrors = 64

// errorEntry is one of the error log (NVMe Base 2.1, figure 207).
type errorEntry struct {
	count  uint64
	queue  uint16
	cid    uint16
	status Status
	lba    uint64
	nsid   uint32
	opcode uint8
}

// note puts a command that failed in the error log.
func (c *Controller) note(queue uint16, cmd *Command, r Result) {
	if r.Gone || r.Pending || r.Status&statusMask == Success {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures++
	e := errorEntry{count: c.failures, queue: queue, cid: cmd.CID(), status: r.Status, nsid: cmd.NSID(), opcode: cmd.Opcode()}
	if queue > 0 && cmd.Opcode() != OpFlush && cmd.Opcode() != OpDatasetMgmt {
		e.lba = cmd.slba()
	}
	c.errors = append([]errorEntry{e}, c.errors[:min(len(c.errors), maxErrors-1)]...)
}

func (e *errorEntry) encode(b []byte) {
	le := binary.LittleEndian
	le.PutUint64(b, e.count)
	le.PutUint16(b[8:], e.queue)
	le.PutUint16(b[10:], e.cid)
	le.PutUint16(b[12:], uint16(e.status)<<1)
	le.PutUint64(b[16:], e.lba)
	le.PutUint32(b[24:], e.nsid)
	b[29] = transportTCP
	b[31] = e.opcode
}

const transportTCP = 3
