package raslab

import (
	"slices"

	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// The way back to missing keys. MAP4980 lets the partitions come back by themselves only after
// BE14E004, BE14E008 and BE14E009. wayBack says what to do after every other code.

// asksAgain says whether the partitions ask for connectivity every twelve minutes by
// themselves after a failure of this kind.
func (r reason) asksAgain() bool {
	return r == reasonNoServer || r == reasonSocket || r == reasonConsole
}

// awaitConnectivity starts connectivity queries. They go on until a server gives the group's key,
// or a server answers that did not answer in these attempts.
func (l *Lab) awaitConnectivity(g *keyGroup, failed []attempt) {
	l.keys.cutOff = true
	g.answered = nil
	for _, a := range failed {
		if a.manager != nil && a.reason.answered() && !slices.Contains(g.answered, a.manager) {
			g.answered = append(g.answered, a.manager)
		}
	}
	l.query()
}

// regain looks whether connectivity is back. If so it does what MAP4980 says: a dual cluster IML if
// customer data are inaccessible and no service action runs, or an event if a service action
// forbids the IML.
func (l *Lab) regain() {
	inaccessible, waiting := false, false
	for _, g := range l.keys.groups {
		if g.enc.State() < encgroup.Inaccessible {
			continue
		}
		inaccessible = inaccessible || g.locksData()
		switch {
		case l.connected(g):
			l.retrieveIdleKey(g)
		case l.plant.lacking(g):
			return
		default:
			waiting = true // the data of no rank wait for it
		}
	}
	if waiting && !inaccessible {
		return
	}
	l.keys.cutOff = false
	l.logf("key server", "connectivity to the key servers is back")
	if !inaccessible {
		return
	}
	if l.service.action != nil || l.sfi.state != sfiRunning {
		l.raiseRegainedTooBusy()
		return
	}
	l.rebootByItself()
}

// rebootByItself is the dual cluster IML that nobody asked for. Access is regained if some group
// whose data were locked has its key, even if another group still lacks its own.
func (l *Lab) rebootByItself() {
	var locked []*keyGroup
	for _, g := range l.keys.groups {
		if g.locksData() {
			locked = append(locked, g)
		}
	}
	rep := l.begin("iml", l.options.Serial)
	l.stopPartitions()
	l.iml(rep, "iml")
	on, back := []int{0, 1}, false
	for _, g := range locked {
		if l.keys.group(g.id) != g || g.enc.State() != encgroup.Accessible {
			continue
		}
		back = true
		on = slices.DeleteFunc(on, func(p int) bool { return slices.Contains(g.without, p) })
	}
	if back && len(on) > 0 {
		l.raiseRegained(on)
	}
}

// connected says whether a server gives the group's key to some partition, or a server answers that
// did not answer when the failure was reported. A server that answered then and still has no key is
// no reason for a reboot: the reboot would fail as the last one did, again and again.
func (l *Lab) connected(g *keyGroup) bool {
	for _, m := range l.keys.activeOf(g.id) {
		for _, a := range l.probeOne(m) {
			if a.reason == reasonNone || a.reason.answered() && !slices.Contains(g.answered, m) {
				_, err := g.store.reading()
				return err == nil // else the reboot would have nothing to try a key on
			}
		}
	}
	return false
}

// wayBack says what brings back a group that lacks its key; "" for a group that has it.
func (g *keyGroup) wayBack() string {
	l := g.lab
	switch {
	case l.keys.group(g.id) != g || g.enc.State() != encgroup.Inaccessible:
		return ""
	case g.broken != nil:
		return "its record cannot be read: restore the key repository, then do a dual cluster IML"
	case !l.plant.lacking(g) && l.sfi.anyAccess():
		return "no rank waits for its key: the next periodic key retrieval asks for it again"
	case !l.plant.lacking(g):
		return "no rank waits for its key: the next IML asks for it again"
	case l.deadlocked(g.id):
		return "by the audit its key servers wait for storage behind it, and no waiting helps: the recovery key opens it, or a key server gets other storage"
	case l.keys.cutOff && (l.service.action != nil || l.sfi.state != sfiRunning):
		return "the partitions ask for connectivity every 12 minutes, and do not reboot by themselves meanwhile: " + l.busyWith()
	case l.keys.cutOff:
		return "the partitions ask for connectivity every 12 minutes, and reboot by themselves when it is back"
	}
	return "the partitions do not reboot by themselves: mend the cause, test access, then do a dual cluster IML"
}

// lockedGroups is the groups whose data are locked.
type lockedGroups struct{ lab *Lab }

func (m lockedGroups) still(*event) (still []string) {
	for _, g := range m.lab.keys.groups {
		if g.locksData() {
			still = append(still, g.stillInaccessible()...)
		}
	}
	return still
}

// wayBack is that of the first of them.
func (m lockedGroups) wayBack() string {
	for _, g := range m.lab.keys.groups {
		if g.locksData() {
			return g.wayBack()
		}
	}
	return ""
}
