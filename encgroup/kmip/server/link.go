package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
)

// Peer is the other server of a pair: each has the objects of both. Both must be told.
type Peer struct {
	Addr string // host:port
	// TLS holds the certificate that this server shows to the other, as a client, and the
	// authorities of the other's certificate. Both servers show one subject: a client with this
	// subject is the peer.
	TLS     *tls.Config
	Timeout time.Duration // of connection, handshake and each answer; default 5 s
	Retry   time.Duration // between attempts to reach a peer that is gone; default 500 ms
}

// Format prints nothing that it holds.
func (p Peer) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "peer at %s", p.Addr) }

// standing is how a server stands to its peer.
type standing uint32

const (
	apart   standing = iota // the peer cannot be reached: clients are served without it
	joining                 // the two are coming into sync: a client that changes something waits
	linked                  // in sync: what is acknowledged is on both disks
)

var (
	errClosing = errors.New("the server closes")
	errEnded   = errors.New("the peer has ended the connection: its log may say why")
	errNoPeer  = errors.New("the server there has no such peer: it must be started with the address of this one")
	errOwn     = errors.New("the peer has this server's own database, or a copy of it")
)

// link is the gate for clients' changes. While the two servers are linked, only the server with the
// write token lets changes in, and a change is acknowledged when the peer has it on its disk.
type link struct {
	server *Server
	peer   Peer
	who    identity
	life   context.Context // of connections to the peer
	end    context.CancelFunc
	retry  chan struct{} // ends the pause before the next attempt: the peer can be reached

	mu       sync.Mutex
	progress chan struct{} // closed and made anew when something below changes
	standing standing
	said     standing          // what the log knows: apart or linked; joining: nothing yet
	told     map[string]string // why an object does not get to the peer, as the log knows
	session  *session          // with the peer; nil if there is none
	token    bool              // the write token is here, and changes may use it
	inside   int               // clients' changes that were let in, and are not on the disk yet
	waiting  []chan struct{}
}

func newLink(s *Server, p Peer) *link {
	if p.TLS == nil || len(p.TLS.Certificates) == 0 || len(p.TLS.Certificates[0].Certificate) == 0 {
		panic("BUG: server: a peer needs a certificate to be shown")
	}
	var who identity
	cert, err := x509.ParseCertificate(p.TLS.Certificates[0].Certificate[0])
	if err == nil {
		who, err = identify(cert)
	}
	if err != nil {
		panic("BUG: server: the certificate for the peer: " + err.Error())
	}
	if p.Timeout <= 0 {
		p.Timeout = 5 * time.Second
	}
	if p.Retry <= 0 {
		p.Retry = 500 * time.Millisecond
	}
	// Joining until the first attempt has failed: an earlier client waits for that.
	l := &link{server: s, peer: p, who: who, retry: make(chan struct{}, 1), progress: make(chan struct{}), standing: joining, said: joining, told: map[string]string{}}
	l.life, l.end = context.WithCancel(context.Background())
	return l
}

// is says whether a client is the peer.
func (l *link) is(client identity) bool { return l != nil && l.who == client }

// stand changes how the two stand. why is the reason for being apart. The caller holds the lock.
func (l *link) stand(to standing, why error) {
	l.standing = to
	if log := l.server.cfg.Log; to != joining && to != l.said {
		l.said = to
		if to == apart {
			log.Warn("the peer cannot be reached: changes are kept for it", "peer", l.peer.Addr, "reason", why.Error())
		} else if n := len(l.session.stuck); n > 0 {
			log.Error("in sync with the peer, except for the objects logged above", "peer", l.peer.Addr, "objects", n)
		} else {
			log.Info("in sync with the peer", "peer", l.peer.Addr)
		}
	}
	l.admit()
}

// admit lets in the waiting changes, if this server may make them, and wakes all waiters. The
// caller holds the lock.
func (l *link) admit() {
	if l.standing == apart || l.standing == linked && l.token {
		for _, in := range l.waiting {
			l.inside++
			close(in)
		}
		l.waiting = nil
	}
	close(l.progress)
	l.progress = make(chan struct{})
	if l.session != nil {
		poke(l.session.wake)
	}
}

// change calls f when this server may change objects; f returns which. change returns when the peer
// has the changes or cannot be reached.
func (l *link) change(f func() (uids []string, err error)) error {
	if l == nil {
		_, err := f()
		return err
	}
	in := make(chan struct{})
	l.mu.Lock()
	l.waiting = append(l.waiting, in)
	l.admit()
	l.mu.Unlock()
	select {
	case <-in:
	case <-l.server.cut:
		return errClosing
	}
	var uids []string
	var err error
	defer func() { l.share(uids) }()
	uids, err = f()
	return err
}

// share queues changed objects for the peer, and waits until the peer has them or cannot be
// reached.
func (l *link) share(uids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, mark := l.session, 0
	if s != nil {
		s.queue = append(s.queue, uids...)
		mark = s.done + len(s.queue)
	}
	l.inside--
	l.admit()
	// A later session is linked only when the peer has all that was here before it.
	for len(uids) > 0 && l.standing != apart && (s == nil || s.done < mark) && (l.session == s || l.standing != linked) {
		progress := l.progress
		l.mu.Unlock()
		select {
		case <-progress:
			l.mu.Lock()
		case <-l.server.cut:
			l.mu.Lock()
			return
		}
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

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

// run keeps the link until the server closes. When a session ends, most likely the peer was started
// anew: clients wait for one more attempt. When the peer is silent, they do not.
func (l *link) run() {
	for l.life.Err() == nil {
		s, err := l.attempt()
		if s != nil {
			<-s.over
			if err = s.err; s.joined && !errors.Is(err, os.ErrDeadlineExceeded) {
				continue
			}
			if err == io.EOF {
				err = errEnded
			}
		}
		l.mu.Lock()
		if l.life.Err() == nil && l.session == nil {
			l.stand(apart, err)
		}
		l.mu.Unlock()
		l.server.pause(l.peer.Retry, l.retry)
	}
}

// attempt returns the session that there is, or runs one and returns it when it is over.
func (l *link) attempt() (*session, error) {
	if s := l.current(); s != nil {
		return s, nil
	}
	c, err := kmip.DialContext(l.life, kmip.Config{Addr: l.peer.Addr, TLS: l.peer.TLS, Timeout: l.peer.Timeout, Clock: l.server.cfg.Clock})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	s := &session{link: l, conn: c.Conn()}
	err = s.run(nil)
	if s.over == nil {
		return nil, err // the connection was gone before the session began
	}
	if err == io.EOF && !s.joined {
		l.server.pause(l.peer.Retry, l.retry) // the peer has the lower number and connects now
		if other := l.current(); other != nil {
			return other, nil
		}
	}
	return s, nil
}

func (l *link) current() *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session
}
