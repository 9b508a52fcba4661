package encgroup

import (
	"fmt"
	"io"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// State is the state of a group. The numbers are those of a facility's list of encryption group
// states (IBM, MAP4980: {3,0} is one group accessible and one not configured; 1 and 2 are our
// assumption).
type State uint8

// The states. Each follows from the record and from whether the keys are in RAM.
const (
	Unconfigured State = 0 // there is no data key
	Configuring  State = 1 // a data key was requested and is not enabled yet (Prepare, Enabling)
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

// Group is one encryption group of a facility. It is not safe for concurrent use: one facility owns
// it.
type Group struct {
	rec     Record
	servers []KeyServer
	entropy io.Reader
	store   Store
	memory  Memory // nil: sound
	notes   Notes
	ram     vault     // nil unless accessible
	kept    *MemStore // what the store has; nil if that is in doubt, or from before a record had entries
}

// keys is all that a group has in RAM.
type keys struct {
	data      *secret.Key32 // nil once the group was recovered without it
	group     *secret.Key32
	next      *secret.Key32 // the next group key, while one is under way
	recovered bool          // by a recovery key: data is not known
}

// vault keeps keys in a closure, where fmt cannot look. Behind pointers and in unexported fields
// fmt prints the bytes of a key and does not call its String method.
type vault func() *keys

func lockUp(k *keys) vault { return func() *keys { return k } }

// New is a group for data at rest that was never configured. entropy is the source of the group
// key, store keeps the record; neither may be nil. servers may be empty.
func New(servers []KeyServer, entropy io.Reader, store Store) *Group {
	if entropy == nil || store == nil {
		panic("BUG: encgroup: a group needs a source of entropy and a store")
	}
	return &Group{servers: slices.Clone(servers), entropy: entropy, store: store, kept: &MemStore{}}
}

// NewOf is New for a group of any kind.
func NewOf(kind Kind, servers []KeyServer, entropy io.Reader, store Store) *Group {
	if kind > TCT {
		panic("BUG: encgroup: a group of " + kind.String())
	}
	g := New(servers, entropy, store)
	g.rec.Kind = kind
	return g
}

// Load is the group of a record from the facility's store. A configured group is inaccessible until
// Retrieve. No entries are those of a group never configured. A record from before it had entries
// is written anew at the first change. Errors: those of ReadRecord.
func Load(record []Entry, servers []KeyServer, entropy io.Reader, store Store) (*Group, error) {
	g := New(servers, entropy, store)
	if len(record) == 0 {
		return g, nil
	}
	var err error
	if g.rec, err = ReadRecord(record); err != nil {
		return nil, err
	}
	g.keeps(record)
	return g, nil
}

// keeps notes what the store has.
func (g *Group) keeps(record []Entry) {
	g.kept = nil
	if own, err := readGroup(record); err == nil && !own.whole {
		g.kept = &MemStore{}
		_ = g.kept.Replace(record)
	}
}

// State is the state of the group now.
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

// String is the state and the number of members.
func (g *Group) String() string {
	return fmt.Sprintf("encryption group %s, %d members", g.State(), len(g.Members()))
}

// Record is a copy of what the store holds.
func (g *Group) Record() Record {
	r := g.rec
	r.Members = slices.Clone(r.Members)
	r.Recovery, r.Escrows = slices.Clone(r.Recovery), slices.Clone(r.Escrows)
	return r
}

// UID is the identifier of the data key in force, "" before there is one.
func (g *Group) UID() string { return g.rec.UID }

// Kind is what the group's key protects.
func (g *Group) Kind() Kind { return g.rec.Kind }

// Servers lists the key servers in the order in which they are asked.
func (g *Group) Servers() []KeyServer { return slices.Clone(g.servers) }

// SetServers replaces the list of key servers: the customer adds, removes or orders them. A
// configured group may fall below MinServers; the facility's periodic check reports it.
func (g *Group) SetServers(servers []KeyServer) { g.servers = slices.Clone(servers) }

// Configure makes the data key and the group key, and the group is accessible. label is 0 to 64
// printable ASCII characters. The steps:
//
//  1. Prepare is recorded.
//  2. The first server that can makes a data key. Enabling is recorded.
//  3. That server and another one must both return the same key.
//  4. The group key is drawn, wrapped and signed. Enabled is recorded.
//
// If no other server returns the key, the group stays configuring. Configure called again goes on
// with the same data key. Errors: ErrGroupExists, ErrFewServers, *RetrieveError, ErrStore.
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
	dataKey, err := g.readBack(g.rec.UID, g.rec.Maker)
	if err != nil {
		return err
	}
	k := &keys{data: dataKey, group: new(secret.Key32)}
	if _, err := io.ReadFull(g.entropy, k.group[:]); err != nil {
		k.clear()
		return fmt.Errorf("encgroup: configure: no group key: %w", err)
	}
	r := g.rec
	r.Phase, r.Label = Enabled, label
	r.Wrapped, r.Signature = sealGroupKey(k.data, k.group, r.UID)
	r.Escrows = slices.Clone(r.Escrows)
	for i := range r.Escrows {
		if err := g.escrow(&r.Escrows[i], k, false); err != nil {
			k.clear()
			return err
		}
	}
	if err := g.save(r); err != nil {
		k.clear()
		return err
	}
	g.ram = lockUp(k)
	return nil
}

// Cancel makes a configuring group unconfigured again. A data key that was made stays on its server
// and protects nothing. A configured group is refused with ErrGroupExists.
func (g *Group) Cancel() error {
	if g.rec.Phase == Enabled {
		return fmt.Errorf("encgroup: cancel: %w", ErrGroupExists)
	}
	return g.save(g.blank())
}

// blank is the record without data key.
func (g *Group) blank() Record {
	return Record{Kind: g.rec.Kind, Recovery: g.rec.Recovery, Escrows: g.rec.Escrows}
}

// prepare asks the servers for the data key.
func (g *Group) prepare(label string) error {
	r := g.blank()
	r.Phase, r.Label = Prepare, label
	if err := g.save(r); err != nil {
		return err
	}
	uid, maker, failed := g.create(label)
	if failed != nil {
		if err := g.save(g.blank()); err != nil {
			return err
		}
		return failed
	}
	r.Phase, r.UID, r.Maker = Enabling, uid, maker
	return g.save(r)
}

// Retrieve asks the servers, in order, for the data key until one returns a key that unwraps the
// group key and matches its signature. Then the group is accessible. If none does, the
// *RetrieveError lists each server's reason, in order, and keys that are in RAM already stay there.
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

// TestAccess asks every server, in order, for the data key and tries it. It returns one entry for
// each server, with Err nil if the key is good. The state of the group does not change.
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
	r := &g.rec
	if k.group, err = unseal(g.memory, k.data, r.UID, r.Wrapped, r.Signature); err == nil && r.rekeying() {
		k.next, err = unseal(g.memory, k.data, r.UID, r.NextWrapped, r.NextSignature)
	}
	if err != nil {
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

func (k *keys) clear() {
	k.data.Clear()
	k.group.Clear()
	k.next.Clear()
}

// save makes r the record if the store accepts it. The members are as before.
func (g *Group) save(r Record) error {
	if g.kept == nil {
		return g.saveAll(r)
	}
	if err := r.checkOwn(); err != nil {
		return err
	}
	if err := r.checkCount(len(r.Members)); err != nil {
		return err
	}
	if err := g.keep([]Entry{r.entry(len(r.Members), g.kept.members)}); err != nil {
		return err
	}
	g.rec = r
	return nil
}

// saveAll makes r the record if the store accepts it, members included.
func (g *Group) saveAll(r Record) error {
	entries, err := r.Entries()
	if err != nil {
		return err
	}
	if err := g.store.Replace(Compose(g.memory, entries)); err != nil {
		g.kept = nil
		return fmt.Errorf("encgroup: %w: %w", ErrStore, err)
	}
	g.rec = r
	g.keeps(entries)
	return nil
}

// saveMember makes m a member, in the place of the one with its serial.
func (g *Group) saveMember(m Member) error {
	i, known := g.rec.find(m.Serial)
	if g.kept == nil {
		r := g.rec
		if r.Members = slices.Clone(r.Members); known {
			r.Members[i] = m
		} else {
			r.Members = slices.Insert(r.Members, i, m)
		}
		return g.saveAll(r)
	}
	e := m.entry()
	members, count := g.kept.with([]Entry{e})
	if err := g.rec.checkMember(m); err != nil {
		return err
	}
	if err := g.rec.checkCount(count); err != nil {
		return err
	}
	if err := g.keep([]Entry{g.rec.entry(count, members), e}); err != nil {
		return err
	}
	if known {
		g.rec.Members[i] = m
	} else {
		g.rec.Members = slices.Insert(g.rec.Members, i, m)
	}
	return nil
}

// keep saves entries, the group's among them. Once that has failed, the store may have either: the
// next change writes the whole record.
func (g *Group) keep(entries []Entry) error {
	if err := g.store.Save(Compose(g.memory, entries)); err != nil {
		g.kept = nil
		return fmt.Errorf("encgroup: %w: %w", ErrStore, err)
	}
	return g.kept.Save(entries)
}

// NamedSecret is a secret and its name in a report. Only the name is printed.
type NamedSecret struct {
	Name   string
	Secret *secret.Key32
}

// Secrets is every secret that can open the data range of the drive with this serial number: the
// data key (unless the group was recovered without it), the group key, the next group key, and the
// credential of each generation that derives from either. A serial that was never a member has no
// credentials. Secrets is for a forensic search of a drive's flash. The caller clears what it gets.
// Errors: ErrUnconfigured, ErrInaccessible.
func (g *Group) Secrets(serial string) ([]NamedSecret, error) {
	if g.ram == nil {
		return nil, fmt.Errorf("encgroup: secrets: %w", g.noKey())
	}
	k := g.ram()
	var out []NamedSecret
	if !k.recovered {
		out = append(out, NamedSecret{"data key", k.data.Clone()})
	}
	out = append(out, NamedSecret{"group key", k.group.Clone()})
	if g.rec.rekeying() {
		out = append(out, NamedSecret{"next group key", k.next.Clone()})
	}
	if i, ok := g.rec.find(serial); ok {
		m := g.rec.Members[i]
		for n := max(m.First, 1); n != 0 && n <= m.Last; n++ {
			out = append(out, NamedSecret{fmt.Sprintf("credential of %s, generation %d", serial, n), credential(k.of(m, n), serial, n)})
		}
	}
	return out, nil
}

// of is the group key that a member's generation derives from.
func (k *keys) of(m Member, generation uint32) *secret.Key32 {
	switch {
	case generation < m.First:
		panic("BUG: encgroup: a credential of a group key that is gone")
	case m.Next != 0 && generation >= m.Next:
		return k.next
	}
	return k.group
}

func (g *Group) noKey() error {
	if g.rec.Phase != Enabled {
		return ErrUnconfigured
	}
	return ErrInaccessible
}
