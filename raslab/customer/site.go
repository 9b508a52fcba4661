package customer

import (
	"crypto/x509"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
	"github.com/seed-9d983aeb/fdelab/encgroup/ipp"
	"github.com/seed-9d983aeb/fdelab/raslab/request"
)

// Config is what a customer's side is built with.
type Config struct {
	Facility string                           // the serial number of the facility that is a client of the key servers
	Servers  int                              // how many key servers there are at first, all running
	Consoles int                              // how many consoles of the facility are in the network, numbered from 1
	Labels   []string                         // labels of the key pairs that were agreed on with the facility
	Clock    func() time.Time                 `image:"wired"` // virtual time
	Entropy  func(component string) io.Reader `image:"wired"` // a stream of its own for each component
	Maker    *cert.CA                         // authority of the facility's maker, which key servers know
	From, To time.Time                        // between which the first certificates are valid
	// OtherCloud says that the facility is given another cloud server than the one of the Site.
	OtherCloud bool
	Added      func(*KeyServer)         `image:"wired"` // hears of each machine that Add put into the network; may be nil
	Log        func(actor, text string) `image:"wired"` // what hands did; nil: nobody writes it down
}

// Site is the customer's side of one facility. It is not safe for concurrent use.
type Site struct {
	config  Config
	cluster *encgroup.MemCluster
	servers []*KeyServer
	ports   []port // of the consoles, by number from 1

	own, stranger *cert.CA

	pairs    []string                                // labels that were made
	makePair func(label string) (ipp.KeyPair, error) // nil: drawn from a stream
	tap      func(request, answer []byte)

	cloud *CloudServer
}

// port is where a console of the facility is plugged into the customer's network.
type port struct {
	cut  []*KeyServer // that it does not reach
	plan *fault.Plan
}

// New builds a customer's side.
func New(c Config) (*Site, error) {
	s := &Site{config: c, ports: make([]port, c.Consoles)}
	if !c.OtherCloud {
		s.cloud = newCloudServer(s)
	}
	var err error
	if s.cluster, err = encgroup.NewMemCluster(c.Entropy("key servers")); err != nil {
		return nil, fmt.Errorf("raslab: %w", err)
	}
	signing := c.Entropy("authorities")
	if s.own, err = cert.NewCA("customer CA of "+c.Facility, c.From, c.To, signing); err != nil {
		return nil, fmt.Errorf("raslab: %w", err)
	}
	if s.stranger, err = cert.NewCA("unknown CA", c.From, c.To, signing); err != nil {
		return nil, fmt.Errorf("raslab: %w", err)
	}
	for n := range c.Servers {
		if _, err := s.add(fmt.Sprintf("keyserver%d.example.com", n+1)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Site) logf(actor, format string, args ...any) {
	written(s.config.Log).logf(actor, format, args...)
}

// Add puts another key server into the network, with the keys that the others have. addr is a
// host name of 1 to 200 bytes. No facility asks it before it has a key manager for it.
func (s *Site) Add(addr string) (*KeyServer, error) {
	const op = "keyserver add"
	addr = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(addr)), ".")
	if s.at(addr) != nil {
		return nil, request.Refuse(request.ErrInvalid, op, addr+" is there already", "names are unique")
	}
	if !isHostName(addr) {
		return nil, request.Refuse(request.ErrInvalid, op, fmt.Sprintf("host name %q", addr), "1 to 200 letters, digits, hyphens and dots are right; numbers alone are an address")
	}
	from := slices.IndexFunc(s.servers, func(o *KeyServer) bool { return o.mem.Powered() })
	if from < 0 && len(s.servers) > 0 {
		if err := s.agreed(); err != nil { // the others have their key pairs, and it gets none
			return nil, err
		}
	}
	k, err := s.add(addr)
	if err != nil {
		return nil, err
	}
	if from >= 0 {
		if err := k.RestoreFrom(s.servers[from]); err != nil {
			return nil, err
		}
	}
	if s.config.Added != nil {
		s.config.Added(k)
	}
	s.logf("key server", "%s (%s) is in the network", k.Name, k.IP)
	return k, nil
}

// Wire sets Clock, Entropy, Added and Log of the configuration, of a Site that was made of an image.
func (s *Site) Wire(clock func() time.Time, entropy func(component string) io.Reader, added func(*KeyServer), log func(actor, text string)) {
	s.config.Clock, s.config.Entropy, s.config.Added, s.config.Log = clock, entropy, added, log
}

func (s *Site) add(name string) (*KeyServer, error) {
	mem, err := s.cluster.Add(name)
	if err != nil {
		return nil, fmt.Errorf("raslab: %w", err)
	}
	k := &KeyServer{site: s, Name: name, IP: fmt.Sprintf("192.0.2.%d", 11+len(s.servers)), mem: mem, product: Generic}
	k.trusts = cert.NewTrust(s.config.Maker.Certificate(), s.own.Certificate())
	c, err := issue(s.own, name, cert.Server, s.config.From, s.config.To)
	if err != nil {
		return nil, err
	}
	k.shown = c.Shown()
	s.servers = append(s.servers, k)
	return k, nil
}

// KeyServers lists the machines, in the order in which they came.
func (s *Site) KeyServers() []*KeyServer { return slices.Clone(s.servers) }

// KeyServer is the machine behind a name or an address.
func (s *Site) KeyServer(addr string) (*KeyServer, error) {
	if k := s.at(strings.TrimSpace(addr)); k != nil {
		return k, nil
	}
	return nil, request.Refuse(request.ErrNotFound, "key server", fmt.Sprintf("no key server is called %q", addr),
		request.Existing("key servers", s.servers, func(k *KeyServer) string { return k.Name }))
}

// Numbered is a machine by its place in KeyServers, counted from 1.
func (s *Site) Numbered(n int) (*KeyServer, error) {
	if n >= 1 && n <= len(s.servers) {
		return s.servers[n-1], nil
	}
	right := "the customer has none"
	if n := len(s.servers); n > 0 {
		right = fmt.Sprintf("key servers are 1 to %d", n)
	}
	return nil, request.Refuse(request.ErrNotFound, "key server", fmt.Sprintf("there is no key server %d", n), right)
}

// Cloud is the cloud server. It is refused where the facility was given another one.
func (s *Site) Cloud() (*CloudServer, error) {
	if s.cloud == nil {
		return nil, request.Refuse(request.ErrState, "cloud server", "the cloud server is a real one", "break it where it is")
	}
	return s.cloud, nil
}

// Stop takes the power of a machine, by its number, and Start gives it back.
func (s *Site) Stop(n int) error { return s.power(n, (*KeyServer).Stop) }

// Start is described at Stop.
func (s *Site) Start(n int) error { return s.power(n, (*KeyServer).Start) }

func (s *Site) power(n int, do func(*KeyServer)) error {
	k, err := s.Numbered(n)
	if err == nil {
		do(k)
	}
	return err
}

// maker is the certificate of the authority of the facility's maker.
func (s *Site) maker() *x509.Certificate { return s.config.Maker.Certificate() }
