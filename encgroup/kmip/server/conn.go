package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// bufferSmall is the buffer of an idle connection, in bytes. A larger one is freed.
const bufferSmall = 2048

// conn is one connection.
type conn struct {
	server *Server
	tcp    net.Conn
	tls    *tls.Conn
	cert   *x509.Certificate
	owner  identity
	part   *part  // the client's share, once the client is known
	in     []byte // in[:have] is filled
	have   int
	held   int // bytes of this connection in the bound for large requests
	out    []byte
}

func (c *conn) wipe() {
	clear(c.in[:cap(c.in)])
	clear(c.out[:cap(c.out)])
}

// deadline is the time d from now.
func (c *conn) deadline(d time.Duration) time.Time { return c.server.cfg.Clock().Add(d) }

func (c *conn) handshake() error {
	if err := c.tcp.SetDeadline(c.deadline(c.server.cfg.HandshakeTimeout)); err != nil {
		return err
	}
	if err := c.tls.Handshake(); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("not done in %v", c.server.cfg.HandshakeTimeout)
		}
		return err
	}
	var err error
	c.cert = c.tls.ConnectionState().PeerCertificates[0]
	c.owner, err = identify(c.cert)
	return err
}

// requests answers requests until the client hangs up, which is no error.
func (c *conn) requests() error {
	c.in = make([]byte, bufferSmall)
	for {
		n, err := c.message()
		if err != nil || n == 0 {
			return err
		}
		if err := c.admitted(); err != nil {
			_ = c.refuse(kmip.AuthenticationNotSuccessful, "the certificate is not taken any more")
			return err
		}
		clear(c.out)
		var trouble error
		c.out, trouble = c.server.engine.handle(c.owner, c.in[:n], c.out[:0])
		c.consume(n)
		if err := c.answer(); err != nil {
			return err
		}
		if trouble == nil {
			continue
		}
		if errors.Is(trouble, errBroken) {
			return trouble
		}
		c.server.cfg.Log.Warn("request refused", "remote", c.tcp.RemoteAddr().String(), "client", c.cert.Subject.String(), "reason", trouble.Error())
	}
}

// admitted says whether the client's certificate is still good.
func (c *conn) admitted() error {
	if c.server.cfg.Clock().After(c.cert.NotAfter) {
		return errors.New("the client's certificate expired meanwhile")
	}
	return c.server.cfg.Refuse(c.cert)
}

// message reads one whole message and returns its size, or 0 when the client has hung
// up between two messages.
func (c *conn) message() (int, error) {
	late := c.server.cfg.IdleTimeout
	if c.have > 0 {
		late = c.server.cfg.MessageTimeout
	}
	begun := c.have > 0
	if err := c.tls.SetReadDeadline(c.deadline(late)); err != nil {
		return 0, c.lost(err, begun)
	}
	for {
		if c.have >= ttlv.HeaderSize {
			size, err := c.size()
			if err != nil {
				return 0, err
			}
			if c.have >= size {
				return size, nil
			}
			if err := c.grow(size); err != nil {
				return 0, err
			}
		}
		if c.have > 0 && !begun {
			// The timeout is for the whole message, however slowly it comes.
			begun = true
			if err := c.tls.SetReadDeadline(c.deadline(c.server.cfg.MessageTimeout)); err != nil {
				return 0, c.lost(err, begun)
			}
		}
		n, err := c.tls.Read(c.in[c.have:])
		c.have += n
		if err != nil && n == 0 {
			return 0, c.lost(err, begun)
		}
	}
}

// size reads the size of a message from its header.
func (c *conn) size() (int, error) {
	tag, typ, n, err := ttlv.Header(c.in)
	if err != nil || tag != kmip.TagRequestMessage || typ != ttlv.Structure {
		return 0, c.refuse(kmip.InvalidMessage, "%06x of type %d is no request message", uint32(tag), byte(typ))
	}
	most := c.server.cfg.MaxRequest
	if n += ttlv.HeaderSize; n > int64(most) {
		return 0, c.refuse(kmip.InvalidMessage, "a request of %d bytes, more than %d", n, most)
	}
	return int(n), nil
}

// refuse answers a message that is not read to its end.
func (c *conn) refuse(why kmip.Reason, format string, args ...any) error {
	f := kmip.Fail(why, format, args...)
	c.out = c.server.engine.refuse(kmip.Version{}, f, c.out[:0])
	_ = c.answer()
	return f
}

// grow makes the buffer larger as a message arrives. A header alone, whatever size it
// says, costs no memory.
func (c *conn) grow(size int) error {
	if c.have < len(c.in) {
		return nil
	}
	if !c.hold(min(size, 2*len(c.in))) {
		return c.refuse(kmip.GeneralFailure, "a request of %d bytes, while large ones under way have all the room there is: later", size)
	}
	bigger := make([]byte, min(size, 2*len(c.in)))
	copy(bigger, c.in)
	clear(c.in)
	c.in = bigger
	return nil
}

// hold says whether the buffer may have n bytes, and counts them. Small buffers are not
// counted.
func (c *conn) hold(n int) bool {
	if n <= 4*bufferSmall {
		n = 0
	}
	delta := int64(n - c.held)
	if delta == 0 {
		return true
	}
	each := int64(c.server.cfg.MaxHeldEach)
	own, all := c.part.held.Add(delta), c.server.held.Add(delta)
	if delta > 0 && (own > each || all > int64(c.server.cfg.MaxHeld)) {
		c.part.held.Add(-delta)
		c.server.held.Add(-delta)
		return false
	}
	c.held = n
	return true
}

// consume drops an answered message, and frees a large buffer.
func (c *conn) consume(n int) {
	rest := c.have - n
	if len(c.in) > 4*bufferSmall && rest < bufferSmall {
		small := make([]byte, bufferSmall)
		copy(small, c.in[n:c.have])
		clear(c.in)
		c.in, c.have = small, rest
		c.hold(0)
		return
	}
	copy(c.in, c.in[n:c.have])
	clear(c.in[rest:c.have])
	c.have = rest
}

func (c *conn) answer() error {
	err := c.tls.SetWriteDeadline(c.deadline(c.server.cfg.MessageTimeout))
	if err == nil {
		_, err = c.tls.Write(c.out)
	}
	clear(c.out)
	if cap(c.out) > 8*bufferSmall {
		c.out = nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("the client did not take its answer in %v", c.server.cfg.MessageTimeout)
	}
	return err
}

// lost is nil for a good end of a connection, else what the log says.
func (c *conn) lost(err error, begun bool) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && begun:
		return fmt.Errorf("a request of which %d bytes came in %v", c.have, c.server.cfg.MessageTimeout)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("idle for %v", c.server.cfg.IdleTimeout)
	case begun:
		return fmt.Errorf("the client hung up after %d bytes of a request", c.have)
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return nil
	}
	return err
}

// linger closes so that the client gets the last answer. With unread input the kernel
// would send a reset, and the answer would be lost.
func (c *conn) linger() {
	half, ok := c.tcp.(interface{ CloseWrite() error })
	if !ok || c.tcp.SetDeadline(c.deadline(time.Second)) != nil {
		return
	}
	if c.tls.ConnectionState().HandshakeComplete {
		_ = c.tls.CloseWrite()
	}
	if half.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, c.tcp, 1<<20)
	}
}
