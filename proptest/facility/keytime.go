package facility

import (
	"slices"
	"time"
)

// What the facility finds out, and when: the IML, the periodic retrieval, the query for
// connectivity. Each raises the codes that the table of MAP4980 has for what the requests meet.

// raise is a code that has to come up: new, or counted once more.
type raise struct {
	code           string
	group, manager int   // what the event is about; 0 where that does not tell events apart
	on             []int // partitions
	servers        []int // key managers
}

var both = []int{0, 1}

func (k *keyWorld) raise(code string, group, manager int, on, servers []int) {
	slices.Sort(on)
	slices.Sort(servers)
	k.raised = append(k.raised, raise{code, group, manager, slices.Compact(slices.Clone(on)), slices.Compact(slices.Clone(servers))})
}

// The codes for a partition that gets the key from no server, and those for single servers
// in a periodic retrieval where it gets the key from another one.
var (
	codeNowhere = map[meets]string{
		nobody: "BE14E004", noConsole: "BE14E009", noReply: "BE14E00B", noSocket: "BE14E008", noSession: "BE14E0F1",
		noSuchKey: "BE14E011", wrongKey: "BE14E012", unsigned: "BE14E013",
	}
	codeSomewhere = map[meets]string{noReply: "BE14EA0B", noSuchKey: "BE14EA11", wrongKey: "BE14EA12", unsigned: "BE14EA13"}
)

// exactly is what an attempt meets where only one thing can be.
func (a keyAttempt) exactly() meets { return a.what.each()[0] }

// pick gives the partitions and servers of some attempts.
func pick(all []keyAttempt, want func(keyAttempt) bool) (on, servers []int) {
	for _, a := range all {
		if want(a) {
			on = append(on, a.p)
			if a.m != nil {
				servers = append(servers, a.m.id)
			}
		}
	}
	return on, servers
}

// nowhere raises what the partitions met that got the key from no server.
func (k *keyWorld) nowhere(g *worldGroup, all []keyAttempt, iml bool) {
	for r := noConsole; r <= nobody; r++ {
		if r == noSession && !iml {
			continue // the source has BE14E0F1 at an IML only
		}
		on, servers := pick(all, func(a keyAttempt) bool { return a.what.only(r) && !got(all, a.p) })
		if len(on) == 0 {
			continue
		}
		k.raise(codeNowhere[r], g.id, 0, on, servers)
		if r == nobody || r == noConsole || r == noSocket {
			k.cutOff = true
			_, g.heard = pick(all, func(a keyAttempt) bool { return a.exactly().spoke() && !got(all, a.p) })
			k.ask()
		}
	}
}

// ask has the next query for connectivity in twelve minutes.
func (k *keyWorld) ask() {
	if k.query.IsZero() {
		k.query = k.now.Add(worldQuery)
	}
}

// iml: both partitions stop, and come up; then each group's key is asked for.
func (k *keyWorld) iml() {
	k.stop()
	k.busy = true
	k.pass(k.now.Add(worldIML))
	mended := !k.unreadable() && slices.Contains(k.bad[:], true)
	if mended {
		k.pass(k.now.Add(worldIML)) // they reboot once more
		k.bad = [3]bool{}
	}
	k.busy, k.sfi, k.sfiNext, k.running, k.cutOff = false, sfiUp, time.Time{}, true, false
	if mended {
		k.raise("BE14CFE5", 0, 0, both, nil)
	}
	k.access = true
	for _, g := range k.groups {
		g.heard = nil
		if g.phase != phaseDone {
			continue
		}
		k.imlOf(g)
		k.access = k.access && (g.open || !g.needed)
	}
}

// idle: a group for which no rank waits gets its key when it can be had, without a
// reboot.
func (k *keyWorld) idle(g *worldGroup) {
	if g.phase == phaseDone && !g.open && !g.needed && !g.broken {
		all := k.attempts(g)
		g.open = got(all, 0) || got(all, 1)
	}
}

// regained is the partitions that have the keys again of those groups that lacked them,
// as far as these are open now; nobody where none is.
func (k *keyWorld) regained(lacked []*worldGroup) (on []int) {
	back := slices.DeleteFunc(slices.Clone(lacked), func(g *worldGroup) bool { return !g.open })
	for _, p := range both {
		if len(back) > 0 && !slices.ContainsFunc(back, func(g *worldGroup) bool { return !got(k.attempts(g), p) }) {
			on = append(on, p)
		}
	}
	return on
}

func (k *keyWorld) imlOf(g *worldGroup) {
	if g.broken = k.unreadable(); g.broken {
		k.raise("BE14E3F7", g.id, 0, both, nil)
		return
	}
	all := k.attempts(g)
	if g.open = got(all, 0) || got(all, 1); !g.open {
		_, servers := pick(all, func(keyAttempt) bool { return true })
		k.raise("BE14CFE0", g.id, 0, both, servers)
	}
	k.nowhere(g, all, true)
}

// stop: the partitions are down, and the keys leave their memory.
func (k *keyWorld) stop() {
	k.running, k.access = false, false
	for _, g := range k.groups {
		g.open = false
	}
}

// periodic is the periodic key retrieval.
func (k *keyWorld) periodic() {
	if !k.access {
		return
	}
	for _, g := range k.groups {
		k.idle(g)
		if !g.open {
			continue
		}
		if len(k.activeOf(g.id)) < 2 {
			k.raise("BE14CFEB", g.id, 0, both, nil)
		}
		if k.unreadable() {
			k.raise("BE14E3F7", g.id, 0, both, nil)
			continue
		}
		k.periodicOf(g, k.attempts(g))
	}
}

func (k *keyWorld) periodicOf(g *worldGroup, all []keyAttempt) {
	k.nowhere(g, all, false)
	if len(k.activeOf(g.id)) == 0 {
		return
	}
	for _, r := range []meets{noReply, noSuchKey, wrongKey} {
		if on, servers := pick(all, func(a keyAttempt) bool { return a.what.only(r) && got(all, a.p) }); len(on) > 0 {
			k.raise(codeSomewhere[r], g.id, 0, on, servers)
		}
	}
	for _, m := range k.activeOf(g.id) {
		if on, servers := pick(all, func(a keyAttempt) bool { return a.m == m && a.exactly().cut() }); len(on) > 0 {
			code := "BE14EAF3"
			if m.plain {
				code = "BE14EAF1"
			}
			k.raise(code, 0, m.id, on, servers)
		}
		k.listen(m, all)
	}
	if on, servers := pick(all, func(a keyAttempt) bool { return !a.what.only(theKey) }); len(on) > 0 {
		k.raise("BE14CFEA", g.id, 0, on, servers)
	}
}

// listen keeps since when a server is silent: from the first failure of
// communication until it is heard of. It says whether communication fails now.
func (k *keyWorld) listen(m *worldManager, all []keyAttempt) bool {
	var over []int
	heard := false
	for _, a := range all {
		if a.m == m {
			heard = heard || a.exactly().spoke()
			if a.exactly().cut() {
				over = append(over, a.p)
			}
		}
	}
	switch {
	case len(over) > 0:
		if !m.silent {
			m.silent, m.overdue, m.since = true, false, k.now
		}
		m.over, m.overTLS = over, !m.plain
		k.ask()
	case heard:
		m.silent = false
	}
	return len(over) > 0
}

// connectivity is the query of every twelve minutes.
func (k *keyWorld) connectivity() {
	if k.running {
		for _, m := range k.managers {
			if m.silent && !m.inactive {
				k.stillSilent(m)
			}
		}
		if k.cutOff {
			k.regain()
		}
	}
	if k.cutOff || slices.ContainsFunc(k.managers, func(m *worldManager) bool { return m.silent && !m.inactive }) {
		k.ask()
	}
}

func (k *keyWorld) stillSilent(m *worldManager) {
	g := k.group(m.group)
	if g == nil || g.phase != phaseDone {
		return
	}
	both := []keyAttempt{{0, m, k.request(0, m, g.key)}, {1, m, k.request(1, m, g.key)}}
	if k.unreadable() && slices.ContainsFunc(both, func(a keyAttempt) bool { return a.exactly() == theKey || a.exactly() == wrongKey }) {
		return // a key came, and there is nothing to try it on
	}
	fails := k.listen(m, both)
	if fails && !m.overdue && k.now.Sub(m.since) >= worldSilence {
		m.overdue = true
		code := "BE14EAF2"
		if m.overTLS {
			code = "BE14EAF4"
		}
		k.raise(code, 0, m.id, m.over, []int{m.id})
	}
}

// regain: when some server of every group that a rank needs gives the key, or is heard of
// that was not when the loss was reported, the partitions reboot, if data are inaccessible and no
// service action runs.
func (k *keyWorld) regain() {
	missing, waiting := false, false
	var lacked []*worldGroup
	for _, g := range k.groups {
		if g.phase != phaseDone {
			continue
		}
		if !g.open && g.needed {
			missing, lacked = true, append(lacked, g)
		}
		heard := slices.ContainsFunc(k.attempts(g), func(a keyAttempt) bool {
			return a.what.only(theKey) || a.exactly().spoke() && !slices.Contains(g.heard, a.m.id)
		})
		switch {
		case heard && !k.unreadable():
			k.idle(g)
		case g.needed:
			return
		default:
			waiting = true
		}
	}
	if waiting && !missing {
		return
	}
	k.cutOff = false
	switch {
	case !missing:
	case k.busy || k.sfi != sfiUp:
		k.raise("BE14E1F6", 0, 0, both, nil)
	default:
		k.iml()
		if on := k.regained(lacked); len(on) > 0 {
			k.raise("BE14CFE1", 0, 0, on, nil)
		}
	}
}

// due is when something comes next by itself.
func (k *keyWorld) due() time.Time {
	next := k.periodicDue
	for _, t := range []time.Time{k.query, k.sfiNext} {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	return next
}

// pass lets time pass up to a moment, and what is due come. An IML that begins
// meanwhile may end later.
func (k *keyWorld) pass(until time.Time) {
	for next := k.due(); !next.After(until); next = k.due() {
		if k.now.Before(next) {
			k.now = next
		}
		switch next {
		case k.periodicDue: // asked for before a query of the same moment
			k.periodicDue = k.now.Add(worldPeriod)
			k.periodic()
		case k.query:
			k.query = time.Time{}
			k.connectivity()
		default:
			k.sfi, k.sfiNext = k.sfi+1, time.Time{}
		}
	}
	if k.now.Before(until) {
		k.now = until
	}
}
