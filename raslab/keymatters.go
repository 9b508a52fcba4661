package raslab

import (
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// What the events of the key path are about. Most of them ask key servers again.

// twoMatters is two at once.
type twoMatters struct{ first, second matter }

func (m twoMatters) still(e *event) []string { return append(m.first.still(e), m.second.still(e)...) }

// inaccessibleGroup is a group that lacks its key.
type inaccessibleGroup struct{ group *keyGroup }

func (m inaccessibleGroup) still(*event) []string { return m.group.stillInaccessible() }

func (g *keyGroup) stillInaccessible() []string {
	if g.lab.keys.group(g.id) == g && g.enc.State() == encgroup.Inaccessible {
		return []string{fmt.Sprintf("key group %d is %s (%s)", g.id, g.enc.State(), g.wayBack())}
	}
	return nil
}

// keyFromNowhere is partitions that get a group's key from no server, for this reason. The partitions
// that reported it must get the key from some server, or at least fail for another reason, which has
// an event of its own.
type keyFromNowhere struct {
	group  *keyGroup
	reason reason
}

func (m keyFromNowhere) still(e *event) (still []string) {
	all, err := m.group.lookAgain()
	if err != nil {
		return []string{firstLine(err)}
	}
	for _, a := range all {
		if a.reason == m.reason && slices.Contains(e.Partitions, a.partition) && !got(all, a.partition) {
			text := fmt.Sprintf("partition %d: %s", a.partition, a.err)
			if a.manager != nil {
				text = fmt.Sprintf("partition %d, key manager %d: %s", a.partition, a.manager.id, a.err)
			}
			still = append(still, text)
		}
	}
	return still
}

// lookAgain is probeAll before an event is closed. It fails if no partition runs, for nobody can
// look then.
func (g *keyGroup) lookAgain() ([]attempt, error) {
	if !g.lab.sfi.partitions[0].complete && !g.lab.sfi.partitions[1].complete {
		return nil, errNoPartition
	}
	return g.lab.probeAll(g)
}

// failingServers is key servers from which a group's key cannot be had.
type failingServers struct {
	group  *keyGroup
	reason reason // reasonNone: any
}

func (m failingServers) still(e *event) (still []string) {
	seen := map[string]bool{}
	all, err := m.group.lookAgain()
	if err != nil {
		return []string{firstLine(err)}
	}
	for _, a := range all {
		if a.manager == nil || !m.has(a.reason) || !slices.Contains(e.KeyServers, a.manager.id) {
			continue
		}
		if text := fmt.Sprintf("key manager %d: %s", a.manager.id, a.err); !seen[text] {
			seen[text] = true
			still = append(still, text)
		}
	}
	return still
}

func (m failingServers) has(r reason) bool {
	if m.reason == reasonNone {
		return r != reasonNone
	}
	return r == m.reason
}

// silentServer is a key manager without communication.
type silentServer struct {
	lab     *Lab
	manager *keyManager
}

func (s silentServer) still(*event) []string {
	l, m := s.lab, s.manager
	if l.keys.manager(m.id) != m || !m.active {
		return nil // it is asked no more
	}
	if !l.sfi.partitions[0].complete && !l.sfi.partitions[1].complete {
		return []string{errNoPartition.Error()}
	}
	if g := l.keys.group(m.group); g != nil && g.enc.State() >= encgroup.Inaccessible {
		if _, err := g.store.reading(); err != nil {
			return []string{firstLine(err)} // nothing to try a key on
		}
	}
	for _, a := range l.probeOne(m) {
		if a.reason.communication() {
			return []string{fmt.Sprintf("partition %d, key manager %d: %s", a.partition, m.id, a.err)}
		}
	}
	return nil
}

// fewServers is a group with fewer key servers than the minimum.
type fewServers struct{ group *keyGroup }

func (m fewServers) still(*event) []string {
	l, g := m.group.lab, m.group
	if n := len(l.serversOf(g.id)); n < encgroup.MinServers {
		return []string{l.fewServers(g.id)}
	}
	return nil
}
