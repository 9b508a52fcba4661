package raslab

import "slices"

// RemoveRank removes a rank with its data: every member is cryptographically erased and leaves its
// key group. A member that cannot be erased does not keep the rank; it is reported. An inaccessible
// group has to be made accessible first, because without its keys nobody can prove an erase.
//
// The rank is removed when every member has left its group, in the group's record too. Until then
// the rank is Removing, takes no I/O, and keeps its array. The report has Failed set, what is
// missing is owed (Owed), and calling RemoveRank again goes on.
func (l *Lab) RemoveRank(name string) (out Report, bad error) {
	const op = "rank remove"
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	r := l.plant.removing(name)
	begun := r != nil
	if !begun {
		var err error
		if r, err = l.plant.rankNamed(op, name); err != nil {
			return Report{}, err
		}
	}
	if _, err := l.keys.usableGroup(op, r.keygrp); err != nil {
		return Report{}, err
	}
	rep := l.begin(op, r.name())
	if !begun {
		l.beginRemoval(rep, r)
	}
	for _, d := range slices.Clone(l.owed.debts) {
		if d.rank == r {
			l.pay(rep, d)
		}
	}
	rep.r.Failed = false // a drive that was not erased has an event; the customer sees a removal that worked
	l.finishRemovals(rep)
	if slices.Contains(l.plant.leaving, r) {
		rep.r.Failed = true
		rep.note("rank %s is not removed yet; rank remove goes on, and so does the facility, each hour", r.name())
	}
	return rep.done(), nil
}

// beginRemoval takes a rank out of service and writes down what is owed to each of its
// drives, before the first of them is touched.
func (l *Lab) beginRemoval(rep *reporter, r *Rank) {
	var leaving []*slot
	for _, m := range r.members {
		leaving = append(leaving, m.slot)
		if m.job != nil && m.job.target != m.slot {
			leaving = append(leaving, m.job.target)
		}
	}
	l.power.powered()
	slices.SortFunc(leaving, func(a, b *slot) int { return a.index - b.index })
	r.removed = true
	r.array.rank = nil
	l.plant.ranks = slices.DeleteFunc(l.plant.ranks, func(x *Rank) bool { return x == r })
	l.plant.leaving = insertByID(l.plant.leaving, r, rankID)
	l.health.stale = true
	for _, s := range leaving {
		if s.port.part == nil {
			rep.note("%s is empty: its drive is not in the facility", s.name)
			continue
		}
		l.owed.owes(s, toErase, "removal of "+r.name()).rank = r
	}
}

// finishRemovals ends the removals that no owed drive holds up.
func (l *Lab) finishRemovals(rep *reporter) {
	for _, r := range slices.Clone(l.plant.leaving) {
		if slices.ContainsFunc(l.owed.debts, func(d *debt) bool { return d.rank == r }) {
			continue
		}
		l.plant.leaving = slices.DeleteFunc(l.plant.leaving, func(x *Rank) bool { return x == r })
		rep.note("rank %s removed", r.name())
	}
}

// removing is the rank of this name whose removal is not finished; nil if there is none.
func (p *plant) removing(name string) *Rank {
	n, ok := numbered(name, "R")
	i := slices.IndexFunc(p.leaving, func(r *Rank) bool { return ok && r.id == n })
	if i < 0 {
		return nil
	}
	return p.leaving[i]
}

// removal is the rank of an array whose removal is not finished; nil if there is none.
func (a *array) removal() *Rank {
	for _, r := range a.site.slots[0].lab.plant.leaving {
		if r.array == a {
			return r
		}
	}
	return nil
}
