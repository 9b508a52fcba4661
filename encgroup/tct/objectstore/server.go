package objectstore

import (
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"sync"
)

// Server is a store behind TLS.
type Server struct {
	http    *http.Server
	mu      sync.Mutex
	changed *sync.Cond // broadcast when a field below changes
	serving int        // calls of Serve
	open    int        // connections
}

// Server puts the store behind TLS. logger gets a line for each connection that failed; nil is the
// standard logger.
func (s *Store) Server(config *tls.Config, logger *log.Logger) *Server {
	v := &Server{}
	v.changed = sync.NewCond(&v.mu)
	v.http = &http.Server{
		Handler: s, TLSConfig: config, ReadHeaderTimeout: s.cfg.Timeout, ReadTimeout: s.cfg.Timeout, WriteTimeout: s.cfg.Timeout, IdleTimeout: s.cfg.Timeout,
		MaxHeaderBytes: 16 << 10, ErrorLog: logger,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				v.count(&v.open, 1)
			case http.StateClosed, http.StateHijacked:
				v.count(&v.open, -1)
			}
		},
	}
	return v
}

func (v *Server) count(n *int, by int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	*n += by
	v.changed.Broadcast()
}

// Serve answers on a listener until Close, then returns nil.
func (v *Server) Serve(l net.Listener) error {
	v.count(&v.serving, 1)
	defer v.count(&v.serving, -1)
	if err := v.http.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close ends every connection and waits until no goroutine is left. Close of net/http does not
// wait, and a request that was not read whole keeps its goroutine for half a second.
func (v *Server) Close() error {
	err := v.http.Close()
	v.mu.Lock()
	for v.serving > 0 {
		v.changed.Wait()
	}
	v.mu.Unlock()
	// A connection may have been accepted during the first Close.
	err = errors.Join(err, v.http.Close())
	v.mu.Lock()
	defer v.mu.Unlock()
	for v.open > 0 {
		v.changed.Wait()
	}
	return err
}
