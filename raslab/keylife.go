package raslab

import (
	"crypto/x509"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
)

// The life of the data keys at the key servers, and what else a facility learns of a server when it
// asks for a key. MAP4980 has no SRC for it. It is shown with the key managers and the key group,
// and logged once at each stage (assumption).

// introduced is a key server whose connection says which server was reached, and how.
type introduced interface {
	Speaks() string           // version of the key protocol, such as "1.4"
	Shown() *x509.Certificate // certificate of the server; nil before a connection
	Reached() string          // address of the server's end, host:port
	Connected() time.Time     // when, by the clock of the real world
}

// learn records what a connection said about the server.
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

// hear records what a server says about the life of a key, and logs it once at each stage.
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
		l.logf("key server", "key manager %d %s: %s", m.id, m.addr, m.life.Warning(l.Now()))
	}
	m.lifeTold = stage
}

// now is the time at which a server's certificate is judged: that of the lab, or, for a real
// server, the time of the connection.
func (m *keyManager) now(l *Lab) time.Time {
	if m.external != nil && !m.connected.IsZero() {
		return m.connected
	}
	return l.Now()
}

// warnings are those about the certificate of the key manager's server and about its data key.
func (m *keyManager) warnings(l *Lab) (certificate, key string) {
	if m.shown != nil {
		certificate = strings.Replace(m.shown.Warning(m.now(l)), "the certificate", "the certificate of its server", 1)
	}
	if g := l.keys.group(m.group); g != nil && m.uid != "" && m.uid == g.enc.UID() {
		key = m.life.Warning(l.Now())
	}
	return certificate, key
}

// joined joins one or two clauses.
func joined(a, b string) string {
	if a != "" && b != "" {
		return a + "; " + b
	}
	return a + b
}
