package nvmetcp

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/nvme"
)

func newTarget(t testing.TB) (*Target, *nvme.Subsystem) {
	t.Helper()
	d, _, err := drive.Manufacture(drive.Config{Serial: "HOSTILE", SectorSize: 512, Sectors: 1 << 12, PBKDF2Iterations: 1},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "hostile")})
	require.NoError(t, err)
	s, err := nvme.NewSubsystem(d, nvme.Options{})
	require.NoError(t, err)
	target, err := NewTarget([]*nvme.Subsystem{s})
	require.NoError(t, err)
	return target, s
}

func listen(t testing.TB, target *Target) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- target.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, target.Close())
		require.NoError(t, <-done)
	})
	return l.Addr().String()
}

// raw is a host that sends bytes of its own choice.
type raw struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	fr   framing
}

// begin connects and exchanges ICReq and ICResp.
func begin(t *testing.T, address string, digests byte) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	x := &raw{t: t, conn: conn, r: bufio.NewReader(conn)}
	head := make([]byte, icSize)
	head[11] = digests
	x.send(pduICReq, 0, head, nil)
	var p pdu
	require.NoError(t, x.fr.readHead(x.r, &p, 0))
	require.Equal(t, byte(pduICResp), p.kind)
	require.Equal(t, digests, p.head[11], "the digests that the host asked for")
	x.fr = framing{headerDigest: digests&1 != 0, dataDigest: digests&2 != 0}
	return x
}

func (x *raw) send(kind, flags byte, head, data []byte) {
	x.t.Helper()
	w := bufio.NewWriter(x.conn)
	require.NoError(x.t, x.fr.write(w, kind, flags, head, data))
	require.NoError(x.t, w.Flush())
}

// capsule is a command, with data in it or not.
func capsule(cmd nvme.Command, n int, kind byte) []byte {
	head := make([]byte, capsuleSize)
	copy(head[commonSize:], cmd[:])
	binary.LittleEndian.PutUint32(head[commonSize+32:], uint32(n))
	head[commonSize+39] = kind
	return head
}

// answer reads PDUs up to a completion or an R2T.
func (x *raw) answer() pdu {
	x.t.Helper()
	var p pdu
	require.NoError(x.t, x.fr.readHead(x.r, &p, nvme.MaxTransfer))
	return p
}

func (x *raw) status() (nvme.Status, uint32) {
	x.t.Helper()
	p := x.answer()
	require.Equal(x.t, byte(pduCapsuleResp), p.kind)
	return nvme.Status(binary.LittleEndian.Uint16(p.head[22:]) >> 1), binary.LittleEndian.Uint32(p.head[8:])
}

// ended wants C2HTermReq with a fatal error status, and the end of the connection.
func (x *raw) ended(fes uint16, why string) {
	x.t.Helper()
	p := x.answer()
	require.Equal(x.t, byte(pduC2HTerm), p.kind, why)
	require.Equal(x.t, fes, binary.LittleEndian.Uint16(p.head[8:]), why)
	require.NoError(x.t, x.conn.(*net.TCPConn).CloseWrite())
	_, err := io.Copy(io.Discard, x.r)
	require.NoError(x.t, err, why)
}

// connectCommand is Connect of the admin queue.
func connectCommand(subsystem string, change func(cmd *nvme.Command, data []byte)) (nvme.Command, []byte) {
	var cmd nvme.Command
	cmd[0], cmd[4] = nvme.OpFabrics, fctConnect
	cmd.SetDW(11, adminQueueDepth-1)
	data := make([]byte, connectSize)
	binary.LittleEndian.PutUint16(data[16:], anyController)
	copy(data[256:], subsystem)
	copy(data[512:], "nqn.host")
	if change != nil {
		change(&cmd, data)
	}
	return cmd, data
}

func (x *raw) connect(subsystem string, change func(cmd *nvme.Command, data []byte)) (nvme.Status, uint32) {
	x.t.Helper()
	cmd, data := connectCommand(subsystem, change)
	x.send(pduCapsuleCmd, 0, capsule(cmd, len(data), dataBlock), data)
	return x.status()
}

// PDUs that a host may not send end its connection, with the reason (NVMe/TCP Transport 1.0, 3.6.2.7), and no other.
func TestWrongPDUsEndTheirConnection(t *testing.T) {
	target, s := newTarget(t)
	address := listen(t, target)
	bystander, err := Dial(address, HostOptions{Subsystem: s.NQN()})
	require.NoError(t, err)
	defer bystander.Close()
	le := binary.LittleEndian
	for _, c := range []struct {
		why  string
		fes  uint16
		send func(x *raw)
	}{
		{"no such type", fatalHeader, func(x *raw) { _, _ = x.conn.Write([]byte{8, 0, 24, 0, 24, 0, 0, 0}) }},
		{"header of another length", fatalHeader, func(x *raw) { _, _ = x.conn.Write([]byte{4, 0, 24, 0, 72, 0, 0, 0}) }},
		{"longer than a PDU may be", fatalHeader, func(x *raw) {
			_, _ = x.conn.Write(append([]byte{4, 0, 72, 72, 0, 0, 0, 0x7F}, make([]byte, 64)...))
		}},
		{"data inside the header", fatalHeader, func(x *raw) { _, _ = x.conn.Write(append([]byte{4, 0, 72, 8, 80, 0, 0, 0}, make([]byte, 64)...)) }},
		{"second ICReq", fatalSequence, func(x *raw) { x.send(pduICReq, 0, make([]byte, icSize), nil) }},
		{"PDU of a target", fatalSequence, func(x *raw) { x.send(pduR2T, 0, make([]byte, shortSize), nil) }},
		{"data nobody asked for", fatalHeader, func(x *raw) { x.send(pduH2CData, flagLast, make([]byte, shortSize), nil) }},
	} {
		x := begin(t, address, 0)
		c.send(x)
		x.ended(c.fes, c.why)
	}
	for _, c := range []struct {
		why    string
		fes    uint16
		change func(head []byte)
		n      int
	}{
		{"another tag", fatalHeader, func(h []byte) { h[10] ^= 1 }, 16384},
		{"out of order", fatalSequence, func(h []byte) { le.PutUint32(h[12:], 512) }, 512},
		{"beyond what was asked for", fatalRange, func(h []byte) { le.PutUint32(h[12:], 16384) }, 512},
		{"length that is not that of the data", fatalHeader, func(h []byte) { le.PutUint32(h[16:], 8) }, 512},
		{"last, and more is missing", fatalSequence, func([]byte) {}, 512},
	} {
		x := begin(t, address, 0)
		st, _ := x.connect(s.NQN(), nil)
		require.Equal(t, nvme.Success, st)
		var cmd nvme.Command
		cmd[0], cmd[2] = nvme.OpSecuritySend, 9 // any command with data for the drive
		x.send(pduCapsuleCmd, 0, capsule(cmd, 16384, transportBlock), nil)
		p := x.answer()
		require.Equal(t, byte(pduR2T), p.kind)
		require.Equal(t, uint32(16384), le.Uint32(p.head[16:]))
		head := make([]byte, shortSize)
		copy(head[8:12], p.head[8:12])
		le.PutUint32(head[16:], uint32(c.n))
		c.change(head)
		flags := byte(flagLast)
		if c.why == "out of order" {
			flags = 0 // nothing else is wrong with it
		}
		x.send(pduH2CData, flags, head, make([]byte, c.n))
		x.ended(c.fes, c.why)
	}
	require.NoError(t, bystander.Write(0, 0, make([]byte, 512)), "another host goes on")
}

// A wrong header digest ends the connection, a wrong data digest the command (NVMe/TCP Transport 1.0, 3.5).
func TestWrongDigests(t *testing.T) {
	target, s := newTarget(t)
	address := listen(t, target)
	x := begin(t, address, 3)
	cmd, data := connectCommand(s.NQN(), nil)
	broken := func(at int) []byte {
		var b bytes.Buffer
		w := bufio.NewWriter(&b)
		require.NoError(t, x.fr.write(w, pduCapsuleCmd, 0, capsule(cmd, len(data), dataBlock), data))
		require.NoError(t, w.Flush())
		out := b.Bytes()
		out[at] ^= 1
		return out
	}
	_, err := x.conn.Write(broken(capsuleSize + digestSize + 20))
	require.NoError(t, err)
	st, _ := x.status()
	require.Equal(t, nvme.TransportError, st)
	_, err = x.conn.Write(broken(20))
	require.NoError(t, err)
	x.ended(fatalDigest, "header digest")
}

// What Connect refuses, and where it says that the wrong field is (NVMe Base 2.1, 6.3).
func TestConnectRefusals(t *testing.T) {
	target, s := newTarget(t)
	address := listen(t, target)
	h, err := Dial(address, HostOptions{Subsystem: s.NQN(), ID: [16]byte{7}})
	require.NoError(t, err)
	defer h.Close()
	id := func(d []byte) { binary.LittleEndian.PutUint16(d[16:], h.ID()) }
	const inData = 1 << 16
	for _, c := range []struct {
		why    string
		want   nvme.Status
		dw0    uint32
		change func(cmd *nvme.Command, d []byte)
	}{
		{"unknown subsystem", nvme.ConnectInvalid, inData | 256, func(_ *nvme.Command, d []byte) { d[256] = 'x' }},
		{"no name of the host", nvme.ConnectInvalid, inData | 512, func(_ *nvme.Command, d []byte) { clear(d[512:768]) }},
		{"record format", nvme.ConnectIncompatible, 0, func(cmd *nvme.Command, _ []byte) { cmd.SetDW(10, 1) }},
		{"queue of one entry", nvme.ConnectInvalid, 44, func(cmd *nvme.Command, _ []byte) { cmd.SetDW(11, 0) }},
		{"queue too large", nvme.ConnectInvalid, 44, func(cmd *nvme.Command, _ []byte) { cmd.SetDW(11, 128) }},
		{"a controller of one's choice", nvme.ConnectInvalid, inData | 16, func(_ *nvme.Command, d []byte) { d[16], d[17] = 1, 0 }},
		{"I/O queue of no controller", nvme.ConnectInvalid, inData | 16, func(cmd *nvme.Command, _ []byte) { cmd.SetDW(10, 1<<16) }},
		{"I/O queue of another host", nvme.ConnectInvalid, inData | 512, func(cmd *nvme.Command, d []byte) { cmd.SetDW(10, 2<<16); id(d) }},
	} {
		x := begin(t, address, 0)
		st, dw0 := x.connect(s.NQN(), c.change)
		require.Equal(t, c.want|nvme.DNR, st, c.why)
		require.Equal(t, c.dw0, dw0, c.why)
	}
	x := begin(t, address, 0)
	st, _ := x.connect(s.NQN(), func(cmd *nvme.Command, d []byte) {
		cmd.SetDW(10, 1<<16)
		id(d)
		d[0] = 7
		copy(d[512:768], "nqn.2026-01.fdelab:host\x00")
	})
	require.Equal(t, nvme.SequenceError|nvme.DNR, st, "the queue is there already")
	x.send(pduCapsuleCmd, 0, capsule(nvme.Command{nvme.OpIdentify}, 4096, transportBlock), nil)
	st, _ = x.status()
	require.Equal(t, nvme.SequenceError|nvme.DNR, st, "no command before Connect")
}

// Many commands at a time, larger together than what a connection keeps, are all done.
func TestDeepQueues(t *testing.T) {
	target, s := newTarget(t)
	address := listen(t, target)
	h, err := Dial(address, HostOptions{Subsystem: s.NQN(), Queues: 2})
	require.NoError(t, err)
	defer h.Close()
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			b := bytes.Repeat([]byte{byte(i)}, 32<<10)
			if err := h.Write(i%2, uint64(i)*64, b); err != nil {
				t.Errorf("write %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	got := make([]byte, 32<<10)
	for i := range 64 {
		require.NoError(t, h.Read(0, uint64(i)*64, got))
		require.Equal(t, bytes.Repeat([]byte{byte(i)}, 32<<10), got)
	}
}

// spy keeps every piece of memory that was read into.
type spy struct {
	net.Conn
	read [][]byte
}

func (s *spy) Read(p []byte) (int, error) {
	s.read = append(s.read, p[:len(p):len(p)])
	return s.Conn.Read(p)
}

// A PIN that came with Security Send is in no memory of the connection any more when the command is done, in whatever
// PDUs it came, and whether its digest was right or wrong.
func TestNoPINStaysInABuffer(t *testing.T) {
	target, s := newTarget(t)
	const pin = "a PIN that nobody may find"
	data := make([]byte, 512)
	copy(data[100:], pin)
	for _, how := range []string{"in the capsule", "by R2T", "with a wrong digest"} {
		here, there := net.Pipe()
		conn := &spy{Conn: there}
		done := make(chan struct{})
		go func() { defer close(done); target.connection(conn, 1) }()
		x := &raw{t: t, conn: here, r: bufio.NewReader(here)}
		head := make([]byte, icSize)
		head[11] = 2
		x.send(pduICReq, 0, head, nil)
		x.answer()
		x.fr.dataDigest = true
		st, _ := x.connect(s.NQN(), nil)
		require.Equal(t, nvme.Success, st)
		cmd := securityCommand(nvme.OpSecuritySend, 1, 1, len(data))
		if how == "by R2T" {
			x.send(pduCapsuleCmd, 0, capsule(cmd, len(data), transportBlock), nil)
			p := x.answer()
			head := make([]byte, shortSize)
			copy(head[8:12], p.head[8:12])
			binary.LittleEndian.PutUint32(head[16:], uint32(len(data)))
			x.send(pduH2CData, flagLast, head, data)
		} else {
			var b bytes.Buffer
			w := bufio.NewWriter(&b)
			require.NoError(t, x.fr.write(w, pduCapsuleCmd, 0, capsule(cmd, len(data), dataBlock), data))
			require.NoError(t, w.Flush())
			if how == "with a wrong digest" {
				b.Bytes()[b.Len()-1] ^= 1
			}
			_, err := here.Write(b.Bytes())
			require.NoError(t, err)
		}
		st, _ = x.status()
		require.Equal(t, how == "with a wrong digest", st == nvme.TransportError)
		require.NoError(t, here.Close())
		<-done
		for _, p := range conn.read {
			require.False(t, bytes.Contains(p, []byte(pin)), "%s: %d bytes that were read into still have it", how, len(p))
		}
	}
}
