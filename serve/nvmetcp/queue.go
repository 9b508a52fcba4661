package nvmetcp

import (
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/nvme"
	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

const (
	// maxData is MAXH2CDATA: how many bytes one H2CData PDU carries at most.
	maxData = 128 << 10
	// patience is how long a host may take to say who it is, and to read what it is sent.
	patience = 30 * time.Second
	// credit is how many bytes a connection has asked its host for at most, but for one command.
	credit = 2 * nvme.MaxTransfer

	// readBuffer is short, because what it has of long data is copied once more.
	readBuffer  = 16 << 10
	writeBuffer = 64 << 10

	dataBlock      = 0x01 // SGL descriptors: data in the capsule,
	transportBlock = 0x5A // and by R2T or C2HData
)

// queue is a connection: the admin queue of a controller, or one of its I/O queues.
type queue struct {
	t    *Target
	conn net.Conn
	r    *sockets.Reader
	fr   framing

	c         controller // nil before Connect
	a         *association
	id        uint16
	size      uint32
	flow      bool // the host wants the head of the submission queue
	inCapsule int

	head    atomic.Uint32 // of the submission queue
	pending []*transfer
	asked   int    // bytes that R2Ts are out for
	nextTag uint16 // of R2Ts

	in, out []byte // lent to one command at a time

	mu sync.Mutex // of w
	w  *sockets.Writer
}

// transfer is a command whose data the host still has to send.
type transfer struct {
	cmd  nvme.Command
	data []byte  // nil until the host was asked
	room *[]byte // of data
	size int
	have int
	tag  uint16
	bad  bool // a digest was wrong
}

// connection serves a host until it hangs up, or is not to be served any more.
func (t *Target) connection(conn net.Conn, _ int) {
	q := &queue{t: t, conn: conn, r: sockets.NewReader(conn, readBuffer), w: sockets.NewWriter(conn, writeBuffer), inCapsule: nvme.AdminInCapsule}
	err := q.serve()
	var p *ProtocolError
	if errors.As(err, &p) {
		q.terminate(p)
	}
	if q.a != nil {
		q.a.leave(q)
	}
	for _, p := range q.pending {
		clear(p.data)
	}
}

// terminate sends C2HTermReq (NVMe/TCP Transport 1.0, 3.5); the server waits a while for the host to hang up.
func (q *queue) terminate(e *ProtocolError) {
	head := make([]byte, shortSize)
	binary.LittleEndian.PutUint16(head[8:], e.FES)
	binary.LittleEndian.PutUint32(head[10:], e.FEI)
	q.mu.Lock()
	defer q.mu.Unlock()
	_ = q.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	if q.fr.write(q.w, pduC2HTerm, 0, head, e.head) == nil {
		_ = q.w.Flush()
	}
}

func (q *queue) serve() error {
	_ = q.conn.SetReadDeadline(time.Now().Add(patience))
	if err := q.begin(); err != nil {
		return err
	}
	done := make(chan struct{})
	var telling sync.WaitGroup
	defer func() {
		close(done)
		_ = q.conn.SetWriteDeadline(time.Now()) // of an event that the host does not read
		telling.Wait()
	}()
	var p pdu
	for {
		if q.r.Buffered() == 0 {
			if err := q.flush(); err != nil {
				return err
			}
		}
		if err := q.fr.readHead(q.r, &p, max(q.inCapsule, maxData)); err != nil {
			return err
		}
		was := q.c
		if err := q.pdu(&p); err != nil {
			return err
		}
		if was == nil && q.c != nil {
			_ = q.conn.SetReadDeadline(time.Time{})
			if q.a.ended() { // before the deadline went
				return errGone
			}
			if q.id == 0 {
				telling.Go(func() { q.tell(done) })
			}
		}
	}
}

// begin is the exchange of ICReq and ICResp (NVMe/TCP Transport 1.0, 3.4).
func (q *queue) begin() error {
	var p pdu
	if err := q.fr.readHead(q.r, &p, 0); err != nil {
		return err
	}
	h := p.head[:]
	switch {
	case p.kind != pduICReq:
		return wrong(fatalSequence, 0, "PDU type %02Xh before ICReq", p.kind)
	case binary.LittleEndian.Uint16(h[8:]) != 0:
		return wrong(fatalParameter, 8, "PDU format version %d, need 0", binary.LittleEndian.Uint16(h[8:]))
	case h[10] > 31:
		return wrong(fatalHeader, 10, "data alignment %d, need at most 31", h[10])
	case h[11] > 3:
		return wrong(fatalHeader, 11, "digests %02Xh, need bits 0 and 1", h[11])
	}
	q.fr = framing{headerDigest: h[11]&1 != 0, dataDigest: h[11]&2 != 0, align: 4 * (int(h[10]) + 1)}
	answer := make([]byte, icSize)
	answer[11] = h[11]
	binary.LittleEndian.PutUint32(answer[12:], maxData)
	return q.send(pduICResp, 0, answer, nil, true)
}

// send writes a PDU. While the host does not read for a long time, it fails.
func (q *queue) send(kind, flags byte, head, data []byte, flush bool) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	_ = q.conn.SetWriteDeadline(time.Now().Add(patience))
	if err := q.fr.write(q.w, kind, flags, head, data); err != nil || !flush {
		return err
	}
	return q.w.Flush()
}

func (q *queue) flush() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.w.Buffered() == 0 {
		return nil
	}
	_ = q.conn.SetWriteDeadline(time.Now().Add(patience))
	return q.w.Flush()
}

// tell sends events to the host of an admin queue, until the connection is over.
func (q *queue) tell(done chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-q.a.news:
		}
		for _, e := range q.c.Events() {
			if q.complete(e.CID, e.Result, true) != nil {
				return
			}
		}
	}
}

func (q *queue) pdu(p *pdu) error {
	switch p.kind {
	case pduCapsuleCmd:
		return q.capsule(p)
	case pduH2CData:
		return q.arrived(p)
	case pduH2CTerm:
		return errHostEnds
	}
	e := wrong(fatalSequence, 0, "PDU type %02Xh from a host", p.kind)
	e.head = append([]byte(nil), p.head[:headerSizes[p.kind]]...)
	return e
}

// errHostEnds: the host says that it cannot go on.
var errHostEnds = errors.New("nvmetcp: the host ended the connection")

// errGone: the controller is no more.
var errGone = errors.New("nvmetcp: the controller is gone")

// capsule is a command.
func (q *queue) capsule(p *pdu) error {
	cmd := nvme.Command(p.head[commonSize:capsuleSize])
	if q.c != nil && q.size > 0 {
		q.head.Store((q.head.Load() + 1) % q.size)
	}
	if len(q.pending) >= nvme.MaxQueueEntries {
		return wrong(fatalSequence, 0, "more commands at a time than the queue has entries")
	}
	if cap(q.in) < p.data {
		q.in = make([]byte, p.data)
	}
	data := q.in[:p.data]
	intact, err := p.readData(q.r, data)
	if err != nil {
		return err
	}
	defer q.forget(&cmd, data)
	length, r, ok := q.descriptor(&cmd, len(data))
	switch {
	case !ok:
	case !intact:
		r = nvme.Result{Status: nvme.TransportError}
	case cmd.ToDrive() && length > len(data):
		return q.ask(&transfer{cmd: cmd, size: length})
	default:
		return q.run(&cmd, data, length)
	}
	return q.complete(cmd.CID(), r, false)
}

// descriptor checks where the data of a command are, and gives how long they are (NVMe/TCP Transport 1.0,
// 3.3.2).
func (q *queue) descriptor(cmd *nvme.Command, inside int) (length int, r nvme.Result, ok bool) {
	const at = 24
	address, n, kind := binary.LittleEndian.Uint64(cmd[at:]), binary.LittleEndian.Uint32(cmd[at+8:]), cmd[at+15]
	refuse := func(s nvme.Status) (int, nvme.Result, bool) { return 0, nvme.Result{Status: s | nvme.DNR}, false }
	switch {
	case n == 0 && inside == 0:
		return 0, r, true
	case kind != dataBlock && kind != transportBlock:
		return refuse(nvme.SGLType)
	case n > nvme.MaxTransfer:
		return refuse(nvme.InvalidField)
	case kind == dataBlock && (address != 0 || int(n) != inside || inside > q.inCapsule):
		return refuse(nvme.SGLOffset)
	case kind == dataBlock && !cmd.ToDrive(), kind == transportBlock && inside > 0:
		return refuse(nvme.SGLType)
	}
	return int(n), r, true
}

// run does a command whose data are there.
func (q *queue) run(cmd *nvme.Command, in []byte, length int) error {
	if !cmd.ToDrive() {
		in = nil
	}
	var out []byte
	if cmd.ToHost() {
		out = q.lend(length)
	}
	var r nvme.Result
	hangUp := false
	switch {
	case cmd.Opcode() == nvme.OpFabrics:
		r, hangUp = q.fabrics(cmd, in)
	case q.c == nil:
		r = nvme.Result{Status: nvme.SequenceError | nvme.DNR}
	case q.id == 0:
		r = q.c.Admin(cmd, in, out)
		q.a.wake()
	default:
		r = q.c.IO(q.id, cmd, in, out)
	}
	switch {
	case r.Gone || hangUp:
		return errGone
	case r.Pending:
		return nil
	case len(out) > 0 && (r.Status&^nvme.DNR == nvme.Success || r.Status&^nvme.DNR == nvme.VerificationRead):
		if err := q.data(cmd.CID(), out); err != nil {
			return err
		}
	}
	return q.complete(cmd.CID(), r, false)
}

// forget leaves nothing of the data of a command that may have a PIN in them.
func (q *queue) forget(cmd *nvme.Command, data []byte) {
	if q.id == 0 && cmd.Opcode() == nvme.OpSecuritySend {
		clear(data)
		q.r.Forget()
	}
}

// lend gives room for the data of one command: zeros on the admin queue.
func (q *queue) lend(n int) []byte {
	if cap(q.out) < n {
		q.out = make([]byte, n)
	}
	q.out = q.out[:n]
	if q.id == 0 {
		clear(q.out)
	}
	return q.out
}

// rooms are for the data that hosts are asked for. What a command left in one is overwritten before anybody looks.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

func borrow(n int) *[]byte {
	b := rooms.Get().(*[]byte)
	if cap(*b) < n {
		*b = make([]byte, n)
	}
	*b = (*b)[:n]
	return b
}

// data sends data to the host in one PDU.
func (q *queue) data(cid uint16, b []byte) error {
	head := make([]byte, shortSize)
	binary.LittleEndian.PutUint16(head[8:], cid)
	binary.LittleEndian.PutUint32(head[16:], uint32(len(b)))
	return q.send(pduC2HData, flagLast, head, b, false)
}

// complete sends a completion.
func (q *queue) complete(cid uint16, r nvme.Result, flush bool) error {
	head := make([]byte, shortSize)
	le := binary.LittleEndian
	le.PutUint32(head[8:], r.DW0)
	le.PutUint32(head[12:], r.DW1)
	if q.flow {
		le.PutUint16(head[16:], uint16(q.head.Load()))
	} else if q.c != nil {
		le.PutUint16(head[16:], 0xFFFF)
	}
	le.PutUint16(head[20:], cid)
	le.PutUint16(head[22:], uint16(r.Status)<<1)
	return q.send(pduCapsuleResp, 0, head, nil, flush)
}

// ask puts a command behind those that wait for data, and asks for data.
func (q *queue) ask(x *transfer) error {
	for _, o := range q.pending {
		if o.cmd.CID() == x.cmd.CID() {
			return wrong(fatalSequence, 0, "command identifier %04Xh is in use", x.cmd.CID())
		}
	}
	q.pending = append(q.pending, x)
	return q.askMore()
}

// askMore sends R2Ts as far as the credit goes: one for all data of a command. So a host that is slow, or has
// a deep queue, costs a bounded amount of memory.
func (q *queue) askMore() error {
	for _, x := range q.pending {
		if x.data != nil {
			continue
		}
		if q.asked > 0 && q.asked+x.size > credit {
			return nil
		}
		q.asked += x.size
		x.room, x.tag = borrow(x.size), q.nextTag
		x.data = *x.room
		q.nextTag++
		head := make([]byte, shortSize)
		binary.LittleEndian.PutUint16(head[8:], x.cmd.CID())
		binary.LittleEndian.PutUint16(head[10:], x.tag)
		binary.LittleEndian.PutUint32(head[16:], uint32(x.size))
		if err := q.send(pduR2T, 0, head, nil, false); err != nil {
			return err
		}
	}
	return nil
}

// arrived is H2CData.
func (q *queue) arrived(p *pdu) error {
	le := binary.LittleEndian
	cid, tag, at, n := le.Uint16(p.head[8:]), le.Uint16(p.head[10:]), le.Uint32(p.head[12:]), le.Uint32(p.head[16:])
	fatal := func(fes uint16, fei uint32, text string) error {
		e := wrong(fes, fei, "%s", text)
		e.head = append([]byte(nil), p.head[:shortSize]...)
		return e
	}
	var x *transfer
	index := 0
	for i, o := range q.pending {
		if o.data != nil && o.cmd.CID() == cid {
			x, index = o, i
		}
	}
	switch {
	case x == nil:
		return fatal(fatalHeader, 8, "data for a command that waits for none")
	case x.tag != tag:
		return fatal(fatalHeader, 10, "data with a transfer tag that was not given")
	case n > maxData:
		return fatal(fatalLimit, 0, "more data in one PDU than MAXH2CDATA")
	case int(n) != p.data:
		return fatal(fatalHeader, 16, "DATAL is not the length of the data")
	case int64(at)+int64(n) > int64(x.size):
		return fatal(fatalRange, 0, "data beyond what was asked for")
	case int(at) != x.have:
		return fatal(fatalSequence, 0, "data out of order")
	}
	last := p.flags&flagLast != 0
	if last != (x.have+int(n) == x.size) {
		return fatal(fatalSequence, 0, "LAST_PDU does not stand at the last data")
	}
	intact, err := p.readData(q.r, x.data[x.have:x.have+int(n)])
	if err != nil {
		return err
	}
	x.bad = x.bad || !intact
	if x.have += int(n); !last {
		return nil
	}
	defer rooms.Put(x.room) // behind forget
	defer q.forget(&x.cmd, x.data)
	q.pending = append(q.pending[:index:index], q.pending[index+1:]...)
	q.asked -= x.size
	if x.bad {
		err = q.complete(cid, nvme.Result{Status: nvme.TransportError}, false)
	} else {
		err = q.run(&x.cmd, x.data, x.size)
	}
	if err != nil {
		return err
	}
	return q.askMore()
}
