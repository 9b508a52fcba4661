package facility

import (
	"slices"
	"time"
)

// When the model asks for keys: at an IML, in a periodic retrieval, in a query for connectivity.
// Each raises the codes that the table of MAP4980 has for what the requests meet.

// raise is a code that has to come: in a new event, or counted once more in an open one.
type raise struct {
	code           string
	group, manager int   // what the event is about; 0 where that does not tell events apart
	on             []int // partitions
	managers       []int // key managers
}

func (k *keyModel) raise(code string, group, manager int, on, managers []int) {
	k.raised = append(k.raised, raise{code, group, manager, union(on, nil), union(managers, nil)})
}

// The codes for a partition that gets the key from no server, and those of a periodic
// retrieval for single servers where the partition gets the key from another one.
var (
	codeNowhere = map[outcome]string{
		noServer: "BE14E004", noConsole: "BE14E009", noReply: "BE14E00B", noConnection: "BE14E008", noSession: "BE14E0F1",
		noKey: "BE14E011", wrongKey: "BE14E012", badSignature: "BE14E013",
	}
	codeSomewhere = map[outcome]string{noReply: "BE14EA0B", noKey: "BE14EA11", wrongKey: "BE14EA12", badSignature: "BE14EA13"}
)

// nowhere raises what the partitions met that got the key from no server.
func (k *keyModel) nowhere(g *keyGroup, all []attempt, iml bool) {
	for o := noConsole; o <= noServer; o++ {
		if o == noSession && !iml {
			continue // MAP4980 has BE14E0F1 at an IML only
		}
		on, managers := pick(all, func(a attempt) bool { return a.outcome == o && !got(all, a.partition) })
		if len(on) == 0 {
			continue
		}
		k.raise(codeNowhere[o], g.id, 0, on, managers)
		if o == noServer || o == noConsole || o == noConnection {
			k.cutOff = true
			_, g.answered = pick(all, func(a attempt) bool { return a.outcome.answered() && !got(all, a.partition) })
			k.query()
		}
	}
}

// query has the next query for connectivity in twelve minutes.
func (k *keyModel) query() {
	if k.queryDue.IsZero() {
		k.queryDue = k.now.Add(modelQuery)
	}
}

// stop: the partitions are down, and the keys leave their memory.
func (k *keyModel) stop() {
	k.running, k.access = false, false
	for _, g := range k.groups {
		g.accessible = false
	}
}

// iml: both partitions stop and boot. Then each group's key is asked for.
func (k *keyModel) iml() {
	k.stop()
	k.busy = true
	k.pass(k.now.Add(modelIML))
	mended := !k.unreadable() && slices.Contains(k.bad[:], true)
	if mended {
		k.pass(k.now.Add(modelIML)) // they reboot once more
		k.bad, k.damaged = [3]bool{}, [3]bool{}
	}
	k.busy, k.sfi, k.sfiNext, k.running, k.cutOff = false, sfiRunning, time.Time{}, true, false
	if mended {
		k.raise("BE14CFE5", 0, 0, both, nil)
	}
	k.access = true
	for _, g := range k.configuredGroups() {
		k.imlOf(g)
		k.access = k.access && (g.accessible || !g.needed)
	}
}

func (k *keyModel) imlOf(g *keyGroup) {
	g.answered = nil
	if g.unreadable = k.unreadable(); g.unreadable {
		k.raise("BE14E3F7", g.id, 0, both, nil)
		return
	}
	all := k.attempts(g)
	if g.accessible = anyGot(all); !g.accessible {
		_, managers := pick(all, func(attempt) bool { return true })
		k.raise("BE14CFE0", g.id, 0, both, managers)
	}
	k.nowhere(g, all, true)
}

// retrieveUnneeded: a group that no rank uses gets its key when it can be had, without a reboot.
func (k *keyModel) retrieveUnneeded(g *keyGroup) {
	if !g.accessible && !g.needed && !g.unreadable {
		g.accessible = anyGot(k.attempts(g))
	}
}

// periodic is the periodic key retrieval.
func (k *keyModel) periodic() {
	if !k.access {
		return
	}
	for _, g := range k.configuredGroups() {
		k.retrieveUnneeded(g)
		if !g.accessible {
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

func (k *keyModel) periodicOf(g *keyGroup, all []attempt) {
	k.nowhere(g, all, false)
	if len(k.activeOf(g.id)) == 0 {
		return
	}
	for _, o := range []outcome{noReply, noKey, wrongKey} {
		if on, managers := pick(all, func(a attempt) bool { return a.outcome == o && got(all, a.partition) }); len(on) > 0 {
			k.raise(codeSomewhere[o], g.id, 0, on, managers)
		}
	}
	for _, m := range k.activeOf(g.id) {
		if k.listen(m, all) {
			k.raise(m.code("BE14EAF3", "BE14EAF1"), 0, m.id, m.silentTo, []int{m.id})
		}
	}
	if on, managers := pick(all, func(a attempt) bool { return a.outcome != gotKey }); len(on) > 0 {
		k.raise("BE14CFEA", g.id, 0, on, managers)
	}
}

// code is the one of two codes that fits the link to a key server.
func (m *keyManager) code(tls, plain string) string {
	if m.noTLS {
		return plain
	}
	return tls
}

// listen keeps since when a server is silent: from the first failure of communication until
// it answers. It says whether communication fails now.
func (k *keyModel) listen(m *keyManager, all []attempt) bool {
	answered, _ := pick(all, func(a attempt) bool { return a.manager == m && a.outcome.answered() })
	failed, _ := pick(all, func(a attempt) bool { return a.manager == m && a.outcome.noContact() })
	switch {
	case len(failed) > 0:
		if !m.silent {
			m.silent, m.overdue, m.since = true, false, k.now
		}
		m.silentTo = failed
		k.query()
	case len(answered) > 0:
		m.silent = false
	}
	return len(failed) > 0
}

// connectivity is the query of every twelve minutes.
func (k *keyModel) connectivity() {
	if k.running {
		for _, m := range k.managers {
			if m.silent {
				k.querySilent(m)
			}
		}
		if k.cutOff {
			k.regain()
		}
	}
	if k.cutOff || slices.ContainsFunc(k.managers, func(m *keyManager) bool { return m.silent }) {
		k.query()
	}
}

// querySilent asks a silent server. BE14EAF2 or BE14EAF4 comes after four hours.
func (k *keyModel) querySilent(m *keyManager) {
	g := k.group(m.group)
	if g == nil || g.phase != configured {
		return
	}
	all := slices.DeleteFunc(k.attempts(g), func(a attempt) bool { return a.manager != m })
	_, keys := pick(all, func(a attempt) bool { return a.outcome == gotKey || a.outcome == wrongKey })
	if k.unreadable() && len(keys) > 0 {
		return // a key came, and there is no record to try it on
	}
	if k.listen(m, all) && !m.overdue && k.now.Sub(m.since) >= modelSilence {
		m.overdue = true
		k.raise(m.code("BE14EAF4", "BE14EAF2"), 0, m.id, m.silentTo, []int{m.id})
	}
}

// connected says whether a server gives the key of a group, or one answers that did not when
// lost connectivity was reported.
func (k *keyModel) connected(g *keyGroup) bool {
	return !k.unreadable() && slices.ContainsFunc(k.attempts(g), func(a attempt) bool {
		return a.outcome == gotKey || a.outcome.answered() && !slices.Contains(g.answered, a.manager.id)
	})
}

// regain: once every group that a rank uses is connected, the partitions reboot if data are
// inaccessible and no service action runs.
func (k *keyModel) regain() {
	waiting := false
	var lacked []*keyGroup
	for _, g := range k.configuredGroups() {
		if !g.accessible && g.needed {
			lacked = append(lacked, g)
		}
		switch {
		case k.connected(g):
			k.retrieveUnneeded(g)
		case g.needed:
			return
		default:
			waiting = true
		}
	}
	if waiting && len(lacked) == 0 {
		return
	}
	k.cutOff = false
	switch {
	case len(lacked) == 0:
	case k.busy || k.sfi != sfiRunning:
		k.raise("BE14E1F6", 0, 0, both, nil)
	default:
		k.iml()
		if on := k.regained(lacked); len(on) > 0 {
			k.raise("BE14CFE1", 0, 0, on, nil)
		}
	}
}

// regained is the partitions that got the key of every group that lacked it and is accessible
// now; none where no group is.
func (k *keyModel) regained(lacked []*keyGroup) (on []int) {
	back := slices.DeleteFunc(slices.Clone(lacked), func(g *keyGroup) bool { return !g.accessible })
	for _, p := range both {
		if len(back) > 0 && !slices.ContainsFunc(back, func(g *keyGroup) bool { return !got(k.attempts(g), p) }) {
			on = append(on, p)
		}
	}
	return on
}

// due is when something comes next by itself.
func (k *keyModel) due() time.Time {
	next := k.periodicDue
	for _, t := range []time.Time{k.queryDue, k.sfiNext} {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	return next
}

// pass lets time pass up to a moment, with everything that is due. An IML that begins
// meanwhile may end later.
func (k *keyModel) pass(until time.Time) {
	for next := k.due(); !next.After(until); next = k.due() {
		if k.now.Before(next) {
			k.now = next
		}
		switch next {
		case k.periodicDue: // asked for before a query of the same moment
			k.periodicDue = k.now.Add(modelPeriod)
			k.periodic()
		case k.queryDue:
			k.queryDue = time.Time{}
			k.connectivity()
		default:
			k.sfi, k.sfiNext = k.sfi+1, time.Time{}
		}
	}
	if k.now.Before(until) {
		k.now = until
	}
}
