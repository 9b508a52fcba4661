package facility

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

// The facility's events against those that the model has raised.

// eventKey tells apart what is counted in different events.
type eventKey struct {
	code           string
	group, manager int
}

// keyCode says whether the model knows the cause of an SRC exactly.
func keyCode(code string) bool { return strings.HasPrefix(code, "BE14") }

// closedByCFE1 says whether BE14CFE1 closes an SRC.
func closedByCFE1(code string) bool { return strings.HasPrefix(code, "BE14E0") }

// keyOf gives the code of an event and what it is about.
func (m *Machine) keyOf(e raslab.ServiceEvent) eventKey {
	if k, known := m.eventKeys[e.ID]; known {
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
	m.eventKeys[e.ID] = k
	return k
}

// expected is how often a code has to come, and for whom.
type expected struct {
	n            int
	on, managers []int
}

// compareEvents holds the facility's events against what the model has raised since the last
// time: an SRC comes if and only if its cause held, for the partitions and key servers that met
// it. No event closes by itself but BE14CFE1 and those that it takes along.
func (m *Machine) compareEvents() error {
	was, is, raised := m.seen, m.events(), m.keys.raised
	m.seen, m.keys.raised = is, nil
	want := map[eventKey]*expected{}
	for _, w := range raised {
		k := eventKey{w.code, w.group, w.manager}
		if want[k] == nil {
			want[k] = &expected{}
		}
		want[k].n++
		want[k].on, want[k].managers = union(want[k].on, w.on), union(want[k].managers, w.managers)
	}
	var regained []int // the partitions of a BE14CFE1 that came; nil: none came
	for i, e := range is {
		if !keyCode(e.SRC) {
			continue
		}
		before := raslab.ServiceEvent{}
		if i < len(was) {
			before = was[i]
		}
		if e.Count == before.Count {
			continue
		}
		if e.SRC == "BE14CFE1" {
			regained = e.Partitions
		}
		if err := m.compareEvent(before, e, want[m.keyOf(e)]); err != nil {
			return err
		}
	}
	for _, w := range raised {
		if want[eventKey{w.code, w.group, w.manager}].n > 0 {
			return m.failf("the cause of %s held (partitions %v, key servers %v), and no event was raised for it", w.code, w.on, w.managers)
		}
	}
	return m.compareClosed(was, is, regained)
}

// compareEvent compares an event that was opened, or counted once more.
func (m *Machine) compareEvent(before, e raslab.ServiceEvent, want *expected) error {
	if e.SRC == "BE14CFF5" && want == nil && m.keys.uncertified() {
		return nil // each drive certify of a repair finds it, and the model does not know which repairs certify
	}
	n := e.Count - before.Count
	if want == nil || want.n < n {
		return m.failf("%s was raised (event %d, for %v) and its cause did not hold: %s", e.SRC, e.ID, e.Locations, strings.Join(e.Found, "; "))
	}
	want.n -= n
	if id := m.keyOf(e).manager; id != 0 {
		m.eventManagers[e.ID] = m.keys.manager(id)
	}
	if w := union(before.Partitions, want.on); !slices.Equal(e.Partitions, w) {
		return m.failf("%s (event %d) is of partitions %v, expected %v", e.SRC, e.ID, e.Partitions, w)
	}
	if got, w := union(e.KeyServers, nil), union(before.KeyServers, want.managers); !slices.Equal(got, w) {
		return m.failf("%s (event %d) names key servers %v, expected %v", e.SRC, e.ID, got, w)
	}
	return nil
}

// union is both in ascending order, each once; never nil.
func union(a, b []int) []int {
	out := append(append([]int{}, a...), b...)
	slices.Sort(out)
	return slices.Compact(out)
}

// compareClosed: what closes by itself is BE14CFE1, and with it every BE14E0xx that was open
// on no other partitions than regained and whose cause is gone.
func (m *Machine) compareClosed(was, is []raslab.ServiceEvent, regained []int) error {
	for i, e := range is {
		wasOpen := i >= len(was) || was[i].Open
		byItself := wasOpen && !e.Open && e.ClosedBy == "facility"
		takenAlong := regained != nil && i < len(was) && was[i].Open && closedByCFE1(e.SRC) &&
			slices.Equal(union(regained, e.Partitions), regained) && !m.causeHolds(e)
		must := e.SRC == "BE14CFE1" && wasOpen || takenAlong
		switch {
		case byItself && !must:
			return m.failf("%s (event %d) was closed by the facility, and access did not come back", e.SRC, e.ID)
		case must && !byItself:
			return m.failf("%s (event %d) stayed open when access came back", e.SRC, e.ID)
		}
	}
	return nil
}

// causeHolds says whether requests still meet what an event about a group reports, or nobody
// can look.
func (m *Machine) causeHolds(e raslab.ServiceEvent) bool {
	k := m.keys
	if k.unreadable() || !k.running {
		return true
	}
	all := k.attempts(k.group(m.keyOf(e).group))
	return slices.ContainsFunc(all, func(a attempt) bool {
		named := a.manager != nil && slices.Contains(e.KeyServers, a.manager.id)
		switch e.SRC {
		case "BE14CFEA":
			return named && a.outcome != gotKey
		case codeSomewhere[a.outcome]:
			return named
		case codeNowhere[a.outcome]:
			return slices.Contains(e.Partitions, a.partition) && !got(all, a.partition)
		}
		return false
	})
}

// refusesToClose says whether an open event may not be closed by hand, since its cause holds.
func (m *Machine) refusesToClose(e raslab.ServiceEvent) bool {
	k, about := m.keys, m.keyOf(e)
	g := k.group(about.group)
	switch e.SRC {
	case "BE14CFE5":
		return slices.Contains(k.bad[:], true)
	case "BE14CFF5":
		return k.uncertified()
	case "BE14E1F6":
		return slices.ContainsFunc(k.configuredGroups(), func(g *keyGroup) bool { return !g.accessible && g.needed })
	case "BE14CFEB":
		return len(k.activeOf(about.group)) < 2
	case "BE14CFE0":
		return !g.accessible
	case "BE14E3F7":
		return !g.accessible || k.unreadable()
	}
	if about.manager != 0 {
		return k.noContactNow(m.eventManagers[e.ID])
	}
	return m.causeHolds(e) || closedByCFE1(e.SRC) && !g.accessible
}

// noContactNow says whether communication with a key server still fails, or nobody can look.
func (k *keyModel) noContactNow(m *keyManager) bool {
	if m == nil || m.inactive || k.manager(m.id) != m {
		return false // it is asked no more
	}
	g := k.group(m.group)
	if k.unreadable() || !k.running || g == nil {
		return true
	}
	return k.request(0, m, g.key).noContact() || k.request(1, m, g.key).noContact()
}

// closeEvent closes an event by hand.
func (m *Machine) closeEvent(a []string) error {
	id := number(a[0])
	e, err := m.Lab.Event(id)
	if err != nil || !e.Open {
		_, err = m.Lab.CloseEvent(id, "proptest", "seen", false)
		return m.expect(false, err)
	}
	if !keyCode(e.SRC) || !m.certain() {
		_, err = m.Lab.CloseEvent(id, "proptest", "seen", false)
		return m.refusal(err)
	}
	may := !m.refusesToClose(e)
	_, err = m.Lab.CloseEvent(id, "proptest", "seen", false)
	return m.expect(may, err)
}

// expect takes the error of a request that has to be taken, or to be refused.
func (m *Machine) expect(taken bool, err error) error {
	if bad := m.refusal(err); bad != nil {
		return bad
	}
	switch {
	case err != nil && taken:
		return m.failf("%s was refused without a reason: %v", m.last(), err)
	case err == nil && !taken:
		return m.failf("%s was taken, expected a refusal", m.last())
	}
	return nil
}

func (m *Machine) last() string { return m.steps[len(m.steps)-1] }
