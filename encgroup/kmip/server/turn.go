package server

import (
	"errors"
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// Turns: in step, no two servers change something at once. Clients of the first server, that with
// the lower number, change things at any time, but for the turns of the second, which it asks for,
// and in which it does what its clients asked until then. Whoever may change things has all changes
// of the other.

// standing is how a server stands to its peer.
type standing uint32

const (
	apart   standing = iota // out of reach: clients are served without it
	joining                 // changes go over, until the peer has all; clients wait
	linked                  // in step
)

var (
	errClosing   = errors.New("the server closes")
	errNotInStep = errors.New("the peer cannot reach this server, or is not in step yet")
)

// opTurn is an operation beyond the specification: the second server asks for its turn, or
// gives it back, and hears how the first one stands.
const opTurn kmip.Operation = 0x80000002

const (
	tagWanted   ttlv.Tag = 0x540008
	tagGranted  ttlv.Tag = 0x540009
	tagStanding ttlv.Tag = 0x54000a
)

// moved tells all who wait that something is otherwise. The caller holds the lock.
func (l *link) moved() {
	close(l.progress)
	l.progress = make(chan struct{})
}

// free says whether a client's change may come in at once. The caller holds the lock.
func (l *link) free() bool {
	return l.standing == apart || l.standing == linked && l.first && !l.lent
}

// admit lets in whoever waits. The caller holds the lock.
func (l *link) admit() {
	for _, q := range l.queue {
		l.inside++
		close(q)
	}
	l.queue = nil
}

// enter waits until a client's change may be made. Without an error leave must follow, when
// the peer has the change or is out of reach.
func (l *link) enter() error {
	l.mu.Lock()
	if l.free() {
		l.inside++
		l.mu.Unlock()
		return nil
	}
	in := make(chan struct{})
	l.queue = append(l.queue, in)
	l.mu.Unlock()
	l.poke()
	select {
	case <-in:
		return nil
	case <-l.server.cut:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := slices.Index(l.queue, in); n >= 0 {
		l.queue = slices.Delete(l.queue, n, n+1)
	} else {
		l.inside--
	}
	return errClosing
}

func (l *link) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inside--; l.inside == 0 {
		l.moved()
		l.poke()
	}
}

// lend gives the second server its turn when no change of this one is under way.
func (l *link) lend() (granted bool, s standing) {
	// Less than the peer waits for its answer: it asks again.
	now := l.server.cfg.Clock
	late := now().Add(l.peer.Timeout / 2)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.standing == apart || !l.first {
		return false, apart
	}
	l.lent = true
	for l.standing != apart && (l.inside > 0 || l.standing != linked) {
		progress, wait := l.progress, late.Sub(now())
		if wait <= 0 || l.closing() {
			l.back()
			return false, l.standing
		}
		l.mu.Unlock()
		l.server.pause(wait, progress)
		l.mu.Lock()
	}
	return l.standing == linked, l.standing
}

// back ends a turn of the second server. The caller holds the lock.
func (l *link) back() {
	l.lent = false
	if l.free() {
		l.admit()
	}
}

// turn answers the second server. It is no transaction: what it waits for are others.
func (l *link) turn(i *kmip.RequestItem) (*ttlv.Item, error) {
	r := ttlv.Read(&i.Payload)
	wanted := r.Required(tagWanted, ttlv.Boolean).Int == 1
	if err := r.Done(); err != nil {
		return nil, err
	}
	var granted bool
	var s standing
	if wanted {
		granted, s = l.lend()
	} else {
		l.mu.Lock()
		l.back()
		s = l.standing
		l.mu.Unlock()
	}
	p := ttlv.Struct(kmip.TagResponsePayload, ttlv.Bool(tagGranted, granted), ttlv.Enum(tagStanding, s))
	return &p, nil
}

// ask is the second server's side of turn.
func (l *link) ask(c *kmip.Client, wanted bool) (granted bool, s standing, err error) {
	i, err := l.do(c, opTurn, ttlv.Bool(tagWanted, wanted))
	if err != nil {
		return false, apart, err
	}
	r := ttlv.Read(i)
	granted = r.Required(tagGranted, ttlv.Boolean).Int == 1
	s = standing(r.Enum(tagStanding))
	return granted, s, r.Done()
}

// begun lets in who waits, when the first server has given the turn.
func (l *link) begun() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.admit()
}

// doubted says whether the peer must be met again.
func (l *link) doubted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.standing != linked
}

// wanted says whether clients wait for a turn.
func (l *link) wanted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.first && len(l.queue) > 0
}

// busy says whether clients' changes are under way.
func (l *link) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inside > 0
}

// idle waits for something to do; while the turn is the peer's, not for long.
func (l *link) idle() (look bool) {
	l.mu.Lock()
	lent := l.lent
	l.mu.Unlock()
	if lent {
		l.server.pause(l.peer.Retry, l.wake)
		return true
	}
	select {
	case <-l.wake:
	case <-l.server.closing:
	}
	return false
}

// stands is how this server stands to its peer, and whether changes are under way that the peer
// may not have.
func (l *link) stands() (s standing, unsettled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.standing, l.standing != apart && l.inside > 0
}

// heard takes note of how the peer stands: one that serves its clients alone has no turn.
func (l *link) heard(s standing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s == apart && l.lent {
		l.back()
	}
}

// poll asks until something is so, now and then, for so long at most.
func (l *link) poll(most time.Duration, ask func() (bool, error)) error {
	const step = 5 * time.Millisecond
	for late := l.server.cfg.Clock().Add(most); ; {
		if so, err := ask(); so || err != nil {
			return err
		}
		if l.closing() || l.server.cfg.Clock().After(late) {
			return errNotInStep
		}
		l.server.pause(step, nil)
	}
}
