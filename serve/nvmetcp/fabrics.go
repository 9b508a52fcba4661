package nvmetcp

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/nvme"
)

// The types of Fabrics commands (NVMe Base 2.1, 6).
const (
	fctPropertySet = 0x00
	fctConnect     = 0x01
	fctPropertyGet = 0x04
)

// DiscoveryNQN is the name of every discovery subsystem (NVMe Base 2.1, 3.1.3.3).
const DiscoveryNQN = "nqn.2014-08.org.nvmexpress.discovery"

const (
	connectSize     = 1024 // bytes of the data of Connect
	maxNQN          = 223
	anyController   = 0xFFFF
	noFlowControl   = 1 << 2 // of CATTR
	adminQueueDepth = 32
)

// controller is what a queue talks to.
type controller interface {
	ID() uint16
	Admin(cmd *nvme.Command, in, out []byte) nvme.Result
	IO(queue uint16, cmd *nvme.Command, in, out []byte) nvme.Result
	Property(offset uint32, size int) (uint64, nvme.Status)
	SetProperty(offset uint32, size int, v uint64) nvme.Status
	Events() []nvme.Completion
	Connected() bool
	Disconnected()
	Alive() bool
	Close()
}

// connectData is what a host says with Connect.
type connectData struct {
	host       nvme.Host
	controller uint16
	subsystem  string
}

// invalid is a Connect parameter that is wrong: at a byte of the command, or of its data.
func invalid(at uint32, inData bool) nvme.Result {
	r := nvme.Result{DW0: at, Status: nvme.ConnectInvalid | nvme.DNR}
	if inData {
		r.DW0 |= 1 << 16
	}
	return r
}

// name reads an NQN: NUL-terminated, at most 223 characters.
func name(b []byte) (string, bool) {
	n := bytes.IndexByte(b, 0)
	return string(b[:max(n, 0)]), n > 0 && n <= maxNQN
}

func parseConnect(cmd *nvme.Command, data []byte) (d connectData, r nvme.Result, ok bool) {
	if len(data) != connectSize {
		return d, nvme.Result{Status: nvme.SGLLength | nvme.DNR}, false
	}
	copy(d.host.ID[:], data)
	d.controller = binary.LittleEndian.Uint16(data[16:])
	d.host.KeepAlive = time.Duration(cmd.DW(12)) * time.Millisecond
	if d.subsystem, ok = name(data[256:512]); !ok {
		return d, invalid(256, true), false
	}
	if d.host.NQN, ok = name(data[512:768]); !ok {
		return d, invalid(512, true), false
	}
	return d, r, true
}

// connect is Connect (NVMe Base 2.1, 6.3). hangUp says that there is no answer: the drive has no power, as
// one that does not answer.
func (q *queue) connect(cmd *nvme.Command, data []byte) (r nvme.Result, hangUp bool) {
	format, id, size := uint16(cmd.DW(10)), uint16(cmd.DW(10)>>16), uint16(cmd.DW(11))
	d, r, ok := parseConnect(cmd, data)
	switch {
	case q.c != nil || format != 0:
		return nvme.Result{Status: nvme.ConnectIncompatible | nvme.DNR}, false
	case !ok:
		return r, false
	case size == 0 || size > nvme.MaxQueueEntries-1:
		return invalid(44, false), false
	}
	if id == 0 {
		r, hangUp = q.connectAdmin(&d)
	} else {
		r = q.connectIO(&d, id)
	}
	if q.c == nil {
		return r, hangUp
	}
	q.id, q.size = id, uint32(size)+1
	q.flow = uint8(cmd.DW(11)>>16)&noFlowControl == 0
	r.DW0 = uint32(q.c.ID())
	return r, false
}

func (q *queue) connectAdmin(d *connectData) (r nvme.Result, hangUp bool) {
	if d.controller != anyController {
		return invalid(16, true), false
	}
	if d.subsystem == DiscoveryNQN {
		q.c = newDiscovery(q.t, q.conn.LocalAddr(), d.host.KeepAlive)
		q.inCapsule = nvme.AdminInCapsule
		q.a = q.t.associate(q.c, nil, d)
		q.a.join(q.conn)
		return r, false
	}
	s := q.t.subsystem(d.subsystem)
	if s == nil {
		return invalid(256, true), false
	}
	c, ok := s.NewController(d.host)
	if !ok {
		return nvme.Result{Status: nvme.ConnectBusy}, !s.Powered()
	}
	q.c, q.inCapsule = c, nvme.AdminInCapsule
	q.a = q.t.associate(c, s, d)
	q.a.join(q.conn)
	return r, false
}

// connectIO makes the connection an I/O queue of a controller that the same host has.
func (q *queue) connectIO(d *connectData, id uint16) nvme.Result {
	a := q.t.association(d.controller, d.subsystem)
	switch {
	case a == nil:
		return invalid(16, true)
	case a.host.NQN != d.host.NQN:
		return invalid(512, true)
	case a.host.ID != d.host.ID:
		return invalid(0, true)
	case id > nvme.MaxQueues:
		return invalid(42, false)
	case !a.claim(id):
		return nvme.Result{Status: nvme.SequenceError | nvme.DNR}
	case !a.c.Connected():
		a.release(id)
		return invalid(42, false)
	}
	q.c, q.a, q.inCapsule = a.c, a, a.s.InCapsule()
	a.join(q.conn)
	return nvme.Result{}
}

// property is Property Get and Property Set (NVMe Base 2.1, 6.5 and 6.6).
func (q *queue) property(cmd *nvme.Command) (r nvme.Result) {
	size, offset := 4, cmd.DW(11)
	switch cmd.DW(10) & 7 {
	case 0:
	case 1:
		size = 8
	default:
		return nvme.Result{Status: nvme.InvalidField | nvme.DNR}
	}
	if cmd[4] == fctPropertySet {
		v := uint64(cmd.DW(13))<<32 | uint64(cmd.DW(12))
		return nvme.Result{Status: q.c.SetProperty(offset, size, v)}
	}
	v, s := q.c.Property(offset, size)
	return nvme.Result{DW0: uint32(v), DW1: uint32(v >> 32), Status: s}
}

// fabrics does a Fabrics command.
func (q *queue) fabrics(cmd *nvme.Command, data []byte) (r nvme.Result, hangUp bool) {
	switch kind := cmd[4]; {
	case kind == fctConnect:
		return q.connect(cmd, data)
	case q.c == nil:
		return nvme.Result{Status: nvme.SequenceError | nvme.DNR}, false
	case q.id == 0 && (kind == fctPropertyGet || kind == fctPropertySet):
		return q.property(cmd), false
	}
	return nvme.Result{Status: nvme.InvalidOpcode | nvme.DNR}, false
}
