package facility

import (
	"fmt"
	"slices"
	"time"
)

// The model of the way to the keys: key servers, networks, consoles, links, partitions, key
// managers, key groups and the copies of the key repository. It is written from the table of
// MAP4980 and calls nothing of the facility.

// keyServer is one key server of the customer.
type keyServer struct {
	name                      string
	off, ended, garbled, hung bool
	issuer                    string            // of its certificate: customer, unknown
	otherName                 bool              // its certificate is for another name
	until                     time.Time         // how long its certificate is good
	refuses                   map[string]bool   // client certificates of these issuers
	keys                      map[string]uint64 // the bits that are wrong, by identifier
	pairs                     [2]keyPair        // by label
	unsent                    []replica
}

// replica is a key that waits until its sender and its receiver both have power.
type replica struct {
	to  int
	key string
}

type hmc struct {
	off, hung, noESSNI bool
	cutTo              map[int]bool // key servers, by number
	plan               string
}

type hmcLink struct {
	cut, stalled bool
	plan         string
}

// keyManager is the facility's entry of a key server.
type keyManager struct {
	id, server, group int
	inactive, noTLS   bool
	ipp               bool // else KMIP

	silent, overdue bool // no communication since; and the four hours were reported
	since           time.Time
	silentTo        []int // partitions
}

type groupPhase int

const (
	unconfigured groupPhase = iota
	configuring             // a key was made, and no second server has shown it
	configured
)

// keyGroup is a key group.
type keyGroup struct {
	id              int
	phase           groupPhase
	key, maker      string // the data key in force, or the one of configuring
	next, nextMaker string // of a rekey that is not finished
	accessible      bool   // the facility has the group key
	needed          bool   // a rank uses it
	unreadable      bool   // its record could not be read at the last IML
	ipp             bool   // its key is asked for by IPP
	answered        []int  // key managers that answered without the key, when lost connectivity was reported
}

type sfiState int

const (
	sfiRunning sfiState = iota
	sfiQuiescing
	sfiQuiesced
	sfiStopping
	sfiStopped
)

// keyModel is all of it.
type keyModel struct {
	now      time.Time
	servers  []*keyServer // number n is at n-1
	consoles [2]hmc
	links    [2][2]hmcLink // partition, console
	managers []*keyManager // by number
	groups   []*keyGroup   // by number

	ownIssuer string    // of the facility's certificate: factory, customer, "" without one
	ownUntil  time.Time // how long it is good

	bad         [3]bool         // copies of the key repository, as sync found them
	damaged     [3]bool         // and those that were damaged since they were last written anew
	wrapped     map[string]bool // data keys of IPP, which no server keeps
	memory      [2]string       // the fault plan of each partition's memory
	running     bool            // both partitions have completed their IML
	access      bool            // with data accessible
	sfi         sfiState
	sfiNext     time.Time
	busy        bool // a service action is in progress
	cutOff      bool // the partitions wait for connectivity
	queryDue    time.Time
	periodicDue time.Time
	uncertain   bool // a fault plan fired, perhaps: what the facility waits for is not known

	raised []raise
}

// The times of MAP4980, and those that the facility documents as assumptions.
const (
	modelPeriod   = 8 * time.Hour
	modelQuery    = 12 * time.Minute
	modelSilence  = 4 * time.Hour
	modelIML      = 20 * time.Minute
	modelQuiesce  = 5 * time.Minute
	modelShutdown = 10 * time.Minute
)

func newKeyModel(start time.Time, servers int) *keyModel {
	k := &keyModel{now: start, wrapped: map[string]bool{}, running: true, access: true, periodicDue: start.Add(modelPeriod)}
	k.defaultCert()
	for i := range k.consoles {
		k.consoles[i].cutTo = map[int]bool{}
	}
	for n := 1; n <= servers; n++ {
		k.addServer(fmt.Sprintf("keyserver%d.example.com", n))
		k.server(n).pairs = newPairs()
		k.managers = append(k.managers, &keyManager{id: n, server: n, group: 1})
	}
	return k
}

// forever is longer than any run.
const forever = 20 * 365 * 24 * time.Hour

func (k *keyModel) defaultCert() {
	k.ownIssuer, k.ownUntil = "factory", k.now.Add(forever)
}

func (k *keyModel) addServer(name string) {
	s := &keyServer{name: name, issuer: "customer", until: k.now.Add(forever), refuses: map[string]bool{}, keys: map[string]uint64{}}
	for _, o := range k.servers {
		if !o.off {
			s.restore(o)
			break
		}
	}
	k.servers = append(k.servers, s)
}

// restore gives a server all keys and key pairs of another one.
func (s *keyServer) restore(from *keyServer) {
	for key, wrong := range from.keys {
		s.keys[key] = wrong
	}
	s.restorePairs(from)
}

func (k *keyModel) server(n int) *keyServer {
	if n < 1 || n > len(k.servers) {
		return nil
	}
	return k.servers[n-1]
}

func (k *keyModel) group(id int) *keyGroup {
	for _, g := range k.groups {
		if g.id == id {
			return g
		}
	}
	return nil
}

func (k *keyModel) manager(id int) *keyManager {
	for _, m := range k.managers {
		if m.id == id {
			return m
		}
	}
	return nil
}

func (k *keyModel) activeOf(group int) (out []*keyManager) {
	for _, m := range k.managers {
		if m.group == group && !m.inactive {
			out = append(out, m)
		}
	}
	return out
}

// configuredGroups are those whose key can be asked for.
func (k *keyModel) configuredGroups() (out []*keyGroup) {
	for _, g := range k.groups {
		if g.phase == configured {
			out = append(out, g)
		}
	}
	return out
}

// newKey is a key that a server made. Every other server gets it, at once or when both
// have power.
func (k *keyModel) newKey(key, maker string) {
	for n, s := range k.servers {
		if s.name != maker {
			continue
		}
		s.keys[key] = 0
		for to := range k.servers {
			if to != n {
				s.unsent = append(s.unsent, replica{to, key})
			}
		}
	}
	k.replicate()
}

func (k *keyModel) replicate() {
	for _, s := range k.servers {
		s.unsent = slices.DeleteFunc(s.unsent, func(r replica) bool {
			to := k.servers[r.to]
			if s.off || to.off {
				return false
			}
			wrong, have := s.keys[r.key]
			if _, there := to.keys[r.key]; have && !there {
				to.keys[r.key] = wrong
			}
			return true
		})
	}
}

// unreadable says whether no copy of the key repository can be read.
func (k *keyModel) unreadable() bool { return k.bad == [3]bool{true, true, true} }

// locked says whether hosts get nothing from the ranks of a key group.
func (k *keyModel) locked(group int) bool {
	g := k.group(group)
	return !k.access || g != nil && !g.accessible
}

// free says whether a service action may begin.
func (k *keyModel) free() bool { return !k.busy && k.sfi == sfiRunning }

// uncertified says whether the facility has no valid certificate.
func (k *keyModel) uncertified() bool { return k.ownIssuer == "" || k.now.After(k.ownUntil) }
