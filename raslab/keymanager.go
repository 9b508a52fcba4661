package raslab

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
	"github.com/seed-9d983aeb/fdelab/raslab/customer"
)

// keyManagersMax is how many key managers a facility may have (assumption).
const keyManagersMax = 8

// Protocol is how the connection to a key manager is protected.
type Protocol string

// KeyProtocol is what is spoken over the connection.
type KeyProtocol = customer.KeyProtocol

// The protocols, as DSCLI writes them.
const (
	ProtocolNone Protocol = "none"
	ProtocolTLS  Protocol = "tls"

	IPP  = customer.IPP
	KMIP = customer.KMIP
)

// keyManager is the facility's entry of a key server.
type keyManager struct {
	id        int
	active    bool
	addr      string
	port      int
	protocol  Protocol
	key       KeyProtocol
	group     int
	cert      string
	trust     *cert.Trust
	given     bool              // trust was
	warned    int               // of the certificate that its server shows
	shown     *cert.Certificate // that its server showed last, without private key; nil before
	speaks    string            // version of KMIP in use; "" before, and with IPP
	reached   string            // host:port of the server's end of the last real connection
	connected time.Time         // when that was, by the clock of the real world
	uid       string            // of the data key that life describes; "" if the server said nothing
	life      encgroup.KeyLife
	told      time.Time // when life was told, and seen when the certificate was shown, by the clock of now
	seen      time.Time
	lifeTold  int            // stage of life that was logged
	ip        string         // what the name service answered last; ""
	storage   *storageAnswer // where its server keeps its storage, by an operator; nil: nobody asked
	paths     [2]*keyPath
	external  encgroup.KeyServer

	access     map[int]*accessRecord // by group; never ranged over
	failed     bool                  // the last answer was none, or a bad one
	silent     bool                  // no communication since
	since      time.Time
	overTLS    bool // it was a TLS link that failed
	overdue    bool // four hours were reported
	silentWhy  string
	silentOver []int // partitions
}

type accessRecord struct {
	last             string
	success, failure time.Time
}

// KeyManagerInfo is a key manager as lskeymgr and showkeymgr show it.
type KeyManagerInfo struct {
	ID          int
	State       string // "active", "inactive"
	Status      string // "normal"; "failed" when its last retrieval failed (the word is an assumption)
	Addr        string
	Port        int
	Protocol    Protocol
	KeyProtocol KeyProtocol
	Type        string // "DAR", "TCT": that of its key group
	KeyGroup    int
	Certificate string // file name of the certificate by which the server is known; "" if none
	Trust       []byte // PEM of the authorities by which the server is known; nil without TLS
	GivenTrust  bool   // Trust was given; else it is the customer's authority in the lab
	Simulated   bool   // Addr is a machine of the lab's own network

	// What the server itself has told; zero before it was asked for a key.
	Version           string    // of KMIP in use, such as "1.4"; "" with IPP
	CertificateExpiry time.Time // of the certificate that it shows
	CertificateSeen   time.Time // when it showed it
	CertificateWarns  string    // "" or one clause
	KeyTold           time.Time // when it said so
	KeyState          string    // of the group's data key: "pre-active", "active", "deactivated", "compromised", "destroyed"; "" if it does not say
	KeyWarns          string    // "" or one clause: it is not as it should be, or soon will not be
}

// String is the key manager, its server and how it is.
func (m KeyManagerInfo) String() string {
	return fmt.Sprintf("key manager %d: %s, port %d, key group %d, %s, %s%s", m.ID, m.Addr, m.Port, m.KeyGroup, m.State, m.Status, because(m.KeyWarns))
}

// KeyManagerRequest is a key manager to be made. Zero values take the defaults
// in brackets.
type KeyManagerRequest struct {
	ID          int // 1 to 8 [the lowest that is free]
	Addr        string
	Port        int         // [5696 for KMIP, 441 for IPP with TLS, 3801 for IPP without]
	Protocol    Protocol    // [tls]
	KeyProtocol KeyProtocol // [KMIP]
	Type        string      // "DAR" or "TCT" [that of the key group, else DAR]
	KeyGroup    int         // 1 to 4 [1]
	Certificate string      // file name [of TLS: that of the customer's authority]
	Trust       []byte      // what the file holds: PEM of one or more authorities [the customer's]
}

// KeyManagerChange says what ChangeKeyManager changes: nil fields stay.
type KeyManagerChange struct {
	Addr        *string
	Port        *int
	Protocol    *Protocol
	KeyProtocol *KeyProtocol
	Active      *bool
	Certificate *string
	Trust       []byte // what Certificate holds; nil with a Certificate: the customer's authority
}

// customerCertificate is the file name of the customer's authority (assumption).
const customerCertificate = "customer_ca.pem"

// ReadTrust reads the file of a key manager's certificate for the field Trust. The name
// customer_ca.pem means the customer's authority where there is no file of that name, or read is
// nil.
func ReadTrust(name string, read func(name string) ([]byte, error)) ([]byte, error) {
	if read == nil {
		read = func(string) ([]byte, error) { return nil, fs.ErrNotExist }
	}
	data, err := read(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && name == customerCertificate:
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, refuse(ErrNotFound, "keymgr certificate", fmt.Sprintf("there is no file %q", name), "the PEM file of the server's authority is right; "+customerCertificate+" is the customer's")
	case err != nil:
		return nil, &RequestError{Op: "keymgr certificate", What: "the file cannot be read: " + firstLine(err), Kind: errors.Join(ErrInvalid, err)}
	case data == nil:
		data = []byte{} // an empty file is no certificate
	}
	return data, nil
}

// MakeKeyManager configures a key server of the customer. Nothing is sent to the server; the first
// request for a key finds out whether it is there.
func (l *Lab) MakeKeyManager(q KeyManagerRequest) (KeyManagerInfo, error) {
	const op = "keymgr make"
	m := &keyManager{active: true, addr: normalAddress(q.Addr), port: q.Port, protocol: q.Protocol, key: q.KeyProtocol, group: q.KeyGroup, cert: q.Certificate, id: q.ID}
	if m.protocol == "" {
		m.protocol = ProtocolTLS
	}
	if m.key == "" {
		m.key = KMIP
	}
	if m.group == 0 {
		m.group = 1
	}
	if m.port == 0 {
		m.port = defaultPort(m.protocol, m.key)
	}
	if m.cert == "" && m.protocol == ProtocolTLS {
		m.cert = customerCertificate
	}
	if m.id == 0 {
		m.id = l.keys.freeManager()
	}
	if err := l.checkManager(op, m, nil); err != nil {
		return KeyManagerInfo{}, err
	}
	trust, err := trustOf(op, q.Trust)
	if err != nil {
		return KeyManagerInfo{}, err
	}
	m.trust, m.given = trust, trust != nil
	if want := l.keys.groupKind(m.group); q.Type != "" && !strings.EqualFold(q.Type, want.String()) {
		if l.keys.group(m.group) != nil || len(l.keys.managersOf(m.group)) > 0 || kindNamed(q.Type) < 0 {
			return KeyManagerInfo{}, refuse(ErrInvalid, op, fmt.Sprintf("type %q for key group %d", q.Type, m.group), fmt.Sprintf("the group is of type %s", want))
		}
		l.keys.kinds[m.group] = encgroup.Kind(kindNamed(q.Type))
	}
	l.lay(m)
	l.keys.managers = insertByID(l.keys.managers, m, managerID)
	l.reconnect()
	l.logf("key manager", "%d: %s port %d, %s %s, key group %d", m.id, m.addr, m.port, m.protocol, m.key, m.group)
	return l.managerInfo(m), nil
}

func kindNamed(s string) int {
	switch strings.ToUpper(s) {
	case "DAR":
		return int(encgroup.DAR)
	case "TCT":
		return int(encgroup.TCT)
	}
	return -1
}

func managerID(m *keyManager) int { return m.id }

func (k *keys) freeManager() int {
	for id := 1; id <= keyManagersMax; id++ {
		if k.manager(id) == nil {
			return id
		}
	}
	return keyManagersMax + 1
}

func defaultPort(p Protocol, k KeyProtocol) int {
	switch {
	case k == KMIP:
		return customer.PortKMIP
	case p == ProtocolTLS:
		return customer.PortIPPTLS
	}
	return customer.PortIPP
}

// checkManager refuses an entry that is not possible.
func (l *Lab) checkManager(op string, m, but *keyManager) error {
	switch {
	case m.id < 1 || m.id > keyManagersMax:
		return refuse(ErrInvalid, op, fmt.Sprintf("key manager %d", m.id), fmt.Sprintf("numbers are 1 to %d", keyManagersMax))
	case but == nil && l.keys.manager(m.id) != nil:
		return refuse(ErrInvalid, op, fmt.Sprintf("key manager %d exists", m.id), "take another number, or change it")
	case withPort(m.addr):
		return refuse(ErrInvalid, op, fmt.Sprintf("%q is an address with a port", m.addr), "the port is a parameter of its own: addr is the address alone")
	case !isAddress(m.addr):
		return refuse(ErrInvalid, op, fmt.Sprintf("%q is not an address: %s", m.addr, addressRight), "")
	case m.port < 1 || m.port > 65535:
		return refuse(ErrInvalid, op, fmt.Sprintf("port %d", m.port), "1 to 65535 are right")
	case m.protocol != ProtocolNone && m.protocol != ProtocolTLS:
		return refuse(ErrInvalid, op, fmt.Sprintf("protocol %q", m.protocol), "none and tls are right")
	case m.key != IPP && m.key != KMIP:
		return refuse(ErrInvalid, op, fmt.Sprintf("key protocol %q", m.key), "IPP and KMIP are right")
	case m.key == KMIP && m.protocol != ProtocolTLS:
		return refuse(ErrInvalid, op, "KMIP without TLS", "KMIP needs protocol tls")
	case m.group < 1 || m.group > KeyGroupsMax:
		return refuse(ErrInvalid, op, fmt.Sprintf("key group %d", m.group), fmt.Sprintf("numbers are 1 to %d", KeyGroupsMax))
	}
	if g := l.keys.group(m.group); g != nil && g.enc.State() != encgroup.Unconfigured && m.key != g.protocol {
		return refuse(ErrState, op, fmt.Sprintf("key group %d speaks %s", m.group, g.protocol), "its data key cannot move to another key protocol: empty and remove the group, then configure it anew")
	}
	for _, o := range l.keys.managers {
		if o == but || o.group != m.group {
			continue
		}
		if why := l.oneServer(o, m); why != "" {
			return refuse(ErrInvalid, op, fmt.Sprintf("key manager %d is this server already: %s", o.id, why), "a key group has each server once")
		}
	}
	return nil
}

// trustOf reads the authorities by which a server is known.
func trustOf(op string, file []byte) (*cert.Trust, error) {
	if file == nil {
		return nil, nil
	}
	t, err := cert.ParseTrust(file)
	if err != nil {
		return nil, refuse(ErrInvalid, op, "the file holds no certificate that can be read", "PEM with a block CERTIFICATE for each authority is right")
	}
	return t, nil
}

// lay makes the ways from both partitions to the server.
func (l *Lab) lay(m *keyManager) {
	if m.trust == nil {
		m.trust = l.customerTrust()
	}
	m.access = map[int]*accessRecord{}
	for p := range m.paths {
		m.paths[p] = &keyPath{lab: l, partition: p, manager: m}
	}
	l.dial(m)
}

// dial asks Options.Dial for a real server at the address.
func (l *Lab) dial(m *keyManager) {
	if l.options.Dial != nil {
		m.external = l.options.Dial(l.managerInfo(m))
	}
}

// ChangeKeyManager changes an entry. An entry that is made inactive is not asked for keys.
func (l *Lab) ChangeKeyManager(id int, c KeyManagerChange) (KeyManagerInfo, error) {
	const op = "keymgr change"
	m, err := l.keys.managerNumbered(op, id)
	if err != nil {
		return KeyManagerInfo{}, err
	}
	n := *m
	if c.Addr != nil {
		n.addr = normalAddress(*c.Addr)
	}
	set(&n.port, c.Port)
	set(&n.protocol, c.Protocol)
	set(&n.key, c.KeyProtocol)
	set(&n.active, c.Active)
	set(&n.cert, c.Certificate)
	if c.Protocol != nil || c.KeyProtocol != nil {
		if c.Port == nil && m.port == defaultPort(m.protocol, m.key) {
			n.port = defaultPort(n.protocol, n.key)
		}
		switch {
		case n.protocol == ProtocolNone:
			n.cert = ""
		case n.cert == "":
			n.cert, n.trust = customerCertificate, l.customerTrust()
		}
	}
	if n.addr != m.addr || n.port != m.port || n.protocol != m.protocol || n.key != m.key {
		n.failed = false // nothing is known of the new path or its server
		n.shown, n.speaks, n.reached, n.uid, n.warned = nil, "", "", "", 0
		n.ip = ""
	}
	if n.addr != m.addr {
		n.storage = nil // the answer was for the server at the former address
	}
	if err := l.checkManager(op, &n, m); err != nil {
		return KeyManagerInfo{}, err
	}
	if c.Certificate != nil || c.Trust != nil {
		if n.trust, err = trustOf(op, c.Trust); err != nil {
			return KeyManagerInfo{}, err
		}
		if n.given = n.trust != nil; !n.given {
			n.trust = l.customerTrust()
		}
	}
	if !n.active {
		n.silent, n.overdue = false, false // it is not asked: nothing is known of its silence
	}
	paths := m.paths // they point to the entry
	*m = n
	m.paths = paths
	l.dial(m)
	l.reconnect()
	l.logf("key manager", "%d: %s port %d, %s %s, key group %d, %s", m.id, m.addr, m.port, m.protocol, m.key, m.group, m.state())
	return l.managerInfo(m), nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// RemoveKeyManager removes an entry; the server and its keys stay what they are.
func (l *Lab) RemoveKeyManager(id int) error {
	m, err := l.keys.managerNumbered("keymgr remove", id)
	if err != nil {
		return err
	}
	l.keys.managers = slices.DeleteFunc(l.keys.managers, func(o *keyManager) bool { return o == m })
	l.reconnect()
	l.logf("key manager", "%d: %s removed", m.id, m.addr)
	return nil
}

// KeyManagers lists the key managers, by number.
func (l *Lab) KeyManagers() []KeyManagerInfo {
	out := make([]KeyManagerInfo, len(l.keys.managers))
	for i, m := range l.keys.managers {
		out[i] = l.managerInfo(m)
	}
	return out
}

// KeyManager describes one.
func (l *Lab) KeyManager(id int) (KeyManagerInfo, error) {
	m, err := l.keys.managerNumbered("keymgr show", id)
	if err != nil {
		return KeyManagerInfo{}, err
	}
	return l.managerInfo(m), nil
}

func (l *Lab) managerInfo(m *keyManager) KeyManagerInfo {
	_, simulated := l.wire.Resolve(m.addr)
	i := KeyManagerInfo{
		ID: m.id, State: m.state(), Status: "normal", Addr: m.addr, Port: m.port, Protocol: m.protocol, KeyProtocol: m.key,
		Type: l.keys.groupKind(m.group).String(), KeyGroup: m.group, Certificate: m.cert,
		Simulated: simulated,
	}
	if m.protocol == ProtocolTLS {
		i.Trust, i.GivenTrust = m.trust.PEM(), m.given
	}
	if m.failed {
		i.Status = "failed"
	}
	i.Version = m.speaks
	if m.shown != nil {
		i.CertificateExpiry, i.CertificateSeen = m.shown.X509().NotAfter, m.seen
	}
	if g := l.keys.group(m.group); g != nil && m.uid != "" && m.uid == g.enc.UID() {
		i.KeyState, i.KeyTold = m.life.At(l.Now()).State.String(), m.told
	}
	i.CertificateWarns, i.KeyWarns = m.warnings(l)
	return i
}

func (m *keyManager) state() string {
	if m.active {
		return "active"
	}
	return "inactive"
}

func (k *keys) manager(id int) *keyManager {
	for _, m := range k.managers {
		if m.id == id {
			return m
		}
	}
	return nil
}

func (k *keys) managerNumbered(op string, id int) (*keyManager, error) {
	if m := k.manager(id); m != nil {
		return m, nil
	}
	return nil, refuse(ErrNotFound, op, fmt.Sprintf("there is no key manager %d", id), existing("key managers", k.managers, func(m *keyManager) string { return fmt.Sprint(m.id) }))
}

// managersOf lists the entries of a group; active ones among them are asked.
func (k *keys) managersOf(group int) (out []*keyManager) {
	for _, m := range k.managers {
		if m.group == group {
			out = append(out, m)
		}
	}
	return out
}

func (k *keys) activeOf(group int) []*keyManager {
	return slices.DeleteFunc(k.managersOf(group), func(m *keyManager) bool { return !m.active })
}

// location is the location code of a key server: its number and its address
// (MAP4980; the shape is an assumption).
func (m *keyManager) location() string {
	addr := m.addr
	if m.external == nil {
		if ip := m.paths[0].lab.ipOf(m); ip != "" {
			addr = ip
		}
	}
	return fmt.Sprintf("KS%d-%s", m.id, addr)
}
