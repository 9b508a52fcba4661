package customer

import (
	"crypto/x509"
	"fmt"
	"io"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/cert"
	"github.com/seed-9d983aeb/fdelab/encgroup/ipp"
	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/ttlv"
	"github.com/seed-9d983aeb/fdelab/raslab/request"
)

// KeyServer is the machine of one key server: what is in it can be broken without a word to
// the facility.
type KeyServer struct {
	site *Site
	Name string // keyserver1.example.com
	IP   string // 192.0.2.11 (RFC 5737 addresses)

	mem     *encgroup.MemKeyServer
	down    bool // the service does not run: its ports refuse
	garbled bool // the service answers something that is no key protocol
	shown   *cert.Certificate
	trusts  *cert.Trust // whose client certificates it takes
	storage Storage     // nil: disks of its own

	pairs     []ipp.KeyPair
	ipp       *ipp.Server `image:"wired"` // nil: to be made anew from the pairs
	entropy   io.Reader   // of ipp
	badMemory bool
	decoder   ttlv.Decoder                // of requests of KMIP
	lives     map[string]encgroup.KeyLife // by unique identifier; never ranged over

	product  Product
	accepted []*x509.Certificate // clients that an SKLM has accepted
	pending  *x509.Certificate   // the last one that it has not
}

// Storage is what the disks of a machine can lie on: a rank of a facility.
type Storage interface {
	// Where gives the serial number of the facility and the name of the rank.
	Where() (facility, rank string)
	// Readable says whether a host can read it now.
	Readable() bool
}

// KeyServerInfo is how a machine is.
type KeyServerInfo struct {
	ID   int    // counts from 1
	Addr string // keyserver1.example.com
	IP   string
	Up   bool // it has power
	// Service is true if the key service runs too, as far as the machine itself goes.
	Service        bool
	Facility, Rank string // where it keeps its storage; empty: storage of its own
}

// String is the key server and how it is.
func (k KeyServerInfo) String() string {
	return fmt.Sprintf("key server %d: %s, up %v, key service %v", k.ID, k.Addr, k.Up, k.Service)
}

// Info lists how the machines are, in the order of KeyServers.
func (s *Site) Info() []KeyServerInfo {
	out := make([]KeyServerInfo, len(s.servers))
	for i, k := range s.servers {
		out[i] = KeyServerInfo{ID: i + 1, Addr: k.Name, IP: k.IP, Up: k.mem.Powered(), Service: !k.down && !k.garbled && k.running()}
		out[i].Facility, out[i].Rank = k.Storage()
	}
	return out
}

// Store is the machine's disk and power supply: stored keys can be lost and damaged there.
func (k *KeyServer) Store() *encgroup.MemKeyServer { return k.mem }

// Stop takes the machine's power; it keeps its keys.
func (k *KeyServer) Stop() {
	k.mem.PowerOff()
	k.site.logf("key server", "%s stopped", k.Name)
}

// Start gives it back.
func (k *KeyServer) Start() {
	k.mem.PowerOn()
	k.site.logf("key server", "%s started", k.Name)
}

// StopService ends the key server's process: the machine answers, its ports refuse.
func (k *KeyServer) StopService() { k.set(&k.down, true, "the service was ended: its ports refuse") }

// StartService starts the process again.
func (k *KeyServer) StartService() { k.set(&k.down, false, "the service runs") }

// Garble replaces the service by one that takes connections and speaks no key protocol.
func (k *KeyServer) Garble() {
	k.set(&k.garbled, true, "another service answers on the ports of the key server")
}

// Ungarble puts the right service back.
func (k *KeyServer) Ungarble() { k.set(&k.garbled, false, "the right service answers") }

// BreakMemory puts a bad memory module into the machine, or a good one: a bit of each key
// flips on its way from the disk to the network.
func (k *KeyServer) BreakMemory(bad bool) {
	k.set(&k.badMemory, bad, map[bool]string{true: "a memory module is bad", false: "its memory is good"}[bad])
}

func (k *KeyServer) set(what *bool, to bool, text string) {
	*what = to
	k.site.logf("key server", "%s: %s", k.Name, text)
}

// remembers is what the memory makes of a key.
func (k *KeyServer) remembers(key *secret.Key32) {
	if k.badMemory {
		key[9] ^= 0x04
	}
}

// Place moves the storage of the machine onto a rank of some facility: while nobody can read that
// rank the machine does not run. nil gives it disks of its own again.
func (k *KeyServer) Place(on Storage) {
	k.storage = on
	if on == nil {
		k.site.logf("key server", "%s has storage of its own", k.Name)
		return
	}
	facility, rank := on.Where()
	k.site.logf("key server", "%s keeps its storage on %s of facility %s", k.Name, rank, facility)
}

// Storage says where the machine keeps its storage: a facility's serial and a rank, or two
// empty strings.
func (k *KeyServer) Storage() (facility, rank string) {
	if k.storage == nil {
		return "", ""
	}
	return k.storage.Where()
}

// running says whether the machine has what it needs to run: power, and its storage.
func (k *KeyServer) running() bool {
	return k.mem.Powered() && (k.storage == nil || k.storage.Readable())
}

// RestoreFrom is the customer's repair: keys and key pairs that the other server has are
// copied from it, over what is here.
func (k *KeyServer) RestoreFrom(o *KeyServer) error {
	if k == o {
		return request.Refuse(request.ErrInvalid, "keyserver restore", k.Name+" from itself", "name another key server")
	}
	if err := k.mem.RestoreFrom(o.mem); err != nil {
		return fmt.Errorf("raslab: %w", err)
	}
	k.restoreLives(o)
	k.restorePairs(o)
	return nil
}
