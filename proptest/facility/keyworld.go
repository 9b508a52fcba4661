package facility

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The way to the keys, as the model has it: what each part is like, and what a
// request for a key therefore meets. It is written from the table of MAP4980 and calls nothing
// of the facility.

// meets is what a request for a key meets, in the order of how far it came.
type meets uint8

const (
	theKey    meets = iota
	noConsole       // the partition reaches no console
	noReply         // the console does not reply in time
	noSocket        // the console opens no connection to the server
	noSession       // the connection opens, and no session follows
	noSuchKey       // the server answers, and has no such key
	wrongKey        // what it gives does not unwrap the group key
	unsigned        // what it gives unwraps it, and the signature does not match
	nobody          // no active server is configured
)

func (r meets) spoke() bool { return r == theKey || r == noSuchKey || r == wrongKey || r == unsigned }
func (r meets) cut() bool   { return r == noSocket || r == noSession }

// outcomes is what a request may meet: one thing, or several where a fault plan is
// armed on its way.
type outcomes uint16

func (o outcomes) with(r meets) outcomes { return o | 1<<r }
func (o outcomes) may(r meets) bool      { return o&(1<<r) != 0 }
func (o outcomes) only(r meets) bool     { return o == 1<<r }
func (o outcomes) each() (out []meets) {
	for r := theKey; r <= nobody; r++ {
		if o.may(r) {
			out = append(out, r)
		}
	}
	return out
}

// worldHost is one machine of the customer.
type worldHost struct {
	name                      string
	off, ended, garbled, hung bool
	issuer                    string // of its certificate: customer, unknown
	otherName                 bool   // it is made out to somebody else
	from, to                  time.Time
	refuses                   map[string]bool   // client certificates of these issuers
	keys                      map[string]uint64 // the bits that are wrong, by identifier
	pairs                     [2]worldPair      // by label
	outbox                    []parcel
}

// parcel is a key that waits for the machine that it goes to.
type parcel struct {
	to  int
	key string
}

type worldConsole struct {
	off, hung bool
	deaf      bool         // ESSNI, which takes the commands, does not run
	cutTo     map[int]bool // hosts
	plan      string
}

type worldLink struct {
	cut, stalled bool
	plan         string
}

// worldManager is an entry of the facility.
type worldManager struct {
	id, host, group int
	inactive, plain bool // plain: without TLS
	ipp             bool // else KMIP

	silent, overdue bool
	since           time.Time
	overTLS         bool
	over            []int // partitions
}

type groupPhase int

const (
	phaseNone groupPhase = iota
	phaseHalf            // a key was made, and no second server has shown it
	phaseDone
)

// worldGroup is a key group.
type worldGroup struct {
	id              int
	phase           groupPhase
	key, maker      string // the data key in force, or of phaseHalf
	next, nextMaker string // of a rekey that is under way
	open            bool   // the facility has the group key
	needed          bool   // a rank waits for it
	broken          bool   // its record could not be read at the last IML
	ipp             bool   // its key is asked for by IPP: the key pairs of a server open it
	heard           []int  // key managers that spoke, and did not give the key, when lost connectivity was reported
}

type sfiPhase int

const (
	sfiUp sfiPhase = iota
	sfiQuiescing
	sfiQuiet
	sfiStopping
	sfiStopped
)

// keyWorld is all of it.
type keyWorld struct {
	now      time.Time
	hosts    []*worldHost // number n is at n-1
	consoles [2]worldConsole
	links    [2][2]worldLink // partition, console
	managers []*worldManager // by number
	groups   []*worldGroup   // by number

	ownIssuer      string // of the facility's certificate: factory, customer, "" without one
	ownFrom, ownTo time.Time

	bad         [3]bool         // copies of the repository
	badUnsure   bool            // something was written since: how bad is not known
	sealed      map[string]bool // keys of IPP, which no server keeps: their key pairs open them
	paired      bool            // the key pairs were made
	memory      [2]string       // the fault plan of each partition's memory
	running     bool            // both partitions have completed their IML
	access      bool            // with data accessible
	sfi         sfiPhase
	sfiNext     time.Time
	busy        bool // a service action is in progress
	cutOff      bool // it waits for connectivity
	query       time.Time
	periodicDue time.Time
	unsure      bool // a fault plan had a say: what the facility waits for is not known

	raised []raise
}

// The times of the source, and of what the facility documents as assumptions.
const (
	worldPeriod   = 8 * time.Hour
	worldQuery    = 12 * time.Minute
	worldSilence  = 4 * time.Hour
	worldIML      = 20 * time.Minute
	worldQuiesce  = 5 * time.Minute
	worldShutdown = 10 * time.Minute
)

func newKeyWorld(start time.Time, hosts int) *keyWorld {
	k := &keyWorld{now: start, sealed: map[string]bool{}, running: true, access: true, periodicDue: start.Add(worldPeriod)}
	k.defaultCert()
	for i := range k.consoles {
		k.consoles[i].cutTo = map[int]bool{}
	}
	for n := 1; n <= hosts; n++ {
		k.addHost(fmt.Sprintf("keyserver%d.example.com", n))
		k.managers = append(k.managers, &worldManager{id: n, host: n, group: 1})
	}
	return k
}

// forever is longer than any run.
const forever = 20 * 365 * 24 * time.Hour

func (k *keyWorld) defaultCert() {
	k.ownIssuer, k.ownFrom, k.ownTo = "factory", k.now, k.now.Add(forever)
}

func (k *keyWorld) addHost(name string) {
	h := &worldHost{name: name, issuer: "customer", from: k.now, to: k.now.Add(forever), refuses: map[string]bool{}, keys: map[string]uint64{}}
	for _, o := range k.hosts {
		if !o.off {
			k.copyKeys(h, o)
			break
		}
	}
	k.hosts = append(k.hosts, h)
}

func (k *keyWorld) copyKeys(to, from *worldHost) {
	for key, wrong := range from.keys {
		to.keys[key] = wrong
	}
	copyPairs(to, from)
}

func (k *keyWorld) host(n int) *worldHost {
	if n < 1 || n > len(k.hosts) {
		return nil
	}
	return k.hosts[n-1]
}

func (k *keyWorld) group(id int) *worldGroup {
	for _, g := range k.groups {
		if g.id == id {
			return g
		}
	}
	return nil
}

func (k *keyWorld) manager(id int) *worldManager {
	for _, m := range k.managers {
		if m.id == id {
			return m
		}
	}
	return nil
}

func (k *keyWorld) activeOf(group int) (out []*worldManager) {
	for _, m := range k.managers {
		if m.group == group && !m.inactive {
			out = append(out, m)
		}
	}
	return out
}

// gives is whether a server can give a key, and which of its bits are wrong.
func (k *keyWorld) gives(h *worldHost, key string) (wrong uint64, have bool) {
	if k.sealed[key] {
		return 0, h.opens() // a damaged pair opens nothing, which is no wrong key
	}
	wrong, have = h.keys[key]
	return wrong, have
}

// newKey is a key that a host made: it goes to every other one, at once or when both
// have power.
func (k *keyWorld) newKey(key, maker string) {
	for n, h := range k.hosts {
		if h.name != maker {
			continue
		}
		h.keys[key] = 0
		for to := range k.hosts {
			if to != n {
				h.outbox = append(h.outbox, parcel{to, key})
			}
		}
	}
	k.deliver()
}

func (k *keyWorld) deliver() {
	for _, h := range k.hosts {
		h.outbox = slices.DeleteFunc(h.outbox, func(p parcel) bool {
			to := k.hosts[p.to]
			if h.off || to.off {
				return false
			}
			wrong, have := h.keys[p.key]
			if _, there := to.keys[p.key]; have && !there {
				to.keys[p.key] = wrong
			}
			return true
		})
	}
}

// valid: a certificate is good on both of its days.
func valid(now, from, to time.Time) bool { return !now.Before(from) && !now.After(to) }

// shakeHands says whether server and facility take each other's certificate.
func (k *keyWorld) shakeHands(h *worldHost) bool {
	server := h.issuer == "customer" && !h.otherName && valid(k.now, h.from, h.to)
	facility := k.ownIssuer != "" && !h.refuses[k.ownIssuer] && valid(k.now, k.ownFrom, k.ownTo)
	return server && facility
}

// through is what a request of a partition meets on its way by one console. An empty
// key is any request.
func (k *keyWorld) through(p, c int, m *worldManager, key string) (out outcomes) {
	link, hmc, h := &k.links[p][c], &k.consoles[c], k.host(m.host)
	if link.cut || hmc.off {
		return out.with(noConsole)
	}
	if strings.Contains(link.plan, "link.command.lost") {
		out = out.with(noConsole)
	}
	if link.stalled || hmc.hung {
		return out.with(noReply)
	}
	if strings.Contains(link.plan, "link.command.stalled") {
		out = out.with(noReply)
	}
	if hmc.deaf {
		return out.with(noConsole)
	}
	if hmc.cutTo[m.host] || h.off || h.ended {
		return out.with(noSocket)
	}
	if strings.Contains(hmc.plan, "net.connect") {
		out = out.with(noSocket)
	}
	if h.garbled || h.hung || !m.plain && !k.shakeHands(h) {
		return out.with(noSession)
	}
	if strings.Contains(hmc.plan, "net.session") {
		out = out.with(noSession)
	}
	wrong, have := k.gives(h, key)
	switch {
	case key == "":
		return out.with(theKey)
	case !have:
		return out.with(noSuchKey)
	case wrong != 0:
		return out.with(wrongKey)
	}
	if k.memory != [2]string{} {
		out = out.with(unsigned)
	}
	return out.with(theKey)
}

// request is what a partition's request meets over all consoles: the server's answer, or
// the failure that came furthest.
func (k *keyWorld) request(p int, m *worldManager, key string) (out outcomes) {
	for _, a := range k.through(p, 0, m, key).each() {
		for _, b := range k.through(p, 1, m, key).each() {
			switch {
			case a.spoke():
				out = out.with(a)
			case b.spoke():
				out = out.with(b)
			default:
				out = out.with(max(a, b))
			}
		}
	}
	return out
}

// reaches says whether some partition gets a request to a server's process.
func (k *keyWorld) reaches(m *worldManager) bool {
	return k.request(0, m, "").only(theKey) || k.request(1, m, "").only(theKey)
}

// keyAttempt is what became of one partition's request to one server.
type keyAttempt struct {
	p    int
	m    *worldManager // nil where nobody could be asked
	what outcomes
}

// attempts is what every request for the key of a group meets at this moment.
func (k *keyWorld) attempts(g *worldGroup) (out []keyAttempt) {
	active := k.activeOf(g.id)
	for p := range 2 {
		if len(active) == 0 {
			out = append(out, keyAttempt{p, nil, outcomes(0).with(nobody)})
		}
		for _, m := range active {
			out = append(out, keyAttempt{p, m, k.request(p, m, g.key)})
		}
	}
	return out
}

// got says whether a partition has the key for certain.
func got(all []keyAttempt, p int) bool {
	return slices.ContainsFunc(all, func(a keyAttempt) bool { return a.p == p && a.what.only(theKey) })
}

// mayGet says whether some partition may have it.
func mayGet(all []keyAttempt) bool {
	return slices.ContainsFunc(all, func(a keyAttempt) bool { return a.what.may(theKey) })
}

// unreadable: no copy of the repository is good.
func (k *keyWorld) unreadable() bool { return k.bad[0] && k.bad[1] && k.bad[2] }

// locked says whether hosts get nothing from the ranks of a key group.
func (k *keyWorld) locked(group int) bool {
	g := k.group(group)
	return !k.access || g != nil && !g.open
}

// serves says whether a service action may begin.
func (k *keyWorld) serves() bool { return !k.busy && k.sfi == sfiUp }

// armed says whether a fault plan has a say in what requests meet.
func (k *keyWorld) armed() bool {
	if k.memory != [2]string{} {
		return true
	}
	for c := range k.consoles {
		if k.consoles[c].plan != "" || k.links[0][c].plan != "" || k.links[1][c].plan != "" {
			return true
		}
	}
	return false
}

// foreseen says whether the model knows exactly what comes.
func (k *keyWorld) foreseen() bool { return !k.unsure && !k.badUnsure && !k.armed() }
