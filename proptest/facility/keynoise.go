package facility

import (
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

// Where a fault plan has a say in what single requests meet, the model does not
// foretell; it says what may be, and takes from the facility what was.

// possible is what the requests of a moment may meet.
type possible struct {
	attempts   map[int][]keyAttempt // by group
	open       map[int]bool
	unreadable bool // no copy can be read, for certain
	mixed      bool // the copies may differ, or none be readable
	iml        time.Time
}

func (m *Machine) possible() possible {
	k := m.keys
	p := possible{attempts: map[int][]keyAttempt{}, open: k.open(), iml: m.Lab.Partitions()[0].LastIML}
	for _, g := range k.groups {
		if g.phase == phaseDone {
			p.attempts[g.id] = k.attempts(g)
		}
	}
	touched := slices.Contains(m.scarred[:], true)
	p.unreadable, p.mixed = k.unreadable() && !k.badUnsure && !m.writing(), touched
	return p
}

// blurred is a moment that the model does not foretell to the letter.
func (m *Machine) blurred(facility func() error) error {
	before := m.possible()
	was := m.events()
	if err := facility(); err != nil {
		return err
	}
	k := m.keys
	k.now = m.Lab.Now()
	k.badUnsure = k.badUnsure || before.mixed && m.writing()
	after := m.possible() // certificates may have run out
	m.seen, k.raised, k.unsure, k.query = m.events(), nil, true, time.Time{}
	m.adopt(before)
	if err := m.plausible(was, before, after); err != nil {
		return err
	}
	return m.compareStores()
}

// adopt takes from the facility what it came to.
func (m *Machine) adopt(before possible) {
	k, parts := m.keys, m.Lab.Partitions()
	for !k.periodicDue.After(k.now) {
		k.periodicDue = k.periodicDue.Add(worldPeriod)
	}
	k.running, k.access = parts[0].State != "IML in progress", parts[0].DataAccess
	k.busy = m.Lab.ServiceAction() != ""
	switch m.Lab.ValidState() {
	case "quiesce":
		k.sfi, k.sfiNext = sfiUp, time.Time{}
	case "shutdown":
		k.sfi, k.sfiNext = sfiQuiet, time.Time{}
	case "resume":
		k.sfi, k.sfiNext = sfiStopped, time.Time{}
	}
	for _, info := range m.Lab.Groups() {
		if g := k.group(info.ID); g != nil {
			g.open = info.State == "accessible"
		}
	}
	m.exchanges(before.open)
	if parts[0].LastIML.After(before.iml) {
		if _, good := m.Lab.Repository(); good {
			k.bad, k.badUnsure = [3]bool{}, false
		} else {
			k.badUnsure = true
		}
	}
}

// plausible: each SRC had a cause that may have held, and a group is open only if a
// server may have given its key.
func (m *Machine) plausible(was []raslab.ServiceEvent, before, after possible) error {
	imlDone := m.Lab.Partitions()[0].LastIML.After(before.iml)
	for _, g := range m.keys.groups {
		if g.phase != phaseDone || !imlDone {
			continue
		}
		b, a := before.attempts[g.id], after.attempts[g.id]
		if g.open && (before.unreadable || !mayGet(b)) {
			return m.failf("key group %d is accessible, and no server can have given its key", g.id)
		}
		if sure := (got(b, 0) || got(b, 1)) && (got(a, 0) || got(a, 1)) && !before.mixed; sure && !g.open {
			return m.failf("key group %d is inaccessible, and a server gave its key", g.id)
		}
	}
	took := false
	for i, e := range m.seen {
		n := e.Count
		if i < len(was) {
			n -= was[i].Count
		}
		if !keyCode(e.SRC) || n == 0 {
			continue
		}
		took = took || e.SRC == "BE14CFE1"
		k := m.keyOf(e)
		if k.manager != 0 {
			m.of[e.ID] = m.keys.manager(k.manager)
		}
		if !m.mayBe(k, before) && !m.mayBe(k, after) {
			return m.failf("%s was raised (event %d, for %v) and its cause cannot have held: %s", e.SRC, e.ID, e.Locations, strings.Join(e.Found, "; "))
		}
	}
	if took {
		// Which of the events were open by then is not known.
		return nil
	}
	return m.compareClosed(was, m.seen, nil)
}

// mayBe says whether the cause of a code may hold.
func (m *Machine) mayBe(key eventKey, p possible) bool {
	k, all := m.keys, p.attempts[key.group]
	some := func(want func(keyAttempt) bool) bool { return slices.ContainsFunc(all, want) }
	for r := noConsole; r <= nobody; r++ {
		if codeNowhere[r] == key.code {
			return some(func(a keyAttempt) bool { return a.what.may(r) && !got(all, a.p) })
		}
		if codeSomewhere[r] == key.code {
			return some(func(a keyAttempt) bool { return a.what.may(r) })
		}
	}
	switch key.code {
	case "BE14CFE0":
		return !got(all, 0) && !got(all, 1)
	case "BE14CFEA":
		return some(func(a keyAttempt) bool { return !a.what.only(theKey) })
	case "BE14CFEB":
		return len(k.activeOf(key.group)) < 2
	case "BE14CFE5":
		return p.mixed
	case "BE14CFF5":
		return k.uncertified()
	case "BE14E3F7":
		return p.mixed
	case "BE14CFE1", "BE14E1F6":
		for _, g := range k.groups {
			all, asked := p.attempts[g.id]
			if asked && g.needed && !slices.ContainsFunc(all, func(a keyAttempt) bool { return slices.ContainsFunc(a.what.each(), meets.spoke) }) {
				return false
			}
		}
		return true
	}
	w := k.manager(key.manager)
	if w == nil || w.inactive || strings.HasPrefix(key.code, "BE14EAF") && w.plain != (key.code == "BE14EAF1" || key.code == "BE14EAF2") && (key.code == "BE14EAF1" || key.code == "BE14EAF3") {
		return false
	}
	all = p.attempts[w.group]
	return some(func(a keyAttempt) bool { return a.m == w && slices.ContainsFunc(a.what.each(), meets.cut) })
}

// calm mends everything, lets the facility hear of it, and from then on the model
// foretells again.
func (m *Machine) calm([]string) error {
	k := m.keys
	for p := range 2 {
		if err := m.sub("arm-memory %d -", p); err != nil {
			return err
		}
	}
	for c := range 2 {
		for _, step := range []string{"console %d on", "console %d free", "console %d essni", "arm-net %d -", "link 0 %d up", "link 1 %d up", "arm-link 0 %d -", "arm-link 1 %d -"} {
			if err := m.sub(step, c+1); err != nil {
				return err
			}
		}
		for n := range k.hosts {
			if err := m.sub("path %d %d up", c+1, n+1); err != nil {
				return err
			}
		}
	}
	for n := range k.hosts {
		for _, step := range []string{"start-server %d", "service %d runs", "service %d goes-on", "service %d right", "reissue %d customer own 0", "trust %d factory yes", "trust %d customer yes"} {
			if err := m.sub(step, n+1); err != nil {
				return err
			}
		}
	}
	if err := m.sub("own-cert default"); err != nil {
		return err
	}
	if err := m.sub("restore-copies"); err != nil {
		return err
	}
	if err := m.sub("advance 60"); err != nil {
		return err
	}
	if !k.busy {
		if err := m.sub("power-cycle"); err != nil {
			return err
		}
	}
	if err := m.sub("advance 60"); err != nil {
		return err
	}
	// Where no server gives the key, the facility may still ask for connectivity.
	unheard := slices.ContainsFunc(k.groups, func(g *worldGroup) bool {
		all := k.attempts(g)
		return g.phase == phaseDone && !got(all, 0) && !got(all, 1)
	})
	if k.unsure && k.running && !k.badUnsure && !k.unreadable() && !unheard {
		k.unsure, k.cutOff, k.query = false, false, time.Time{}
		for _, w := range k.managers {
			w.silent = false
		}
	}
	return nil
}
