package encgroup

import (
	"crypto/subtle"
	"fmt"
	"io"
	"slices"

	"github.com/seed-9d983aeb/fdelab/internal/secret"
)

// State is the state of a group. The numbers are those that a storage facility
// shows in its list of encryption group states (IBM, MAP4980: {3,0} is one group
// accessible and one not configured; 1 and 2 are our assumption).
type State uint8

// The states. None is ever set: each follows from the record and from whether
// the keys are in RAM.
const (
	Unconfigured State = 0 // there is no data key
	Configuring  State = 1 // a data key was asked for, and is not enabled yet (Prepare, Enabling)
	Inaccessible State = 2 // configured; the group key is not in RAM, so no drive can be unlocked
	Accessible   State = 3 // configured, and the group key is in RAM
)

func (s State) String() string {
	switch s {
	case Unconfigured:
		return "unconfigured"
	case Configuring:
		return "configuring"
	case Inaccessible:
		return "inaccessible"
	case Accessible:
		return "accessible"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Group is one encryption group of a facility. It is not safe for concurrent
// use: the facility is its one owner.
type Group struct {
	rec     Record
	servers []KeyServer
	entropy io.Reader
	store   Store
	ram     vault // nil unless accessible
}

// keys is all that a group has in RAM.
type keys struct{ data, group secret.Key32 }

// vault holds keys where fmt can not look: it prints what is behind the pointers
// and in the unexported fields of whatever it is given, whoever holds it, and
// does not ask a key there how it wants to be printed. It can not open a closure.
type vault func() *keys

func lockUp(k *keys) vault { return func() *keys { return k } }

// New is a group that was never configured. entropy is the source of the group
// key; store keeps the record. Neither may be nil. There may be no server yet.
func New(servers []KeyServer, entropy io.Reader, store Store) *Group {
	if entropy == nil || store == nil {
		panic("BUG: encgroup: a group needs a source of entropy and a store")
	}
	return &Group{servers: slices.Clone(servers), entropy: entropy, store: store}
}

// Load is a group as the facility finds it in its store after power-on. A group
// that was configured is inaccessible until Retrieve. A nil or empty record is
// that of a group never configured; a damaged one gives ErrRecord.
func Load(record []byte, servers []KeyServer, entropy io.Reader, store Store) (*Group, error) {
	g := New(servers, entropy, store)
	if len(record) == 0 {
		return g, nil
	}
	if err := g.rec.UnmarshalBinary(record); err != nil {
		return nil, err
	}
	return g, nil
}

// State follows from the record and the keys in RAM.
func (g *Group) State() State {
	switch {
	case g.rec.Phase == NoDataKey:
		return Unconfigured
	case g.rec.Phase != Enabled:
		return Configuring
	case g.ram == nil:
		return Inaccessible
	}
	return Accessible
}

// String is the state and the number of members; it holds no secret.
func (g *Group) String() string {
	return fmt.Sprintf("encryption group %s, %d members", g.State(), len(g.Members()))
}

// Record is a copy of what the store holds.
func (g *Group) Record() Record {
	r := g.rec
	r.Members = slices.Clone(r.Members)
	return r
}

// Servers lists the key servers in the order in which they are asked.
func (g *Group) Servers() []KeyServer { return slices.Clone(g.servers) }

// SetServers replaces the list of key servers: the customer adds, removes or
// orders them. A configured group may fall below MinServers; it is the
// facility's periodic check that complains.
func (g *Group) SetServers(servers []KeyServer) { g.servers = slices.Clone(servers) }

// Configure makes the data key and the group key. The steps: Prepare is
// recorded; the first server that can makes a data key (Enabling is recorded);
// that server and another one must both give the same key; only then is the group key
// drawn, wrapped, signed and recorded as Enabled, and the group is accessible.
//
// When no other server shows the key the group stays configuring, and Configure
// called again goes on with the same data key. label is 0 to 64 printable ASCII characters.
// Errors: ErrGroupExists, ErrFewServers, *RetrieveError, ErrStore.
func (g *Group) Configure(label string) error {
	if g.rec.Phase == Enabled {
		return fmt.Errorf("encgroup: configure: %w", ErrGroupExists)
	}
	if err := checkLabel(label); err != nil {
		return fmt.Errorf("encgroup: configure: %w", err)
	}
	if len(g.servers) < MinServers {
		return fmt.Errorf("encgroup: configure: %w", ErrFewServers)
	}
	if g.rec.Phase != Enabling {
		if err := g.prepare(label); err != nil {
			return err
		}
	}
	dataKey, err := g.readBack()
	if err != nil {
		return err
	}
	k := &keys{data: dataKey}
	dataKey.Clear()
	if _, err := io.ReadFull(g.entropy, k.group[:]); err != nil {
		k.clear()
		return fmt.Errorf("encgroup: configure: no group key: %w", err)
	}
	r := g.rec
	r.Phase, r.Label = Enabled, label
	if r.Wrapped, r.Signature, err = seal(&k.data, &k.group, r.UID); err != nil {
		k.clear()
		return err
	}
	if err := g.save(r); err != nil {
		k.clear()
		return err
	}
	g.ram = lockUp(k)
	return nil
}

// Cancel gives up a configuration that can not be finished: a group that is
// configuring is unconfigured again. The data key that was made stays on its
// server and protects nothing. A group that is configured is refused with ErrGroupExists.
func (g *Group) Cancel() error {
	if g.rec.Phase == Enabled {
		return fmt.Errorf("encgroup: cancel: %w", ErrGroupExists)
	}
	return g.save(Record{})
}

// prepare asks the servers, in order, for a data key.
func (g *Group) prepare(label string) error {
	if err := g.save(Record{Phase: Prepare, Label: label}); err != nil {
		return err
	}
	failed := &RetrieveError{Op: "create"}
	for _, s := range g.servers {
		uid, err := s.Create(label)
		if err == nil && (uid == "" || len(uid) > 255) {
			err = fmt.Errorf("%w: a unique identifier of %d bytes", ErrProtocol, len(uid))
		}
		if err == nil {
			return g.save(Record{Phase: Enabling, Label: label, UID: uid, Maker: s.ID()})
		}
		failed.Servers = append(failed.Servers, ServerError{s.ID(), err})
	}
	if err := g.save(Record{}); err != nil {
		return err
	}
	return failed
}

// readBack fetches the data key from its maker and from one other server, and
// compares.
func (g *Group) readBack() (secret.Key32, error) {
	failed := &RetrieveError{Op: "read back"}
	var keys [2]secret.Key32
	var have [2]bool // the maker's, another one's
	defer func() { keys[0].Clear(); keys[1].Clear() }()
	for _, s := range g.servers {
		who := 1
		if s.ID() == g.rec.Maker {
			who = 0
		}
		if have[who] {
			continue
		}
		k, err := s.Get(g.rec.UID)
		if err == nil {
			keys[who], have[who] = k, true
			k.Clear()
		}
		failed.Servers = append(failed.Servers, ServerError{s.ID(), err})
	}
	if !have[0] || !have[1] {
		return secret.Key32{}, failed
	}
	if subtle.ConstantTimeCompare(keys[0][:], keys[1][:]) != 1 {
		for i := range failed.Servers {
			if failed.Servers[i].Err == nil {
				failed.Servers[i].Err = ErrDisagree
			}
		}
		return secret.Key32{}, failed
	}
	return keys[0], nil
}

// Retrieve asks the servers, in order, for the data key until one gives a key
// that unwraps the group key and carries its signature; then the group is
// accessible. Otherwise the *RetrieveError lists each server's reason, in order,
// and the group stays what it was: keys that are in RAM already stay there.
func (g *Group) Retrieve() error {
	if g.rec.Phase != Enabled {
		return fmt.Errorf("encgroup: retrieve: %w", ErrUnconfigured)
	}
	failed := &RetrieveError{Op: "retrieve"}
	for _, s := range g.servers {
		k, err := g.fetch(s)
		if err == nil {
			g.PowerOff()
			g.ram = lockUp(k)
			return nil
		}
		failed.Servers = append(failed.Servers, ServerError{s.ID(), err})
	}
	return failed
}

// TestAccess asks every server for the data key and tries it, in order: one
// entry for each, Err nil where the key is good. The state of the group does not
// change. It is what a periodic key retrieval and a test of access need.
func (g *Group) TestAccess() ([]ServerError, error) {
	if g.rec.Phase != Enabled {
		return nil, fmt.Errorf("encgroup: test access: %w", ErrUnconfigured)
	}
	out := make([]ServerError, len(g.servers))
	for i, s := range g.servers {
		k, err := g.fetch(s)
		if err == nil {
			k.clear()
		}
		out[i] = ServerError{s.ID(), err}
	}
	return out, nil
}

func (g *Group) fetch(s KeyServer) (*keys, error) {
	data, err := s.Get(g.rec.UID)
	if err != nil {
		return nil, err
	}
	k := &keys{data: data}
	data.Clear()
	if k.group, err = unseal(&k.data, &g.rec); err != nil {
		k.clear()
		return nil, err
	}
	return k, nil
}

// PowerOff clears both keys from RAM: a configured group is inaccessible.
func (g *Group) PowerOff() {
	if g.ram != nil {
		g.ram().clear()
		g.ram = nil
	}
}

func (k *keys) clear() { k.data.Clear(); k.group.Clear() }

// save makes r the record, if the store takes it.
func (g *Group) save(r Record) error {
	b, err := r.MarshalBinary()
	if err != nil {
		return err
	}
	if err := g.store.Save(b); err != nil {
		return fmt.Errorf("encgroup: %w: %w", ErrStore, err)
	}
	g.rec = r
	return nil
}

// NamedSecret is a secret with what it is called in a report. It prints its
// name only.
type NamedSecret struct {
	Name   string
	Secret secret.Key32
}

// Secrets is every secret that ever could have opened the drive with this serial
// number through this group: the data key, the group key, and the credential of
// each generation ever used. It exists for a forensic search of a drive's flash, and is the
// one place where secrets leave the group: whoever calls it clears them. It
// fails with ErrInaccessible without the keys, and gives no credentials for
// a serial that was never a member.
func (g *Group) Secrets(serial string) ([]NamedSecret, error) {
	if g.ram == nil {
		return nil, fmt.Errorf("encgroup: secrets: %w", g.noKey())
	}
	out := []NamedSecret{{"data key", g.ram().data}, {"group key", g.ram().group}}
	if i, ok := g.rec.find(serial); ok {
		for n := uint32(1); n != 0 && n <= g.rec.Members[i].Last; n++ {
			out = append(out, NamedSecret{fmt.Sprintf("credential of %s, generation %d", serial, n), credential(&g.ram().group, serial, n)})
		}
	}
	return out, nil
}

func (g *Group) noKey() error {
	if g.rec.Phase != Enabled {
		return ErrUnconfigured
	}
	return ErrInaccessible
}
