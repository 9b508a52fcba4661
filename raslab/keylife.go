package raslab

import (
	"crypto/x509"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
)

// The life of the data keys at the key servers, and what else a facility learns of a server
// when it asks for a key. No SRC of MAP4980 is about it: it is shown with the key managers and
// the key group, and logged once at each stage (assumption).

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
