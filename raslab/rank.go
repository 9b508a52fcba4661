package raslab

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// Rank is one RAID rank: an array in use, in one key group, with the bookkeeping
// of what was written. It is the host's way to the data.
type Rank struct {
	lab     *Lab
	id      int
	array   *array
	keygrp  int
	members []*member
	rows    map[uint64]*row
	order   []uint64 // keys of rows, ascending
	removed bool
}

func (r *Rank) name() string { return fmt.Sprintf("R%d", r.id) }

func rankID(r *Rank) int { return r.id }

// group is the encryption group of the rank; nil for an unencrypted one.
func (r *Rank) group() *keyGroup { return r.lab.keys.group(r.keygrp) }

// partition is the one that serves the rank: the rank group of DSCLI.
func (r *Rank) partition() int { return r.id % 2 }

// pool numbers the extent pools by key group and partition (assumption).
func (r *Rank) pool() int { return 2*r.keygrp + r.partition() }

// CreateRank makes a rank of an array; keygrp 0 is unencrypted. Every member of an encrypted rank
// gets a new MEK and its access credential. If one does not take it, the rank is not made: the
// members that were admitted are erased again, and the report has Failed set. Report.Object is the
// rank's name.
func (l *Lab) CreateRank(arrayName string, keygrp int) (out Report, bad error) {
	const op = "rank create"
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	a, err := l.plant.arrayNamed(op, arrayName)
	if err != nil {
		return Report{}, err
	}
	if a.rank != nil {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("%s carries rank %s already", a.name(), a.rank.name()), "one array is one rank")
	}
	if old := a.removal(); old != nil {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("rank %s of %s is being removed", old.name(), a.name()), "finish that first: rank show tells what is missing")
	}
	if keygrp != 0 {
		if err := l.licensed(op); err != nil {
			return Report{}, err
		}
	}
	g, err := l.keys.usableGroup(op, keygrp)
	if err != nil {
		return Report{}, err
	}
	if g != nil && g.enc.Kind() != encgroup.DAR {
		return Report{}, refuse(ErrInvalid, op, fmt.Sprintf("key group %d is of type %s", keygrp, g.enc.Kind()), "a rank needs a group of type DAR")
	}
	for _, s := range a.members {
		if st := s.port.Status(); s.state != Normal || !st.Powered || st.State != drive.Erased {
			return Report{}, refuse(ErrState, op, fmt.Sprintf("%s of %s cannot join a rank: %s", s.name, a.name(), s.condition()), s.first())
		}
	}
	r := &Rank{lab: l, id: lowestFree(append(slices.Clone(l.plant.ranks), l.plant.leaving...), rankID), array: a, keygrp: keygrp, rows: map[uint64]*row{}}
	rep := l.begin(op, r.name())
	before := l.custody.before(a.members)
	for _, s := range a.members {
		l.owed.owes(s, joining, "creation of "+r.name())
	}
	ids := l.custody.uses("member of "+r.name(), a.members...)
	for i, s := range a.members {
		if err := l.takeIn(rep, g, s); err != nil {
			rep.failed(s, "did not join "+keyGroupWords(g), err)
			touched := i + 1
			if l.unfit(rep, s, op, err) {
				touched = i
			}
			if g == nil {
				touched = 0
			}
			l.custody.spared(a.members[touched:], before)
			l.recoverRankCreate(rep, r, a.members[:touched])
			return rep.done(), nil
		}
		if g != nil {
			rep.did(s, "joined key group %d", keygrp)
		}
		r.members = append(r.members, &member{slot: s, serial: s.port.Serial(), identity: ids[i]})
	}
	l.power.powered()
	for _, s := range a.members {
		l.owed.settleJoined(s)
	}
	a.rank = r
	l.plant.ranks = insertByID(l.plant.ranks, r, rankID)
	l.health.stale = true
	rep.note("rank %s: array %s, key group %d, pool P%d", r.name(), a.name(), keygrp, r.pool())
	return rep.done(), nil
}

func keyGroupWords(g *keyGroup) string {
	if g == nil {
		return "the rank"
	}
	return "key group"
}

// recoverRankCreate undoes a failed rank creation.
func (l *Lab) recoverRankCreate(rep *reporter, r *Rank, touched []*slot) {
	for _, s := range r.array.members[len(touched):] {
		l.owed.settleJoined(s)
	}
	if r.keygrp == 0 {
		rep.note("rank %s was not created", r.name())
		return // no drive was changed, so no erase is due
	}
	rep.note("rank %s was not created; the drives that had joined are erased again", r.name())
	for _, s := range touched {
		if l.released(rep, s, "recovery after the failed creation of "+r.name()) {
			continue
		}
		l.raiseNotErased(rep, s, "recovery after the failed creation of "+r.name())
	}
}

// Ranks lists the ranks, by number, those that are being removed included.
func (p *plant) Ranks() []RankInfo {
	all := p.ranks
	for _, r := range p.leaving {
		all = insertByID(slices.Clone(all), r, rankID)
	}
	out := make([]RankInfo, len(all))
	for i, r := range all {
		out[i] = r.Info()
	}
	return out
}

// Pools lists the extent pools that hold a rank, by number.
func (p *plant) Pools() []PoolInfo {
	var out []PoolInfo
	for pool := 0; pool <= 2*KeyGroupsMax+1; pool++ {
		info := PoolInfo{ID: fmt.Sprintf("P%d", pool), KeyGroup: pool / 2}
		for _, r := range p.ranks {
			if r.pool() == pool {
				info.Ranks = append(info.Ranks, r.name())
			}
		}
		if info.Ranks != nil {
			out = append(out, info)
		}
	}
	return out
}

// Rank gets a rank for host I/O. It stays usable until the rank is removed.
func (p *plant) Rank(id string) (*Rank, error) { return p.rankNamed("rank", id) }

func (p *plant) rankNamed(op, name string) (*Rank, error) {
	n, ok := numbered(name, "R")
	for _, r := range p.ranks {
		if ok && r.id == n {
			return r, nil
		}
	}
	if r := p.removing(name); r != nil {
		return nil, refuse(ErrNotFound, op, fmt.Sprintf("rank %s is being removed", r.name()), "rank show tells what is missing, and rank remove goes on")
	}
	return nil, refuse(ErrNotFound, op, fmt.Sprintf("there is no rank %q", name), existing("ranks", p.ranks, (*Rank).name))
}

// removingState is the state of a rank whose removal is not finished (the word is an
// assumption).
const removingState = "Removing"

// RankByName describes a rank, also one that is being removed.
func (p *plant) RankByName(name string) (RankInfo, error) {
	r := p.removing(name)
	if r == nil {
		var err error
		if r, err = p.rankNamed("rank show", name); err != nil {
			return RankInfo{}, err
		}
	}
	return r.Info(), nil
}

// Info describes the rank.
func (r *Rank) Info() RankInfo {
	i := RankInfo{
		ID: r.name(), Group: r.partition(), State: "Normal", DataState: r.dataState(), Array: r.array.name(), RAID: r.array.raidText(),
		Pool: fmt.Sprintf("P%d", r.pool()), KeyGroup: r.keygrp, Rows: len(r.order), Capacity: r.capacity(),
	}
	switch {
	case r.removed:
		i.State, i.DataState = removingState, "Inaccessible"
	case i.DataState != "Normal":
		i.State = i.DataState
	}
	for _, m := range r.members {
		mi := MemberInfo{Slot: m.slot.name, Serial: m.serial, State: m.state.String(), Lacks: len(m.lacks), OnlyCopies: r.onlyCopies(m)}
		if m.state == inSync && len(m.lacks) > 0 {
			mi.State = "stale"
		}
		if m.job != nil {
			mi.CopyingTo, mi.Done = m.job.target.name, m.job.done
		}
		i.Members = append(i.Members, mi)
	}
	return i
}

// Info's data state. "Degraded" is a row without redundancy, "Failed" a row that
// cannot be read since two members or two strips are gone, "Inaccessible" the same
// with members that are there and locked.
func (r *Rank) dataState() string {
	if !r.lab.sfi.dataAccess(r) {
		return "Inaccessible"
	}
	out, failed := r.missing()
	worst := max(out, r.mostLacking())
	switch {
	case worst == 0:
		return "Normal"
	case worst == 1:
		return "Degraded"
	case failed >= 2, failed == 1 && out == 1, out == 0:
		return "Failed"
	}
	return "Inaccessible"
}

// missing counts the members that do not serve, and those of them that failed.
func (r *Rank) missing() (out, failed int) {
	for _, m := range r.members {
		if m.state != inSync {
			out++
		}
		if m.state == failedMember {
			failed++
		}
	}
	return out, failed
}

// gone says which members are missing and why, for messages.
func (r *Rank) gone() string {
	var parts []string
	for _, m := range r.members {
		if m.state != inSync {
			parts = append(parts, fmt.Sprintf("%s (%s)", m.slot.name, m.why))
		}
	}
	return strings.Join(parts, ", ")
}

// condition says in one clause why a drive is not as it should be.
func (s *slot) condition() string {
	switch st := s.port.Status(); {
	case s.state != Normal && s.why == "":
		return string(s.state)
	case s.state != Normal:
		return string(s.state) + ": " + s.why
	case !st.Powered:
		return "it does not answer"
	default:
		return "its lifecycle state is " + st.State.String()
	}
}

// first says what has to be done before a drive that is not as it should be can be used.
func (s *slot) first() string {
	if s.state == NewDrive && s.why == "" {
		return "field install certifies what was delivered"
	}
	return "repair that drive first"
}

// memberOf finds the rank position that a slot serves.
func (s *slot) member() *member {
	if s.array == nil || s.array.rank == nil {
		return nil
	}
	return s.array.rank.members[s.position]
}

var errNoSpare = errors.New("no spare on the DA pair")

// rankOf is the rank of a member.
func (p *plant) rankOf(m *member) *Rank {
	for _, r := range p.ranks {
		if slices.Contains(r.members, m) {
			return r
		}
	}
	panic("BUG: raslab: member of no rank")
}

// awaited is the rank position whose data a drive holds; nil if none.
func (p *plant) awaited(serial string) *member {
	for _, r := range p.ranks {
		for _, m := range r.members {
			if m.serial == serial {
				return m
			}
		}
	}
	return nil
}

// copyingTo says whether a slot's drive is being filled.
func (p *plant) copyingTo(s *slot) bool {
	for _, r := range p.ranks {
		for _, m := range r.members {
			if m.job != nil && m.job.target == s {
				return true
			}
		}
	}
	return false
}
