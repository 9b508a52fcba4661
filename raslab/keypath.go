package raslab

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// What the facility itself finds on its half of the way to a key server. The
// rest of the way answers with the errors of encgroup.KeyServer.
var (
	ErrNoConsole      = errors.New("partition and management console cannot talk")
	ErrCommandTimeout = errors.New("the management console did not answer the command in time")
)

// The points of the links: what can go wrong once, or now and then. Breaking a link for good has a
// method of its own (SetLink). The points of the customer's network are in package customer.
var (
	pointLinkLost = fault.Register("link.command.lost",
		"a command of the partition does not reach the console",
		"the other console is asked; with none left BE14E009")
	pointLinkStalled = fault.Register("link.command.stalled",
		"a command reaches the console, and the answer does not come in time",
		"the other console is asked; with none left BE14E00B, or BE14EA0B where other servers were reached")
)

// keyPath is the way of one partition to one key server, through whichever console reaches it. It
// is an encgroup.KeyServer, and every key request, simulated or real, goes through it.
type keyPath struct {
	lab       *Lab
	partition int
	manager   *keyManager
}

var _ encgroup.KeyServer = (*keyPath)(nil)

// ID is the address of the server.
func (p *keyPath) ID() string { return p.manager.serverID() }

// Create asks for a new data key.
func (p *keyPath) Create(label string) (uid string, err error) {
	err = p.command(func(s encgroup.KeyServer) error {
		uid, err = s.Create(label)
		p.manager.learn(p.lab, s)
		return err
	})
	return uid, err
}

// Get asks for a data key.
func (p *keyPath) Get(uid string) (key *secret.Key32, err error) {
	err = p.command(func(s encgroup.KeyServer) error {
		key, err = s.Get(uid)
		p.manager.hear(p.lab, s, uid)
		return err
	})
	return key, err
}

// command carries a key command to the server through one console after the other, until the server
// answers. If all fail, the failure that came furthest counts.
func (p *keyPath) command(do func(encgroup.KeyServer) error) error {
	worst, came := errNoConsoles, reasonConsole
	var at [len(p.lab.hmc.consoles)]*console // that failed in the worst way
	n := 0
	for i := range p.lab.hmc.consoles {
		c := &p.lab.hmc.consoles[i]
		if !c.serves {
			continue
		}
		err := p.through(c, do)
		r := reasonOf(err)
		if r.answered() {
			return err
		}
		if r > came {
			n = 0
		}
		if r >= came {
			worst, came, at[n] = err, r, c
			n++
		}
	}
	if n > 1 && came == reasonConsole {
		return p.atConsoles(ErrNoConsole, at[:n])
	}
	if n > 1 && came == reasonTimeout {
		return p.atConsoles(ErrCommandTimeout, at[:n])
	}
	return worst
}

var errNoConsoles = fmt.Errorf("%w: there is no console", ErrNoConsole)

// atConsoles is an error of several consoles.
func (p *keyPath) atConsoles(what error, consoles []*console) error {
	names := make([]string, len(consoles))
	for i, c := range consoles {
		names[i] = p.at(c)
	}
	return fmt.Errorf("%w: %s", what, strings.Join(names, ", "))
}

// at names a console, and what the partition finds there. A console that is reached and refuses the
// command has no ESSNI.
func (p *keyPath) at(c *console) string {
	if k := &p.lab.hmc.links[p.partition][c.id-1]; c.essni && !k.cut && !c.off && !k.stalled && !c.hung {
		return c.name() + " takes no commands (ESSNI)"
	}
	return c.name()
}

// retryable says whether another console may succeed after this error. A key that is wrong or
// missing is so on every way.
func retryable(err error) bool {
	return err != nil && !reasonOf(err).answered()
}

func (p *keyPath) through(c *console, do func(encgroup.KeyServer) error) error {
	k := &p.lab.hmc.links[p.partition][c.id-1]
	if k.cut || c.off {
		return fmt.Errorf("%w: %s", ErrNoConsole, c.name())
	}
	switch point, _ := k.plan.Check(fault.Op{Name: "link.command"}); point {
	case pointLinkLost:
		return fmt.Errorf("%w: %s", ErrNoConsole, c.name())
	case pointLinkStalled:
		return fmt.Errorf("%w: %s", ErrCommandTimeout, c.name())
	}
	if k.stalled || c.hung {
		return fmt.Errorf("%w: %s", ErrCommandTimeout, c.name())
	}
	if c.essni {
		return fmt.Errorf("%w: %s", ErrNoConsole, p.at(c))
	}
	if p.manager.external != nil {
		return do(p.manager.external)
	}
	s, err := p.lab.connect(c, p.manager)
	if err != nil {
		return err
	}
	if c, ok := s.(io.Closer); ok {
		defer c.Close()
	}
	return do(s)
}

// connect opens a session with a server from a console, and speaks the key protocol over it.
func (l *Lab) connect(c *console, m *keyManager) (encgroup.KeyServer, error) {
	conn, err := l.wire.Dial(c.id, m.addr, m.port)
	if err != nil {
		return nil, err
	}
	shown, err := conn.Hello(m.protocol == ProtocolTLS, m.key)
	if err != nil {
		return nil, err
	}
	if m.protocol == ProtocolTLS {
		if err := l.handshake(conn, m, shown); err != nil {
			return nil, err
		}
	}
	if m.key == IPP {
		exchange, err := conn.IPP()
		if err != nil {
			return nil, err
		}
		return l.ippClient(m, exchange), nil
	}
	exchange, err := conn.KMIP()
	if err != nil {
		return nil, err
	}
	return l.kmipConnect(m, exchange)
}

// handshake judges the certificate that the server has shown, and shows the facility's.
func (l *Lab) handshake(conn customer.Conn, m *keyManager, shown *cert.Certificate) error {
	if err := m.trust.Verify(shown, m.addr, cert.Server, l.Now()); err != nil {
		return refusedCertificate{"server's", certificateWhy(err)}
	}
	m.watch(l, shown)
	own := l.certificate.shown()
	if own == nil {
		return fmt.Errorf("%w: the facility has no certificate to show", encgroup.ErrUntrusted)
	}
	if err := conn.Present(own); err != nil {
		return refusedCertificate{"facility's", certificateWhy(err)}
	}
	return nil
}

// refusedCertificate is a handshake that ended because of one side's certificate.
type refusedCertificate struct{ whose, why string }

func (r refusedCertificate) Error() string {
	return fmt.Sprintf("%v: the %s certificate: %s", encgroup.ErrUntrusted, r.whose, r.why)
}

// Unwrap makes it an encgroup.ErrUntrusted.
func (r refusedCertificate) Unwrap() error { return encgroup.ErrUntrusted }

// reason is why a key did not come, ordered by how far the request came.
type reason uint8

const (
	reasonNone      reason = iota // it came
	reasonConsole                 // partition and console cannot talk
	reasonTimeout                 // the console did not answer in time
	reasonSocket                  // the console reaches no server at the address
	reasonSession                 // the server is reached, and the session fails
	reasonNoKey                   // the server answers without the key: it has none, refuses, or answers something else
	reasonUnwrap                  // what it gives does not unwrap the group key, or is not the key that was registered
	reasonSignature               // the key's signature does not match
	reasonNoServer                // no active server is configured
)

// answered says whether the server was reached and spoke.
func (r reason) answered() bool { return r == reasonNone || r >= reasonNoKey }

// communication says whether it is communication beyond the console that failed.
func (r reason) communication() bool { return r == reasonSocket || r == reasonSession }

// reasonOf sorts an error of a key path, simulated or real.
func reasonOf(err error) reason {
	switch {
	case err == nil:
		return reasonNone
	case errors.Is(err, encgroup.ErrNoServer):
		return reasonNoServer
	case errors.Is(err, ErrNoConsole):
		return reasonConsole
	case errors.Is(err, ErrCommandTimeout):
		return reasonTimeout
	case errors.Is(err, encgroup.ErrUnreachable):
		return reasonSocket
	case errors.Is(err, encgroup.ErrSignature):
		return reasonSignature
	case errors.Is(err, encgroup.ErrUnwrap), errors.Is(err, encgroup.ErrWrongKey), errors.Is(err, encgroup.ErrConstant), errors.Is(err, encgroup.ErrDisagree):
		return reasonUnwrap
	case errors.Is(err, encgroup.ErrNoKey), errors.Is(err, encgroup.ErrRefused), errors.Is(err, encgroup.ErrAnswer):
		return reasonNoKey
	}
	return reasonSession // untrusted, a timeout or nonsense of the server
}

// either is the way to the server for a request of no particular partition.
func (m *keyManager) either() encgroup.KeyServer { return eitherPath{m} }

// ID is the address of the server.
func (e eitherPath) ID() string { return e.serverID() }

// Create asks through partition 0, then through partition 1.
func (e eitherPath) Create(label string) (uid string, err error) {
	for _, p := range e.paths {
		if uid, err = p.Create(label); !retryable(err) {
			break
		}
	}
	e.note(err)
	return uid, err
}

// Get asks in the same way.
func (e eitherPath) Get(uid string) (key *secret.Key32, err error) {
	for _, p := range e.paths {
		if key, err = p.Get(uid); !retryable(err) {
			break
		}
	}
	e.note(err)
	return key, err
}

// note records the result of the request: making a key, or reading it back, tests the path as well
// as a retrieval does.
func (e eitherPath) note(err error) { e.paths[0].lab.note(e.keyManager, e.group, err) }
