package server

import (
	"bytes"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// session is one connection to the peer.
type session struct {
	*link
	client *kmip.Client
	stuck  map[string]bool // identifiers of objects that cannot go over: not tried again in this session
}

// session is one connection to the peer. It ends with an error, or with the server;
// caughtUp says that the two were in step once.
func (l *link) session() (caughtUp bool, err error) {
	c, err := kmip.DialContext(l.life, kmip.Config{Addr: l.peer.Addr, TLS: l.peer.TLS, Timeout: l.peer.Timeout, Clock: l.server.cfg.Clock})
	if err != nil {
		return false, err
	}
	defer c.Close()
	s := &session{link: l, client: c, stuck: map[string]bool{}}
	if err := s.meet(); err != nil {
		return false, err
	}
	if err := s.join(); err != nil {
		return false, err
	}
	for !l.closing() {
		switch err := s.all(); {
		case err != nil:
			return true, err
		case l.doubted():
			return true, errNotInStep
		case l.wanted():
			if err := s.takeTurn(); err != nil {
				return true, err
			}
		case l.idle():
			if _, err := s.send(l.server.cfg.Store.tell()); err != nil {
				return true, err
			}
		}
	}
	return true, errClosing
}

// meet tells the two who the other is, and finds out what the peer lacks.
func (s *session) meet() error {
	store := s.server.cfg.Store
	a, err := s.send(store.tell())
	if err != nil {
		return err
	}
	again, next, err := store.meet(a)
	if err != nil {
		return err
	}
	if _, err := s.send(store.tell(next.item())); err != nil {
		return err
	}
	if err := store.confirmed(next); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.author = a.author; again {
		s.log.Warn("the peer does not have what it had: it is sent everything again", "peer", s.peer.Addr)
		s.said = joining // when it has, the log tells
	}
	s.first = bytes.Compare(store.id[:], a.id[:]) < 0
	return nil
}

// join brings the two into step.
func (s *session) join() error {
	ready := func() (bool, error) {
		a, err := s.send(s.server.cfg.Store.tell())
		return s.first && !a.unsettled || a.standing == linked, err
	}
	if err := s.all(); err != nil {
		return err
	}
	// Before clients have to wait.
	if err := s.poll(s.peer.Retry, ready); err != nil {
		return err
	}
	s.stand(joining, 0, nil)
	if err := s.finish(); err != nil {
		return err
	}
	if !s.first {
		// A turn that was broken off is over only now that the peer has what was changed in it.
		if _, _, err := s.ask(s.client, false); err != nil {
			return err
		}
	}
	if err := s.poll(s.peer.Timeout, ready); err != nil {
		return err
	}
	s.stand(linked, len(s.stuck), nil)
	return nil
}

// finish carries over what clients are about to change, until none is.
func (s *session) finish() error {
	for s.busy() {
		if err := s.all(); err != nil {
			return err
		}
		if !s.busy() {
			break
		}
		select {
		case <-s.wake:
		case <-s.server.closing:
			return errClosing
		}
	}
	return s.all()
}

// takeTurn does what clients of the second server asked for until now.
func (s *session) takeTurn() error {
	granted, stands, err := s.ask(s.client, true)
	switch {
	case err != nil:
		return err
	case !granted && stands == apart:
		return errNotInStep
	case !granted:
		return nil
	}
	s.begun()
	if err := s.finish(); err != nil {
		return err
	}
	_, _, err = s.ask(s.client, false)
	return err
}

// all carries over what is owed.
func (s *session) all() error {
	store := s.server.cfg.Store
	for {
		out, err := store.owed(s.stuck)
		if err != nil {
			return err
		}
		for _, b := range out.bad {
			s.log.Error("an object cannot be sent to the peer: it stays owed", "object", b.uid, "reason", b.why)
			s.stuck[b.uid] = true
		}
		if len(out.keys) == 0 {
			s.advance(out.upTo)
			return nil
		}
		a, err := s.send(store.tell(out.records...))
		out.wipe()
		if err != nil {
			return err
		}
		for _, r := range a.refused {
			s.log.Error("an object is refused by the peer: it stays owed", "object", r.uid, "reason", r.why)
			s.stuck[r.uid] = true
		}
		if err := store.settle(out, s.stuck); err != nil {
			return err
		}
		s.advance(out.upTo)
	}
}

// advance lets go whoever waits for what the peer has by now.
func (l *link) advance(done uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = max(l.done, done)
	l.moved()
}

// send gives the peer records, and hears how it stands.
func (s *session) send(fields []ttlv.Item) (answer, error) {
	i, err := s.do(s.client, opReplicate, fields...)
	if err != nil {
		return answer{}, err
	}
	a, err := readAnswer(i)
	if err == nil {
		s.heard(a.standing)
	}
	return a, err
}

func (l *link) do(c *kmip.Client, op kmip.Operation, fields ...ttlv.Item) (*ttlv.Item, error) {
	q := kmip.Request{Items: []kmip.RequestItem{{Op: op, Payload: ttlv.Struct(kmip.TagRequestPayload, fields...)}}}
	p, err := c.Do(&q)
	if err != nil {
		return nil, err
	}
	return p.Items[0].Payload, p.Items[0].Err()
}
