package encgroup

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// MemCluster is a customer's key servers in memory. Each has its own store of keys, and every two
// have a replication link. What can be broken is physical and below the KeyServer interface: power,
// the network cable to the facility, a replication link, a stalled process, a lost or a damaged
// key.
//
// A new key goes to the other servers at once. If the link or the other server is down, the key
// waits until both are back. A key that arrived once is never sent again.
type MemCluster struct {
	servers []*MemKeyServer
	cut     map[[2]int]bool
	entropy io.Reader
}

// MemKeyServer is one server of a MemCluster.
type MemKeyServer struct {
	cluster *MemCluster
	index   int
	id      string
	off     bool // no power
	unplugd bool // the cable to the facility is out
	stalled bool // the process takes connections and never answers
	made    int  // keys created here
	keys    []*memKey
	outbox  []delivery
}

type memKey struct {
	uid, label string
	key        func() *secret.Key32 // a closure, so that no fmt verb gets at it
}

// newMemKey takes the key over.
func newMemKey(uid, label string, key *secret.Key32) *memKey {
	return &memKey{uid, label, func() *secret.Key32 { return key }}
}

// delivery is a key that another server does not have yet.
type delivery struct {
	to  int
	uid string
}

// NewMemCluster makes one server for each ID, all powered and linked. IDs are distinct and have 1
// to 200 bytes. entropy is the source of the data keys.
func NewMemCluster(entropy io.Reader, ids ...string) (*MemCluster, error) {
	c := &MemCluster{cut: map[[2]int]bool{}, entropy: entropy}
	for _, id := range ids {
		if _, err := c.Add(id); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Clone is a cluster of its own in the same state: with the same servers, keys, links and what waits to be
// sent. entropy is the source of its data keys.
func (c *MemCluster) Clone(entropy io.Reader) *MemCluster {
	n := &MemCluster{cut: maps.Clone(c.cut), entropy: entropy}
	for _, s := range c.servers {
		o := *s
		o.cluster, o.outbox, o.keys = n, slices.Clone(s.outbox), nil
		for _, k := range s.keys {
			o.keys = append(o.keys, newMemKey(k.uid, k.label, k.key().Clone()))
		}
		n.servers = append(n.servers, &o)
	}
	return n
}

// Add puts one more server into the cluster, powered, linked and without keys.
func (c *MemCluster) Add(id string) (*MemKeyServer, error) {
	if _, err := c.Server(id); err == nil || id == "" || len(id) > 200 {
		return nil, fmt.Errorf("encgroup: key server ID %q, need distinct names of 1 to 200 bytes", id)
	}
	s := &MemKeyServer{cluster: c, index: len(c.servers), id: id}
	c.servers = append(c.servers, s)
	return s, nil
}

// Servers lists the servers, in order, as a group takes them.
func (c *MemCluster) Servers() []KeyServer {
	out := make([]KeyServer, len(c.servers))
	for i, s := range c.servers {
		out[i] = s
	}
	return out
}

// Server is the server with this ID.
func (c *MemCluster) Server(id string) (*MemKeyServer, error) {
	for _, s := range c.servers {
		if s.id == id {
			return s, nil
		}
	}
	return nil, fmt.Errorf("encgroup: no key server %q", id)
}

// CutLink cuts the replication link between two servers.
func (c *MemCluster) CutLink(a, b string) error { return c.setLink(a, b, true) }

// MendLink mends the link: keys that waited are delivered.
func (c *MemCluster) MendLink(a, b string) error { return c.setLink(a, b, false) }

func (c *MemCluster) setLink(a, b string, cut bool) error {
	x, err := c.Server(a)
	if err != nil {
		return err
	}
	y, err := c.Server(b)
	if err != nil {
		return err
	}
	if x == y {
		return fmt.Errorf("encgroup: key server %q has no replication link to itself", a)
	}
	c.cut[link(x.index, y.index)] = cut
	c.replicate()
	return nil
}

func link(a, b int) [2]int { return [2]int{min(a, b), max(a, b)} }

// replicate delivers what can be delivered now.
func (c *MemCluster) replicate() {
	for _, s := range c.servers {
		var wait []delivery
		for _, d := range s.outbox {
			to := c.servers[d.to]
			if s.off || to.off || c.cut[link(s.index, d.to)] {
				wait = append(wait, d)
				continue
			}
			// The source sends what it has now: a key damaged meanwhile goes damaged, a lost one
			// does not go.
			if i := s.find(d.uid); i >= 0 && to.find(d.uid) < 0 {
				k := s.keys[i]
				to.keys = append(to.keys, newMemKey(k.uid, k.label, k.key().Clone()))
			}
		}
		s.outbox = wait
	}
}

// ID names the server.
func (s *MemKeyServer) ID() string { return s.id }

// String is the ID; the keys stay inside.
func (s *MemKeyServer) String() string { return s.id }

// Create makes a data key and sends it to the other servers.
func (s *MemKeyServer) Create(label string) (string, error) {
	if err := s.Reach(); err != nil {
		return "", err
	}
	key := new(secret.Key32)
	if _, err := io.ReadFull(s.cluster.entropy, key[:]); err != nil {
		key.Clear()
		return "", fmt.Errorf("%w: no entropy: %w", ErrRefused, err)
	}
	defer key.Clear()
	return s.Register(label, key)
}

// Register keeps a copy of a data key that the client made, and sends it to the other servers.
func (s *MemKeyServer) Register(label string, key *secret.Key32) (uid string, err error) {
	if err := s.Reach(); err != nil {
		return "", err
	}
	key = key.Clone()
	s.made++
	k := newMemKey(fmt.Sprintf("%s-%04d", s.id, s.made), label, key)
	s.keys = append(s.keys, k)
	for i := range s.cluster.servers {
		if i != s.index {
			s.outbox = append(s.outbox, delivery{i, k.uid})
		}
	}
	s.cluster.replicate()
	return k.uid, nil
}

// Get returns a key of this server's own store.
func (s *MemKeyServer) Get(uid string) (*secret.Key32, error) {
	if err := s.Reach(); err != nil {
		return nil, err
	}
	i := s.find(uid)
	if i < 0 {
		return nil, ErrNoKey
	}
	return s.keys[i].key().Clone(), nil
}

// Reach is what a client meets on the way: nil, ErrUnreachable or ErrTimeout.
func (s *MemKeyServer) Reach() error {
	switch {
	case s.off || s.unplugd:
		return ErrUnreachable
	case s.stalled:
		return ErrTimeout
	}
	return nil
}

func (s *MemKeyServer) find(uid string) int {
	return slices.IndexFunc(s.keys, func(k *memKey) bool { return k.uid == uid })
}

// PowerOff takes the server's power. Its keys are on its disk and stay.
func (s *MemKeyServer) PowerOff() { s.off = true }

// PowerOn gives the server power: keys that waited are delivered.
func (s *MemKeyServer) PowerOn() {
	s.off = false
	s.cluster.replicate()
}

// Powered says whether it has power.
func (s *MemKeyServer) Powered() bool { return !s.off }

// Unplug pulls the cable to the facility; replication goes on.
func (s *MemKeyServer) Unplug() { s.unplugd = true }

// Plug puts the cable back.
func (s *MemKeyServer) Plug() { s.unplugd = false }

// Stall stops the server's process: it takes connections and never answers.
func (s *MemKeyServer) Stall() { s.stalled = true }

// Resume lets the process run again.
func (s *MemKeyServer) Resume() { s.stalled = false }

// Keys lists the unique identifiers in the server's store, in order of arrival.
func (s *MemKeyServer) Keys() []string {
	out := make([]string, len(s.keys))
	for i, k := range s.keys {
		out[i] = k.uid
	}
	return out
}

// LoseKey removes a key from this server's disk; the others keep theirs.
func (s *MemKeyServer) LoseKey(uid string) error {
	i := s.find(uid)
	if i < 0 {
		return fmt.Errorf("encgroup: key server %q: %w: %q", s.id, ErrNoKey, uid)
	}
	s.keys[i].key().Clear()
	s.keys = slices.Delete(s.keys, i, i+1)
	return nil
}

// DamageKey flips one bit (0 to 255) of a key on this server's disk.
func (s *MemKeyServer) DamageKey(uid string, bit int) error {
	i := s.find(uid)
	if i < 0 {
		return fmt.Errorf("encgroup: key server %q: %w: %q", s.id, ErrNoKey, uid)
	}
	if bit < 0 || bit > 255 {
		return fmt.Errorf("encgroup: bit %d of a key, need 0 to 255", bit)
	}
	s.keys[i].key()[bit/8] ^= 1 << (bit % 8)
	return nil
}

// RestoreFrom is the customer's repair: it copies every key of server o to s, over what is there.
func (s *MemKeyServer) RestoreFrom(o *MemKeyServer) error {
	if o.off || s.off {
		return fmt.Errorf("encgroup: restore of key server %q from %q: %w", s.id, o.id, ErrUnreachable)
	}
	for _, k := range o.keys {
		n := newMemKey(k.uid, k.label, k.key().Clone())
		if i := s.find(k.uid); i >= 0 {
			s.keys[i] = n
		} else {
			s.keys = append(s.keys, n)
		}
	}
	return nil
}
