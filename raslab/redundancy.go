package raslab

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// The facility records at once which member misses which row. The record is kept with the check
// sums of the row, outside the partitions' memory, so that it survives an IML and a power cycle
// (assumption: the real machines keep such bookkeeping in their nonvolatile storage). Whatever
// takes a drive away asks here first: if one member lacks a row, every other member holds the only
// copy of its strip.

// lack is why a member's drive does not have its strip of a row.
type lack uint8

const (
	missed lack = iota + 1 // it was written without this drive, which has an older strip or none
	unread                 // the drive did not give it, but may give it another time
)

func (m *member) lack(n uint64, why lack) {
	if m.lacks == nil {
		m.lacks = map[uint64]lack{}
	}
	if m.lacks[n] != missed {
		m.lacks[n] = why
	}
}

func (m *member) has(n uint64) { delete(m.lacks, n) }

// lacksAll records that a member's drive was erased.
func (m *member) lacksAll(r *Rank) {
	for _, n := range r.order {
		m.lack(n, missed)
	}
}

// mayErase is the last look before an erase, whoever asked for it: a drive that a
// rank counts on, or that may hold the only copy of a row, is not erased in any slot.
func (l *Lab) mayErase(s *slot) error {
	serial := s.port.Serial()
	m := l.plant.awaited(serial)
	switch {
	case m == nil || l.custody.another(m, s):
		return nil
	case m.state == inSync:
		return fmt.Errorf("raslab: %w: %s serves %s", errNotErased, serial, l.plant.rankOf(m).name())
	case !m.givenUp && !l.plant.rankOf(m).redundantWithout(m):
		return fmt.Errorf("raslab: %w: %s may hold the only copy of data of %s", errNotErased, serial, l.plant.rankOf(m).name())
	}
	return nil
}

// lackers counts the members that cannot give their strip of a row now.
func (r *Rank) lackers(n uint64) (bad int) {
	for _, m := range r.members {
		if m.state != inSync || m.lacks[n] != 0 {
			bad++
		}
	}
	return bad
}

// whole says whether every member but one (nil: every member) has every row.
func (r *Rank) whole(but *member) bool {
	return !slices.ContainsFunc(r.members, func(m *member) bool { return m != but && len(m.lacks) > 0 })
}

// mostLacking is the greatest number of strips that a row lacks, including those of members that do
// not serve. It is 0 if every member has every row.
func (r *Rank) mostLacking() (worst int) {
	if r.whole(nil) {
		return 0
	}
	for _, n := range r.order {
		if slices.ContainsFunc(r.members, func(m *member) bool { return m.lacks[n] != 0 }) {
			worst = max(worst, r.lackers(n))
		}
	}
	return worst
}

// onlyCopies counts the rows whose strip a member may hold and nobody can compute from the others,
// because one of them lacks its own strip.
func (r *Rank) onlyCopies(m *member) (rows int) {
	if r.whole(m) {
		return 0
	}
	for _, n := range r.order {
		if m.lacks[n] != missed && slices.ContainsFunc(r.members, func(o *member) bool { return o != m && o.lacks[n] != 0 }) {
			rows++
		}
	}
	return rows
}

// redundantWithout says whether the other members can give everything that a member's drive holds.
// They are first given the rows that they lack, if possible.
func (r *Rank) redundantWithout(m *member) bool {
	if len(r.order) == 0 {
		return true
	}
	r.refill()
	out, _ := r.missing()
	if m.state != inSync {
		out--
	}
	return out == 0 && r.onlyCopies(m) == 0
}

// whyNot says why a rank is not redundant without a member.
func (r *Rank) whyNot(m *member) string {
	var parts []string
	for _, o := range r.members {
		switch {
		case o == m:
		case o.state != inSync:
			parts = append(parts, fmt.Sprintf("%s (%s)", o.slot.name, o.why))
		case len(o.lacks) > 0:
			parts = append(parts, fmt.Sprintf("%s (it lacks %s)", o.slot.name, rowCount(len(o.lacks))))
		}
	}
	return strings.Join(parts, ", ")
}

// first says what has to be done before a member may be taken out of service.
func (r *Rank) first(m *member) string {
	for _, o := range r.members {
		if o.job != nil && o != m {
			return fmt.Sprintf("wait until the %s on %s is complete", o.job.what, o.job.target.name)
		}
	}
	if out, _ := r.missing(); out > 0 {
		return "repair the drive that is missing first"
	}
	return "copy it to a spare with a smart rebuild, which takes nothing away"
}

func rowCount(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// refill gives members the rows that they lack, where the others have them.
func (r *Rank) refill() {
	buf := r.lab.sector()
	defer r.lab.hostIO.release(buf)
	for position, m := range r.members {
		if m.state != inSync || len(m.lacks) == 0 || !r.lab.sfi.dataAccess(r) {
			continue
		}
		for _, n := range r.order {
			if m.lacks[n] != 0 && m.state == inSync && r.reconstruct(n, r.rows[n], position, buf) == nil {
				r.writeMember(n, position, buf)
			}
		}
	}
}

// ask looks at every member that is believed to serve, before an action that relies on it. Else a
// dead drive would be found only at the next I/O.
func (r *Rank) ask() {
	if !r.lab.sfi.dataAccess(r) {
		return
	}
	for _, m := range r.members {
		if m.state != inSync || r.lab.service.underRepair(m.slot) {
			continue
		}
		switch serial := m.slot.port.Serial(); {
		case serial != "" && serial != m.serial:
			r.displaced(m)
		case !m.slot.port.Status().Powered:
			r.fail(m, "it does not answer")
		default:
			if why := r.lab.health.memberFault(m.slot, r.group()); why != "" {
				r.setMember(m, inaccessible, why)
			}
		}
	}
}

// restoreRanks brings every rank back as far as its drives allow. It fills the rows that a member
// lacks, takes back a member that is there again if its data are needed, and lets a spare take over
// for a member that is not there. A failed drive that answers again and is not needed is left to
// service. That the facility unlocks a needed member by itself, before service comes, is an
// assumption.
func (l *Lab) restoreRanks() {
	for _, r := range l.plant.ranks {
		if !l.sfi.dataAccess(r) {
			continue
		}
		r.refill()
		for _, m := range r.members {
			if m.state != inSync && m.job == nil && !l.service.underRepair(m.slot) && !r.redundantWithout(m) {
				r.takeAgain(m)
			}
		}
		for _, m := range r.members {
			if !m.waits {
				r.rebuildOnSpare(m)
			}
		}
	}
}

// takeAgain takes back a member that does not serve, if it is the same drive and opens to its
// credential. Else it is left as it is.
func (r *Rank) takeAgain(m *member) {
	l, s := r.lab, m.slot
	st := s.port.Status()
	if s.port.Serial() != m.serial || !st.Powered || st.State == drive.SecurityDegraded || l.custody.another(m, s) {
		return
	}
	g, sus := r.group(), &s.suspect
	switch {
	case g == nil && st.Locked:
		return
	case g != nil && (st.State != drive.Configured || sus.tried && sus.rejected == st.KeyGeneration):
		return
	case g != nil:
		if err := g.readmit(s); err != nil {
			if !blameless(err) && !errors.Is(err, drive.NoPower) {
				sus.tried, sus.rejected = true, s.port.Status().KeyGeneration
				sus.refusedWhy = "it does not open to its credential: " + cause(err)
			}
			return
		}
	}
	l.logf(r.name(), "%s is there again, and its data are needed: it is taken back", s.name)
	s.errors = min(s.errors, mediaErrorsFail-1)
	l.resyncAs(m, inaccessible)
}
