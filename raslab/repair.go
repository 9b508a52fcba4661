package raslab

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// A repair has three steps: start (the drive is taken out of service and loses its power), exchange
// FRU, resume. What the resume does depends on the slot. (The source has lost the conditions under
// which it starts a migration; these are ours.)
//
//   - the slot's rank position has no other drive: the drive joins the key group and is filled from
//     the other members. If it is the old drive and still opens to its credential, it takes its
//     place again with its data;
//   - a spare has taken the position over: the drive joins the key group, the data
//     are copied back, and the spare is erased and is a spare again;
//   - the slot serves no rank: the drive must be erased, and is a spare or free.

const opResume = "repair resume"

// StartRepair begins the repair of a slot's drive: it is taken out of service
// and its power is taken away. The service action is in progress until
// ResumeRepair or CancelRepair. It is refused while taking the drive would
// leave its rank without data.
func (l *Lab) StartRepair(slotName string) (out Report, bad error) {
	const op = "repair start"
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	s, err := l.plant.slotNamed(op, slotName)
	if err != nil {
		return Report{}, err
	}
	if l.plant.copyingTo(s) || s.state == MigrationSource {
		return Report{}, refuse(ErrBusy, op, fmt.Sprintf("%s is %s", s.name, s.state), "wait until the copy is complete")
	}
	if m := s.member(); m != nil {
		r := l.plant.rankOf(m)
		if m.job != nil {
			return Report{}, refuse(ErrBusy, op, fmt.Sprintf("a %s for %s is running on %s", m.job.what, s.name, m.job.target.name), "wait until it is complete")
		}
		r.ask()
		if m.job != nil {
			return Report{}, refuse(ErrBusy, op, fmt.Sprintf("a %s for %s is running on %s", m.job.what, s.name, m.job.target.name), "wait until it is complete")
		}
		if m.state == inSync && !r.redundantWithout(m) {
			return Report{}, refuse(ErrState, op, fmt.Sprintf("%s has no redundancy left: %s; without %s its data are gone", r.name(), r.whyNot(m), s.name), r.first(m))
		}
		if m.state == inSync {
			r.setMember(m, inaccessible, "under repair")
		}
	}
	rep := l.begin(op, s.name)
	l.power.powered()
	l.service.action = &action{name: "repair of " + s.name, slot: s, old: s.port.Serial()}
	s.port.PowerOff()
	s.setState(Removed, "under repair")
	l.health.stale = true
	rep.note("repair of %s: its drive may be exchanged now", s.name)
	return rep.done(), nil
}

// repairOf checks that the repair of this slot is in progress.
func (l *Lab) repairOf(op, slotName string) (*slot, error) {
	l.readTable()
	s, err := l.plant.slotNamed(op, slotName)
	switch {
	case err == nil && l.power.dark:
		return nil, refuse(ErrState, op, "the facility has no power", "power restore gives it back")
	case err != nil:
		return nil, err
	case l.service.underRepair(s):
		return s, nil
	case l.service.action != nil:
		return nil, refuse(ErrBusy, op, "a service action is in progress: "+l.service.action.name, "finish that first")
	}
	return nil, refuse(ErrState, op, "no repair of "+s.name+" was started", "start the repair first")
}

// ExchangeFRU exchanges the drive for a part of the shelf, by serial. An empty
// serial continues without unseating and reseating the drive: a pseudo repair.
// An exchange is refused while the old drive may hold the only copy of its data.
func (l *Lab) ExchangeFRU(slotName, serial string) (out Report, bad error) {
	const op = "repair exchange"
	defer l.recovered(op, &out, &bad)
	s, err := l.repairOf(op, slotName)
	if err != nil {
		return Report{}, err
	}
	if serial == "" {
		if s.port.part == nil {
			return Report{}, refuse(ErrState, op, s.name+" is empty", "name a drive on the shelf")
		}
		rep := l.begin(op, s.name)
		l.service.action.ready = true
		rep.note("%s stays in %s: pseudo repair", s.port.Serial(), s.name)
		return rep.done(), nil
	}
	p, err := l.onShelf(op, serial)
	if err != nil {
		return Report{}, err
	}
	if m := s.member(); m != nil && m.serial != p.Serial() && !m.givenUp {
		r := l.plant.rankOf(m)
		r.ask()
		if !r.redundantWithout(m) {
			return Report{}, refuse(ErrState, op, fmt.Sprintf("%s has no redundancy left: %s; %s may hold the only copy of its data", r.name(), r.whyNot(m), m.serial),
				"put that drive back, do a pseudo repair where it is in its slot, or remove the rank and with it its data")
		}
	}
	rep := l.begin(op, s.name)
	if s.port.part != nil {
		rep.note("%s was taken out of %s and put on the shelf", s.port.Serial(), s.name)
		if e := l.custody.lastAt(s); e != nil && e.Open() {
			rep.note("%s was not erased (%s): its custody record stays open", quoted(e.Serial), e.Why)
		}
		l.unplug(s)
	}
	l.plug(s, p)
	l.power.powered()
	l.service.action.ready = true
	rep.note("%s was put into %s", p.Serial(), s.name)
	return rep.done(), nil
}

// CancelRepair ends a repair before the FRU was exchanged.
func (l *Lab) CancelRepair(slotName string) (out Report, bad error) {
	const op = "repair cancel"
	defer l.recovered(op, &out, &bad)
	s, err := l.repairOf(op, slotName)
	if err != nil {
		return Report{}, err
	}
	if l.service.action.ready && s.port.Serial() != l.service.action.old {
		return Report{}, refuse(ErrState, op, "the drive of "+s.name+" was exchanged already", "resume the repair")
	}
	rep := l.begin(op, s.name)
	l.service.unfinished, l.service.action = l.service.action, nil
	l.power.powered()
	l.cancelRepair(rep, s)
	l.service.unfinished = nil
	rep.note("repair of %s cancelled", s.name)
	return rep.done(), nil
}

func (l *Lab) cancelRepair(rep *reporter, s *slot) {
	err := s.port.PowerOn()
	m := s.member()
	switch {
	case err != nil:
		s.setState(Failed, "it does not power on")
		rep.failed(s, "did not power on", err)
		if m != nil {
			l.plant.rankOf(m).failed(m, "it does not power on")
		}
	case m != nil && m.serial != s.port.Serial():
		// An earlier repair has left another drive here: it holds no data of the rank.
		const why = "it is not the drive that its rank waits for"
		rep.failed(s, "was left as it is", errors.New("raslab: "+why))
		l.plant.rankOf(m).failed(m, why)
	case m != nil && l.setAsideImpostor(rep, m, s):
		l.plant.rankOf(m).failed(m, s.why)
	case m != nil:
		l.memberBack(rep, m)
	case !l.custody.due(s) && s.port.Status().State == drive.Erased:
		s.setState(Normal, "")
	default:
		s.setState(Failed, "its repair was cancelled")
	}
}

// ResumeRepair powers the drive on, certifies it, and brings it to its place. The repair is over
// then, even if it failed.
func (l *Lab) ResumeRepair(slotName string) (out Report, bad error) {
	const op = opResume
	defer l.recovered(op, &out, &bad)
	s, err := l.repairOf(op, slotName)
	if err != nil {
		return Report{}, err
	}
	if !l.service.action.ready {
		return Report{}, refuse(ErrState, op, "the FRU in "+s.name+" was neither exchanged nor confirmed", "exchange the FRU first")
	}
	rep := l.begin(op, s.name)
	l.service.unfinished, l.service.action = l.service.action, nil
	l.power.powered()
	l.resumeRepair(rep, s, l.service.unfinished.old)
	l.service.unfinished = nil
	return rep.done(), nil
}

func (l *Lab) resumeRepair(rep *reporter, s *slot, old string) {
	m, back := s.member(), s.displaced()
	l.health.stale = true
	s.errors = 0
	if waiting := firstMember(m, back); waiting != nil {
		if _, err := l.keys.usableGroup("repair resume", l.plant.rankOf(waiting).keygrp); err != nil {
			// The drive is not at fault and cannot solve this. The repair ends, so that an IML can
			// run.
			rep.failed(s, "waits for its key group", errors.Join(err, s.port.PowerOn()))
			if g := l.plant.rankOf(waiting).group(); g != nil && waiting.serial != s.port.Serial() {
				why := fmt.Sprintf("repair of %s: the replacement cannot join key group %d, which is %s", s.name, g.id, g.enc.State())
				l.raiseInaccessible(rep, s, g, why)
			}
			s.setState(Failed, fmt.Sprintf("it waits for key group %d; repair it again then", l.plant.rankOf(waiting).keygrp))
			return
		}
	}
	same := s.port.Serial() == old
	switch {
	case m != nil && m.serial == s.port.Serial():
		if err := s.port.PowerOn(); err != nil {
			s.setState(Failed, "it does not power on")
			rep.failed(s, "did not power on", err)
			m.givenUp = true
			l.plant.rankOf(m).failed(m, "it does not power on")
			return
		}
		if l.setAsideImpostor(rep, m, s) {
			l.plant.rankOf(m).failed(m, s.why)
			return
		}
		l.memberBack(rep, m)
	case !l.certify(rep, s, "repair of "+s.name, true):
		if m != nil {
			l.plant.rankOf(m).failed(m, s.why)
		}
	case m != nil:
		l.joinMember(rep, m, s, nil)
	case back != nil:
		l.joinMember(rep, back, s, back.slot)
	default:
		rep.did(s, "is a drive in good order")
		l.plant.retryRebuilds()
	}
	if !same && l.plant.awaited(old) == nil && !l.plant.inSlot(old) {
		_ = l.forget(s, old, "repair of "+s.name)
		rep.owes(old)
	}
}

func firstMember(ms ...*member) *member {
	for _, m := range ms {
		if m != nil {
			return m
		}
	}
	return nil
}

func (p *plant) inSlot(serial string) bool {
	for _, s := range p.slots {
		if s.port.Serial() == serial {
			return true
		}
	}
	return false
}

// displaced is the rank position whose home is this slot and which a spare serves now. It is nil if
// there is none, or if too little is there to copy from.
func (s *slot) displaced() *member {
	if s.site == nil || s.site.array == nil || s.site.array.rank == nil || s.array != nil {
		return nil
	}
	a := s.site.array
	for i, m := range a.rank.members {
		if a.home(i) == s && m.slot != s && m.job == nil && m.state == inSync {
			return m
		}
	}
	return nil
}

// failed leaves a member out of service after a repair that failed. A spare takes over if there is
// one.
func (r *Rank) failed(m *member, why string) {
	if r.removed {
		return // the slot may serve another rank by now
	}
	if m.state != failedMember {
		m.state = inaccessible // so that fail sees a change
	}
	r.fail(m, why)
	m.why = why
	r.rebuildOnSpare(m)
}

// memberBack takes a member back whose drive is the same as before. If it still opens to its
// credential it keeps its data, else it is erased and filled again, as long as the others have its
// data.
func (l *Lab) memberBack(rep *reporter, m *member) {
	s, r := m.slot, l.plant.rankOf(m)
	g := r.group()
	s.errors = 0
	erased := s.port.Status().State == drive.Erased
	err := l.takeBack(rep, g, s)
	if err == nil && g == nil {
		rep.did(s, "is back in %s", r.name())
		l.resyncAs(m, inaccessible)
		return
	}
	if err == nil && erased {
		rep.did(s, "was erased behind the facility's back: it joined key group %d afresh, and %s fills it again", g.id, r.name())
	}
	if err == nil && !erased {
		rep.did(s, "opens to its credential and is back in %s", r.name())
	}
	if err == nil {
		l.resyncAs(m, inaccessible)
		return
	}
	if blameless(err) {
		rep.failed(s, "was left as it is", err)
		rep.notTheDrive(s)
		return
	}
	rep.note("%s does not open to its credential: %s", s.name, cause(err))
	if r.ask(); !r.redundantWithout(m) {
		rep.failed(s, "was left as it is: "+r.name()+" has no redundancy left, and nothing but this drive holds its data", err)
		l.raiseMigrationFailed(rep, s, err)
		return
	}
	if !l.released(rep, s, "repair of "+s.name) {
		l.raiseNotErased(rep, s, "repair of "+s.name)
		r.failed(m, "not erased")
		return
	}
	l.joinMember(rep, m, s, nil)
}

// resyncAs lets a member catch up with what it missed.
func (l *Lab) resyncAs(m *member, state memberState) {
	m.state = state
	if m.why == "" {
		m.why = "catching up"
	}
	l.resync(m)
}

// notTheDrive sets aside a drive that could not join because a key or a record is missing. The
// drive is not at fault and is not erased.
func (rep *reporter) notTheDrive(s *slot) {
	s.setState(Failed, "it waits for its key group; repair it again then")
	rep.note("%s is not the cause: see to the key group and the key repository, then repair %s again", s.port.Serial(), s.name)
}

// joinMember brings an erased drive into the group of a rank and begins to fill it.
// source is the spare to copy back from; nil fills it from the other members.
func (l *Lab) joinMember(rep *reporter, m *member, s, source *slot) {
	r := l.plant.rankOf(m)
	if err := l.takeIn(rep, r.group(), s); err != nil {
		rep.failed(s, fmt.Sprintf("did not join key group %d", r.keygrp), err)
		switch {
		case blameless(err):
			rep.notTheDrive(s)
		case l.unfit(rep, s, "repair of "+s.name, err):
		default:
			l.raiseMigrationFailed(rep, s, err)
			s.setState(Failed, "it did not take its credential")
		}
		if source == nil {
			r.failed(m, s.why)
		}
		return
	}
	if r.keygrp != 0 {
		rep.did(s, "joined key group %d", r.keygrp)
	}
	if source == nil {
		rep.note("%s is rebuilt on %s", r.name(), s.name)
		l.startCopy(m, s, nil, rebuild, elseFailed{"its rebuild ended early"})
		return
	}
	rep.note("%s is copied back from %s to %s", r.name(), source.name, s.name)
	l.startCopy(m, s, source, copyBack, freesSpare{source, source.port.Serial()})
}

// freesSpare erases the spare that a copy back has freed.
type freesSpare struct {
	slot   *slot
	serial string // of the drive in it
}

func (f freesSpare) copied(j *copyJob, err error) {
	l, s := j.rank.lab, j.target
	if err != nil { // the rank stays on its spare
		j.rank.rebuildOnSpare(j.member)
		return
	}
	after := l.begin("copy back", s.name)
	if f.slot.port.Serial() != f.serial {
		return // somebody has put another drive there
	}
	if !l.released(after, f.slot, "repair of "+s.name) {
		l.raiseNotErased(after, f.slot, "repair of "+s.name)
		return
	}
	f.slot.setState(Normal, "")
}

// raiseMigrationFailed reports a drive that did not join its group in the resume of a repair.
func (l *Lab) raiseMigrationFailed(rep *reporter, s *slot, err error) {
	l.raise(src.BE31F004, s.name, []finding{driveFinding(s, s.port.Serial(), "repair of "+s.name+": "+migrationWhy(err))}, notJoined{})
	rep.r.Failed = true
}

// notJoined is drives in their slots that serve no rank in sync.
type notJoined struct{}

func (notJoined) still(e *event) (still []string) {
	for _, f := range e.found {
		m := f.slot.member()
		switch {
		case f.slot.port.Serial() == f.serial && m != nil && m.state != inSync:
			still = append(still, f.slot.name+": "+m.why)
		case f.slot.port.Serial() == f.serial && m == nil && f.slot.state != Normal:
			still = append(still, f.slot.name+": "+string(f.slot.state))
		}
	}
	return still
}

func migrationWhy(err error) string {
	var st *drive.StatusError
	if errors.As(err, &st) {
		return st.Op + ": " + cause(err)
	}
	return cause(err)
}
