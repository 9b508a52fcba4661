package facility

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

// eventKey tells apart what is counted in different events.
type eventKey struct {
	code           string
	group, manager int
}

// keyCode says whether the model foretells an SRC to the letter.
func keyCode(code string) bool { return strings.HasPrefix(code, "BE14") }

// closedByCFE1 says whether an SRC goes when access is back.
func closedByCFE1(code string) bool { return strings.HasPrefix(code, "BE14E0") }

// keyOf sorts an event of the facility by its code and what it is about.
func (m *Machine) keyOf(e raslab.ServiceEvent) eventKey {
	if k, known := m.about[e.ID]; known {
		return k
	}
	k := eventKey{code: e.SRC}
	switch {
	case strings.HasPrefix(e.SRC, "BE14EAF"):
		k.manager = e.KeyServers[0]
	case len(e.KeyServers) > 0:
		if o := m.keys.manager(e.KeyServers[0]); o != nil {
			k.group = o.group
		}
	case len(e.Locations) > 0:
		_, _ = fmt.Sscanf(e.Locations[0], "KG%d", &k.group)
	}
	m.about[e.ID] = k
	return k
}

// compareEvents holds the facility's events against what the model has raised since
// the last time: an SRC comes if and only if its cause held, for the partitions and
// servers that met it, and nothing is closed by itself but what BE14CFE1 takes along.
func (m *Machine) compareEvents() error {
	was, is, want := m.seen, m.events(), m.keys.raised
	m.seen, m.keys.raised = is, nil
	told := map[eventKey]*tally{}
	for _, w := range want {
		k := eventKey{w.code, w.group, w.manager}
		if told[k] == nil {
			told[k] = &tally{}
		}
		told[k].add(1, w.on, w.servers)
	}
	var took []int // the partitions of a BE14CFE1 that came; nil: none came
	for i, e := range is {
		if !keyCode(e.SRC) {
			continue
		}
		before := raslab.ServiceEvent{}
		if i < len(was) {
			before = was[i]
		}
		k := m.keyOf(e)
		if n := e.Count - before.Count; n > 0 {
			if e.SRC == "BE14CFE1" {
				took = e.Partitions
			}
			t := told[k]
			if e.SRC == "BE14CFF5" && t == nil && m.keys.uncertified() {
				continue // each drive certify of a repair finds it; which repairs certify is the drives' business
			}
			if t == nil || t.n < n {
				return m.failf("%s was raised (event %d, for %v) and its cause did not hold: %s", e.SRC, e.ID, e.Locations, strings.Join(e.Found, "; "))
			}
			t.n -= n
			if k.manager != 0 {
				m.of[e.ID] = m.keys.manager(k.manager)
			}
			if w := union(before.Partitions, t.on); !slices.Equal(e.Partitions, w) {
				return m.failf("%s (event %d) is of partitions %v, expected %v", e.SRC, e.ID, e.Partitions, w)
			}
			if got, w := union(e.KeyServers, nil), union(before.KeyServers, t.servers); !slices.Equal(got, w) {
				return m.failf("%s (event %d) names key servers %v, expected %v", e.SRC, e.ID, got, w)
			}
		}
	}
	for _, w := range want {
		if t := told[eventKey{w.code, w.group, w.manager}]; t.n > 0 {
			return m.failf("the cause of %s held (partitions %v, key servers %v), and no event says so", w.code, w.on, w.servers)
		}
	}
	return m.compareClosed(was, is, took)
}

// tally is how often a code has to come, and for whom.
type tally struct {
	n           int
	on, servers []int
}

func (t *tally) add(n int, on, servers []int) {
	t.n += n
	t.on, t.servers = union(t.on, on), union(t.servers, servers)
}

// union is both in ascending order, each once; never nil.
func union(a, b []int) []int {
	out := append(append([]int{}, a...), b...)
	slices.Sort(out)
	return slices.Compact(out)
}

// compareClosed: what closed by itself is BE14CFE1 and every BE14E0xx that was open on
// no other partitions than its own.
func (m *Machine) compareClosed(was, is []raslab.ServiceEvent, took []int) error {
	for i, e := range is {
		wasOpen := i >= len(was) || was[i].Open
		byItself := wasOpen && !e.Open && e.ClosedBy == "facility"
		must := e.SRC == "BE14CFE1" && wasOpen || took != nil && i < len(was) && was[i].Open && closedByCFE1(e.SRC) && slices.Equal(union(took, e.Partitions), took) && !m.stillHolds(e)
		switch {
		case byItself && !must:
			return m.failf("%s (event %d) was closed by the facility, and access did not come back", e.SRC, e.ID)
		case must && !byItself:
			return m.failf("%s (event %d) stayed open when access came back", e.SRC, e.ID)
		}
	}
	return nil
}

// stillHolds says whether the cause of an event is there beyond doubt: then BE14CFE1 does
// not take it along. That its group lacks the key for another reason does not keep it.
func (m *Machine) stillHolds(e raslab.ServiceEvent) bool {
	if !lostAll(e.SRC) {
		yes, known := m.holds(e)
		return known && yes
	}
	return m.keys.unreadable() || !m.keys.running || m.keys.stillMet(e, m.keys.group(m.keyOf(e).group))
}

// holds says whether the cause of an open event still holds, as who closes it by
// hand has to be told; known is false where the model does not say.
func (m *Machine) holds(e raslab.ServiceEvent) (yes, known bool) {
	k, about := m.keys, m.keyOf(e)
	if !keyCode(e.SRC) {
		return false, false
	}
	switch e.SRC {
	case "BE14CFE5":
		return slices.Contains(k.bad[:], true), true
	case "BE14CFF5":
		return k.uncertified(), true
	case "BE14E1F6":
		return slices.ContainsFunc(k.groups, func(g *worldGroup) bool { return g.phase == phaseDone && !g.open && g.needed }), true
	case "BE14CFEB":
		return len(k.activeOf(about.group)) < 2, true
	}
	if about.manager != 0 {
		return k.silentNow(m.of[e.ID]), true
	}
	g := k.group(about.group)
	switch e.SRC {
	case "BE14CFE0":
		return !g.open, true
	case "BE14E3F7":
		return !g.open || k.unreadable(), true
	}
	if k.unreadable() || !k.running {
		return true, true // nobody can look
	}
	return k.stillMet(e, g) || lostAll(e.SRC) && !g.open, true
}

// lostAll says whether a code is of a partition that got the key nowhere: who closes it
// by hand is told while the group still lacks its key.
func lostAll(code string) bool {
	for _, c := range codeNowhere {
		if c == code {
			return true
		}
	}
	return false
}

// uncertified says whether the facility has no valid certificate.
func (k *keyWorld) uncertified() bool { return k.ownIssuer == "" || !valid(k.now, k.ownFrom, k.ownTo) }

// silentNow says whether communication with a server still fails.
func (k *keyWorld) silentNow(m *worldManager) bool {
	if m == nil || m.inactive || k.manager(m.id) != m {
		return false // it is asked no more
	}
	if g := k.group(m.group); k.unreadable() || !k.running || g == nil {
		return true // nobody can look
	}
	g := k.group(m.group)
	return k.request(0, m, g.key).each()[0].cut() || k.request(1, m, g.key).each()[0].cut()
}

// stillMet says whether requests still meet what an event reports.
func (k *keyWorld) stillMet(e raslab.ServiceEvent, g *worldGroup) bool {
	all := k.attempts(g)
	for _, a := range all {
		r := a.exactly()
		of := a.m != nil && slices.Contains(e.KeyServers, a.m.id)
		switch {
		case e.SRC == "BE14CFEA" && of && r != theKey,
			codeSomewhere[r] == e.SRC && of,
			codeNowhere[r] == e.SRC && slices.Contains(e.Partitions, a.p) && !got(all, a.p):
			return true
		}
	}
	return false
}

// closeEvent: closing by hand is refused while the cause holds, and accepted when it
// is gone.
func (m *Machine) closeEvent(a []string) error {
	id := number(a[0])
	e, err := m.Lab.Event(id)
	if err != nil || !e.Open {
		_, err = m.Lab.CloseEvent(id, "proptest", "seen", false)
		return m.expect(false, err)
	}
	yes, known := m.holds(e)
	_, err = m.Lab.CloseEvent(id, "proptest", "seen", false)
	if !known || !m.foreseen() {
		return m.refusal(err)
	}
	return m.expect(!yes, err)
}

// expect takes the error of a request that should be taken, or be refused.
func (m *Machine) expect(taken bool, err error) error {
	if bad := m.refusal(err); bad != nil {
		return bad
	}
	switch {
	case err != nil && taken:
		return m.failf("%s was refused, and nothing speaks against it: %v", m.last(), err)
	case err == nil && !taken:
		return m.failf("%s was taken, and should have been refused", m.last())
	}
	return nil
}

func (m *Machine) last() string { return m.steps[len(m.steps)-1] }
