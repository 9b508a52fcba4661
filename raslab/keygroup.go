package raslab

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/reckey"
)

// KeyGroupsMax is how many encryption groups a facility may have (assumption).
const KeyGroupsMax = 4

// keys is what the facility knows of its key groups and of the way to their keys.
type keys struct {
	managers    []*keyManager // by id
	kinds       map[int]encgroup.Kind
	groups      []*keyGroup   // by id
	unlicensed  bool          // the licence key for encryption is missing
	cutOff      bool          // BE14E004, BE14E008 or BE14E009 was reported, and no server has answered since
	querying    bool          // every 12 minutes, until each server answers
	periodicDue time.Duration // since the start of the clock
}

// keyGroup is an encryption group and its number in the facility.
type keyGroup struct {
	lab *Lab
	id  int
	enc *encgroup.Group
	why string // why the last retrieval failed; "" if it did not

	entropy  io.Reader
	store    *recordStore
	protocol KeyProtocol // of its key managers when it was configured
	labels   [2]string   // of the key pairs that wrap its data key, with IPP
	broken   error       // the record could not be read at the last IML
	dataKey  time.Time
	recovery *reckey.Recovery
	without  []int         // partitions that did not get the key themselves at the last retrieval
	answered []*keyManager // that answered, without the key, when lost connectivity was reported
}

// GroupInfo is an encryption group as showkeygrp shows it.
type GroupInfo struct {
	ID      int
	State   string // "unconfigured", "configuring", "accessible", "inaccessible"
	Code    int    // its number in a list such as {3,0}
	Label   string
	Ranks   []string
	Members []string // serials, ascending
	Why     string   // why it is not accessible; "" when it is
	Next    string   // what brings it back; "" when it is accessible

	// As showkeygrp shows it.
	Type              string // "DAR", "TCT"
	NumRanks          int
	NumPools          int
	ReckeyState       string    // the words of reckey.State: "unconfigured", "disabled", "configured", ...
	ReckeyDate        time.Time // zero: never
	DataKeyDate       time.Time // when the data key in force was made
	GroupStatus       string    // "normal", "critical" (the second word is an assumption)
	ManagerStatus     string    // "normal", "degraded" when some key manager failed last, "critical" when all did (assumptions)
	Label2            string    // the second label of IPP; "" with KMIP, which shows "-" for both
	Certificate       string    // "CUSTOMER", "DEFAULT", "" if none is installed
	CertificateExpiry time.Time
	CertificateWarns  string // "" or one clause
	UUID              string // 64 hexadecimal digits: SHA-256 of the data key's identifier (assumption)
	KeyProtocol       KeyProtocol
	KeyWarns          []string // warnings about the data key at each key manager, and about the certificate of its server
}

// String is the group, how it is and how many drives belong to it.
func (g GroupInfo) String() string {
	return fmt.Sprintf("key group %d: %s, %d members%s", g.ID, g.State, len(g.Members), because(g.Why))
}

// locksData says whether data of ranks wait for the key of this group. Objects in the cloud, and a
// group that no rank uses, keep no partition from its data (assumption).
func (g *keyGroup) locksData() bool {
	return g.enc.State() == encgroup.Inaccessible && g.lab.plant.lacking(g)
}

// lacking says whether a rank needs the key of a group.
func (p *plant) lacking(g *keyGroup) bool {
	return slices.ContainsFunc(p.ranks, func(r *Rank) bool { return r.keygrp == g.id })
}

func (g *keyGroup) location() string { return fmt.Sprintf("KG%d", g.id) }

// keep sends the group's record without the members to the consoles. It is called when the data key
// has just opened the record.
func (g *keyGroup) keep() {
	rec := g.enc.Record()
	rec.Members = nil
	g.store.backup = &rec
}

// group is the encryption group with a number; nil for 0 and for one that does
// not exist.
func (k *keys) group(id int) *keyGroup {
	for _, g := range k.groups {
		if g.id == id {
			return g
		}
	}
	return nil
}

// usableGroup is the group that a rank is to be in: nil for 0.
func (k *keys) usableGroup(op string, id int) (*keyGroup, error) {
	if id == 0 {
		return nil, nil
	}
	g := k.group(id)
	if g == nil {
		return nil, refuse(ErrNotFound, op, fmt.Sprintf("key group %d is not configured", id), "configure it first, or take 0 for a rank without encryption")
	}
	if g.enc.State() != encgroup.Accessible {
		return nil, refuse(ErrNoAccess, op, fmt.Sprintf("key group %d is %s", id, g.enc.State()), "see to its key servers, then repeat the IML")
	}
	return g, nil
}

// ConfigureGroup configures encryption group id (1 to 4) with its active key managers. The group
// has the type of its managers (DAR by default) and their key protocol, one for all (assumption).
// With IPP, labels name one or two key pairs at the key servers; the default is those that the
// customer has for this facility. If the data key cannot be made, or a second server does not give
// it back, the report has Failed set and the group stays unconfigured or configuring. Calling
// ConfigureGroup again goes on.
func (l *Lab) ConfigureGroup(id int, labels ...string) (out Report, bad error) {
	const op = "group configure"
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	if id < 1 || id > KeyGroupsMax {
		return Report{}, refuse(ErrInvalid, op, fmt.Sprintf("no key group can have the number %d", id), fmt.Sprintf("numbers are 1 to %d", KeyGroupsMax))
	}
	g := l.keys.group(id)
	if g != nil && g.enc.State() >= encgroup.Inaccessible {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("key group %d is configured already", id), "")
	}
	if err := l.licensed(op); err != nil {
		return Report{}, err
	}
	if n := len(l.keys.activeOf(id)); n < encgroup.MinServers {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("key group %d has %s", id, plural(n, "key server")), fmt.Sprintf("at least %d are needed", encgroup.MinServers))
	}
	l.greet(id)
	l.reconnect()
	if len(l.serversOf(id)) < encgroup.MinServers {
		return Report{}, refuse(ErrState, op, l.fewServers(id), fmt.Sprintf("at least %d are needed", encgroup.MinServers))
	}
	pairs, protocol, err := l.keys.labelsOf(op, id, labels)
	if err != nil {
		return Report{}, err
	}
	if g != nil && g.enc.State() == encgroup.Configuring && pairs != g.labels && strings.Join(labels, "") != "" {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("the data key of key group %d is wrapped with labels %s and %s already", id, g.labels[0], g.labels[1]), "leave the labels out, or remove the group and begin anew")
	}
	if g == nil {
		g = &keyGroup{lab: l, id: id, entropy: l.stream(fmt.Sprintf("group %d", id)), store: &recordStore{lab: l, group: id, name: fmt.Sprintf("key group %d", id)}}
		g.enc = encgroup.NewOf(l.keys.groupKind(id), l.eitherPaths(id), g.entropy, g.store)
		g.enc.SetMemory(&l.sfi.partitions[0].memory)
		g.enc.SetNotes(notes{l})
		l.keys.groups = insertByID(l.keys.groups, g, func(g *keyGroup) int { return g.id })
	}
	if g.enc.State() == encgroup.Unconfigured {
		g.protocol, g.labels = protocol, pairs
	}
	rep := l.begin(op, fmt.Sprint(id))
	if err := g.enc.Configure(fmt.Sprintf("%s-%d", l.options.Serial, id)); err != nil {
		g.why = err.Error()
		rep.r.Failed = true
		rep.note("key group %d is %s: %v", id, g.enc.State(), err)
		return rep.done(), nil
	}
	g.why, g.dataKey = "", l.Now()
	g.keep()
	rep.note("key group %d is %s", id, g.enc.State())
	return rep.done(), nil
}

// Groups lists the encryption groups that exist, by number.
func (l *Lab) Groups() []GroupInfo {
	out := make([]GroupInfo, len(l.keys.groups))
	for i, g := range l.keys.groups {
		out[i] = l.groupInfo(g)
	}
	return out
}

// GroupByID describes one encryption group.
func (l *Lab) GroupByID(id int) (GroupInfo, error) {
	g := l.keys.group(id)
	if g == nil {
		return GroupInfo{}, refuse(ErrNotFound, "group show", fmt.Sprintf("key group %d is not configured", id), "configure it first")
	}
	return l.groupInfo(g), nil
}

func (l *Lab) groupInfo(g *keyGroup) GroupInfo {
	rec := g.enc.Record()
	i := GroupInfo{
		ID: g.id, State: g.enc.State().String(), Code: int(g.enc.State()), Label: rec.Label, Type: rec.Kind.String(),
		DataKeyDate: g.dataKey, GroupStatus: "normal", ManagerStatus: l.keys.managerStatus(g.id),
		KeyProtocol: g.protocol,
	}
	for _, w := range l.keyWarnings(g.id) {
		i.KeyWarns = append(i.KeyWarns, w.String())
	}
	if g.protocol == IPP {
		i.Label, i.Label2 = g.labels[0], g.labels[1]
	}
	if s, err := g.recoveryKey().Status(); err == nil {
		i.ReckeyState, i.ReckeyDate = s.State.String(), s.Date
	}
	if g.enc.State() != encgroup.Accessible {
		i.Why = g.why
	}
	if g.enc.State() == encgroup.Inaccessible {
		i.GroupStatus, i.Next = "critical", g.wayBack()
	}
	pools := map[int]bool{}
	for _, r := range l.plant.ranks {
		if r.keygrp == g.id {
			i.Ranks = append(i.Ranks, r.name())
			pools[r.pool()] = true
		}
	}
	i.NumRanks, i.NumPools = len(i.Ranks), len(pools)
	for _, m := range g.enc.Members() {
		i.Members = append(i.Members, m.Serial)
	}
	if rec.UID != "" {
		i.UUID = fmt.Sprintf("%X", sha256.Sum256([]byte(rec.UID)))
	}
	own := l.FacilityCertificate()
	i.Certificate, i.CertificateExpiry, i.CertificateWarns = own.Kind, own.Expiry, own.Warning
	return i
}

func (k *keys) managerStatus(group int) string {
	all := k.activeOf(group)
	bad := 0
	for _, m := range all {
		if m.failed {
			bad++
		}
	}
	switch {
	case bad == len(all):
		return "critical"
	case bad > 0:
		return "degraded"
	}
	return "normal"
}

// GroupStates is the state of each encryption group by its number, as the panel
// Manage SFI Resources shows it: {3,0} is group 1 accessible and group 2 not
// configured (IBM, MAP4980). There are at least two numbers.
func (k *keys) GroupStates() []int {
	n := 2
	for _, g := range k.groups {
		n = max(n, g.id)
	}
	out := make([]int, n)
	for _, g := range k.groups {
		out[g.id-1] = int(g.enc.State())
	}
	return out
}

// groupKind is what the key of a group protects, or will protect.
func (k *keys) groupKind(id int) encgroup.Kind {
	if g := k.group(id); g != nil {
		return g.enc.Kind()
	}
	return k.kinds[id]
}

// RemoveGroup removes an encryption group that no rank uses and no drive is a
// member of. Its data key stays on the key servers.
func (l *Lab) RemoveGroup(id int) (rep Report, err error) {
	const op = "group remove"
	defer l.recovered(op, &rep, &err)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	g := l.keys.group(id)
	switch {
	case g == nil:
		return Report{}, refuse(ErrNotFound, op, fmt.Sprintf("key group %d is not configured", id), "")
	case len(l.groupInfo(g).Ranks) > 0:
		return Report{}, refuse(ErrState, op, fmt.Sprintf("key group %d holds rank %s", id, l.groupInfo(g).Ranks[0]), "remove its ranks first")
	case l.cloud.of(id) > 0 || l.cloud.broken != nil && g.enc.Kind() == encgroup.TCT:
		return Report{}, refuse(ErrState, op, fmt.Sprintf("objects in the cloud need the key of key group %d", id), "recall and delete them first")
	case len(g.enc.Members()) > 0:
		return Report{}, refuse(ErrState, op, fmt.Sprintf("drive %s is still a member of key group %d", g.enc.Members()[0].Serial, id), "erase it first")
	}
	if err := g.store.drop(); err != nil {
		return Report{}, fmt.Errorf("raslab: %w", err)
	}
	r := l.begin(op, fmt.Sprint(id))
	g.enc.PowerOff()
	l.keys.groups = slices.DeleteFunc(l.keys.groups, func(o *keyGroup) bool { return o == g })
	r.note("key group %d is removed", id)
	return r.done(), nil
}

// Group is the encryption group itself, for tests and tools; nil if it does not
// exist.
func (k *keys) Group(id int) *encgroup.Group {
	if g := k.group(id); g != nil {
		return g.enc
	}
	return nil
}

// owner is the group that has a serial number as a member; nil if no group of the facility has.
func (k *keys) owner(serial string) *keyGroup {
	for _, g := range k.groups {
		if _, ok := g.enc.Member(serial); ok {
			return g
		}
	}
	return nil
}

// ownerOf is the group that has the drive in a slot as a member. It is nil if no group has, or if
// the drive proves to be another one with the serial number of a member.
func (l *Lab) ownerOf(s *slot) *keyGroup {
	g := l.keys.owner(s.port.Serial())
	if g == nil {
		return nil
	}
	id, err := l.custody.identify(s)
	if err != nil {
		return g // the label decides; the drive opens only to its own credential
	}
	namesakes := false
	for _, e := range l.custody.named[s.port.Serial()] {
		if e.State != CustodyHolds {
			continue
		}
		if e.Identity == id || e.Identity.IsZero() {
			return g
		}
		namesakes = true
	}
	if namesakes {
		return nil
	}
	return g
}

// admit brings a drive into the group: it gets a new MEK and its credential.
func (g *keyGroup) admit(s *slot) error {
	c := &g.lab.custody
	before, keys, fresh := c.before([]*slot{s}), s.port.Status().KeyGeneration, !c.due(s)
	if fresh {
		c.uses(fmt.Sprintf("joined key group %d", g.id), s)
	}
	err := g.enc.Admit(&s.port)
	if errors.Is(err, encgroup.ErrMember) {
		err = g.enc.Readmit(&s.port)
	}
	if st := s.port.Status(); fresh && (untouched(err) || err != nil && st.Powered && st.State == drive.Erased && st.KeyGeneration == keys) {
		c.spared([]*slot{s}, before) // it is as it was
	}
	if d := g.lab.owed.debtOf(s.port.Serial()); err == nil && d != nil && d.stage == toForget {
		g.lab.owed.settle(d.serial)
	}
	return g.noted(s, err)
}

// readmit takes a member back with the data that it has.
func (g *keyGroup) readmit(s *slot) error { return g.noted(s, g.enc.Readmit(&s.port)) }

// probe authenticates with the member's credential.
func (g *keyGroup) probe(s *slot) error { return g.enc.Unlock(&s.port) }

// unlock opens a member after a power cycle.
func (g *keyGroup) unlock(s *slot) error { return g.noted(s, g.enc.Unlock(&s.port)) }

// rekey gives a member its next credential.
func (g *keyGroup) rekey(s *slot) error { return g.noted(s, g.enc.Rekey(&s.port)) }

// noted records the key generation that was proved to be the facility's own.
func (g *keyGroup) noted(s *slot, err error) error {
	if err == nil {
		s.suspect = suspicion{settled: true, accepted: s.port.Status().KeyGeneration}
		g.lab.custody.opened(s)
	}
	g.lab.health.stale = true
	return err
}

// RekeyDrive gives a member of an encrypted rank its next access credential; its
// data stay.
func (l *Lab) RekeyDrive(slotName string) (out Report, bad error) {
	const op = "drive rekey"
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	s, err := l.plant.slotNamed(op, slotName)
	if err != nil {
		return Report{}, err
	}
	m := s.member()
	if m == nil || l.plant.rankOf(m).keygrp == 0 {
		return Report{}, refuse(ErrState, op, s.name+" is no member of an encrypted rank", "only members have a credential")
	}
	g, err := l.keys.usableGroup(op, l.plant.rankOf(m).keygrp)
	if err != nil {
		return Report{}, err
	}
	if m.state != inSync {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("%s is %s: %s", s.name, m.state, m.why), "repair it first")
	}
	rep := l.begin(op, s.name)
	if err := g.rekey(s); err != nil {
		rep.failed(s, "did not take its next credential", err)
		return rep.done(), nil
	}
	rep.did(s, "has its next credential")
	return rep.done(), nil
}
