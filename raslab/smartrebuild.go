package raslab

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// startSmartRebuild is the name of the action, in reports.
const startSmartRebuild = "smartrebuild start"

// SmartRebuild copies a member that still works to a spare, drive to drive through the encryption
// of both, and then erases it (issraid exchange). The spare joins the key group first. The copy
// runs in virtual time, and the service action is in progress until the copy ends. Rows that the
// member does not give come from the other members.
func (l *Lab) SmartRebuild(slotName string) (out Report, bad error) {
	const op = startSmartRebuild
	defer l.recovered(op, &out, &bad)
	if err := l.idle(op); err != nil {
		return Report{}, err
	}
	s, err := l.plant.slotNamed(op, slotName)
	if err != nil {
		return Report{}, err
	}
	m := s.member()
	if m == nil {
		return Report{}, refuse(ErrState, op, s.name+" serves no rank", "name a member of a rank")
	}
	r := l.plant.rankOf(m)
	r.ask()
	if m.state != inSync || m.job != nil {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("%s is %s", s.name, s.condition()), "a smart rebuild is for a member that still works")
	}
	g := r.group()
	if !l.sfi.dataAccess(r) && (g == nil || g.enc.State() == encgroup.Accessible) {
		return Report{}, refuse(ErrNoAccess, op, r.noAccessWhy(), "repeat the IML")
	}
	spare := l.plant.spareFor(s, nil)
	if spare == nil {
		return Report{}, refuse(ErrState, op, fmt.Sprintf("DA pair %d has no spare that can be used", s.pair()), "replace a drive first")
	}
	rep := l.begin(op, s.name)
	l.owed.owes(spare, joining, "smart rebuild of "+s.name)
	if err := l.takeIn(rep, g, spare); err != nil {
		rep.failed(spare, fmt.Sprintf("did not join key group %d", r.keygrp), err)
		switch {
		case errors.Is(err, encgroup.ErrInaccessible):
			l.owed.settle(spare.port.Serial())
			l.raiseInaccessible(rep, s, g, fmt.Sprintf("spare %s cannot join key group %d: %s", spare.name, g.id, cause(errors.Unwrap(err))))
		case blameless(err):
			l.spared(spare, "smart rebuild of "+s.name)
		case l.unfit(rep, spare, "smart rebuild of "+s.name, err):
			l.owed.settle(spare.port.Serial())
		default:
			l.owed.settle(spare.port.Serial())
			spare.setState(Failed, fmt.Sprintf("it did not join key group %d", r.keygrp))
		}
		return rep.done(), nil
	}
	if g != nil {
		rep.did(spare, "joined key group %d", r.keygrp)
	}
	l.service.action = &action{name: "smart rebuild of " + s.name}
	rep.note("%s is copied to %s", s.name, spare.name)
	l.startCopy(m, spare, s, smartRebuild, replaces{s, s.port.Serial()})
	return rep.done(), nil
}

// replaces erases the drive that a smart rebuild has replaced.
type replaces struct {
	slot   *slot
	serial string // of the drive in it
}

func (o replaces) copied(j *copyJob, err error) {
	l, s := j.rank.lab, o.slot
	l.service.action = nil
	after := l.begin(startSmartRebuild, s.name)
	if err != nil {
		if j.member.state == failedMember {
			j.rank.rebuildOnSpare(j.member)
		}
		return
	}
	if have := s.port.Serial(); have != o.serial && have != "" {
		after.note("%s was taken out of %s, and was not erased", o.serial, s.name)
		return
	}
	failed := s.state == Failed
	if !l.released(after, s, "smart rebuild of "+s.name) {
		l.raiseNotErased(after, s, "smart rebuild of "+s.name)
		return
	}
	if failed {
		s.setState(Failed, "it failed during its smart rebuild")
		return
	}
	s.setState(FailedDeferred, "replaced by "+j.target.name)
}

// raiseInaccessible reports a drive that could not be initialised because the group has no key: the
// replacement in a repair, or the spare in a smart rebuild.
func (l *Lab) raiseInaccessible(rep *reporter, s *slot, g *keyGroup, why string) {
	l.raise(src.BE3400A2, s.name, []finding{driveFinding(s, s.port.Serial(), why)}, keylessGroup{g})
	rep.r.Failed = true
}

// keylessGroup is a group that can initialise no drive.
type keylessGroup struct{ group *keyGroup }

func (m keylessGroup) still(*event) []string {
	if m.group.enc.State() == encgroup.Accessible {
		return nil
	}
	return []string{fmt.Sprintf("key group %d is %s", m.group.id, m.group.enc.State())}
}
