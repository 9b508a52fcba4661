package tcg

import (
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// session is a session of a host with a service provider (Core 3.3.7).
type session struct {
	tsn, hsn uint32
	com      *comID
	sp       *provider
	write    bool
	logins   []login
	tx       transaction // nil: no transaction is open
	timeout  time.Duration
	used     time.Duration // when the last packet came
}

// login is an authority that has authenticated in a session, Anybody excepted.
type login struct {
	who    spec.UID
	handle handle
}

// transaction collects what its methods change (Core 3.3.7.5 and 3.2.2.3.2.6). The drive makes all of
// it in one step when it is committed.
type transaction interface {
	commit(s *session) error
	drop() // forgets what was collected
}

// end ends the session: its keys are forgotten, and what an open transaction collected.
func (s *session) end() {
	for _, l := range s.logins {
		l.handle.Close()
	}
	if s.tx != nil {
		s.tx.drop()
	}
	s.logins, s.tx = nil, nil
}

// as says whether an authority counts as authenticated: itself, as Anybody, or as a class that one of
// the authenticated is in.
func (s *session) as(who spec.UID) bool {
	if who == spec.Anybody {
		return true
	}
	return slices.ContainsFunc(s.logins, func(l login) bool {
		return l.who == who || slices.Contains(s.sp.classes[l.who], who)
	})
}

// close ends a session without a word.
func (t *TPer) close(s *session) {
	s.end()
	t.sessions = slices.DeleteFunc(t.sessions, func(o *session) bool { return o == s })
}

// abort ends a session and tells the host with CloseSession (Core 3.3.7.1.5).
func (t *TPer) abort(s *session) {
	t.close(s)
	b := call(spec.SessionManager, spec.CloseSession, token.U(uint64(s.hsn)), token.U(uint64(s.tsn)))
	s.com.answer(0, 0, b)
}

// sessionOf finds the session of a packet, nil if there is none.
func (t *TPer) sessionOf(c *comID, p *token.Packet) *session {
	for _, s := range t.sessions {
		if s.com == c && s.tsn == p.TSN && s.hsn == p.HSN {
			return s
		}
	}
	return nil
}

// packet takes one Packet of a host. One of no session is dropped (Core 3.3.10.3).
func (t *TPer) packet(c *comID, p *token.Packet) {
	if p.TSN == 0 && p.HSN == 0 {
		t.manage(c, p)
		return
	}
	s := t.sessionOf(c, p)
	if s == nil {
		return
	}
	s.used = t.o.Now()
	stream, ok := payload(p)
	if !ok {
		t.abort(s)
		return
	}
	if len(stream) > 0 {
		t.stream(s, stream)
	}
}

// payload gives the stream of a Packet. Credit control is passed over: nobody agreed on it. ok is false
// for more Subpackets than the TPer takes, or one of an unknown kind.
func payload(p *token.Packet) (stream []byte, ok bool) {
	n := 0
	for _, s := range p.Subpackets {
		switch s.Kind {
		case token.Data:
			n++
			stream = s.Payload
		case token.CreditControl:
		default:
			return nil, false
		}
	}
	return stream, n <= maxSubpackets
}

// message is a method call as it came.
type message struct {
	object, method spec.UID
	params         []token.Value
	aborted        bool // the host took it back
}

// parseCall reads what follows a Call token (Core 3.2.4.1): the object, the method, the parameters,
// and the status list, in which the host may take the call back.
func parseCall(r *token.Reader) (m message, err error) {
	for _, u := range []*spec.UID{&m.object, &m.method} {
		v, err := r.Value()
		if err != nil {
			return m, err
		}
		id, ok := v.UID()
		if !ok {
			return m, spec.InvalidParameter
		}
		*u = spec.UID(id)
	}
	v, err := r.Value()
	if err != nil {
		return m, err
	}
	params, ok := v.List()
	if !ok {
		return m, spec.InvalidParameter
	}
	m.params = params
	if _, err := r.Expect(token.EndOfData); err != nil {
		return m, err
	}
	v, err = r.Value()
	if err != nil {
		return m, err
	}
	status, ok := v.List()
	if !ok || len(status) != 3 {
		return m, spec.InvalidParameter
	}
	st, ok := status[0].Uint()
	if !ok {
		return m, spec.InvalidParameter
	}
	m.aborted = st != 0
	return m, nil
}

// call writes a method call as the TPer makes them.
func call(object, method spec.UID, params ...token.Value) []byte {
	b := token.Append(nil, token.Token{Kind: token.Call})
	b = token.AppendUID(b, uint64(object))
	b = token.AppendUID(b, uint64(method))
	return result(b, params, spec.Success)
}

// result appends the results of a method and its status (Core 3.2.4.2).
func result(b []byte, values []token.Value, st spec.Status) []byte {
	b = token.L(values...).Append(b)
	b = token.Append(b, token.Token{Kind: token.EndOfData})
	return token.L(token.U(uint64(st)), token.U(0), token.U(0)).Append(b)
}

// stream takes the stream of a session: method calls, the limits of transactions, the end. Where it is
// malformed the session is aborted (Core 3.3.10.3).
func (t *TPer) stream(s *session, b []byte) {
	r := token.NewReader(b, token.Limits{MaxIndTokenSize: maxToken})
	var out []byte
	for calls := 0; r.More(); {
		tok, err := r.Token()
		if err != nil {
			t.abort(s)
			return
		}
		switch tok.Kind {
		case token.EndOfSession:
			t.close(s)
			s.com.answer(s.tsn, s.hsn, []byte{0xFA})
			return
		case token.StartTransaction, token.EndTransaction:
			st, ok := t.transact(s, tok.Kind, r)
			if !ok {
				t.abort(s)
				return
			}
			out = token.AppendUint(token.Append(out, tok), uint64(st))
		case token.Call:
			m, err := parseCall(r)
			if calls++; err != nil || calls > maxMethods {
				t.abort(s)
				return
			}
			var over bool
			if out, over = t.method(s, m, out); over {
				t.close(s)
				s.com.answer(s.tsn, s.hsn, out)
				return
			}
		default:
			t.abort(s)
			return
		}
	}
	if len(out) > 0 {
		s.com.answer(s.tsn, s.hsn, out)
	}
}

// method makes a call and appends what it answers. over says that the method ended the session.
func (t *TPer) method(s *session, m message, out []byte) (b []byte, over bool) {
	c := &invocation{t: t, s: s, message: m}
	values, err := c.run()
	st := t.statusOf(err)
	if st != spec.Success {
		values = nil
	}
	b = result(out, values, st)
	if !s.com.fits(len(b)) {
		b = result(out, nil, spec.ResponseOverflow)
	}
	return b, c.over
}

// transact starts or ends a transaction (Core 3.2.2.3.2.6): the status behind the token of the host is
// 0 to start or to commit, else to abort. The TPer's is 0 where it did so. ok is false where the host
// must not do so: an end without a start, more transactions than there may be.
func (t *TPer) transact(s *session, k token.Kind, r *token.Reader) (st spec.Status, ok bool) {
	v, err := r.Value()
	if err != nil {
		return 0, false
	}
	status, isUint := v.Uint()
	if !isUint || (k == token.StartTransaction) == (s.tx != nil) {
		return 0, false
	}
	if k == token.StartTransaction {
		s.tx = t.pers.begin()
		return spec.Success, true
	}
	tx := s.tx
	s.tx = nil
	defer tx.drop()
	if status != 0 {
		return spec.Status(1), true
	}
	return t.statusOf(tx.commit(s)), true
}
