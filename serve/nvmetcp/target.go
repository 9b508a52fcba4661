package nvmetcp

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/nvme"
	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

// Target serves subsystems at TCP sockets.
type Target struct {
	sockets.Server
	subsystems []*nvme.Subsystem

	mu sync.Mutex
	as []*association
}

// NewTarget makes the target of subsystems, whose names differ. Serve runs it, Close ends it.
func NewTarget(subsystems []*nvme.Subsystem) (*Target, error) {
	for i, s := range subsystems {
		for _, o := range subsystems[:i] {
			if o.NQN() == s.NQN() {
				return nil, fmt.Errorf("nvmetcp: two drives are called %s: their serial numbers have to differ", s.NQN())
			}
		}
	}
	t := &Target{subsystems: subsystems}
	t.Handle = t.connection
	return t, nil
}

// Serve takes connections until Close, and gives nil then. Close does not wait for the work on the drives, which has
// ended when Serve returns.
func (t *Target) Serve(l net.Listener) error {
	stop := sockets.Beat(t.watch)
	defer stop()
	return t.Server.Serve(l)
}

// watch ends the associations of drives that lost their power or were reset and of hosts that are gone, and
// does what drives do without being asked.
func (t *Target) watch() {
	for _, s := range t.subsystems {
		s.Work()
	}
	for _, a := range t.all() {
		if !a.c.Alive() {
			a.end()
			continue
		}
		a.wake()
	}
}

func (t *Target) subsystem(nqn string) *nvme.Subsystem {
	for _, s := range t.subsystems {
		if s.NQN() == nqn {
			return s
		}
	}
	return nil
}

// association is a controller with the connections of its host.
type association struct {
	t    *Target
	c    controller
	s    *nvme.Subsystem // nil: discovery
	host nvme.Host
	news chan struct{} // something may have happened that a host wants to know

	mu    sync.Mutex
	conns []net.Conn // the first is that of the admin queue
	ids   []uint16   // of the I/O queues
	over  bool
}

func (t *Target) associate(c controller, s *nvme.Subsystem, d *connectData) *association {
	a := &association{t: t, c: c, s: s, host: d.host, news: make(chan struct{}, 1)}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.as = append(t.as, a)
	return a
}

func (t *Target) all() []*association {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.as)
}

// association finds that of a controller of a subsystem; nil if there is none.
func (t *Target) association(id uint16, subsystem string) *association {
	for _, a := range t.all() {
		if a.s != nil && a.s.NQN() == subsystem && a.c.ID() == id {
			return a
		}
	}
	return nil
}

// join adds a connection, which ends with the association.
func (a *association) join(c net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		interrupt(c)
		return
	}
	a.conns = append(a.conns, c)
}

// claim takes the number of an I/O queue. ok is false where the host has one of that number.
func (a *association) claim(id uint16) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over || slices.Contains(a.ids, id) {
		return false
	}
	a.ids = append(a.ids, id)
	return true
}

func (a *association) release(id uint16) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids = slices.DeleteFunc(a.ids, func(o uint16) bool { return o == id })
}

// leave takes a connection away. With that of the admin queue all end.
func (a *association) leave(q *queue) {
	if q.id == 0 {
		a.end()
		return
	}
	a.mu.Lock()
	a.conns = slices.DeleteFunc(a.conns, func(o net.Conn) bool { return o == q.conn })
	a.mu.Unlock()
	a.c.Disconnected()
	a.release(q.id)
}

// end closes the controller and hangs up.
func (a *association) end() {
	a.c.Close()
	a.mu.Lock()
	a.over = true
	for _, c := range a.conns {
		interrupt(c)
	}
	a.conns = nil
	a.mu.Unlock()
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	a.t.as = slices.DeleteFunc(a.t.as, func(o *association) bool { return o == a })
}

// interrupt ends what waits for a host to send or to read; its server hangs up then.
func interrupt(c net.Conn) { _ = c.SetDeadline(time.Now()) }

// ended says that the connections of the association are interrupted.
func (a *association) ended() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.over
}

// wake has the admin queue look for events.
func (a *association) wake() {
	select {
	case a.news <- struct{}{}:
	default:
	}
}
