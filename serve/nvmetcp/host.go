package nvmetcp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/nvme"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

// HostOptions say how a host connects.
type HostOptions struct {
	Subsystem string // its NQN; required
	NQN       string // of the host; empty is one for all
	ID        [16]byte
	KeepAlive time.Duration // time-out that the host asks for; 0 is none. The host sends no keep-alive by itself
	Queues    int           // I/O queues; 0 is one, below 0 none
	Depth     int           // commands in flight for each I/O queue, at most MaxQueueEntries - 1; 0 is that
	Digests   bool          // of headers and data
}

// Host is the host side of a controller: what a test and a load generator need of one. It may be used by
// several goroutines.
type Host struct {
	AdminQueue *HostQueue
	Queues     []*HostQueue
	id         uint16
	sectorSize int
	sectors    uint64
}

// Dial connects to a subsystem, enables its controller, and connects the I/O queues. What the controller refuses
// is an nvme.Status.
func Dial(address string, o HostOptions) (_ *Host, err error) {
	if o.NQN == "" {
		o.NQN = "nqn.2026-01.fdelab:host"
	}
	if o.Depth == 0 {
		o.Depth = nvme.MaxQueueEntries - 1
	}
	if o.Queues == 0 {
		o.Queues = 1
	}
	h := new(Host)
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	if h.AdminQueue, err = dialQueue(address, &o, adminQueueDepth-1); err != nil {
		return nil, err
	}
	if h.id, err = h.AdminQueue.connect(&o, 0, anyController, adminQueueDepth-1); err != nil {
		return nil, err
	}
	if err := h.enable(); err != nil {
		return nil, err
	}
	if o.Queues < 0 || o.Subsystem == DiscoveryNQN {
		return h, nil
	}
	if err := h.look(); err != nil {
		return nil, err
	}
	var set nvme.Command
	set[0] = nvme.OpSetFeatures
	set.SetDW(10, 7)
	set.SetDW(11, uint32(o.Queues-1)<<16|uint32(o.Queues-1))
	if _, err := h.AdminQueue.Do(&set, nil, nil); err != nil {
		return nil, err
	}
	for n := range o.Queues {
		q, err := dialQueue(address, &o, o.Depth)
		if err != nil {
			return nil, err
		}
		h.Queues = append(h.Queues, q)
		if _, err := q.connect(&o, uint16(n+1), h.id, o.Depth); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// Close hangs up, as a host does that is gone.
func (h *Host) Close() {
	for _, q := range h.Queues {
		q.Close()
	}
	if h.AdminQueue != nil {
		h.AdminQueue.Close()
	}
}

// Shutdown ends the association in order: I/O queues, then CC.SHN until the controller has shut down.
func (h *Host) Shutdown() error {
	for _, q := range h.Queues {
		q.Close()
	}
	defer h.AdminQueue.Close()
	if err := h.SetProperty(nvme.PropertyCC, 0x464001); err != nil {
		return err
	}
	return h.until(func(csts uint64) bool { return csts>>2&3 == 2 })
}

// ID is the number of the controller.
func (h *Host) ID() uint16 { return h.id }

// SectorSize is in bytes, Sectors the capacity.
func (h *Host) SectorSize() int { return h.sectorSize }

// Sectors is described at SectorSize.
func (h *Host) Sectors() uint64 { return h.sectors }

func (h *Host) enable() error {
	if err := h.SetProperty(nvme.PropertyCC, 0x460001); err != nil {
		return err
	}
	return h.until(func(csts uint64) bool { return csts&1 != 0 })
}

// until waits for CSTS, as many looks as a controller may take.
func (h *Host) until(ok func(csts uint64) bool) error {
	for range 1000 {
		csts, err := h.Property(nvme.PropertyCSTS, 4)
		if err != nil {
			return err
		}
		if ok(csts) {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("nvmetcp: the controller does not get ready")
}

// look asks how large the namespace is.
func (h *Host) look() error {
	b, err := h.Identify(0, 1)
	if err != nil {
		return err
	}
	h.sectors, h.sectorSize = binary.LittleEndian.Uint64(b), 1<<b[128+4*(b[26]&0xF)+2]
	return nil
}

// Identify gives the data structure of a CNS, 4096 bytes.
func (h *Host) Identify(cns uint8, nsid uint32) ([]byte, error) {
	var cmd nvme.Command
	cmd[0] = nvme.OpIdentify
	cmd.SetDW(1, nsid)
	cmd.SetDW(10, uint32(cns))
	b := make([]byte, identifySize)
	_, err := h.AdminQueue.Do(&cmd, nil, b)
	return b, err
}

// Log gives n bytes of a log page, a multiple of 4.
func (h *Host) Log(id uint8, n int) ([]byte, error) {
	var cmd nvme.Command
	cmd[0] = nvme.OpGetLog
	cmd.SetDW(1, 0xFFFFFFFF)
	cmd.SetDW(10, uint32(n/4-1)<<16|uint32(id))
	cmd.SetDW(11, uint32(n/4-1)>>16)
	b := make([]byte, n)
	_, err := h.AdminQueue.Do(&cmd, nil, b)
	return b, err
}

// Property is Property Get, of 4 or 8 bytes.
func (h *Host) Property(offset uint32, size int) (uint64, error) {
	var cmd nvme.Command
	cmd[0], cmd[4] = nvme.OpFabrics, fctPropertyGet
	cmd.SetDW(10, uint32(size/8))
	cmd.SetDW(11, offset)
	c := h.AdminQueue.Start(&cmd, nil, nil)
	<-c.Done
	return uint64(c.DW1)<<32 | uint64(c.DW0), c.Err
}

// SetProperty is Property Set of 4 bytes.
func (h *Host) SetProperty(offset, v uint32) error {
	var cmd nvme.Command
	cmd[0], cmd[4] = nvme.OpFabrics, fctPropertySet
	cmd.SetDW(11, offset)
	cmd.SetDW(12, v)
	_, err := h.AdminQueue.Do(&cmd, nil, nil)
	return err
}

// Send is Security Send, so that a Host is a transport.Transport.
func (h *Host) Send(protocol uint8, comID uint16, payload []byte) error {
	cmd := securityCommand(nvme.OpSecuritySend, protocol, comID, len(payload))
	_, err := h.AdminQueue.Do(&cmd, payload, nil)
	return transportError(err)
}

// Receive is Security Receive.
func (h *Host) Receive(protocol uint8, comID uint16, size int) ([]byte, error) {
	cmd := securityCommand(nvme.OpSecurityReceive, protocol, comID, size)
	b := make([]byte, size)
	_, err := h.AdminQueue.Do(&cmd, nil, b)
	return b, transportError(err)
}

func securityCommand(op, protocol uint8, comID uint16, n int) (cmd nvme.Command) {
	cmd[0] = op
	cmd.SetDW(10, uint32(protocol)<<24|uint32(comID)<<8)
	cmd.SetDW(11, uint32(n))
	return cmd
}

// transportError gives the error of the interface that a status stands for. NVMe has one status for several
// (SIIS 1.07, section 3).
func transportError(err error) error {
	switch {
	case errors.Is(err, nvme.SequenceError):
		return transport.SyncViolation
	case errors.Is(err, nvme.SanitizeRuns):
		return transport.Sanitizing
	case errors.Is(err, nvme.InvalidField):
		return transport.InvalidParameter
	}
	return err
}

// HostQueue is one queue, which is one connection.
type HostQueue struct {
	conn net.Conn
	fr   framing
	most int // MAXH2CDATA

	mu    sync.Mutex
	w     *sockets.Writer
	calls map[uint16]*Call
	next  uint16
	err   error
	slots chan struct{}
	over  chan struct{}
}

// Call is a command in flight.
type Call struct {
	Done     chan struct{} // closed when it ended
	DW0, DW1 uint32
	Err      error // an nvme.Status, or why the connection ended

	in, out []byte
}

// hostBuffer is what a host keeps of what it reads, and of what it writes.
const hostBuffer = 64 << 10

// dialTimeout is how long a target may take to take a connection.
const dialTimeout = 10 * time.Second

// ErrLost is wrapped by the errors of commands whose connection ended.
var ErrLost = errors.New("nvmetcp: the connection is lost")

func dialQueue(address string, o *HostOptions, depth int) (*HostQueue, error) {
	conn, err := net.DialTimeout("tcp", address, dialTimeout)
	if err != nil {
		return nil, err
	}
	q := &HostQueue{conn: conn, w: sockets.NewWriter(conn, hostBuffer), calls: map[uint16]*Call{}, slots: make(chan struct{}, depth), over: make(chan struct{})}
	r := bufio.NewReaderSize(conn, hostBuffer)
	if err := q.begin(r, o.Digests); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("%w: %w", ErrLost, err)
	}
	go q.read(r)
	return q, nil
}

func (q *HostQueue) begin(r *bufio.Reader, digests bool) error {
	head := make([]byte, icSize)
	if digests {
		head[11] = 3
	}
	if err := q.fr.write(q.w, pduICReq, 0, head, nil); err != nil {
		return err
	}
	if err := q.w.Flush(); err != nil {
		return err
	}
	var p pdu
	if err := q.fr.readHead(r, &p, 0); err != nil {
		return err
	}
	q.most = int(binary.LittleEndian.Uint32(p.head[12:]))
	if p.kind != pduICResp || p.head[11] != head[11] || q.most < 4096 {
		return errors.New("the answer to ICReq is none")
	}
	q.fr = framing{headerDigest: digests, dataDigest: digests}
	return nil
}

func (q *HostQueue) connect(o *HostOptions, id, controller uint16, size int) (uint16, error) {
	var cmd nvme.Command
	cmd[0], cmd[4] = nvme.OpFabrics, fctConnect
	cmd.SetDW(10, uint32(id)<<16)
	cmd.SetDW(11, uint32(size))
	if id == 0 {
		cmd.SetDW(12, uint32(o.KeepAlive/time.Millisecond))
	}
	b := make([]byte, connectSize)
	copy(b, o.ID[:])
	binary.LittleEndian.PutUint16(b[16:], controller)
	copy(b[256:512], o.Subsystem)
	copy(b[512:768], o.NQN)
	dw0, err := q.Do(&cmd, b, nil)
	return uint16(dw0), err
}

// Close hangs up.
func (q *HostQueue) Close() {
	_ = q.conn.Close()
	<-q.over
}

// Lost is closed when the connection has ended.
func (q *HostQueue) Lost() <-chan struct{} { return q.over }

// Do does a command with data for the drive (in), or from it (out); an error is an nvme.Status, or ErrLost.
func (q *HostQueue) Do(cmd *nvme.Command, in, out []byte) (dw0 uint32, err error) {
	c := q.Start(cmd, in, out)
	<-c.Done
	return c.DW0, c.Err
}

// inCapsule is how many bytes the host puts in a capsule: what every target takes on the admin queue, and this
// one on all.
const inCapsule = nvme.AdminInCapsule

// Start begins a command, and waits first while the queue is full. in and out are the queue's until it is done.
func (q *HostQueue) Start(cmd *nvme.Command, in, out []byte) *Call {
	q.slots <- struct{}{}
	c := &Call{Done: make(chan struct{}), in: in, out: out}
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.calls[q.next] != nil {
		q.next++
	}
	cid := q.next
	q.next++
	if q.err != nil {
		q.finish(c, q.err)
		return c
	}
	q.calls[cid] = c
	head := make([]byte, capsuleSize)
	sqe := head[commonSize:]
	copy(sqe, cmd[:])
	sqe[1] |= 0x40
	binary.LittleEndian.PutUint16(sqe[2:], cid)
	inside := in
	n, kind := len(in)+len(out), byte(transportBlock)
	if len(in) > 0 && len(in) <= inCapsule {
		kind = dataBlock
	} else {
		inside = nil
	}
	clear(sqe[24:40])
	binary.LittleEndian.PutUint32(sqe[32:], uint32(n))
	sqe[39] = kind
	q.write(pduCapsuleCmd, 0, head, inside)
	return c
}

// write sends a PDU. The lock is held. Where it fails the reader finds the end of the connection.
func (q *HostQueue) write(kind, flags byte, head, data []byte) {
	err := q.fr.write(q.w, kind, flags, head, data)
	if err == nil {
		err = q.w.Flush()
	}
	if err != nil {
		_ = q.conn.Close()
	}
}

// finish ends a call that is in no table any more. The lock is held.
func (q *HostQueue) finish(c *Call, err error) {
	c.Err = err
	close(c.Done)
	<-q.slots
}

func (q *HostQueue) read(r *bufio.Reader) {
	var err error
	var p pdu
	for err == nil {
		if err = q.fr.readHead(r, &p, nvme.MaxTransfer); err == nil {
			err = q.pdu(r, &p)
		}
	}
	_ = q.conn.Close()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err = fmt.Errorf("%w: %w", ErrLost, err)
	for cid := range q.calls {
		q.finish(q.calls[cid], q.err)
		delete(q.calls, cid)
	}
	close(q.over)
}

func (q *HostQueue) pdu(r *bufio.Reader, p *pdu) error {
	le := binary.LittleEndian
	cid, at := le.Uint16(p.head[8:]), int64(le.Uint32(p.head[12:]))
	if p.kind == pduCapsuleResp {
		cid = le.Uint16(p.head[20:])
	}
	q.mu.Lock()
	c := q.calls[cid]
	q.mu.Unlock()
	switch {
	case p.kind == pduC2HTerm:
		return fmt.Errorf("the target ends the connection: fatal error %d", le.Uint16(p.head[8:]))
	case c == nil:
		return fmt.Errorf("PDU type %02Xh for a command that there is not", p.kind)
	case p.kind == pduC2HData:
		if at+int64(p.data) > int64(len(c.out)) {
			return errors.New("more data than were asked for")
		}
		if ok, err := p.readData(r, c.out[at:at+int64(p.data)]); err != nil || !ok {
			return errors.Join(err, errors.New("data digest"))
		}
		return nil
	case p.kind == pduR2T:
		return q.give(c, cid, le.Uint16(p.head[10:]), at, int64(le.Uint32(p.head[16:])))
	case p.kind != pduCapsuleResp:
		return fmt.Errorf("PDU type %02Xh from a target", p.kind)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.calls, cid)
	c.DW0, c.DW1 = le.Uint32(p.head[8:]), le.Uint32(p.head[12:])
	var err error
	if s := nvme.Status(le.Uint16(p.head[22:]) >> 1); s != nvme.Success {
		err = s
	}
	q.finish(c, err)
	return nil
}

// give sends the data that an R2T asks for.
func (q *HostQueue) give(c *Call, cid, tag uint16, at, n int64) error {
	if n == 0 || at+n > int64(len(c.in)) {
		return errors.New("an R2T for data that there are not")
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for end := at + n; at < end; {
		now := min(end-at, int64(q.most))
		head := make([]byte, shortSize)
		le := binary.LittleEndian
		le.PutUint16(head[8:], cid)
		le.PutUint16(head[10:], tag)
		le.PutUint32(head[12:], uint32(at))
		le.PutUint32(head[16:], uint32(now))
		var flags byte
		if at+now == end {
			flags = flagLast
		}
		q.write(pduH2CData, flags, head, c.in[at:at+now])
		at += now
	}
	return nil
}

// block makes an I/O command for n sectors from lba on.
func block(op uint8, lba uint64, n int) (cmd nvme.Command) {
	cmd[0] = op
	cmd.SetDW(1, 1)
	cmd.SetDW(10, uint32(lba))
	cmd.SetDW(11, uint32(lba>>32))
	cmd.SetDW(12, uint32(n-1))
	return cmd
}

// Read fills b from lba on, over I/O queue n; Write writes it.
func (h *Host) Read(n int, lba uint64, b []byte) error {
	cmd := block(nvme.OpRead, lba, len(b)/h.sectorSize)
	_, err := h.Queues[n].Do(&cmd, nil, b)
	return err
}

// Write is described at Read.
func (h *Host) Write(n int, lba uint64, b []byte) error {
	cmd := block(nvme.OpWrite, lba, len(b)/h.sectorSize)
	_, err := h.Queues[n].Do(&cmd, b, nil)
	return err
}

// Flush has what was written survive a loss of power.
func (h *Host) Flush(n int) error {
	cmd := nvme.Command{}
	cmd.SetDW(1, 1)
	_, err := h.Queues[n].Do(&cmd, nil, nil)
	return err
}
