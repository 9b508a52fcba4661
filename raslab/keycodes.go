package raslab

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// The codes of the key path. Each is raised here from the results of the requests.

// errNoPartition is why nobody can ask for a key.
var errNoPartition = errors.New("raslab: no partition has completed its IML")

// The codes for a partition that got a key from no server, by what it met.
var nowhere = []struct {
	reason reason
	code   src.Code
	iml    bool // raised at an IML only
	text   string
}{
	{reasonNoServer, src.BE14E004, false, "no active key server is configured"},
	{reasonConsole, src.BE14E009, false, ""},
	{reasonTimeout, src.BE14E00B, false, ""},
	{reasonSocket, src.BE14E008, false, ""},
	{reasonSession, src.BE14E0F1, true, ""},
	{reasonNoKey, src.BE14E011, false, ""},
	{reasonUnwrap, src.BE14E012, false, ""},
	{reasonSignature, src.BE14E013, false, ""},
}

// The codes of a periodic retrieval for single servers, where a partition got
// the key from another one.
var somewhere = []struct {
	reason reason
	code   src.Code
}{
	{reasonTimeout, src.BE14EA0B},
	{reasonNoKey, src.BE14EA11},
	{reasonUnwrap, src.BE14EA12},
	{reasonSignature, src.BE14EA13},
}

// reportIML raises the codes of an IML. failed are the attempts of the partitions
// that got the key from no server; if no partition did, the umbrella is raised
// first.
func (l *Lab) reportIML(g *keyGroup, failed []attempt) {
	if g.enc.State() != encgroup.Accessible {
		l.raise(src.BE14CFE0, g.location(), g.umbrella(failed), inaccessibleGroup{g}).next = g
	}
	l.reportNowhere(g, failed, true)
}

// umbrella names every server that was asked, once.
func (g *keyGroup) umbrella(failed []attempt) (out []finding) {
	for _, a := range failed {
		if a.manager == nil {
			out = append(out, finding{location: g.location(), why: a.err.Error()})
			break
		}
		if !slices.ContainsFunc(out, func(f finding) bool { return f.manager == a.manager }) {
			out = append(out, keyFinding(a))
		}
	}
	return out
}

func keyFinding(a attempt) finding {
	return finding{manager: a.manager, location: a.manager.location(), why: fmt.Sprintf("key manager %d %s: %s", a.manager.id, a.manager.addr, plainKeyError(a.err))}
}

func plainKeyError(err error) string { return err.Error() }

// reportNowhere raises one code for each reason that partitions without any key met. The event
// names the servers where they met it.
func (l *Lab) reportNowhere(g *keyGroup, failed []attempt, iml bool) {
	for _, n := range nowhere {
		if n.iml && !iml {
			continue
		}
		var on []int
		var found []finding
		for _, a := range failed {
			if a.reason != n.reason {
				continue
			}
			if !slices.Contains(on, a.partition) {
				on = append(on, a.partition)
			}
			f := finding{location: g.location(), why: n.text}
			if a.manager != nil {
				f = keyFinding(a)
			}
			if !slices.ContainsFunc(found, f.same) {
				found = append(found, f)
			}
		}
		if len(found) == 0 {
			continue
		}
		cause := keyFromNowhere{g, n.reason}
		e := l.raiseOn(on, n.code, g.location(), found, twoMatters{cause, inaccessibleGroup{g}})
		e.cause, e.next = cause, g
		if n.reason.asksAgain() {
			l.awaitConnectivity(g, failed)
		}
	}
}

// got says whether a partition got the key from some server.
func got(all []attempt, partition int) bool {
	return slices.ContainsFunc(all, func(a attempt) bool { return a.partition == partition && a.reason == reasonNone })
}

// reportPeriodic raises the codes of a periodic key retrieval.
func (l *Lab) reportPeriodic(g *keyGroup, all []attempt) {
	var failed, none []attempt // all that failed; those of partitions that got no key
	for _, a := range all {
		if a.reason != reasonNone {
			failed = append(failed, a)
			if !got(all, a.partition) {
				none = append(none, a)
			}
		}
	}
	if len(failed) == 0 {
		return
	}
	l.reportNowhere(g, none, false)
	for _, a := range failed {
		if a.manager == nil {
			return // nobody was asked
		}
	}
	for _, s := range somewhere {
		on, found := pick(failed, func(a attempt) bool { return a.reason == s.reason && got(all, a.partition) })
		if len(found) > 0 {
			l.raiseOn(on, s.code, g.location(), found, failingServers{g, s.reason})
		}
	}
	for _, m := range l.keys.activeOf(g.id) {
		on, found := pick(failed, func(a attempt) bool { return a.manager == m && a.reason.communication() })
		if len(found) == 0 {
			continue
		}
		l.raiseSilent(m, on, found)
	}
	on, found := pick(failed, func(attempt) bool { return true })
	l.raiseOn(on, src.BE14CFEA, g.location(), found, failingServers{g, reasonNone})
}

// pick gives the partitions and the servers of some attempts, each once.
func pick(all []attempt, want func(attempt) bool) (on []int, found []finding) {
	for _, a := range all {
		if !want(a) {
			continue
		}
		if !slices.Contains(on, a.partition) {
			on = append(on, a.partition)
		}
		if f := keyFinding(a); !slices.ContainsFunc(found, f.same) {
			found = append(found, f)
		}
	}
	return on, found
}

// raiseSilent reports a server without communication, by the link that it is
// reached by.
func (l *Lab) raiseSilent(m *keyManager, on []int, found []finding) {
	code := src.BE14EAF1
	if m.protocol == ProtocolTLS {
		code = src.BE14EAF3
	}
	l.raiseOn(on, code, m.location(), found, silentServer{l, m})
}

// raiseOverdue is the request for service after four hours.
func (l *Lab) raiseOverdue(m *keyManager) {
	code := src.BE14EAF2
	if m.overTLS {
		code = src.BE14EAF4
	}
	why := fmt.Sprintf("key manager %d %s: no communication since %s: %s", m.id, m.addr, m.since.Format("2006-01-02 15:04:05"), m.silentWhy)
	l.raiseOn(m.silentOver, code, m.location(), []finding{{manager: m, location: m.location(), why: why}}, silentServer{l, m})
}

// raiseFewServers reports a group with fewer key servers than the minimum.
func (l *Lab) raiseFewServers(g *keyGroup) {
	why := fmt.Sprintf("%s, at least %d are needed", l.fewServers(g.id), encgroup.MinServers)
	l.raise(src.BE14CFEB, g.location(), []finding{{location: g.location(), why: why}}, fewServers{g})
}

// raiseRegained reports that both partitions rebooted by themselves, and that those in on have keys
// again that they lacked. The event closes itself and the BE14E0xx of the same partitions.
func (l *Lab) raiseRegained(on []int) {
	l.raiseOn(on, src.BE14CFE1, "", []finding{{location: l.location(), why: "access to the key servers is back: both partitions were rebooted"}}, nil)
}

// raiseRegainedTooBusy says that the partitions have to be rebooted by hand.
func (l *Lab) raiseRegainedTooBusy() {
	why := "access to the key servers is back, and the partitions have to be recycled by hand: " + l.busyWith()
	l.raise(src.BE14E1F6, "", []finding{{location: l.location(), why: why}}, lockedGroups{l}).next = lockedGroups{l}
}

func (l *Lab) busyWith() string {
	if l.service.action != nil {
		return "a service action is in progress: " + l.service.action.name
	}
	return "the facility is " + string(l.sfi.state)
}

// location is that of the facility itself.
func (l *Lab) location() string { return "SFI-" + l.options.Serial }
