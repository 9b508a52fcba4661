package kmip

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// Config says how a client reaches its server.
type Config struct {
	Addr string // host:port; the port of KMIP is 5696
	// TLS holds the client's certificate and the CAs that it trusts. The server's
	// name is the host of Addr unless it is set here. TLS 1.2 is the least.
	TLS     *tls.Config
	Version Version       // default 1.4, and for a KeyServer what Client.Negotiate finds
	Timeout time.Duration // of connection, handshake and of each answer; default 10 s
	// MaxResponse is the largest answer that is taken, in bytes; default 1 MiB.
	MaxResponse int
	Clock       func() time.Time // the real time: deadlines and certificates are held against it
	Entropy     io.Reader        // for TLS; nil: what TLS takes by itself
}

// Format prints the address: TLS holds a private key.
func (c Config) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "KMIP server at %s", c.Addr) }

// The defaults of Config.
const (
	DefaultTimeout     = 10 * time.Second
	DefaultMaxResponse = 1 << 20
	DefaultPort        = "5696"
)

// Client is one connection to a key server. It is not safe for concurrent use.
// After an error that is no *Failure of the server the connection has ended. If the server
// closes the connection after each answer, the client connects again.
type Client struct {
	cfg    Config
	conn   *tls.Conn
	dial   func() (*tls.Conn, func() bool, error)
	over   Exchange // in place of conn
	buf    []byte   // of the request
	in     []byte   // of the answer
	dec    ttlv.Decoder
	broken error
	detach func() bool // from the context

	answered bool // something came over this connection
	begun    bool // a byte of the answer to the last request came
	closes   bool // the server closes after each answer
}

// Exchange carries a request to a server and gives the whole of its answer.
type Exchange func(request []byte) (answer []byte, err error)

// Over is a client whose messages somebody else carries, such as a network in memory. server is for
// errors. What Exchange returns as an error is returned as it is, and ends the client. The client
// overwrites the answers.
func Over(server string, e Exchange) *Client {
	return &Client{
		cfg: Config{Addr: server, Version: V14, MaxResponse: DefaultMaxResponse}, over: e, detach: func() bool { return true },
	}
}

// Dial connects, and returns an *Error if it cannot. With TLS 1.3 a server that
// refuses the client's certificate says so only to the first request.
func Dial(cfg Config) (*Client, error) { return DialContext(context.Background(), cfg) }

// DialContext is Dial with a context. When ctx is cancelled, the dial or the connection ends,
// whatever the client is doing.
func DialContext(ctx context.Context, cfg Config) (*Client, error) {
	if cfg.TLS == nil || cfg.Clock == nil {
		panic("BUG: kmip: a client needs a TLS configuration and a clock")
	}
	if cfg.Version == (Version{}) {
		cfg.Version = V14
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.MaxResponse <= 0 {
		cfg.MaxResponse = DefaultMaxResponse
	}
	host, _, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("kmip: address %q: %w, need host:port", cfg.Addr, err)
	}
	t := cfg.TLS.Clone()
	t.Time = cfg.Clock
	if cfg.Entropy != nil {
		t.Rand = cfg.Entropy
	}
	if t.ServerName == "" {
		t.ServerName, _, _ = strings.Cut(host, "%") // the zone of an address is this machine's own
	}
	if t.MinVersion < tls.VersionTLS12 {
		t.MinVersion = tls.VersionTLS12
	}
	c := &Client{cfg: cfg, dial: func() (*tls.Conn, func() bool, error) { return dial(ctx, cfg, t) }}
	if c.conn, c.detach, err = c.dial(); err != nil {
		return nil, err
	}
	return c, nil
}

// dial makes one connection, through the handshake. detach takes it off the context.
func dial(ctx context.Context, cfg Config, t *tls.Config) (conn *tls.Conn, detach func() bool, err error) {
	d := net.Dialer{Timeout: cfg.Timeout}
	tcp, err := d.DialContext(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, nil, &Error{cfg.Addr, "connect", connectFault(err), err}
	}
	conn, detach = tls.Client(tcp, t), func() bool { return true }
	if ctx.Done() != nil {
		detach = context.AfterFunc(ctx, func() { _ = tcp.Close() })
	}
	if err := tcp.SetDeadline(cfg.Clock().Add(cfg.Timeout)); err != nil {
		detach()
		_ = tcp.Close()
		return nil, nil, &Error{cfg.Addr, "handshake", FaultHangUp, err}
	}
	if err := conn.Handshake(); err != nil {
		detach()
		_ = tcp.Close()
		return nil, nil, &Error{cfg.Addr, "handshake", sessionFault(err), err}
	}
	return conn, detach, nil
}

// redial connects anew in place of a connection that the server has closed.
func (c *Client) redial() error {
	if c.over != nil {
		c.answered, c.broken = false, nil
		return nil
	}
	c.detach()
	_ = c.conn.NetConn().Close()
	conn, detach, err := c.dial()
	if err != nil {
		c.broken = err
		return err
	}
	c.conn, c.detach, c.answered, c.broken = conn, detach, false, nil
	return nil
}

// Version is the version that the client speaks.
func (c *Client) Version() Version { return c.cfg.Version }

// Peer is the certificate that the server has shown, and the address of its end of the
// connection.
func (c *Client) Peer() (*x509.Certificate, string) {
	return c.conn.ConnectionState().PeerCertificates[0], c.conn.RemoteAddr().String()
}

// Conn is the connection, for a caller that sends something else than KMIP from now on.
func (c *Client) Conn() *tls.Conn { return c.conn }

// Close ends the connection and overwrites what it had in its buffers.
func (c *Client) Close() error {
	c.detach()
	c.wipe()
	if c.broken == nil {
		c.broken = net.ErrClosed
	}
	if c.over != nil {
		return nil
	}
	_ = c.conn.NetConn().SetDeadline(c.cfg.Clock().Add(time.Second))
	err := c.conn.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (c *Client) wipe() {
	clear(c.buf[:cap(c.buf)])
	clear(c.in[:cap(c.in)])
}

// Format prints the address: the buffers may hold a key.
func (c *Client) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "KMIP client of %s", c.cfg.Addr) }

// Do sends a request and reads the answer: as many items as were asked, or fewer
// when the batch stopped. What it refers to is overwritten by the next Do or by Close. The
// version of the client is filled in, and so are missing IDs of a batch. The error is an
// *Error unless the server refused the message as a whole: then it is a *Failure in an *Error.
func (c *Client) Do(q *Request) (*Response, error) {
	p, err := c.send(q)
	if err != nil {
		return nil, err
	}
	if err := answers(p, q); err != nil {
		return nil, c.fail(q.op(), err)
	}
	return p, nil
}

// op names what is asked for.
func (q *Request) op() string {
	if len(q.Items) == 1 {
		return q.Items[0].Op.String()
	}
	return "batch"
}

// repeatable says whether a request may be sent again if nobody knows what became of it: it
// only asks.
func (q *Request) repeatable() bool {
	for n := range q.Items {
		switch q.Items[n].Op {
		case OpQuery, OpDiscoverVersions, OpLocate, OpCheck, OpGet, OpGetAttributes, OpGetAttributeList:
		default:
			return false
		}
	}
	return true
}

// send is Do without a look at the answer. A connection that the server has closed since the
// last answer is made anew: at once if the server is known to do so, else for requests that may be
// sent twice.
func (c *Client) send(q *Request) (*Response, error) {
	op := q.op()
	if c.broken != nil {
		return nil, &Error{c.cfg.Addr, op, FaultHangUp, c.broken}
	}
	if q.Version == (Version{}) {
		q.Version = c.cfg.Version
	}
	for n := range q.Items {
		if len(q.Items) > 1 && q.Items[n].ID == nil {
			q.Items[n].ID = []byte{byte(n >> 8), byte(n)}
		}
	}
	clear(c.buf)
	c.buf = q.Encode(c.buf[:0])
	if c.closes && c.answered {
		if err := c.redial(); err != nil {
			return nil, err
		}
	}
	p, fault, err := c.exchange()
	if err != nil && fault == FaultHangUp && c.answered && !c.begun && q.repeatable() {
		c.closes = true
		if err := c.redial(); err != nil {
			return nil, err
		}
		p, fault, err = c.exchange()
	}
	if err != nil {
		c.hangUp(err)
		if fault == faultCarried {
			return nil, err
		}
		return nil, &Error{c.cfg.Addr, op, fault, err}
	}
	c.answered = true
	return p, nil
}

// fail turns a refusal into an Error; anything else breaks the connection.
func (c *Client) fail(op string, err error) error {
	var f *Failure
	if errors.As(err, &f) {
		return &Error{c.cfg.Addr, op, failureFault(f), f}
	}
	c.hangUp(err)
	return &Error{c.cfg.Addr, op, FaultAnswer, err}
}

// hangUp ends the connection because of err.
func (c *Client) hangUp(err error) {
	c.broken = err
	if c.conn != nil {
		_ = c.conn.NetConn().Close()
	}
}

// faultCarried stands for an error of an Exchange.
const faultCarried Fault = 255

// carried is exchange without a connection.
func (c *Client) carried() (*Response, Fault, error) {
	clear(c.in)
	var err error
	if c.in, err = c.over(c.buf); err != nil {
		return nil, faultCarried, err
	}
	c.dec.Reset()
	p, err := ParseResponseWith(&c.dec, c.in)
	if err != nil {
		return nil, FaultProtocol, err
	}
	return p, 0, nil
}

func (c *Client) exchange() (*Response, Fault, error) {
	if c.over != nil {
		return c.carried()
	}
	c.begun = false
	if err := c.conn.SetDeadline(c.cfg.Clock().Add(c.cfg.Timeout)); err != nil {
		return nil, FaultHangUp, err
	}
	if _, err := c.conn.Write(c.buf); err != nil {
		// The server may have said why before it hung up.
		var one [1]byte
		if _, told := c.conn.Read(one[:]); told != nil && sessionFault(told) < FaultNotTLS {
			err = told
		}
		return nil, sessionFault(err), err
	}
	clear(c.in)
	if cap(c.in) < 4096 {
		c.in = make([]byte, 0, 4096)
	}
	c.in = c.in[:ttlv.HeaderSize]
	if n, err := io.ReadFull(c.conn, c.in); err != nil {
		c.begun = n > 0
		return nil, sessionFault(err), err
	}
	c.begun = true
	tag, typ, size, err := ttlv.Header(c.in)
	if err != nil || tag != TagResponseMessage || typ != ttlv.Structure {
		return nil, FaultProtocol, fmt.Errorf("%06x of type %d is no response message", uint32(tag), typ)
	}
	if size > int64(c.cfg.MaxResponse) {
		return nil, FaultProtocol, fmt.Errorf("the answer has %d bytes, more than %d", size, c.cfg.MaxResponse)
	}
	if need := ttlv.HeaderSize + int(size); cap(c.in) < need {
		bigger := make([]byte, need)
		copy(bigger, c.in)
		clear(c.in)
		c.in = bigger
	} else {
		c.in = c.in[:need]
	}
	if _, err := io.ReadFull(c.conn, c.in[ttlv.HeaderSize:]); err != nil {
		return nil, sessionFault(err), err
	}
	c.dec.Reset()
	p, err := ParseResponseWith(&c.dec, c.in)
	if err != nil {
		return nil, FaultProtocol, err
	}
	return p, 0, nil
}

// answers holds an answer against its question.
func answers(p *Response, q *Request) error {
	if len(p.Items) == 1 && p.Items[0].Op == 0 && p.Items[0].Status != Success {
		return p.Items[0].Err() // the message as a whole
	}
	if p.Version != q.Version {
		return fmt.Errorf("kmip: the answer to KMIP %s is KMIP %s", q.Version, p.Version)
	}
	if len(p.Items) == 0 || len(p.Items) > len(q.Items) {
		return fmt.Errorf("kmip: %d answers to %d operations", len(p.Items), len(q.Items))
	}
	for n := range p.Items {
		if a, b := &p.Items[n], &q.Items[n]; a.Op != b.Op || !bytes.Equal(a.ID, b.ID) {
			return fmt.Errorf("kmip: answer %d is to %s, not to %s", n, a.Op, b.Op)
		} else if a.Status == Success && a.Payload == nil && a.Op != OpQuery && a.Op != OpLocate {
			return fmt.Errorf("kmip: answer %d to %s has no payload", n, a.Op)
		}
	}
	return nil
}

// do is one operation: its payload out, the answer's payload back.
func (c *Client) do(op Operation, fields ...ttlv.Item) (*ttlv.Item, error) {
	q := Request{Items: []RequestItem{{Op: op, Payload: ttlv.Struct(TagRequestPayload, fields...)}}}
	p, err := c.Do(&q)
	if err != nil {
		return nil, err
	}
	i := &p.Items[0]
	if err := i.Err(); err != nil {
		return i.Payload, c.fail(op.String(), err)
	}
	if i.Payload == nil {
		i.Payload = &ttlv.Item{Tag: TagResponsePayload, Type: ttlv.Structure}
	}
	return i.Payload, nil
}
