package nbd

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

// Export is a drive, by the name that a client asks for.
type Export struct {
	Name  string // at most 255 bytes
	Drive *drive.Drive
}

// Server serves exports.
type Server struct {
	sockets.Server
	exports []Export
}

// NewServer makes the server of exports, whose names differ; the first is also that of the empty name. Serve runs it,
// Close ends it.
func NewServer(exports []Export) (*Server, error) {
	if len(exports) == 0 {
		return nil, errors.New("nbd: no drive to serve")
	}
	for i, e := range exports {
		if len(e.Name) > 255 {
			return nil, fmt.Errorf("nbd: a name of %d bytes, need at most 255", len(e.Name))
		}
		for _, o := range exports[:i] {
			if o.Name == e.Name {
				return nil, fmt.Errorf("nbd: two drives are called %s: their serial numbers have to differ", e.Name)
			}
		}
	}
	s := &Server{exports: exports}
	s.Handle = s.connection
	return s, nil
}

// patience is how long a client may take to send what it has begun, and to read what it is sent.
const patience = 30 * time.Second

// readBuffer is short, because what it has of long data is copied once more.
const readBuffer = 16 << 10

// export finds an export by its name; nil if there is none.
func (s *Server) export(name string) *Export {
	for i := range s.exports {
		if s.exports[i].Name == name || name == "" {
			return &s.exports[i]
		}
	}
	return nil
}

// conn is a connection.
type conn struct {
	s    *Server
	net  net.Conn
	r    *bufio.Reader
	w    *sockets.Writer
	wait time.Duration // patience

	noZeroes   bool
	structured bool
	context    *Export // whose base:allocation the client wants

	e     *Export
	cfg   drive.Config
	lived drive.Resets // of the drive, when the client came to it
	piece []byte
}

func newConn(s *Server, c net.Conn) *conn {
	return &conn{s: s, net: c, r: bufio.NewReaderSize(c, readBuffer), w: sockets.NewWriter(c, 64<<10), wait: patience}
}

func (s *Server) connection(c net.Conn, _ int) {
	x := newConn(s, c)
	x.serve()
	clear(x.piece)
}

func (c *conn) serve() {
	if err := c.handshake(); err != nil || c.e == nil {
		return
	}
	c.piece = make([]byte, pieceSize)
	for {
		var q request
		if err := c.next(&q); err != nil || q.kind == cmdDisconnect {
			return
		}
		if err := c.do(&q); err != nil {
			return
		}
	}
}

// hurry sets how long the client may take from now on for what it has begun.
func (c *conn) hurry() { _ = c.net.SetDeadline(time.Now().Add(c.wait)) }

// attach makes an export that of the connection. ok is false while its drive has no power.
func (c *conn) attach(e *Export) (ok bool) {
	if !e.Drive.Status().Powered {
		return false
	}
	c.e, c.cfg, c.lived = e, e.Drive.Config(), e.Drive.Resets()
	return true
}

// alive says whether the drive has had its power without a break since the client came.
func (c *conn) alive() bool {
	return c.e.Drive.Status().Powered && c.e.Drive.Resets().PowerLosses == c.lived.PowerLosses
}
