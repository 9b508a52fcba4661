package raslab

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// The health check runs every hour. In each run the drives do one step of their
// background scrub: some of them read their key record back. The share is an
// assumption: at least scrubMin drives an hour, and every drive once in
// scrubHours.
const (
	healthPeriod = time.Hour
	scrubMin     = 4
	scrubHours   = 168
)

// health is what the hourly check works with.
type health struct {
	watch     []watched // by slot
	stale     bool      // watch must be made anew
	scrubNext int
	table     []byte // the table of drives as it was written last
}

// watched is what the check compares for one drive: contiguous, so that a
// facility of 1,536 drives is passed in microseconds.
type watched struct {
	drive  reached
	want   drive.Status // member of an encrypted rank: exactly this
	member bool
	slow   bool // empty slot, armed fault plan, or already out of service: ask in full
}

// suspicion is what the check remembers of a drive. It tries a wrong credential once for each key
// generation and not once an hour, because every try counts against the drive's limit.
type suspicion struct {
	settled    bool   // accepted holds
	accepted   uint32 // key generation that the group's credential opened
	tried      bool   // rejected holds
	rejected   uint32 // key generation that it did not open
	refusedWhy string
}

// HealthReport is what one health check found.
type HealthReport struct {
	Ran        bool     // false if no partition has data access
	Partitions []int    // on which it ran
	Checked    int      // members of encrypted ranks looked at
	Bad        []string // slots that are not as their rank requires
}

// String is one line.
func (r HealthReport) String() string {
	switch {
	case !r.Ran:
		return "not run, no partition has data access"
	case len(r.Bad) > 0:
		return fmt.Sprintf("%d members by partitions %v: not as their rank requires: %s", r.Checked, r.Partitions, strings.Join(r.Bad, ", "))
	}
	return fmt.Sprintf("%d members by partitions %v: as their ranks require", r.Checked, r.Partitions)
}

func (l *Lab) refreshWatch() {
	l.health.watch = l.health.watch[:0]
	for _, s := range l.plant.slots {
		w := watched{slow: s.port.part == nil || s.port.part.plan != nil || !s.port.supply}
		if s.port.part != nil {
			w.drive = l.reach(s.port.part)
		}
		if m := s.member(); m != nil {
			w.slow = w.slow || m.state != inSync
			if m.slot.array.rank.keygrp != 0 && w.drive != nil {
				w.member = true
				w.want = drive.Status{Powered: true, State: drive.Configured, LockEnabled: true, KeyGeneration: s.suspect.accepted}
				w.slow = w.slow || !s.suspect.settled
			}
		}
		l.health.watch = append(l.health.watch, w)
	}
	l.health.stale = false
}

// CheckHealth runs the health check now, beside the hourly ones.
func (l *Lab) CheckHealth() HealthReport {
	defer l.unwound("health check", nil)
	bad := l.checkHealth()
	rep := HealthReport{Ran: l.sfi.anyAccess(), Checked: l.encryptedMembers()}
	for _, p := range l.sfi.partitions {
		if p.access {
			rep.Partitions = append(rep.Partitions, p.id)
		}
	}
	for _, f := range bad {
		rep.Bad = append(rep.Bad, f.slot.name)
	}
	return rep
}

// hourly is the health check as an event of the clock.
type hourly struct{ lab *Lab }

func (h hourly) run() {
	l := h.lab
	l.clock.after(healthPeriod, "health check", h)
	l.readTable()
	l.destage()
	l.payHourly()
	l.checkHealth()
	l.sendCalls()
	l.exchangePredicted()
}

// checkHealth looks at every drive. It runs on partitions whose IML completed with data accessible.
// Without such a partition it does nothing: the inaccessible group has a code of its own.
func (l *Lab) checkHealth() []finding {
	if !l.sfi.anyAccess() {
		return nil
	}
	l.scrub()
	if l.health.stale {
		l.refreshWatch()
	}
	var bad []finding
	for i := range l.health.watch {
		w := &l.health.watch[i]
		if !w.slow {
			st := w.drive.Status()
			if st.ScrubNeeded {
				st = l.scrubNow(l.plant.slots[i])
			}
			if w.member {
				if st == w.want {
					continue
				}
			} else if st.Powered && st.State != drive.SecurityDegraded && !st.Locked {
				continue
			}
		}
		if f := l.examine(l.plant.slots[i]); f.why != "" {
			bad = append(bad, f)
		}
	}
	if len(bad) > 0 {
		l.raise(src.BE3400B3, "", bad, unfitMembers{l})
	}
	l.restoreRanks()
	return bad
}

// examine looks closely at a drive that may not be well. It returns a finding only for a member of
// a rank that answers and is not as its rank requires.
func (l *Lab) examine(s *slot) (f finding) {
	if s.port.part == nil && s.member() == nil {
		if s.state != Missing && !l.service.underRepair(s) {
			s.setState(Missing, "the slot is empty")
		}
		return f
	}
	if l.service.underRepair(s) || s.state == Inappropriate {
		return f
	}
	m := s.member()
	st := s.port.Status()
	if !st.Powered {
		why := "it does not answer"
		switch {
		case s.port.part == nil:
			why = "the drive is gone"
		case m == nil && s.state != Failed:
			s.setState(Failed, why)
		}
		if m != nil && (m.job == nil || m.job.target != s) {
			l.plant.rankOf(m).fail(m, why)
		}
		return f
	}
	if m == nil {
		if st.State == drive.SecurityDegraded && s.state == Normal {
			s.setState(Failed, "security degraded")
		}
		return f
	}
	r := l.plant.rankOf(m)
	if m.state == failedMember || m.job != nil && m.job.target == s || !l.sfi.dataAccess(r) {
		return f
	}
	why := l.health.memberFault(s, r.group())
	if why == "" {
		if m.state == inSync {
			return f
		}
		// The member was out of reach for a while and is well now. The check sums find what it
		// missed.
		l.resync(m)
		return f
	}
	r.setMember(m, inaccessible, why)
	return finding{slot: s, serial: s.port.Serial(), why: why}
}

// memberFault says what is wrong with a member of a rank, "" if it is as its rank requires. A
// member of an unencrypted rank (g nil) only has to be reachable by hosts. A key generation that
// the facility does not know is settled by a real authentication with the group's credential.
func (h *health) memberFault(s *slot, g *keyGroup) string {
	st := s.port.Status()
	switch {
	case !st.Powered:
		return "it does not answer"
	case st.State == drive.SecurityDegraded:
		return "security degraded"
	case g == nil && st.Locked:
		return "locked"
	case g == nil:
		return ""
	case st.State != drive.Configured:
		return "its lifecycle state is " + st.State.String() + ": it does not protect its data"
	case st.Locked:
		return "locked"
	case !st.LockEnabled:
		return "its lock is not enabled"
	}
	sus := &s.suspect
	if sus.settled && sus.accepted == st.KeyGeneration {
		return ""
	}
	if sus.tried && sus.rejected == st.KeyGeneration {
		return sus.refusedWhy
	}
	err := g.probe(s)
	if errors.Is(err, encgroup.ErrStore) {
		return "" // it opens; that its record could not be kept is not the drive's fault, and the next check tries again
	}
	if err != nil {
		sus.tried, sus.rejected = true, s.port.Status().KeyGeneration
		sus.refusedWhy = "it does not open to its credential: " + cause(err)
		return sus.refusedWhy
	}
	sus.settled, sus.accepted = true, s.port.Status().KeyGeneration
	h.stale = true
	return ""
}

// unfitMembers is drives that are not as their rank requires.
type unfitMembers struct{ lab *Lab }

func (u unfitMembers) still(e *event) (still []string) {
	l := u.lab
	for _, f := range e.found {
		m := f.slot.member()
		if f.slot.port.Serial() != f.serial || m == nil {
			continue // another drive, or no member any more
		}
		why := ""
		switch {
		case !l.sfi.dataAccess(l.plant.rankOf(m)):
			why = "its group is inaccessible, so nothing can be said"
		case m.state != inSync:
			why = m.why
			if m.job != nil {
				why = m.job.what + " is running"
			}
		default:
			why = l.health.memberFault(f.slot, l.plant.rankOf(m).group())
		}
		if why != "" {
			still = append(still, f.slot.name+": "+why)
		}
	}
	return still
}

// scrubNow lets a drive mend the flash page that it warned of. It returns the drive's status
// without the warning, because the key record itself is good.
func (l *Lab) scrubNow(s *slot) drive.Status {
	l.logf(s.name, "the flash page of the key record needs a self test")
	if err := s.port.SelfTest(); err != nil {
		l.logf(s.name, "self test: %s", strings.TrimPrefix(cause(err), "drive: "))
	}
	st := s.port.Status()
	st.ScrubNeeded = false
	return st
}

// scrub lets the next few drives read their key records back.
func (l *Lab) scrub() {
	n := max(min(scrubMin, len(l.plant.slots)), (len(l.plant.slots)+scrubHours-1)/scrubHours)
	for range n {
		s := l.plant.slots[l.health.scrubNext]
		l.health.scrubNext = (l.health.scrubNext + 1) % len(l.plant.slots)
		if s.port.part == nil || s.port.part.dead || !s.port.supply || l.service.underRepair(s) {
			continue
		}
		before := l.reach(s.port.part).Status()
		if err := s.port.SelfTest(); err != nil && before.Powered && before.State != drive.SecurityDegraded {
			l.logf(s.name, "self test: %s", strings.TrimPrefix(cause(err), "drive: "))
		}
	}
}

func (l *Lab) encryptedMembers() (n int) {
	for _, r := range l.plant.ranks {
		if r.keygrp != 0 && l.sfi.dataAccess(r) {
			n += len(r.members)
		}
	}
	return n
}

func (s *service) underRepair(at *slot) bool { return s.action != nil && s.action.slot == at }

// resync takes a member back that kept its data and missed writes.
func (l *Lab) resync(m *member) {
	if m.job != nil {
		return
	}
	l.startCopy(m, m.slot, nil, resynchronisation, elseFailed{"it did not catch up"})
}
