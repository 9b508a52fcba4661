package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Peer is the other server of a pair: each has the objects of both. Both must be told.
type Peer struct {
	Addr string // host:port
	// TLS holds what this server shows to the other, as a client, and the authorities by
	// which it knows it. The certificates that the two show have one subject, which is how each knows
	// that a client is the peer.
	TLS     *tls.Config
	Timeout time.Duration // of connection, handshake and each answer; default 5 s
	Retry   time.Duration // between attempts to reach a peer that is gone; default 500 ms
}

// Format prints nothing that it holds.
func (p Peer) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "peer at %s", p.Addr) }

// link carries what clients change to the peer. While it is linked a client's change is
// answered only when the peer has it on its disk; while the two are apart the change is
// answered at once, and is owed.
type link struct {
	server *Server
	log    *slog.Logger
	peer   Peer
	who    identity
	life   context.Context // of connections to the peer
	end    context.CancelFunc

	wake chan struct{} // something is owed, a turn is wanted, or the peer was heard of

	mu       sync.Mutex
	standing standing
	said     standing        // what the log knows: apart or linked; joining: nothing yet
	author   serverID        // the peer, since its database was opened
	first    bool            // this server has the lower number
	lent     bool            // the second server has its turn, or is about to
	inside   int             // clients' changes under way
	queue    []chan struct{} // those that wait
	done     uint64          // the peer has the changes up to this number
	progress chan struct{}   // closed and made anew whenever something of the above changes
}

func newLink(s *Server, p Peer) *link {
	if p.TLS == nil || len(p.TLS.Certificates) == 0 || len(p.TLS.Certificates[0].Certificate) == 0 {
		panic("BUG: server: a peer needs a certificate to be shown")
	}
	cert, err := x509.ParseCertificate(p.TLS.Certificates[0].Certificate[0])
	if err != nil {
		panic("BUG: server: the certificate for the peer: " + err.Error())
	}
	who, err := identify(cert)
	if err != nil {
		panic("BUG: server: the certificate for the peer: " + err.Error())
	}
	if p.Timeout <= 0 {
		p.Timeout = 5 * time.Second
	}
	if p.Retry <= 0 {
		p.Retry = 500 * time.Millisecond
	}
	// Joining until the first attempt has failed: a client that is earlier waits for that.
	l := &link{server: s, log: s.cfg.Log, peer: p, who: who, standing: joining, said: joining, wake: make(chan struct{}, 1), progress: make(chan struct{})}
	l.life, l.end = context.WithCancel(context.Background())
	return l
}

// is says whether a client is the peer.
func (l *link) is(client identity) bool { return l != nil && l.who == client }

// begin starts the link with the first listener. The caller holds the lock of the server.
func (s *Server) begin() {
	if s.engine.link == nil || s.linked {
		return
	}
	s.linked = true
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		s.engine.link.run()
	}()
}

func (l *link) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// met is called when the peer has been heard of: if it was gone, it is back; if it was started
// anew, what is known of it may not hold.
func (l *link) met(author serverID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.standing == apart:
		l.poke()
	case l.standing == linked && author != l.author:
		l.standing = joining
		l.moved()
		l.poke()
	}
}

// wait returns when the peer has a change, or is out of reach.
func (l *link) wait(change uint64) {
	for first := true; ; first = false {
		l.mu.Lock()
		over, progress := l.standing == apart || l.done >= change, l.progress
		l.mu.Unlock()
		if over {
			return
		}
		if first {
			l.poke()
		}
		select {
		case <-progress:
		case <-l.server.cut:
			return
		}
	}
}

// stand changes how the two stand. lacks is how many objects cannot come to the peer, why is why
// the two are apart.
func (l *link) stand(to standing, lacks int, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.standing = to
	if to != joining && to != l.said {
		switch l.said = to; {
		case to == apart:
			l.log.Warn("the peer is out of reach: changes are kept for it", "peer", l.peer.Addr, "reason", why.Error())
		case lacks > 0:
			l.log.Error("the peer has every change but those of objects that are told of above", "peer", l.peer.Addr, "objects", lacks)
		default:
			l.log.Info("the peer has every change", "peer", l.peer.Addr)
		}
	}
	if to == apart {
		l.lent = false
	}
	if l.free() {
		l.admit()
	}
	l.moved()
}

func (l *link) closing() bool {
	select {
	case <-l.server.closing:
		return true
	default:
		return false
	}
}

// run keeps the link, until the server closes.
func (l *link) run() {
	for {
		caughtUp, err := l.session()
		switch {
		case l.closing():
			return
		case caughtUp:
			l.stand(joining, 0, nil)
			continue // most likely the peer was started anew: it gets one attempt before clients go on without it
		}
		l.stand(apart, 0, err)
		l.server.pause(l.peer.Retry, l.wake)
	}
}
