package raslab

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// How fast copies go (assumption): so many rows in each step of virtual time. A
// copy takes at least one step.
const (
	copyStep = 10 * time.Minute
	copyRows = 256
)

// copyJob fills one drive so that it can serve a position of a rank: a rebuild onto a spare, a
// smart rebuild, a copy back to a replaced drive, or the resynchronisation of a member that was
// away. For each row it takes the first of these that is there: the target's own strip, if its
// check sum is right; the source drive's strip; the XOR of the others.
type copyJob struct {
	rank   *Rank
	member *member
	target *slot
	source *slot           // nil: there is none, or it is gone
	what   string          // one of the constants below
	next   uint64          // rows below it are on the target
	done   int             // rows
	left   map[uint64]bool // rows that no member could give
	serial string          // of the drive that is filled
	// identity is what that drive proved before the first row. It is zero for a member that catches
	// up, which keeps its own.
	identity drive.Identity
	broken   string // why the target failed
	ended    bool
	due      bool // the clock will call it
	then     sequel
}

// sequel is what follows a copy.
type sequel interface {
	copied(j *copyJob, err error) // called once; the target serves already when err is nil
}

// elseFailed takes the member out of service if its copy fails.
type elseFailed struct{ why string }

func (e elseFailed) copied(j *copyJob, err error) {
	if err != nil {
		j.rank.failed(j.member, e.why)
	}
}

// elseAgain tries another spare if the rebuild on this one fails.
type elseAgain struct{}

func (elseAgain) copied(j *copyJob, err error) {
	if err != nil {
		j.rank.rebuildOnSpare(j.member)
	}
}

// What a copy is for.
const (
	rebuild           = "rebuild"
	smartRebuild      = "smart rebuild"
	copyBack          = "copy back"
	resynchronisation = "resynchronisation"
)

// startCopy begins to fill the target.
func (l *Lab) startCopy(m *member, target, source *slot, what string, then sequel) *copyJob {
	j := &copyJob{rank: l.plant.rankOf(m), member: m, target: target, source: source, what: what, serial: target.port.Serial(), left: map[uint64]bool{}, then: then}
	if what != resynchronisation { // a member that catches up is in the records already
		j.identity = l.custody.uses("member of "+j.rank.name(), target)[0]
	}
	m.job = j
	if source != nil {
		source.setState(MigrationSource, "being copied to "+target.name)
		target.setState(MigrationTarget, "being copied from "+source.name)
	} else {
		target.setState(Rebuilding, "")
	}
	l.logf(j.rank.name(), "%s of %s begins", what, target.name)
	l.health.stale = true
	j.schedule(copyStep)
	if u := l.service.unfinished; u != nil && (u.slot == target || u.slot == m.slot) {
		l.service.unfinished = nil // the repair has reached its aim
	}
	l.owed.settleJoined(target)
	return j
}

// schedule asks the clock for the next step.
func (j *copyJob) schedule(after time.Duration) {
	j.due = true
	j.rank.lab.clock.after(after, "copy", j)
}

// run is the next step.
func (j *copyJob) run() {
	r := j.rank
	j.due = false
	if j.ended {
		return
	}
	if r.removed {
		j.end(fmt.Errorf("raslab: %s was removed", r.name()))
		return
	}
	if !r.lab.sfi.dataAccess(r) { // it goes on when access is back
		j.schedule(copyStep)
		return
	}
	r.lab.destage()
	buf := r.lab.sector()
	defer r.lab.hostIO.release(buf)
	at, _ := slices.BinarySearch(r.order, j.next)
	for k := 0; k < copyRows && at < len(r.order); k++ {
		n := r.order[at]
		if err := j.row(n, buf); err != nil {
			j.end(err)
			return
		}
		j.next = n + 1
		j.done++
		at++
	}
	if at < len(r.order) {
		j.schedule(copyStep)
		return
	}
	j.end(j.check())
}

// row brings one strip to the target.
func (j *copyJob) row(n uint64, buf []byte) error {
	r, w := j.rank, j.rank.rows[n]
	position := slices.Index(r.members, j.member)
	if err := j.target.port.Read(n, buf); err == nil && crc32.Checksum(buf, castagnoli) == w.sums[position] {
		if j.itself() {
			j.member.has(n)
		}
		return nil
	}
	ok := false
	if j.source != nil && j.member.state == inSync {
		ok = r.readMember(n, w, position, buf)
	}
	if !ok {
		err := r.reconstruct(n, w, position, buf)
		if out, _ := r.missing(); err != nil && (out <= 1 || j.resync()) {
			// Two strips of one row are out of reach: bad sectors, or a member that is away. Only
			// this row is left out.
			j.left[n] = true
			return nil
		}
		if err != nil {
			return err
		}
	}
	if !j.write(n, buf) {
		return fmt.Errorf("raslab: %s of %s: %s", j.what, j.target.name, j.broken)
	}
	if j.itself() {
		j.member.has(n)
	}
	return nil
}

// resync says whether the target is the member itself, back with its data. A row with the right
// check sum is good.
func (j *copyJob) resync() bool { return j.what == resynchronisation }

// itself says whether the target is the drive whose data the member is.
func (j *copyJob) itself() bool { return j.serial == j.member.serial }

// write puts a strip on the target, and says whether it is there. It is also used
// by host writes to rows that were copied already.
func (j *copyJob) write(n uint64, data []byte) bool {
	if j.broken != "" {
		return false
	}
	if why := j.unfit(); why != "" {
		j.broken = why
		return false
	}
	if err := j.target.port.Write(n, data); err != nil {
		j.broken = cause(err)
		return false
	}
	delete(j.left, n)
	return true
}

func (j *copyJob) unfit() string {
	st := j.target.port.Status()
	switch {
	case j.target.port.Serial() != j.serial:
		return "its drive was taken out"
	case !st.Powered:
		return "it does not answer"
	case j.rank.keygrp != 0 && (st.State != drive.Configured || st.Locked):
		return "its lifecycle state is " + st.State.String()
	}
	return j.rank.unproved(j.target)
}

func (j *copyJob) check() error {
	if j.broken == "" {
		j.broken = j.unfit()
	}
	if j.broken != "" {
		return fmt.Errorf("raslab: %s of %s: %s", j.what, j.target.name, j.broken)
	}
	if n := j.onlyOnTheOld(); n > 0 && !j.member.givenUp {
		return fmt.Errorf("raslab: %s of %s: %s may hold the only copy of %d rows: %w", j.what, j.target.name, j.member.serial, n, ErrDataLost)
	}
	return nil
}

// onlyOnTheOld counts the left-out rows that the drive to be replaced may have.
func (j *copyJob) onlyOnTheOld() (n int) {
	if j.itself() {
		return 0
	}
	for _, row := range j.rank.order {
		if j.left[row] && j.member.lacks[row] != missed {
			n++
		}
	}
	return n
}

// sourceGone goes on without the source drive, which failed during the copy. The remaining rows
// come from the other members.
func (j *copyJob) sourceGone() {
	if j.source != nil {
		j.rank.lab.logf(j.rank.name(), "%s of %s goes on from the other members", j.what, j.target.name)
		j.source = nil
		j.target.setState(Rebuilding, "")
	}
}

// end puts the target in the member's place, or gives up.
func (j *copyJob) end(err error) {
	r, m := j.rank, j.member
	l := r.lab
	j.ended, m.job = true, nil
	if len(j.left) > 0 {
		l.logf(r.name(), "%s of %s left out %d rows that no member gives", j.what, j.target.name, len(j.left))
	}
	l.health.stale = true
	old := m.slot
	if err != nil {
		l.logf(r.name(), "%s of %s ended after %d rows: %v", j.what, j.target.name, j.done, err)
		if j.source != nil && !r.removed {
			j.source.setState(Normal, "")
		}
		switch {
		case r.removed: // the removal has erased its drives
		case j.broken != "":
			if serial := j.target.port.Serial(); serial == j.serial || serial == "" {
				j.target.setState(Failed, j.broken)
			}
		case j.target.port.Serial() != j.serial: // another drive was put there
		case j.target != old:
			// What was copied is customer data: it leaves with an erase.
			during := j.what + " of " + j.target.name
			after := l.begin(j.what, j.target.name)
			if l.released(after, j.target, during) {
				j.target.setState(Normal, "")
			} else {
				l.raiseNotErased(after, j.target, during)
			}
		}
		j.then.copied(j, err)
		return
	}
	if j.target != old {
		position := old.position
		old.array, r.array.members[position] = nil, j.target
		j.target.array, j.target.position = r.array, position
	}
	if !j.identity.IsZero() {
		m.identity = j.identity
	}
	gone := m.serial
	kind := unread // the same drive: what it lacks is known, or may be read another time
	if !j.itself() {
		kind, m.lacks = missed, nil
	}
	for _, n := range r.order {
		if j.left[n] {
			m.lack(n, kind)
		}
	}
	m.slot, m.serial, m.state, m.why = j.target, j.target.port.Serial(), inSync, ""
	m.givenUp, m.told = false, ""
	j.target.suspect = suspicion{}
	j.target.setState(Normal, "")
	j.promise(old, gone)
	if gone != m.serial && !l.plant.inSlot(gone) {
		_ = l.forget(old, gone, j.what+" of "+j.target.name) // it may come back one day, as anybody's drive
	}
	l.logf(r.name(), "%s of %s is complete, %d rows", j.what, j.target.name, j.done)
	r.refill()
	j.then.copied(j, nil)
	l.plant.retryRebuilds()
}

// promise writes down that the drive with this serial number, which the target has replaced, is to
// be erased.
func (j *copyJob) promise(old *slot, serial string) {
	l := j.rank.lab
	if old == j.target || old.port.part == nil || old.port.Serial() != serial { // it was taken out
		return
	}
	switch j.what {
	case smartRebuild:
		d := l.owed.owes(old, toErase, "smart rebuild of "+old.name)
		d.becomes, d.becomesWhy = FailedDeferred, "replaced by "+j.target.name
		if old.state == Failed {
			d.becomes, d.becomesWhy = Failed, "it failed during its smart rebuild"
		}
	case copyBack:
		l.owed.owes(old, toErase, "repair of "+j.target.name).becomes = Normal
	}
}

// rebuildOnSpare lets a spare take over for a member that failed. It waits while a service action
// works on that slot, while the rank's data are out of reach, and until a repair has tried to bring
// back a drive that holds the only copy of a row. A spare that does not join is set aside.
func (r *Rank) rebuildOnSpare(m *member) {
	l := r.lab
	if r.removed || m.job != nil || m.state != failedMember || l.service.underRepair(m.slot) {
		return
	}
	if out, _ := r.missing(); out > 1 || !l.sfi.dataAccess(r) {
		r.tell(m, "no rebuild for %s: the data are out of reach", m.slot.name)
		return
	}
	if r.onlyCopies(m) > 0 && !m.givenUp {
		r.tell(m, "no rebuild for %s: its drive may hold the only copy of rows that another member missed", m.slot.name)
		return
	}
	for {
		spare := l.plant.spareFor(m.slot, nil)
		if spare == nil {
			r.tell(m, "no rebuild for %s: %v", m.slot.name, errNoSpare)
			return
		}
		l.owed.owes(spare, joining, "rebuild of "+r.name()+" on "+spare.name)
		rep := l.begin(rebuild, spare.name)
		if err := l.takeIn(rep, r.group(), spare); err != nil {
			r.tell(m, "spare %s did not join key group %d: %s", spare.name, r.keygrp, cause(err))
			if blameless(err) {
				l.spared(spare, "rebuild of "+r.name())
				r.rebuildLater(m)
				return
			}
			l.owed.settle(spare.port.Serial())
			if !l.unfit(rep, spare, rebuild+" for "+m.slot.name, err) {
				spare.setState(Failed, "it did not join key group "+fmt.Sprint(r.keygrp))
			}
			continue
		}
		m.told = ""
		l.startCopy(m, spare, nil, rebuild, elseAgain{})
		return
	}
}

// tell logs why a member is not rebuilt, once: it is looked for again every hour.
func (r *Rank) tell(m *member, format string, args ...any) {
	if text := fmt.Sprintf(format, args...); text != m.told {
		m.told = text
		r.lab.logf(r.name(), "%s", text)
	}
}

// blameless says whether another drive would not have joined the group either: the group has no
// key, or its record cannot be kept.
func blameless(err error) bool {
	return errors.Is(err, encgroup.ErrInaccessible) || errors.Is(err, encgroup.ErrStore)
}

// rebuildLater looks for a spare again in an hour.
func (r *Rank) rebuildLater(m *member) {
	if m.waits {
		return
	}
	m.waits = true
	r.lab.clock.after(healthPeriod, "rebuild", laterRebuild{r, m})
}

// laterRebuild is a member that waits for a spare.
type laterRebuild struct {
	rank   *Rank
	member *member
}

func (w laterRebuild) run() {
	w.member.waits = false
	w.rank.rebuildOnSpare(w.member)
}

// retryRebuilds tries rebuilds again, because a spare came or access to data is back.
func (p *plant) retryRebuilds() {
	for _, r := range p.ranks {
		for _, m := range r.members {
			if m.state == failedMember && m.job == nil {
				r.rebuildOnSpare(m)
			}
		}
	}
}
