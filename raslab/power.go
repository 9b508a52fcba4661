package raslab

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/repository"
)

// imlDuration is how long an initial microcode load takes (assumption).
const imlDuration = 20 * time.Minute

// partition is one of the two partitions (LPARs).
type partition struct {
	id       int
	complete bool // its IML is complete
	access   bool // and data are accessible
	last     time.Time
	memory   memory
}

// PartitionInfo is one of the two partitions (LPARs).
type PartitionInfo struct {
	ID         int // 0, 1
	State      string
	DataAccess bool // its IML completed with data accessible
	LastIML    time.Time
}

// String is the partition and how it is.
func (p PartitionInfo) String() string {
	return fmt.Sprintf("partition %d: %s, data access %v", p.ID, p.State, p.DataAccess)
}

// Partitions lists the two partitions.
func (l *Lab) Partitions() []PartitionInfo {
	var out []PartitionInfo
	for _, p := range l.sfi.partitions {
		i := PartitionInfo{ID: p.id, State: "IML complete, data accessible", DataAccess: p.access, LastIML: p.last}
		switch {
		case l.power.dark:
			i.State = "no power"
		case !p.complete:
			i.State = "IML in progress"
		case !p.access:
			i.State = "IML complete, data not accessible"
		}
		out = append(out, i)
	}
	return out
}

// anyAccess says whether some partition completed its IML with data accessible.
func (s *sfi) anyAccess() bool {
	for i := range s.partitions {
		if s.partitions[i].access {
			return true
		}
	}
	return false
}

// dataAccess says whether partitions and keys allow hosts to reach a rank.
func (s *sfi) dataAccess(r *Rank) bool {
	if !s.anyAccess() {
		return false
	}
	g := r.group()
	return g == nil || g.enc.State() == encgroup.Accessible
}

func (r *Rank) noAccessWhy() string {
	if g := r.group(); g != nil && g.enc.State() != encgroup.Accessible {
		return fmt.Sprintf("key group %d of %s is %s", g.id, r.name(), g.enc.State())
	}
	return "no partition has completed its IML with data accessible"
}

// PowerCycle turns the facility off and on: the group keys leave memory, every
// drive loses its power, then follow power-on and a dual cluster IML. The
// report has Failed set if data are not accessible afterwards.
func (l *Lab) PowerCycle() (out Report, bad error) {
	const op = "power cycle"
	defer l.recovered(op, &out, &bad)
	if err := l.free(op); err != nil {
		return Report{}, err
	}
	rep := l.begin(op, l.options.Serial)
	l.stopPartitions()
	for _, s := range l.plant.slots {
		s.port.PowerOff()
	}
	l.logf("power", "the facility is off")
	l.powerOn(rep, op)
	return rep.done(), nil
}

// DualClusterIML reboots both partitions: the group keys leave their memory and
// are fetched from the key servers again, and members that are locked are
// unlocked. Drives keep their power.
func (l *Lab) DualClusterIML() (out Report, bad error) {
	const op = "iml"
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	rep := l.begin(op, l.options.Serial)
	l.stopPartitions()
	l.iml(rep, op)
	return rep.done(), nil
}

func (l *Lab) stopPartitions() {
	for i := range l.sfi.partitions {
		l.sfi.partitions[i].complete, l.sfi.partitions[i].access = false, false
	}
	for _, g := range l.keys.groups {
		g.enc.PowerOff()
		if g.recovery != nil {
			g.recovery.PowerOff()
		}
	}
}

// iml boots both partitions.
func (l *Lab) iml(rep *reporter, op string) {
	l.logf("iml", "begins on both partitions")
	l.boot(op)
	l.sfi.state = sfiRunning
	l.sfi.steps++
	l.custody.load()
	found := l.load()
	if l.records.restoring {
		rep.note("the restore of the key repository was cut short by the loss of power, and goes on")
		l.restoreRepository(rep)
		l.load()
	}
	mended := slices.ContainsFunc(found.Copies, func(c repository.CopyReport) bool { return c.Repaired })
	if mended {
		rep.note("a copy of the key repository was mended; the partitions reboot once more")
		l.boot(op)
		l.load()
	}
	if n := found.Bad(); n > 0 && found.Verdict == repository.Mismatch {
		rep.note("%d of %d copies of the key repository cannot be mended; the next reboot tries again", n, len(found.Copies))
	}
	for i := range l.sfi.partitions {
		l.sfi.partitions[i].complete = true
	}
	if mended {
		l.raiseMended(found)
	}
	l.retrieveKeys(rep)
	l.cloud.report()
	access := !slices.ContainsFunc(l.keys.groups, (*keyGroup).locksData)
	for i := range l.sfi.partitions {
		l.sfi.partitions[i].complete, l.sfi.partitions[i].access, l.sfi.partitions[i].last = true, access, l.Now()
	}
	if !access {
		rep.r.Failed = true
		l.goOn(rep)
		rep.note("IML complete, data not accessible")
		return
	}
	l.unlockMembers(rep)
	l.goOn(rep)
	if l.recoverMembers(rep) {
		rep.note("IML complete, data accessible")
	} else {
		rep.note("IML complete, data accessible but for these ranks")
	}
	l.restoreRanks()
}

// boot lets the time of a reboot pass. A repair that a loss of power interrupted is in progress
// before and after it.
func (l *Lab) boot(op string) {
	l.service.unfinished, l.service.action = l.service.action, &action{name: op}
	l.clock.runUntil(l.clock.now + imlDuration)
	if l.power.dark { // the clock brought something that met the loss of power
		panic(powerLoss{})
	}
	l.power.powered()
	l.service.action, l.service.unfinished = l.service.unfinished, nil
}

// retrieveKeys is the key retrieval of a dual cluster IML: every configured
// group asks the key servers, and what went wrong is reported.
func (l *Lab) retrieveKeys(rep *reporter) {
	l.keys.cutOff = false
	for _, g := range l.keys.groups {
		g.answered, g.without = nil, nil
		if g.enc.State() < encgroup.Inaccessible {
			continue
		}
		if g.broken != nil {
			g.why = firstLine(g.broken)
			rep.note("key group %d is %s: %s", g.id, g.enc.State(), g.why)
			l.raiseBroken(g, g.broken)
			continue
		}
		failed, err := l.retrieve(g)
		if err != nil {
			g.why = err.Error()
			rep.note("key group %d is %s: %v", g.id, g.enc.State(), err)
		} else {
			g.why = ""
			rep.note("key group %d is %s", g.id, g.enc.State())
			g.keep()
		}
		if len(failed) > 0 {
			l.reportIML(g, failed)
		}
	}
}

// unlockMembers unlocks every drive that is a member of a group, whoever locked it and whenever its
// power came back. The report says which members were not unlocked, and why.
func (l *Lab) unlockMembers(rep *reporter) {
	n := 0
	for _, s := range l.plant.slots {
		if s.port.part == nil || s.state == Inappropriate {
			continue
		}
		g := l.ownerOf(s)
		if g == nil || g.enc.State() != encgroup.Accessible {
			continue
		}
		st := s.port.Status()
		if !st.Powered {
			rep.note("%s is a member of key group %d and was not unlocked: it does not answer", s.name, g.id)
			continue
		}
		if !st.Locked || st.State != drive.Configured {
			continue
		}
		switch err := g.unlock(s); {
		case errors.Is(err, encgroup.ErrStore): // unlocked, and its record is behind: the next unlock settles it
			l.logf(s.name, "%s", cause(err))
		case err != nil:
			rep.note("%s is a member of key group %d and was not unlocked: %s", s.name, g.id, cause(err))
			continue
		}
		n++
	}
	if n > 0 {
		rep.note("%s unlocked", plural(n, "drive"))
	}
}

// recoverMembers lets members of ranks that were out of reach, and are well now, catch up at an
// IML. If the data of a rank wait for a member, it has caught up before the IML is complete, in the
// time that an IML takes (assumption). The report says which ranks hosts still cannot read or write
// in full.
func (l *Lab) recoverMembers(rep *reporter) (accessible bool) {
	for _, r := range l.plant.ranks {
		for _, m := range r.members {
			switch {
			case m.state == inSync:
				l.examine(m.slot) // the health check reports what is wrong, if it has not done so already
			case m.job == nil && l.wellAgain(m):
				l.resync(m)
			}
		}
	}
	for _, r := range l.plant.ranks {
		for _, m := range r.members {
			if out, _ := r.missing(); out < 2 || !l.sfi.dataAccess(r) {
				break // hosts can read and write it while the others catch up
			}
			for j := m.job; j != nil && j.resync() && !j.ended; {
				j.run()
			}
		}
	}
	accessible = true
	for _, r := range l.plant.ranks {
		if out, _ := r.missing(); out > 1 || !l.sfi.dataAccess(r) {
			accessible = false
			rep.note("the data of %s are not accessible: %s", r.name(), r.gone())
		}
	}
	return accessible
}

// wellAgain says whether a member that does not serve may serve again: its very drive is in the
// slot and is as the rank requires. A drive with worn-out media stays out.
func (l *Lab) wellAgain(m *member) bool {
	s, r := m.slot, l.plant.rankOf(m)
	return s.port.answers() && s.port.Serial() == m.serial && s.errors < mediaErrorsFail && s.state != Inappropriate &&
		l.sfi.dataAccess(r) && !l.custody.another(m, s) && l.health.memberFault(s, r.group()) == ""
}
