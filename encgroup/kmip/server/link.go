package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
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

// link carries what clients change to the peer. While it is up a client's change is
// answered only when the peer has it on its disk; while it is down the change is
// answered at once, and is owed.
type link struct {
	server *Server
	peer   Peer
	who    identity

	wake chan struct{} // something is owed, or the peer was heard of

	mu       sync.Mutex
	up       bool
	told     bool          // the log knows what up says
	done     uint64        // the peer has the changes up to this number
	progress chan struct{} // closed and made anew whenever up or done change
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
	// Up until the first attempt has failed: a client that is earlier waits for that.
	return &link{server: s, peer: p, who: who, up: true, wake: make(chan struct{}, 1), progress: make(chan struct{})}
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

// met is called when the peer has been heard of: if it was gone, it is back.
func (l *link) met() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.up {
		l.poke()
	}
}

// wait returns when the peer has a change, or is out of reach.
func (l *link) wait(change uint64) {
	for first := true; ; first = false {
		l.mu.Lock()
		over, progress := !l.up || l.done >= change, l.progress
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

// set changes what wait waits for.
func (l *link) set(up bool, done uint64, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if log := l.server.cfg.Log; l.up != up || !l.told {
		if l.told = true; up {
			log.Info("the peer has every change", "peer", l.peer.Addr)
		} else {
			log.Warn("the peer is out of reach: changes are kept for it", "peer", l.peer.Addr, "reason", why.Error())
		}
	}
	l.up, l.done = up, max(l.done, done)
	close(l.progress)
	l.progress = make(chan struct{})
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
			continue // most likely the peer was started anew: it gets one attempt before clients go on without it
		}
		l.set(false, 0, err)
		l.server.pause(l.peer.Retry, l.wake)
	}
}

// session is one connection to the peer. It ends with an error, or with the server;
// caughtUp says that the peer had every change once.
func (l *link) session() (caughtUp bool, err error) {
	c, err := kmip.Dial(kmip.Config{Addr: l.peer.Addr, TLS: l.peer.TLS, Timeout: l.peer.Timeout, Clock: l.server.cfg.Clock})
	if err != nil {
		return false, err
	}
	defer c.Close()
	store := l.server.cfg.Store
	id, err := l.send(c, nil)
	if err != nil {
		return false, err
	}
	if err := store.meet(id); err != nil {
		return false, err
	}
	for !l.closing() {
		s, err := store.owed()
		if err != nil {
			return caughtUp, err
		}
		for _, b := range s.bad {
			l.server.cfg.Log.Error("an object can not be sent to the peer", "object", b)
		}
		if len(s.keys) > 0 {
			_, err = l.send(c, s.records)
			s.wipe()
			if err != nil {
				return caughtUp, err
			}
			if err := store.settle(s.keys); err != nil {
				return caughtUp, err
			}
			l.advance(s.upTo)
			continue
		}
		// Changes that were answered before this point were owed when owed looked, or are found
		// when it looks again; later ones wake.
		already := caughtUp
		l.set(true, s.upTo, nil)
		if caughtUp = true; !already {
			continue
		}
		select {
		case <-l.wake:
		case <-l.server.closing:
		}
	}
	return caughtUp, errors.New("the server closes")
}

// advance lets go whoever waits for what the peer has by now.
func (l *link) advance(done uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = max(l.done, done)
	close(l.progress)
	l.progress = make(chan struct{})
}

// send gives the peer records, and learns who it is.
func (l *link) send(c *kmip.Client, records []ttlv.Item) (serverID, error) {
	q := kmip.Request{Items: []kmip.RequestItem{{
		Op: opReplicate, Payload: ttlv.Struct(kmip.TagRequestPayload, shareFields(l.server.cfg.Store.id, records)...),
	}}}
	p, err := c.Do(&q)
	if err != nil {
		return serverID{}, err
	}
	if err := p.Items[0].Err(); err != nil {
		return serverID{}, err
	}
	return whois(ttlv.Read(p.Items[0].Payload))
}
