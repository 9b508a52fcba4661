package tcg

import (
	"math"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
)

// manage takes a Packet for the session manager (Core 3.3.7.1). What it does not understand is dropped.
func (t *TPer) manage(c *comID, p *token.Packet) {
	stream, ok := payload(p)
	if !ok {
		return
	}
	r := token.NewReader(stream, token.Limits{MaxIndTokenSize: maxToken})
	if _, err := r.Expect(token.Call); err != nil {
		return
	}
	m, err := parseCall(r)
	if err != nil || r.More() || m.aborted || m.object != spec.SessionManager {
		return
	}
	var values []token.Value
	answer := m.method
	switch m.method {
	case spec.Properties:
		values, err = t.properties(c, m.params)
	case spec.StartSession:
		answer = spec.SyncSession
		values, err = t.start(c, m.params)
	default:
		return
	}
	if err != nil {
		values = nil
	}
	b := token.Append(nil, token.Token{Kind: token.Call})
	b = token.AppendUID(b, uint64(spec.SessionManager))
	b = token.AppendUID(b, uint64(answer))
	c.answer(0, 0, result(b, values, t.statusOf(err)))
}

// startup is what StartSession asks for (Core 5.2.3.1).
type startup struct {
	hsn       uint64
	sp        uint64
	write     bool
	challenge []byte
	who       spec.UID
	timeout   uint64 // milliseconds
}

func parseStartup(params []token.Value) (st startup, err error) {
	if len(params) < 3 {
		return st, spec.InvalidParameter
	}
	var ok [3]bool
	st.hsn, ok[0] = params[0].Uint()
	st.sp, ok[1] = params[1].UID()
	st.write, ok[2] = params[2].Bool()
	if ok != [3]bool{true, true, true} || st.hsn > math.MaxUint32 {
		return st, spec.InvalidParameter
	}
	st.who, st.timeout = spec.Anybody, defaultTimeout
	for _, p := range params[3:] {
		if err := st.option(p); err != nil {
			return st, err
		}
	}
	return st, nil
}

// option takes one optional parameter. Those that no SSC here has are refused.
func (st *startup) option(p token.Value) error {
	name, v, ok := p.Named()
	if !ok {
		return spec.InvalidParameter
	}
	switch {
	case isName(name, spec.HostChallenge, spec.HostChallengeName):
		st.challenge, ok = v.Bytes()
	case isName(name, spec.HostSigningAuthority, spec.HostSigningAuthorityName):
		var u uint64
		u, ok = v.UID()
		st.who = spec.UID(u)
	case isName(name, spec.SessionTimeout, spec.SessionTimeoutName):
		st.timeout, ok = v.Uint()
		ok = ok && st.timeout >= minTimeout && st.timeout <= maxTimeout
	case isName(name, spec.TransTimeout, "TransTimeout"), isName(name, spec.InitialCredit, "InitialCredit"):
		_, ok = v.Uint() // nothing hangs on it
	default:
		ok = false
	}
	if !ok {
		return spec.InvalidParameter
	}
	return nil
}

// start is StartSession; its results are those of SyncSession (Core 5.2.3.2).
func (t *TPer) start(c *comID, params []token.Value) ([]token.Value, error) {
	st, err := parseStartup(params)
	if err != nil {
		return nil, err
	}
	sp := t.pers.provider(spec.UID(st.sp))
	if sp == nil || t.pers.startable != nil && !t.pers.startable(t, sp) {
		return nil, spec.InvalidParameter
	}
	for _, o := range t.sessions {
		if o.sp == sp && (o.write || st.write) {
			return nil, spec.SPBusy
		}
	}
	if len(t.sessions) >= maxSessions {
		return nil, spec.NoSessionsAvailable
	}
	s := &session{
		hsn: uint32(st.hsn), com: c, sp: sp, write: st.write, used: t.o.Now(),
		timeout: time.Duration(st.timeout) * time.Millisecond,
	}
	if st.who != spec.Anybody {
		ok, err := t.authenticate(s, st.who, st.challenge)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, spec.NotAuthorized
		}
	}
	s.tsn = t.newTSN()
	t.sessions = append(t.sessions, s)
	return []token.Value{token.U(st.hsn), token.U(uint64(s.tsn))}, nil
}

// newTSN gives a number that no open session has.
func (t *TPer) newTSN() uint32 {
	for {
		t.nextTSN = max(t.nextTSN+1, 0x1000)
		used := false
		for _, s := range t.sessions {
			used = used || s.tsn == t.nextTSN
		}
		if !used {
			return t.nextTSN
		}
	}
}
