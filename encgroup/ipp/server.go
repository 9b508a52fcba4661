package ipp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/internal/seal"
)

// ServerConfig is how a key server is set up.
type ServerConfig struct {
	Pairs   []KeyPair        // one or more, with distinct labels
	Devices []string         // names of the facilities that are served
	TLS     *tls.Config      // nil: plain
	Entropy io.Reader        // source of data keys; used by one request at a time
	Clock   func() time.Time // the clock that deadlines are counted from: time.Now over real sockets
	Timeout time.Duration    // for the handshake, and for each request; more than 0
	Conns   int              // connections at a time, 1 or more; others are closed at once
	Log     func(line string)
	// Memory may change each data key after it is unlocked and before it is sent, as a bad memory
	// module of the server would. nil is sound memory.
	Memory func(key *secret.Key32)
}

// Server is a key server. It is safe for concurrent use.
type Server struct {
	cfg     ServerConfig
	mu      sync.Mutex // guards what follows, and cfg.Entropy
	conns   []net.Conn
	lis     []net.Listener
	closed  bool
	working sync.WaitGroup
}

const purposeSession = "fdelab ipp session v1"

// NewServer checks the configuration.
func NewServer(cfg ServerConfig) (*Server, error) {
	for i, p := range cfg.Pairs {
		if p.public == nil || slices.ContainsFunc(cfg.Pairs[:i], func(o KeyPair) bool { return o.Label == p.Label }) {
			return nil, fmt.Errorf("ipp: key pair %q is there twice, or has no key", p.Label)
		}
	}
	if len(cfg.Pairs) == 0 || cfg.Entropy == nil || cfg.Clock == nil || cfg.Timeout <= 0 || cfg.Conns < 1 {
		return nil, errors.New("ipp: a server needs a key pair, a source of entropy, a clock, a timeout and a number of connections")
	}
	if cfg.Log == nil {
		cfg.Log = func(string) {}
	}
	if cfg.Memory == nil {
		cfg.Memory = func(*secret.Key32) {}
	}
	return &Server{cfg: cfg}, nil
}

// Serve takes connections until Close, then returns nil.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = l.Close()
		return nil
	}
	s.lis = append(s.lis, l)
	s.mu.Unlock()
	for {
		c, err := l.Accept()
		if err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.closed {
				return nil
			}
			return fmt.Errorf("ipp: %w", err)
		}
		if !s.admit(c) {
			_ = c.Close()
			continue
		}
		s.working.Go(func() { s.talk(c) })
	}
}

// admit accepts a connection, unless there are too many.
func (s *Server) admit(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.conns) >= s.cfg.Conns {
		s.cfg.Log(fmt.Sprintf("%s: connection refused: %d are open", c.RemoteAddr(), len(s.conns)))
		return false
	}
	s.conns = append(s.conns, c)
	return true
}

// Close ends every connection and waits until nothing runs any more.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	for _, l := range s.lis {
		_ = l.Close()
	}
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.working.Wait()
	return nil
}

// talk serves one connection to its end.
func (s *Server) talk(raw net.Conn) {
	defer func() {
		_ = raw.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conns = slices.DeleteFunc(s.conns, func(c net.Conn) bool { return c == raw })
	}()
	log := func(err error) { s.cfg.Log(fmt.Sprintf("%s: %v", raw.RemoteAddr(), err)) }
	conn := raw
	deadline := func() error { return raw.SetDeadline(s.cfg.Clock().Add(s.cfg.Timeout)) }
	if s.cfg.TLS != nil {
		secure := tls.Server(raw, s.cfg.TLS)
		if err := deadline(); err != nil {
			return
		}
		if err := secure.Handshake(); err != nil {
			log(err)
			return
		}
		conn = secure
	}
	for {
		if err := deadline(); err != nil {
			return
		}
		m, err := readMessage(conn)
		if errors.Is(err, errFrame) {
			log(err)
			_ = writeMessage(conn, refuse(codeMalformed, "malformed message"))
			return
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				log(err)
			}
			return
		}
		answer := s.answer(m)
		if answer.kind == kindRefusal {
			log(fmt.Errorf("refused: %s", answer.fields[1]))
		}
		if err := writeMessage(conn, answer); err != nil {
			log(err)
			return
		}
	}
}

func refuse(code byte, text string) message {
	return message{kindRefusal, [][]byte{{code}, []byte(text)}}
}

// Answer returns the frame that answers the frame of a request. It serves an Exchange, without a
// connection.
func (s *Server) Answer(request []byte) []byte {
	m, err := decode(request)
	answer := refuse(codeMalformed, "malformed message")
	if err == nil {
		answer = s.answer(m)
	}
	b, err := encode(answer)
	if err != nil {
		panic("BUG: ipp: an answer that is no message: " + err.Error())
	}
	return b
}

// answer does what a request asks for.
func (s *Server) answer(m message) message {
	if m.kind != kindCreate && m.kind != kindUnlock || len(m.fields) < 4 || len(m.fields[1]) != 32 {
		return refuse(codeMalformed, "malformed request")
	}
	device, session := string(m.fields[0]), [32]byte(m.fields[1])
	if len(device) > deviceMax || !slices.Contains(s.cfg.Devices, device) {
		return refuse(codeDevice, "this facility is not served")
	}
	if m.kind == kindUnlock {
		return s.unlock(session, m.fields[2:])
	}
	return s.create(session, m.fields[2:])
}

func (s *Server) create(session [32]byte, labels [][]byte) message {
	if len(labels) != 2 {
		return refuse(codeMalformed, "malformed request")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var key secret.Key32
	defer key.Clear()
	if _, err := io.ReadFull(s.cfg.Entropy, key[:]); err != nil {
		return refuse(codeFailed, "no entropy")
	}
	var list []eedk
	for _, label := range labels {
		i := slices.IndexFunc(s.cfg.Pairs, func(p KeyPair) bool { return p.Label == string(label) })
		if i < 0 {
			return refuse(codeNoKey, "no key pair has this label")
		}
		w, err := s.cfg.Pairs[i].wrap(&key, s.cfg.Entropy)
		if err != nil {
			return refuse(codeFailed, "the data key could not be wrapped")
		}
		list = append(list, eedk{string(label), w})
	}
	sealed, err := seal.Seal(session, purposeSession, &key, s.cfg.Entropy)
	if err != nil {
		return refuse(codeMalformed, "the session key is none")
	}
	return message{kindKey, append([][]byte{sealed[:]}, eedkFields(list)...)}
}

func (s *Server) unlock(session [32]byte, fields [][]byte) message {
	list, err := parseEEDKs(fields)
	if err != nil {
		return refuse(codeMalformed, "malformed request")
	}
	for _, e := range list {
		for _, p := range s.cfg.Pairs {
			if p.Label != e.label {
				continue
			}
			key, ok := p.unwrap(e.wrapped)
			if !ok {
				continue
			}
			defer key.Clear()
			s.cfg.Memory(key)
			s.mu.Lock()
			defer s.mu.Unlock()
			sealed, err := seal.Seal(session, purposeSession, key, s.cfg.Entropy)
			if err != nil {
				return refuse(codeMalformed, "the session key is none")
			}
			return message{kindKey, [][]byte{sealed[:]}}
		}
	}
	return refuse(codeNoKey, "no private key here opens it")
}
