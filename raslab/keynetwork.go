package raslab

import (
	"crypto/x509"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
	"github.com/seed-9d983aeb/fdelab/encgroup/ipp"
)

// The way to a key, as hardware: partition, link, management console (HMC),
// network, the customer's key server. What people break here the software finds
// out only by asking for a key.

// link is the internal network between one partition and one console.
type link struct {
	cut     bool // a cable is out
	stalled bool // it carries the command, and no answer comes back in time
	plan    *fault.Plan
}

// hmc is the management consoles and their links to the partitions.
type hmc struct {
	consoles [2]console
	links    [2][2]link // of a partition to a console
}

// console is one management console.
type console struct {
	id     int // counts from 1
	off    bool
	hung   bool // it takes commands and does not answer in time
	essni  bool // its process ESSNI, which takes the commands of the partitions, is down
	cutTo  []*KeyHost
	plan   *fault.Plan // of its network to the key servers
	serves bool        // the facility has it

	outsideCut bool // its network to the support centre
}

func (c *console) name() string { return fmt.Sprintf("HMC%d", c.id) }

// The ports on which a key server of the lab listens. 5696 is the registered
// port of KMIP; the other two are those of the samples in MAP4980.
const (
	portKMIP   = 5696
	portIPPTLS = 441
	portIPP    = 3801
)

// KeyHost is the machine of one key server of the customer: what is in it can be
// broken without a word to the facility.
type KeyHost struct {
	lab  *Lab
	Name string // keyserver1.example.com
	IP   string // 192.0.2.11: what a location code gives (RFC 5737 addresses)

	mem     *encgroup.MemServer
	down    bool // the service does not run: its ports refuse
	garbled bool // the service answers something that is no key protocol
	ident   *cert.Certificate
	trusts  *cert.Trust // whose client certificates it takes
	rank    string      // where its own storage is: a rank, "" for storage of its own
	at      *Lab        // whose rank

	pairs     []ipp.KeyPair
	ipp       *ipp.Server // nil: to be made anew from the pairs
	entropy   io.Reader   // of ipp
	badMemory bool
	lives     map[string]encgroup.KeyLife // by unique identifier; never ranged over

	product  Product             // "": Generic
	accepted []*x509.Certificate // clients that an SKLM has accepted
	pending  *x509.Certificate   // the last one that it has not
}

// Store is the key server's disk and power supply: stored keys can be lost and
// damaged there.
func (h *KeyHost) Store() *encgroup.MemServer { return h.mem }

// AddKeyServer puts another machine of the customer into the network, with the keys
// that the customer's other servers have. It is no key manager of the facility
// before MakeKeyManager. addr is a host name of 1 to 200 bytes.
func (l *Lab) AddKeyServer(addr string) (*KeyHost, error) {
	const op = "keyserver add"
	addr = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(addr)), ".")
	if l.host(addr) != nil {
		return nil, refuse(ErrInvalid, op, addr+" is there already", "names are unique")
	}
	if !hostName(addr) {
		return nil, refuse(ErrInvalid, op, fmt.Sprintf("host name %q", addr), "1 to 200 letters, digits, hyphens and dots are right; numbers alone are an address")
	}
	mem, err := l.cluster.Add(addr)
	if err != nil {
		return nil, fmt.Errorf("raslab: %w", err)
	}
	h, err := l.newHost(mem)
	if err != nil {
		return nil, err
	}
	for _, o := range l.hosts {
		if o.mem.Powered() {
			if err := h.RestoreFrom(o); err != nil {
				return nil, err
			}
			break
		}
	}
	l.hosts = append(l.hosts, h)
	for _, m := range l.keys.managers {
		if l.host(m.addr) == h {
			l.dial(m) // its address has a machine now
		}
	}
	l.logf("key server", "%s (%s) is in the network", h.Name, h.IP)
	return h, nil
}

func (l *Lab) newHost(mem *encgroup.MemServer) (*KeyHost, error) {
	h := &KeyHost{lab: l, Name: mem.ID(), IP: fmt.Sprintf("192.0.2.%d", 11+len(l.hosts)), mem: mem}
	h.trusts = cert.NewTrust(l.pki.factory.Certificate(), l.pki.customer.Certificate())
	var err error
	h.ident, err = issue(l.pki.customer, h.Name, cert.Server, l.pki.from, l.pki.to)
	return h, err
}

func (l *Lab) host(addr string) *KeyHost {
	for _, h := range l.hosts {
		if strings.EqualFold(h.Name, addr) || h.IP == addr {
			return h
		}
	}
	if canonical, ok := keyAddress(addr); ok && canonical != addr {
		return l.host(canonical)
	}
	return nil
}

// KeyHost is the machine behind a key server's name or address, to break it.
func (l *Lab) KeyHost(addr string) (*KeyHost, error) {
	if h := l.host(strings.TrimSpace(addr)); h != nil {
		return h, nil
	}
	return nil, refuse(ErrNotFound, "key server", fmt.Sprintf("no key server is called %q", addr), existing("key servers", l.hosts, func(h *KeyHost) string { return h.Name }))
}

// KeyHosts lists the customer's machines, in the order in which they came.
func (l *Lab) KeyHosts() []*KeyHost { return slices.Clone(l.hosts) }

// StopService ends the key server's process: the machine answers, its ports
// refuse.
func (h *KeyHost) StopService() { h.set(&h.down, true, "the service was ended: its ports refuse") }

// StartService starts the process again.
func (h *KeyHost) StartService() { h.set(&h.down, false, "the service runs") }

// Garble replaces the service by one that takes connections and speaks no key protocol.
func (h *KeyHost) Garble() {
	h.set(&h.garbled, true, "another service answers on the ports of the key server")
}

// Ungarble puts the right service back.
func (h *KeyHost) Ungarble() { h.set(&h.garbled, false, "the right service answers") }

func (h *KeyHost) set(what *bool, to bool, text string) {
	*what = to
	h.lab.logf("key server", "%s: %s", h.Name, text)
}

// Place moves the storage of the key server onto a rank of this or another
// facility: without access to that rank it does not run. An empty rank gives it storage of
// its own again.
func (h *KeyHost) Place(at *Lab, rank string) error {
	if rank == "" {
		h.at, h.rank = nil, ""
		h.lab.logf("key server", "%s has storage of its own", h.Name)
		return nil
	}
	r, err := at.plant.rankNamed("keyserver place", rank)
	if err != nil {
		return err
	}
	h.at, h.rank = at, r.name()
	h.lab.logf("key server", "%s keeps its storage on %s of facility %s", h.Name, h.rank, at.Serial())
	return nil
}

// Storage says where the key server keeps its storage: a facility's serial and a
// rank, or two empty strings.
func (h *KeyHost) Storage() (facility, rank string) {
	if h.at == nil {
		return "", ""
	}
	return h.at.Serial(), h.rank
}

// running says whether the machine has what it needs to run: power, and its storage.
func (h *KeyHost) running() bool {
	if !h.mem.Powered() {
		return false
	}
	if h.at == nil {
		return true
	}
	r, err := h.at.plant.rankNamed("key server", h.rank)
	return err == nil && (r.dataState() == "Normal" || r.dataState() == "Degraded")
}

// ConsoleInfo is one management console (HMC) and its links.
type ConsoleInfo struct {
	ID    int    // counts from 1
	Name  string // HMC1
	On    bool
	Hung  bool
	ESSNI bool      // the process that takes the commands of partitions and of DS CLI runs
	Links [2]string // to partition 0 and 1: "up", "cut", "stalled"
	CutTo []string  // key servers that its network does not reach, by name
}

// Consoles lists the management consoles.
func (h *hmc) Consoles() []ConsoleInfo {
	var out []ConsoleInfo
	for i := range h.consoles {
		c := &h.consoles[i]
		if !c.serves {
			continue
		}
		info := ConsoleInfo{ID: c.id, Name: c.name(), On: !c.off, Hung: c.hung, ESSNI: !c.essni}
		for p := range h.links {
			info.Links[p] = "up"
			switch k := &h.links[p][i]; {
			case k.cut:
				info.Links[p] = "cut"
			case k.stalled:
				info.Links[p] = "stalled"
			}
		}
		for _, h := range c.cutTo {
			info.CutTo = append(info.CutTo, h.Name)
		}
		if c.outsideCut {
			info.CutTo = append(info.CutTo, "the support centre")
		}
		out = append(out, info)
	}
	return out
}

func (l *Lab) console(op string, id int) (*console, error) {
	if id < 1 || id > l.options.Consoles {
		return nil, refuse(ErrNotFound, op, fmt.Sprintf("there is no console %d", id), fmt.Sprintf("consoles are 1 to %d", l.options.Consoles))
	}
	return &l.hmc.consoles[id-1], nil
}

// PowerConsole turns a console on or off.
func (l *Lab) PowerConsole(id int, on bool) error {
	return l.setConsole("hmc power", id, func(c *console) string {
		c.off = !on
		return map[bool]string{true: "is on", false: "is off"}[on]
	})
}

// HangConsole lets a console hang, or go on: a hung one takes commands and does
// not answer in time.
func (l *Lab) HangConsole(id int, hung bool) error {
	return l.setConsole("hmc hang", id, func(c *console) string {
		c.hung = hung
		return map[bool]string{true: "hangs", false: "answers"}[hung]
	})
}

// SetESSNI ends the network interface process of a console (ESSNI), or starts it again.
// The console itself goes on: the partitions reach it, and nothing takes their commands there.
func (l *Lab) SetESSNI(id int, up bool) error {
	return l.setConsole("hmc essni", id, func(c *console) string {
		c.essni = !up
		return map[bool]string{true: "runs ESSNI", false: "has no ESSNI: it takes no commands"}[up]
	})
}

func (l *Lab) setConsole(op string, id int, f func(*console) string) error {
	c, err := l.console(op, id)
	if err != nil {
		return err
	}
	l.logf(c.name(), "%s", f(c))
	return nil
}

func noPartition(id int) string { return fmt.Sprintf("there is no partition %d", id) }

// LinkState is what a link between partition and console is like.
type LinkState string

// The states of a link.
const (
	LinkUp      LinkState = "up"
	LinkCut     LinkState = "cut"
	LinkStalled LinkState = "stalled" // commands arrive, their answers do not come in time
)

// SetLink cuts, stalls or mends the link between a partition (0 or 1) and a console.
func (l *Lab) SetLink(partition, consoleID int, to LinkState) error {
	const op = "link set"
	c, err := l.console(op, consoleID)
	switch {
	case err != nil:
		return err
	case partition < 0 || partition > 1:
		return refuse(ErrNotFound, op, noPartition(partition), "partitions are 0 and 1")
	case to != LinkUp && to != LinkCut && to != LinkStalled:
		return refuse(ErrInvalid, op, fmt.Sprintf("no link can be %q", to), "up, cut and stalled are right")
	}
	k := &l.hmc.links[partition][consoleID-1]
	k.cut, k.stalled = to == LinkCut, to == LinkStalled
	l.logf("link", "partition %d to %s is %s", partition, c.name(), to)
	return nil
}

// SetPath cuts or mends the customer's network between a console and a key
// server: what is sent into a cut one is lost without an answer.
func (l *Lab) SetPath(consoleID int, addr string, up bool) error {
	c, err := l.console("path set", consoleID)
	if err != nil {
		return err
	}
	h, err := l.KeyHost(addr)
	if err != nil {
		return err
	}
	c.cutTo = slices.DeleteFunc(c.cutTo, func(o *KeyHost) bool { return o == h })
	if !up {
		c.cutTo = append(c.cutTo, h)
	}
	l.logf("network", "%s to %s is %s", c.name(), h.Name, map[bool]string{true: "up", false: "cut"}[up])
	return nil
}

// ArmNetwork arms a fault plan on the network between a console and the key
// servers (points "net.…"), ArmLink one on the link of a partition to a console ("link.…"). No
// plan (nil) disarms. A copy of the plan counts operations from now on.
func (l *Lab) ArmNetwork(consoleID int, plan *fault.Plan) error {
	c, err := l.console("fault arm", consoleID)
	if err != nil {
		return err
	}
	return l.arm(&c.plan, c.name()+" network", plan, "net")
}

// ArmLink is described at ArmNetwork.
func (l *Lab) ArmLink(partition, consoleID int, plan *fault.Plan) error {
	if _, err := l.console("fault arm", consoleID); err != nil {
		return err
	}
	if partition < 0 || partition > 1 {
		return refuse(ErrNotFound, "fault arm", noPartition(partition), "partitions are 0 and 1")
	}
	return l.arm(&l.hmc.links[partition][consoleID-1].plan, fmt.Sprintf("link of partition %d to HMC%d", partition, consoleID), plan, "link")
}

func (l *Lab) arm(where **fault.Plan, name string, plan *fault.Plan, component string) error {
	if plan == nil {
		*where = nil
		l.logf(name, "disarmed")
		return nil
	}
	for _, point := range plan.Points() {
		if point.Component() != component {
			return refuse(ErrInvalid, "fault arm", fmt.Sprintf("the %s has no fault point %s", name, point), "points of "+component+" are right here")
		}
	}
	*where = plan.Clone()
	l.logf(name, "armed %s", plan)
	return nil
}
