package sockets

import (
	"errors"
	"net"
	"sync"
	"time"
)

// Server takes connections and calls Handle for each, in a goroutine of its own.
type Server struct {
	// Handle serves a connection, whose number is from 1. It is closed when Handle comes back. Handle comes
	// back soon once reading or writing fails.
	Handle func(c net.Conn, number int)
	// Max is how many connections there may be at once; one more is hung up. 0 is 256.
	Max int

	mu     sync.Mutex
	l      net.Listener
	conns  map[net.Conn]bool
	closed bool
	wg     sync.WaitGroup
}

const defaultMax = 256

// Serve takes connections until Close, and gives nil then.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return l.Close()
	}
	s.l, s.conns = l, map[net.Conn]bool{}
	most := s.Max
	if most == 0 {
		most = defaultMax
	}
	s.mu.Unlock()
	for n := 1; ; n++ {
		c, err := l.Accept()
		s.mu.Lock()
		switch {
		case s.closed:
			s.mu.Unlock()
			if err == nil {
				_ = c.Close()
			}
			s.wg.Wait()
			return nil
		case err != nil:
			s.mu.Unlock()
			return errors.Join(err, s.Close())
		case len(s.conns) >= most:
			_ = c.Close()
		default:
			s.conns[c] = true
			s.wg.Go(func() { s.connection(c, n) })
		}
		s.mu.Unlock()
	}
}

func (s *Server) connection(c net.Conn, number int) {
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		_ = c.Close()
	}()
	s.Handle(c, number)
	hangUp(c)
}

// farewell is how long the other side may take to hang up too.
const farewell = 5 * time.Second

// hangUp says that nothing more comes, and drops what still arrives until the other side hangs up too, for a while. A
// connection that is closed over bytes which nobody read is reset, by which the other side loses answers that it
// has not read yet (RFC 1122, 4.2.2.13), and Linux tries its requests of NVMe/TCP again at once, at the same dead
// connection, until it gives them up.
func hangUp(c net.Conn) {
	half, ok := c.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.SetReadDeadline(time.Now().Add(farewell)) != nil {
		return
	}
	var dropped [4 << 10]byte
	for {
		if _, err := c.Read(dropped[:]); err != nil {
			break
		}
	}
	clear(dropped[:])
}

// Close takes the socket away and ends all connections. It comes back when the last Handle has.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	var err error
	if s.l != nil {
		err = s.l.Close()
	}
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return err
}
