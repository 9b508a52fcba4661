package secsock

import (
	"encoding/binary"
	"errors"
	"io"
	"net"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

const (
	version       = 1
	requestHeader = 16
	answerHeader  = 8
	maxPayload    = 16 << 20
)

// Server serves drives at a socket.
type Server struct {
	sockets.Server
	units []*Unit
	trace *Tracer
}

// NewServer makes the server of drives, whose numbers are their places. trace may be nil. Serve runs it,
// Close ends it, behind the command that each connection has under way.
func NewServer(units []*Unit, trace *Tracer) *Server {
	s := &Server{units: units, trace: trace}
	s.Handle = s.connection
	return s
}

// connection serves one host until it hangs up.
func (s *Server) connection(c net.Conn, number int) {
	r := sockets.NewReader(c, 4096)
	for {
		req, err := readRequest(r)
		if err != nil {
			return
		}
		data, status := s.serve(req, number)
		clear(req.payload)
		r.Forget()
		out := append([]byte{version, status, 0, 0}, binary.BigEndian.AppendUint32(nil, uint32(len(data)))...)
		if _, err := c.Write(append(out, data...)); err != nil {
			return
		}
	}
}

func readRequest(r io.Reader) (*request, error) {
	var h [requestHeader]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	if h[0] != version {
		return nil, errors.New("another version")
	}
	req := &request{
		op: h[1], unit: int(h[2]), protocol: h[3],
		comID: binary.BigEndian.Uint16(h[4:]), size: binary.BigEndian.Uint32(h[8:]),
	}
	if req.op != opSend {
		return req, nil
	}
	if req.size > maxPayload {
		return nil, errors.New("too long")
	}
	req.payload = make([]byte, req.size)
	_, err := io.ReadFull(r, req.payload)
	return req, err
}

// serve does a command. Its line in the trace is written while nobody else has the drive, so the lines
// of a drive are in the order in which it did the commands.
func (s *Server) serve(r *request, connection int) (data []byte, status uint8) {
	if r.unit >= len(s.units) {
		return nil, statusNoDrive
	}
	u := s.units[r.unit]
	u.mu.Lock()
	defer u.mu.Unlock()
	data, status = u.run(r)
	if s.trace != nil {
		s.trace.command(connection, r, data, status)
	}
	return data, status
}

// Transport is another way to the security interface of a drive, by its place: its commands stand in the trace as
// those of connection 0. Errors are those of tcg.TPer.
func (s *Server) Transport(unit int) transport.Transport { return &inside{s, unit} }

// inside is a host in this process.
type inside struct {
	s    *Server
	unit int
}

func (i *inside) Send(protocol uint8, comID uint16, payload []byte) error {
	_, status := i.s.serve(&request{op: opSend, unit: i.unit, protocol: protocol, comID: comID, payload: payload}, 0)
	return errorOf(status)
}

func (i *inside) Receive(protocol uint8, comID uint16, size int) ([]byte, error) {
	b, status := i.s.serve(&request{op: opReceive, unit: i.unit, protocol: protocol, comID: comID, size: uint32(min(max(size, 0), maxPayload))}, 0)
	return b, errorOf(status)
}

// errorOf is the error of a status.
func errorOf(status uint8) error {
	if status == statusDone {
		return nil
	}
	return transport.Error(status)
}
