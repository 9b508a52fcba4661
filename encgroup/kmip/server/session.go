package server

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
)

// session is one connection between the two servers, made by the server with the lower number. The
// two send each other the write token in turn, with all that the other lacks: first a list of the
// versions here and the objects that differ from the other's list, later the objects that clients
// have changed. When the token comes back, the other has written what went with it.
//
// At first both serve their clients as if apart. When little is left to send on both sides, each
// stops its clients' changes and sends the rest. Then the two are linked.
type session struct {
	*link
	conn *tls.Conn
	cert *conn         // the peer is a client here, and its certificate may be refused at any time; nil: this server is the client
	wake chan struct{} // something was changed, or waits for the token
	over chan struct{} // closed when the session has ended
	err  error         // why, after that

	queue  []string        // identifiers of objects for the peer; under the lock of the link, as the next three
	done   int             // how many were in the queue before these
	stuck  map[string]bool // objects that do not get to the peer
	joined bool            // the two were linked

	has      bool   // the token is here
	wanted   bool   // the peer waits for it
	asked    bool   // this server has told the peer that it waits
	due      bool   // the peer waits for an answer
	listed   bool   // the peer has the whole list
	from     string // where the list goes on
	compared bool   // the peer's whole list is compared
	last     bool   // the last message left nothing to send, with clients' changes stopped
	sent     share  // what went with the token
	refused  []trouble
}

// message is what the two servers send. Without the token it says that its sender waits for the
// token.
type message struct {
	server  serverID
	flags   int32
	list    *list
	share   share
	refused []trouble // objects of the message before that were not taken
	raw     []byte    // the whole, as it came
}

const (
	hasToken = 1 << iota
	isLevel  // little more is to be sent
	isLast   // nothing more is to be sent, and clients' changes are stopped
)

// trouble is an object that cannot be replicated, or not without a loss, and why.
type trouble struct{ uid, why string }

const (
	tagMessage ttlv.Tag = 0x540014 // another one for each form of the messages
	tagFlags   ttlv.Tag = 0x540008
	tagRefused ttlv.Tag = 0x54000d
	tagWhy     ttlv.Tag = 0x54000e
)

func (m *message) encode() []byte {
	i := ttlv.Struct(tagMessage, ttlv.Bytes(tagServer, m.server[:]), ttlv.Int(tagFlags, m.flags))
	if m.list != nil {
		i.Add(m.list.item())
	}
	for _, r := range m.refused {
		i.Add(ttlv.Struct(tagRefused, ttlv.Text(kmip.TagUniqueIdentifier, r.uid), ttlv.Text(tagWhy, r.why)))
	}
	i.Add(m.share.records...)
	return ttlv.Append(nil, &i)
}

func decodeMessage(b []byte) (*message, error) {
	i, err := ttlv.Decode(b, ttlv.Limits{Items: itemsIn(b)})
	if err != nil {
		return nil, err
	}
	r, m := ttlv.Read(&i), &message{raw: b}
	copy(m.server[:], r.Required(tagServer, ttlv.ByteString).Bytes)
	m.flags = int32(r.Required(tagFlags, ttlv.Integer).Int)
	if l := r.Optional(tagList, ttlv.Structure); l != nil {
		m.list = readList(l)
	}
	for _, i := range r.All(tagRefused, ttlv.Structure) {
		x := ttlv.Read(i)
		m.refused = append(m.refused, trouble{x.Text(kmip.TagUniqueIdentifier), x.Text(tagWhy)})
	}
	for _, i := range r.All(tagRecord, ttlv.Structure) {
		m.share.records = append(m.share.records, *i)
	}
	return m, r.Done()
}

func (s *session) write(m *message) error {
	m.server = s.server.cfg.Store.id
	b := m.encode()
	defer clear(b)
	if err := s.conn.SetWriteDeadline(s.server.cfg.Clock().Add(s.peer.Timeout)); err != nil {
		return err
	}
	_, err := s.conn.Write(b)
	return err
}

func (s *session) read() (*message, error) {
	b := make([]byte, ttlv.HeaderSize)
	if _, err := io.ReadFull(s.conn, b); err != nil {
		return nil, err
	}
	tag, _, size, err := ttlv.Header(b)
	if tag == kmip.TagResponseMessage {
		return nil, errNoPeer // the answer to a client
	}
	if err != nil || tag != tagMessage || size > peerMax {
		return nil, fmt.Errorf("%06x of %d bytes is no message of a peer", uint32(tag), size)
	}
	b = append(b, make([]byte, size)...)
	if _, err = io.ReadFull(s.conn, b[ttlv.HeaderSize:]); err == nil && s.cert != nil {
		err = s.cert.admitted()
	}
	if err != nil {
		clear(b)
		return nil, err
	}
	return decodeMessage(b)
}

// accept runs a session with a peer that has connected, if the peer has the lower number.
func (l *link) accept(c *conn) error {
	s := &session{link: l, conn: c.tls, cert: c}
	m, err := s.read()
	if err != nil {
		return err
	}
	switch own := l.server.cfg.Store.id; bytes.Compare(own[:], m.server[:]) {
	case 0:
		return errOwn
	case -1:
		poke(l.retry) // this server connects
		return nil
	}
	return s.run(m)
}

// run runs the session to its end. The server that accepted the connection has the first message.
func (s *session) run(first *message) error {
	if err := s.conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	s.wake, s.over, s.stuck, s.has = make(chan struct{}, 1), make(chan struct{}), map[string]bool{}, first == nil
	s.mu.Lock()
	for old := s.session; old != nil; old = s.session { // the peer has ended it: it connects anew
		_ = old.conn.NetConn().Close()
		s.mu.Unlock()
		<-old.over
		s.mu.Lock()
	}
	s.session = s
	s.mu.Unlock()
	poke(s.retry)
	in, lost := make(chan *message), error(nil)
	go func() {
		defer close(in)
		for m := first; lost == nil; m, lost = s.read() {
			if m != nil {
				in <- m
			}
		}
	}()
	s.err = s.carry(in)
	_ = s.conn.NetConn().Close()
	for m := range in {
		clear(m.raw)
	}
	if s.err == nil {
		s.err = lost
	}
	s.mu.Lock()
	s.session, s.token = nil, false
	if s.standing == linked {
		s.stand(joining, nil) // until the next attempt
	}
	s.mu.Unlock()
	close(s.over)
	return s.err
}

// carry sends and takes the token until the connection fails. The peer must send it back within
// four beats.
func (s *session) carry(in <-chan *message) error {
	beat := time.NewTicker(s.peer.Timeout / 4)
	defer beat.Stop()
	for beats := 0; ; {
		if err := s.speak(beats); err != nil {
			return err
		}
		select {
		case m := <-in:
			if m == nil {
				return nil
			}
			err := s.take(m)
			clear(m.raw)
			if err != nil {
				return err
			}
			beats = 0
		case <-s.wake:
		case <-beat.C:
			if beats++; beats > 4 && !s.has {
				return fmt.Errorf("no answer of the peer in %v: %w", s.peer.Timeout, os.ErrDeadlineExceeded)
			}
		}
	}
}

// speak sends the token, or asks for it, if there is a reason to. Without one the token goes each
// beat.
func (s *session) speak(beats int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &message{}
	if s.has && (s.due || s.wanted || beats > 0 || s.standing != linked || len(s.queue) > 0) {
		if err := s.fill(m); err != nil {
			return err
		}
	} else if s.has || s.asked || s.standing != linked || len(s.waiting) == 0 {
		return nil
	} else {
		s.asked = true
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	defer m.share.wipe()
	return s.write(m)
}

// fill puts the token and what the peer lacks into a message, when all changes that were let in are
// on the disk.
func (s *session) fill(m *message) (err error) {
	s.token = false
	for s.standing != apart && s.inside > 0 {
		progress := s.progress
		s.mu.Unlock()
		select {
		case <-progress:
		case <-s.server.cut:
		}
		s.mu.Lock()
		if s.life.Err() != nil {
			return errClosing
		}
	}
	store := s.server.cfg.Store
	if !s.listed {
		if m.list, err = store.list(s.from); err != nil {
			return err
		}
		s.from, s.listed = m.list.to, m.list.to == ""
	}
	m.flags, m.refused = hasToken, s.refused
	if s.level() {
		m.flags |= isLevel
	}
	for len(m.share.records) == 0 && len(s.queue) > 0 {
		if m.share, err = store.share(s.queue); err != nil {
			return err
		}
		if s.sent = m.share; len(s.sent.records) == 0 {
			s.answered(nil)
		}
	}
	if s.last = s.level() && s.standing != apart && s.sent.n == len(s.queue); s.last {
		m.flags |= isLast
	}
	s.has, s.due, s.wanted, s.refused = false, false, false, nil
	return nil
}

// level says whether little is left to send.
func (s *session) level() bool { return s.listed && s.compared && len(s.queue) <= shareRecords }

// answered removes from the queue what was sent with the token.
func (s *session) answered(refused []trouble) {
	for _, uid := range s.queue[:s.sent.n] {
		delete(s.stuck, uid)
	}
	for _, r := range append(s.sent.bad, refused...) {
		s.stuck[r.uid] = true
		// A connection may end and begin anew at any time, and each begins with all that is owed.
		if s.told[r.uid] != r.why {
			s.told[r.uid] = r.why
			s.server.cfg.Log.Error("an object does not get to the peer: it stays owed", "object", r.uid, "reason", r.why)
		}
	}
	for _, uid := range s.queue[:s.sent.n] {
		if !s.stuck[uid] {
			delete(s.told, uid)
		}
	}
	s.queue, s.done, s.sent = s.queue[s.sent.n:], s.done+s.sent.n, share{}
}

// take does what a message says.
func (s *session) take(m *message) error {
	if s.has || m.flags&hasToken == 0 {
		s.wanted = true
		return nil
	}
	store := s.server.cfg.Store
	got, err := store.merge(m.share.records)
	for _, r := range got.refused {
		s.server.cfg.Log.Error("an object of the peer is not taken", "object", r.uid, "reason", r.why)
	}
	for _, l := range got.lost {
		s.server.cfg.Log.Warn("both servers changed an attribute while they were apart: one of the values stays", "object", l.uid, "attribute", l.why)
	}
	if err == nil && m.list != nil {
		var differ []string
		differ, err = store.differing(m.list)
		got.owed = append(got.owed, differ...)
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answered(m.refused)
	s.queue = append(s.queue, got.owed...)
	s.has, s.asked, s.refused = true, false, got.refused
	s.due = m.list != nil || len(m.share.records) > 0
	s.compared = s.compared || m.list != nil && m.list.to == ""
	if s.standing == apart && s.level() && m.flags&isLevel != 0 {
		s.last = false
		s.stand(joining, nil)
	}
	if s.standing == joining && s.last && m.flags&isLast != 0 && len(s.queue) == 0 {
		s.joined = true
		s.stand(linked, nil)
	}
	s.token = s.standing == linked
	s.admit()
	return nil
}
