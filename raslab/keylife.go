package raslab

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
)

// The life of the data keys at the key servers, and what else a facility learns of a server
// when it asks for a key. No SRC of MAP4980 is about it: it is shown with the key managers and
// the key group, and logged once at each stage (assumption).

// KeyFate is what the customer does to a data key at a key server.
type KeyFate string

// The fates. With a time to come, Deactivate is a date that the key has.
const (
	KeyActivate   KeyFate = "active"
	KeyDeactivate KeyFate = "deactivated"
	KeyCompromise KeyFate = "compromised"
	KeyDestroy    KeyFate = "destroyed"
)

// SetKeyState changes the state of the data key of a group on this key server, as its
// administrator does. in is the time until it is deactivated, 0 for now; other states have none. A
// destroyed key is gone from the disk, and a key does not come back from a later state to an earlier
// one (KMIP specification 1.4, section 3.22) except by RestoreFrom.
func (h *KeyHost) SetKeyState(group int, to KeyFate, in time.Duration) error {
	const op = "keyserver key"
	g := h.lab.keys.group(group)
	switch {
	case g == nil || g.enc.UID() == "":
		return refuse(ErrNotFound, op, fmt.Sprintf("key group %d has no data key", group), "configure it first")
	case g.protocol != KMIP:
		return refuse(ErrState, op, fmt.Sprintf("key group %d speaks %s", group, g.protocol), "only keys of KMIP have a state")
	case in < 0 || in > 0 && to != KeyDeactivate:
		return refuse(ErrInvalid, op, fmt.Sprintf("%s in %s", to, Spell(in)), "only a deactivation has a date to come")
	}
	uid := g.enc.UID()
	was := h.life(uid)
	n, now := was, h.lab.Now()
	switch to {
	case KeyActivate:
		n.State, n.Activation = encgroup.KeyActive, now
	case KeyDeactivate:
		n.Deactivation = now.Add(in)
		if in == 0 {
			n.State = encgroup.KeyDeactivated
		}
	case KeyCompromise:
		n.State, n.Compromised = encgroup.KeyCompromised, now
	case KeyDestroy:
		n.State = encgroup.KeyDestroyed
		if was.State == encgroup.KeyCompromised {
			n.State = encgroup.KeyDestroyedCompromised
		}
	default:
		return refuse(ErrInvalid, op, fmt.Sprintf("state %q", to), "active, deactivated, compromised and destroyed are right")
	}
	if n.State < was.State || was.State.Destroyed() || in > 0 && was.State >= encgroup.KeyDeactivated {
		return refuse(ErrState, op, fmt.Sprintf("the data key is %s on %s", was.State, h.Name), "a key does not go back to an earlier state")
	}
	if to == KeyDestroy {
		if err := h.mem.LoseKey(uid); err != nil {
			return fmt.Errorf("raslab: %w", err)
		}
	}
	if h.lives == nil {
		h.lives = map[string]encgroup.KeyLife{}
	}
	h.lives[uid] = n
	h.lab.logf("key server", "%s: the data key of key group %d is %s%s", h.Name, group, to, inTime(in))
	return nil
}

func inTime(in time.Duration) string {
	if in == 0 {
		return ""
	}
	return " in " + Spell(in)
}

// life is the life of a key on the server at this moment.
func (h *KeyHost) life(uid string) encgroup.KeyLife {
	l, ok := h.lives[uid]
	if !ok {
		l.State = encgroup.KeyPreActive
	}
	return l.At(h.lab.Now())
}

// restoreLives copies what the other server says of its keys along with the keys.
func (h *KeyHost) restoreLives(from *KeyHost) {
	for _, uid := range from.mem.Keys() {
		delete(h.lives, uid)
		if l, ok := from.lives[uid]; ok {
			if h.lives == nil {
				h.lives = map[string]encgroup.KeyLife{}
			}
			h.lives[uid] = l
		}
	}
}

// Life is what the server says of a key.
func (s kmipService) Life(uid string) (encgroup.KeyLife, bool) { return s.h.life(uid), true }

// introduced is a key server that knows who it reached, and how.
type introduced interface {
	Speaks() string           // version of the key protocol, such as "1.4"
	Shown() *x509.Certificate // certificate of the server; nil before a connection
	Reached() string          // address of the server's end, host:port
	Connected() time.Time     // when, by the clock of the real world
}

// learn keeps what a connection told of the server.
func (m *keyManager) learn(l *Lab, s encgroup.KeyServer) {
	who, ok := s.(introduced)
	if !ok {
		return
	}
	m.speaks, m.reached, m.connected = who.Speaks(), who.Reached(), who.Connected()
	if x := who.Shown(); x != nil {
		m.watch(l, cert.Of(x))
	}
}

// hear keeps what a server says of the life of a key, and logs it once at each stage.
func (m *keyManager) hear(l *Lab, s encgroup.KeyServer, uid string) {
	m.learn(l, s)
	t, ok := s.(encgroup.LifeTeller)
	if !ok {
		return
	}
	life, ok := t.Life(uid)
	if !ok {
		m.uid = "" // it did not say
		return
	}
	if m.uid != uid {
		m.lifeTold = 0
	}
	m.uid, m.life, m.told = uid, life, m.now(l)
	m.tellLife(l)
}

func (m *keyManager) tellLife(l *Lab) {
	stage := m.life.Stage(l.Now())
	if stage > m.lifeTold {
		l.logf("key server", "key server %d %s: %s", m.id, m.addr, m.life.Warning(l.Now()))
	}
	m.lifeTold = stage
}

// now is the time to hold a server's certificate against: that of the lab, or for a server that
// is dialled for real the time when it was.
func (m *keyManager) now(l *Lab) time.Time {
	if m.external != nil && !m.connected.IsZero() {
		return m.connected
	}
	return l.Now()
}

// warnings are what is to be told of the key manager: its server's certificate, its data key.
func (m *keyManager) warnings(l *Lab) (certificate, key string) {
	if m.shown != nil {
		certificate = strings.Replace(m.shown.Warning(m.now(l)), "the certificate", "the certificate of its server", 1)
	}
	if g := l.keys.group(m.group); g != nil && m.uid != "" && m.uid == g.enc.UID() {
		key = m.life.Warning(l.Now())
	}
	return certificate, key
}

// joined is one or two clauses as one.
func joined(a, b string) string {
	if a != "" && b != "" {
		return a + "; " + b
	}
	return a + b
}
