package facility

import (
	"fmt"
	"time"
)

// What the model does while it does not know what single requests meet: a fault plan may fire
// or not. It computes what is possible at best and at worst, checks the facility against both
// and takes over the state that the facility is in.

// bounds is what the requests of a moment may come to.
type bounds struct {
	best, worst map[int]bool // groups that get their key if no fault plan fires, and if every one does
	readable    bool         // some copy of the key repository may be readable
	damaged     bool         // and some may not
	iml         time.Time    // the last one
}

func (m *Machine) bounds() bounds {
	k := m.keys
	b := bounds{best: map[int]bool{}, worst: map[int]bool{}, readable: !k.unreadable() || m.writing(), iml: m.Lab.Partitions()[0].LastIML}
	b.damaged = k.damaged != [3]bool{}
	for _, g := range k.configuredGroups() {
		b.best[g.id], b.worst[g.id] = anyGot(k.attempts(g)), anyGot(k.allAttempts(g, true))
	}
	return b
}

// inDoubt does an operation whose outcome the model does not know exactly.
func (m *Machine) inDoubt(facility func() error) error {
	k := m.keys
	before, open, was := m.bounds(), k.accessibleGroups(), m.events()
	if err := facility(); err != nil {
		return err
	}
	k.now = m.Lab.Now()
	m.seen, k.raised, k.uncertain, k.queryDue = m.events(), nil, true, time.Time{}
	m.adopt(open)
	rebooted := k.running && m.Lab.Partitions()[0].LastIML.After(before.iml)
	if rebooted {
		if _, good := m.Lab.Repository(); good {
			k.damaged = [3]bool{}
		}
		if err := m.withinBounds(before, m.bounds()); err != nil { // certificates may have run out meanwhile
			return err
		}
	}
	regained := false
	for i, e := range m.seen {
		fresh := i >= len(was) || e.Count > was[i].Count
		regained = regained || fresh && e.SRC == "BE14CFE1"
		if fresh && m.keyOf(e).manager != 0 {
			m.eventManagers[e.ID] = k.manager(m.keyOf(e).manager)
		}
	}
	if !regained { // else it is not known which events were open by then
		if err := m.compareClosed(was, m.seen, nil); err != nil {
			return err
		}
	}
	return m.compareStores()
}

// withinBounds: after an IML a group is accessible only if some key server may have given its
// key, and is so if one must have.
func (m *Machine) withinBounds(before, after bounds) error {
	for _, g := range m.keys.configuredGroups() {
		if g.accessible && !(before.readable && before.best[g.id]) {
			return m.failf("key group %d is accessible, and no server can have given its key", g.id)
		}
		if !g.accessible && before.worst[g.id] && after.worst[g.id] && !before.damaged {
			return m.failf("key group %d is inaccessible, and a server gave its key", g.id)
		}
	}
	return nil
}

// adopt takes over the state that the facility is in.
func (m *Machine) adopt(open map[int]bool) {
	k, parts := m.keys, m.Lab.Partitions()
	for !k.periodicDue.After(k.now) {
		k.periodicDue = k.periodicDue.Add(modelPeriod)
	}
	k.running, k.access = parts[0].State != "IML in progress", parts[0].DataAccess
	k.busy = m.Lab.ServiceAction() != ""
	switch m.Lab.ValidState() {
	case "quiesce":
		k.sfi, k.sfiNext = sfiRunning, time.Time{}
	case "shutdown":
		k.sfi, k.sfiNext = sfiQuiesced, time.Time{}
	case "resume":
		k.sfi, k.sfiNext = sfiStopped, time.Time{}
	}
	for _, info := range m.Lab.Groups() {
		if g := k.group(info.ID); g != nil {
			g.accessible = info.State == "accessible"
		}
	}
	m.adoptSmartRebuilds(open)
}

// mendAll mends everything on the way to the keys and lets the facility find it out. From then
// on the model knows again what comes.
func (m *Machine) mendAll([]string) error {
	k := m.keys
	steps := []string{"arm-memory 0 -", "arm-memory 1 -", "own-cert default"}
	add := func(n int, these ...string) {
		for _, s := range these {
			steps = append(steps, fmt.Sprintf(s, n))
		}
	}
	for c := range 2 {
		add(c+1, "console %d on", "console %d free", "console %d essni", "arm-net %d -", "link 0 %d up", "link 1 %d up", "arm-link 0 %d -", "arm-link 1 %d -")
		for n := range k.servers {
			steps = append(steps, fmt.Sprintf("path %d %d up", c+1, n+1))
		}
	}
	for n := range k.servers {
		add(n+1, "start-server %d", "service %d runs", "service %d goes-on", "service %d right", "reissue %d customer own 0", "trust %d factory yes", "trust %d customer yes")
	}
	for _, step := range append(steps, "restore-copies", "advance 60") {
		if err := m.sub(step); err != nil {
			return err
		}
	}
	if !k.busy {
		if err := m.sub("power-cycle"); err != nil {
			return err
		}
	}
	if err := m.sub("advance 60"); err != nil {
		return err
	}
	for _, g := range k.configuredGroups() {
		if !anyGot(k.attempts(g)) {
			return nil // no server has its key: it may still ask for connectivity
		}
	}
	m.sync()
	if k.running && !k.unreadable() && k.damaged == [3]bool{} {
		k.uncertain, k.cutOff, k.queryDue = false, false, time.Time{}
		for _, w := range k.managers {
			w.silent = false
		}
	}
	return nil
}
