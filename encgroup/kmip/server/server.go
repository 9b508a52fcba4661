package server

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/pki"
)

// Config is what a server needs, and its limits. Zero limits mean the default.
type Config struct {
	Store *Store
	// TLS holds the server's certificate and, as ClientCAs, the authorities of the
	// clients. A client certificate of theirs is required, whatever TLS says.
	TLS   *tls.Config
	Clock func() time.Time // the real time: deadlines are held against it
	Log   *slog.Logger     // one line for each connection that is refused or broken off
	Peer  *Peer            // the server that has the same objects; nil: none

	MaxRequest  int // bytes of a request; default 256 KiB
	MaxHeld     int // bytes of large requests under way on all connections together; default 64 MiB
	MaxResponse int // bytes of an answer; default 1 MiB
	// Refuse returns why a certificate of an authority is refused all the same, or nil. It is
	// called at each handshake and before each message, from many goroutines. Without it none
	// is refused.
	Refuse func(*x509.Certificate) error

	MaxConnsEach     int           // connections at once of one client; default a quarter of MaxConns, at least 1
	MaxHeldEach      int           // bytes of large requests under way of one client; default a quarter of MaxHeld, at least MaxRequest
	MaxConns         int           // clients at once; default 4096. A quarter of it, at least 16, is the bound of handshakes
	HandshakeTimeout time.Duration // default 10 s
	IdleTimeout      time.Duration // between two requests; default 10 min
	MessageTimeout   time.Duration // to send a request once it began, and to take an answer; default 10 s
}

// Format prints nothing that it holds: TLS has a private key.
func (c Config) Format(f fmt.State, _ rune) { fmt.Fprint(f, "configuration of a KMIP server") }

func (c *Config) defaults() {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	wait := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&c.MaxRequest, 256<<10)
	set(&c.MaxHeld, 64<<20)
	set(&c.MaxResponse, 1<<20)
	set(&c.MaxConns, 4096)
	set(&c.MaxConnsEach, max(1, c.MaxConns/4))
	set(&c.MaxHeldEach, max(c.MaxRequest, c.MaxHeld/4))
	if c.Refuse == nil {
		c.Refuse = func(*x509.Certificate) error { return nil }
	}
	wait(&c.HandshakeTimeout, 10*time.Second)
	wait(&c.IdleTimeout, 10*time.Minute)
	wait(&c.MessageTimeout, 10*time.Second)
}

// handshakes is how many may be under way at once.
func (c *Config) handshakes() int { return max(16, c.MaxConns/4) }

// Server serves KMIP over mutual TLS, one goroutine for each connection.
type Server struct {
	cfg    Config
	engine *engine
	held   atomic.Int64 // bytes of large requests under way

	mu        sync.Mutex
	closed    bool
	listeners map[net.Listener]bool
	conns     map[net.Conn]bool
	clients   int // connections in conns after the handshake
	each      map[identity]*part
	shaking   []net.Conn // connections in conns in the handshake, the oldest first
	wg        sync.WaitGroup
	closing   chan struct{}
	cut       chan struct{} // closed when all connections are closed
	linked    bool          // the link to the peer was started
}

// ErrClosed is what Serve returns after Close.
var ErrClosed = errors.New("the server is closed")

// New makes a server. Store, TLS with ClientCAs, Clock and Log must be given.
func New(cfg Config) *Server {
	if cfg.Store == nil || cfg.TLS == nil || cfg.TLS.ClientCAs == nil || cfg.Clock == nil || cfg.Log == nil {
		panic("BUG: server: needs a store, TLS with client CAs, a clock and a log")
	}
	cfg.defaults()
	t := cfg.TLS.Clone()
	t.ClientAuth = tls.RequireAndVerifyClientCert
	t.MinVersion = max(t.MinVersion, tls.VersionTLS12)
	t.CipherSuites = pki.Suites()
	t.VerifyConnection = func(s tls.ConnectionState) error { return cfg.Refuse(s.PeerCertificates[0]) }
	t.SessionTicketsDisabled = true // every connection shows its certificate
	t.Time = cfg.Clock
	cfg.TLS = t
	s := &Server{
		cfg:       cfg,
		engine:    &engine{store: cfg.Store, clock: cfg.Clock, maxResponse: cfg.MaxResponse},
		listeners: map[net.Listener]bool{},
		conns:     map[net.Conn]bool{},
		each:      map[identity]*part{},
		closing:   make(chan struct{}),
		cut:       make(chan struct{}),
	}
	if cfg.Peer != nil {
		s.engine.link = newLink(s, *cfg.Peer)
	}
	return s
}

// Format prints nothing that the server holds.
func (s *Server) Format(f fmt.State, _ rune) { fmt.Fprint(f, "KMIP server") }

// Serve accepts connections until Close, and then returns ErrClosed. It closes l.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.listeners[l] = true
	s.begin()
	s.mu.Unlock()
	for {
		c, err := l.Accept()
		if err == nil {
			s.accept(c)
			continue
		}
		select {
		case <-s.closing:
			return ErrClosed
		default:
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("server: accept: %w", err)
		}
		// Most likely there is no file descriptor left for now.
		s.cfg.Log.Error("cannot accept a connection", "reason", err)
		s.pause(100*time.Millisecond, nil)
	}
}

// pause waits for d, for wake or for the server to close.
func (s *Server) pause(d time.Duration, wake <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	case <-s.closing:
	}
}

func (s *Server) accept(c net.Conn) {
	s.mu.Lock()
	full := s.clients >= s.cfg.MaxConns
	if s.closed || full {
		s.mu.Unlock()
		_ = c.Close()
		if full {
			s.refused(c, s.full())
		}
		return
	}
	if len(s.shaking) >= s.cfg.handshakes() {
		// Connections without a certificate must not keep clients out.
		_ = s.shaking[0].Close()
		s.shaking = s.shaking[1:]
	}
	s.conns[c] = true
	s.shaking = append(s.shaking, c)
	s.wg.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.wg.Done()
		defer s.forget(c)
		s.serve(c)
	}()
}

func (s *Server) full() error { return fmt.Errorf("there are %d connections already", s.cfg.MaxConns) }

// part is one client's share of what all clients share.
type part struct {
	conns int
	held  atomic.Int64
}

// errShort marks a refusal that is not the client's fault.
var errShort = errors.New("a shortage")

// known is called after the handshake. The peer is not bound to the share of one client.
func (s *Server) known(c *conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clients >= s.cfg.MaxConns {
		return fmt.Errorf("%w: %w", errShort, s.full())
	}
	p := s.each[c.owner]
	if p == nil {
		p = &part{}
		s.each[c.owner] = p
	}
	if p.conns >= s.cfg.MaxConnsEach && !s.engine.link.is(c.owner) {
		return fmt.Errorf("%w: this client has %d connections already", errShort, p.conns)
	}
	s.shaken(c.tcp)
	s.clients++
	p.conns++
	c.part = p
	return nil
}

func (s *Server) gone(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients--
	if c.part.conns--; c.part.conns == 0 {
		delete(s.each, c.owner)
	}
}

// shaken takes a connection out of shaking. The caller holds the lock.
func (s *Server) shaken(c net.Conn) {
	if n := slices.Index(s.shaking, c); n >= 0 {
		s.shaking = slices.Delete(s.shaking, n, n+1)
	}
}

func (s *Server) forget(c net.Conn) {
	_ = c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.shaken(c)
}

// refused writes the line in the log about a connection that ends, unless the client
// hung up.
func (s *Server) refused(c net.Conn, why error) {
	s.cfg.Log.Warn("connection broken off", "remote", c.RemoteAddr().String(), "reason", why.Error())
}

// Close ends all connections and waits until the last has ended. A request under way is done
// as a whole or not at all. The store stays open.
func (s *Server) Close() error {
	s.mu.Lock()
	first := !s.closed
	if first {
		s.closed = true
		close(s.closing)
	}
	for l := range s.listeners {
		_ = l.Close()
	}
	for c := range s.conns {
		_ = c.Close()
	}
	if first {
		if s.engine.link != nil {
			s.engine.link.end()
		}
		close(s.cut) // requests that wait for the peer end, and their clients get no answer
	}
	s.mu.Unlock()
	s.wg.Wait()
	return nil
}

// serve is the life of one connection.
func (s *Server) serve(tcp net.Conn) {
	c := &conn{server: s, tcp: tcp, tls: tls.Server(tcp, s.cfg.TLS)}
	defer c.wipe()
	defer c.hold(0)
	defer func() {
		if p := recover(); p != nil {
			s.cfg.Log.Error("BUG: a connection is given up", "remote", tcp.RemoteAddr().String(), "panic", fmt.Sprint(p))
		}
	}()
	err := c.handshake()
	if err == nil {
		if err = s.known(c); err == nil {
			defer s.gone(c)
		}
	}
	if errors.Is(err, errShort) {
		_ = c.refuse(kmip.GeneralFailure, "%v", err)
		s.ended(c, err)
		c.linger()
		return
	}
	if err != nil {
		if errors.Is(err, net.ErrClosed) {
			err = fmt.Errorf("more than %d at once: the oldest goes", s.cfg.handshakes())
		}
		s.ended(c, fmt.Errorf("TLS handshake: %w", err))
		c.linger()
		return
	}
	if l := s.engine.link; l.is(c.owner) {
		err = l.accept(c)
	} else {
		err = c.requests()
	}
	s.ended(c, err)
	if err != nil {
		c.linger()
	}
}

// ended writes the line about the end of a connection, unless the client hung up or the
// server closes.
func (s *Server) ended(c *conn, err error) {
	select {
	case <-s.closing:
		return
	default:
	}
	if err != nil {
		s.refused(c.tcp, err)
	}
}

// identify gives the owner of objects: the subject of the certificate. The CAs must give
// one subject to one client only.
func identify(cert *x509.Certificate) (identity, error) {
	if len(cert.Subject.Names) == 0 {
		return identity{}, errors.New("the client's certificate has no subject")
	}
	return sha256.Sum256(cert.RawSubject), nil
}
