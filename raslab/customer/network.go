package customer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
	"github.com/seed-9d983aeb/fdelab/raslab/request"
)

// Network is what the facility's software sees of the customer's side.
type Network interface {
	// Resolve asks the name service for the IP address of a name; an IP address is its own. ok
	// is false where no machine has the name.
	Resolve(addr string) (ip string, ok bool)
	// Dial opens a connection from a console of the facility, by its number, to a port of a
	// machine. Errors wrap encgroup.ErrUnreachable.
	Dial(console int, addr string, port int) (Conn, error)
}

// Conn is a connection that is open. A session begins with Hello, and with TLS goes on with
// Present; then the console speaks a key protocol.
type Conn interface {
	// Hello begins a session, with TLS or without, over which a key protocol is to be spoken. With
	// TLS it gives the certificate that the server shows. Errors wrap encgroup.ErrProtocol or
	// encgroup.ErrTimeout.
	Hello(tls bool, key KeyProtocol) (*cert.Certificate, error)
	// Present shows the server the certificate of the client. Errors are those of
	// cert.Trust.Verify, or ErrNotAccepted.
	Present(client *cert.Certificate) error
	// KMIP opens the server's service of this protocol. Errors wrap encgroup.ErrProtocol.
	KMIP() (Exchange, error)
	// IPP is the same for IPP.
	IPP() (Exchange, error)
}

// Exchange sends a message of a key protocol and gives the answer. Its errors wrap those of
// encgroup.KeyServer.
type Exchange = func(request []byte) (answer []byte, err error)

// ErrNotAccepted refuses a client certificate that waits at the server to be accepted.
var ErrNotAccepted = errors.New("it waits at the server to be accepted")

// KeyProtocol is what is spoken between a facility and a key server.
type KeyProtocol string

// The key protocols.
const (
	IPP  KeyProtocol = "IPP"
	KMIP KeyProtocol = "KMIP"
)

// The ports on which a key server listens. 5696 is the registered port of KMIP; the other
// two are those of the samples in MAP4980.
const (
	PortKMIP   = 5696
	PortIPPTLS = 441
	PortIPP    = 3801
)

// The points of the network: what can go wrong once, or now and then. What is
// broken for good has verbs of its own.
var (
	pointRefused = fault.Register("net.connect.refused",
		"the key server's host refuses the connection of the console",
		"the other console is asked; with none left BE14E008, or BE14EAF1 or BE14EAF3 in a periodic retrieval")
	pointLost = fault.Register("net.connect.lost",
		"nothing answers the connection of the console, as in a black hole",
		"as net.connect.refused")
	pointReset = fault.Register("net.session.reset",
		"the connection to the key server opens, and is then cut",
		"BE14E0F1 at IML, BE14EAF1 or BE14EAF3 in a periodic retrieval")
	pointGarbled = fault.Register("net.session.garbled",
		"the connection to the key server opens, and what comes back is no key protocol",
		"as net.session.reset")
	pointSilent = fault.Register("net.session.silent",
		"the connection to the key server opens, and then nothing comes",
		"as net.session.reset")
)

var _ Network = (*Site)(nil)

// at is the machine that has a name or an address, nil if none has.
func (s *Site) at(addr string) *KeyServer {
	for _, k := range s.servers {
		if strings.EqualFold(k.Name, addr) || k.IP == addr {
			return k
		}
	}
	if canonical, ok := ParseAddress(addr); ok && canonical != addr {
		return s.at(canonical)
	}
	return nil
}

// Resolve implements Network.
func (s *Site) Resolve(addr string) (ip string, ok bool) {
	if k := s.at(addr); k != nil {
		return k.IP, true
	}
	return "", false
}

// Dial implements Network.
func (s *Site) Dial(console int, addr string, port int) (Conn, error) {
	unreachable := func(why string) (Conn, error) {
		return nil, fmt.Errorf("%w: %s", encgroup.ErrUnreachable, why)
	}
	k := s.at(addr)
	if k == nil {
		return unreachable("the name has no address")
	}
	at := &s.ports[console-1]
	if slices.Contains(at.cut, k) {
		return unreachable("the connection timed out")
	}
	switch point, _ := at.plan.Check(fault.Op{Name: "net.connect"}); point {
	case pointRefused:
		return unreachable("the connection was refused")
	case pointLost:
		return unreachable("the connection timed out")
	}
	if !k.running() {
		return unreachable("the host does not answer")
	}
	tls, key, listens := listener(port)
	if k.down || !listens || !k.product.speaks(key) {
		return unreachable("the connection was refused")
	}
	return &conn{k, at, port, tls, key}, nil
}

// listener says what a key server speaks on a port.
func listener(port int) (tls bool, key KeyProtocol, ok bool) {
	switch port {
	case PortKMIP:
		return true, KMIP, true
	case PortIPPTLS:
		return true, IPP, true
	case PortIPP:
		return false, IPP, true
	}
	return false, "", false
}

// conn is a connection of a console to a port of a machine, and what is spoken there.
type conn struct {
	server *KeyServer
	from   *port
	port   int
	tls    bool
	key    KeyProtocol
}

// Hello implements Conn.
func (c *conn) Hello(tls bool, key KeyProtocol) (*cert.Certificate, error) {
	garbage := func() error { return fmt.Errorf("%w: the answer is no %s", encgroup.ErrProtocol, key) }
	switch point, _ := c.from.plan.Check(fault.Op{Name: "net.session"}); point {
	case pointReset:
		return nil, fmt.Errorf("%w: the connection was cut", encgroup.ErrProtocol)
	case pointGarbled:
		return nil, garbage()
	case pointSilent:
		return nil, encgroup.ErrTimeout
	}
	switch {
	case c.server.garbled && c.tls: // without TLS it is the exchange that meets it
		return nil, garbage()
	case tls != c.tls:
		return nil, fmt.Errorf("%w: one side speaks TLS, the other does not", encgroup.ErrProtocol)
	case !tls:
		return nil, nil
	}
	return c.server.shown, nil
}

// Present implements Conn.
func (c *conn) Present(client *cert.Certificate) error {
	if err := c.server.trusts.Verify(client, "", cert.Client, c.server.site.config.Clock()); err != nil {
		return err
	}
	if !c.server.knows(client.X509()) {
		return ErrNotAccepted
	}
	return nil
}

// speaks refuses a key protocol that is not the one of the port.
func (c *conn) speaks(key KeyProtocol) error {
	if key != c.key {
		return fmt.Errorf("%w: port %d speaks %s", encgroup.ErrProtocol, c.port, c.key)
	}
	return nil
}

// KMIP implements Conn.
func (c *conn) KMIP() (Exchange, error) { return c.server.answerKMIP, c.speaks(KMIP) }

// IPP implements Conn.
func (c *conn) IPP() (Exchange, error) { return c.server.exchange, c.speaks(IPP) }

// port is that of a console, by its number.
func (s *Site) port(op string, console int) (*port, error) {
	if console < 1 || console > len(s.ports) {
		return nil, request.Refuse(request.ErrNotFound, op, fmt.Sprintf("there is no console %d", console), fmt.Sprintf("consoles are 1 to %d", len(s.ports)))
	}
	return &s.ports[console-1], nil
}

// SetPath cuts or mends the network between a console and a key server: what is sent into a cut
// one is lost without an answer.
func (s *Site) SetPath(console int, addr string, up bool) error {
	p, err := s.port("path set", console)
	if err != nil {
		return err
	}
	k, err := s.KeyServer(addr)
	if err != nil {
		return err
	}
	p.cut = slices.DeleteFunc(p.cut, func(o *KeyServer) bool { return o == k })
	if !up {
		p.cut = append(p.cut, k)
	}
	s.logf("network", "HMC%d to %s is %s", console, k.Name, map[bool]string{true: "up", false: "cut"}[up])
	return nil
}

// CutFrom lists the machines that a console does not reach, by name, in the order in which they
// were cut off.
func (s *Site) CutFrom(console int) (names []string) {
	if p, err := s.port("path list", console); err == nil {
		for _, k := range p.cut {
			names = append(names, k.Name)
		}
	}
	return names
}

// Arm arms a fault plan on the network between a console and the key servers (points "net.…").
// No plan (nil) disarms. A copy of the plan counts operations from now on.
func (s *Site) Arm(console int, plan *fault.Plan) error {
	const op = "fault arm"
	p, err := s.port(op, console)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("HMC%d network", console)
	if plan == nil {
		p.plan = nil
		s.logf(name, "disarmed")
		return nil
	}
	for _, point := range plan.Points() {
		if point.Component() != "net" {
			return request.Refuse(request.ErrInvalid, op, fmt.Sprintf("the %s has no fault point %s", name, point), "points of net are right here")
		}
	}
	p.plan = plan.Clone()
	s.logf(name, "armed %s", plan)
	return nil
}

// Plan is the fault plan on the network of a console, to see what of it has fired; nil if there is none.
func (s *Site) Plan(console int) *fault.Plan {
	p, err := s.port("fault show", console)
	if err != nil {
		return nil
	}
	return p.plan
}

// Tap lets hear listen in the network: it is given each request of IPP and its answer. nil ends that.
func (s *Site) Tap(hear func(request, answer []byte)) { s.tap = hear }
