package raslab

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/repository"
)

// The power of the whole facility. A machine without power runs no instruction: what was running
// ends between two operations, and nothing is written or sent after the cut. The program panics
// with powerLoss, and the service action, the event of the clock or the host request recovers from
// it and ends.
//
// # What survives a loss of power
//
// The drives and the key repository keep what their media hold. The partitions write tables to
// their internal disks (assumption):
//
//   - arrays, sites and ranks with the state of each member and the check sums of its strips;
//   - what each slot holds, and its state;
//   - copies that are under way: from where to where, and how far;
//   - what is owed to drives (owed.go) and the ranks that are being removed;
//   - a repair that was begun: its slot, the drive that was there, whether the FRU was exchanged;
//   - an MES that is being installed;
//   - what is under way to the cloud;
//   - the certificates of sanitization;
//   - the serviceable events.
//
// Each change of a table is atomic, and powered is called before it. A host write that was not
// finished is in the non-volatile memory of the partitions (nvs.go). The consoles and their
// settings (key managers, certificates of the facility) have power of their own (assumption).
//
// # What is gone
//
//   - the group keys, and a recovery key that was entered;
//   - which service action ran, except a repair;
//   - quiesce and shutdown;
//   - the connectivity query;
//   - data access of both partitions.

var pointFacilityCut = fault.Register("sfi.power.cut",
	"the whole facility loses its power before the operation: a drive command, a write to a drive's flash, a page of the key repository, a table on the internal disks",
	"at the next power-on every drive has its place, or is erased and proved to be; what was in progress goes on or is undone, and the report of the power-on says which")

// powerLoss unwinds what was running when the power went.
type powerLoss struct{}

const powerLostNote = "the power of the whole facility went: nothing more was done; power restore tells what became of it"

// powered is called before every operation that needs the power of the facility. It panics with
// powerLoss if the fault plan takes the power.
func (p *power) powered() {
	if p.plan == nil || p.dark {
		return
	}
	if _, fires := p.plan.Check(fault.Op{Name: pointFacilityCut.Operation()}); fires {
		p.dark = true
		panic(powerLoss{})
	}
}

// power is the power of the whole facility.
type power struct {
	plan     *fault.Plan // what takes it; nil: nothing
	dark     bool        // there is none
	cutShort bool        // it was gone, and resumeAfterLoss has not run yet
}

// ArmFacility arms a fault plan on the power of the facility (point sfi.power.cut). An
// operation is a drive command, a write to a drive's flash, a page of the key repository
// or a table of the internal disks. No plan (nil) disarms.
func (l *Lab) ArmFacility(plan *fault.Plan) error {
	return l.arm(&l.power.plan, "power of the facility", plan, pointFacilityCut.Component())
}

// CutFacilityPower takes the power of the whole facility now: drives and partitions.
func (l *Lab) CutFacilityPower() error {
	if l.power.dark {
		return refuse(ErrState, "power cut", "the facility has no power", "power restore gives it back")
	}
	l.power.dark = true
	l.powerGone("")
	return nil
}

// Dark says whether the facility has no power.
func (p *power) Dark() bool { return p.dark }

// powerGone does what a loss of power does, once nothing runs any more.
func (l *Lab) powerGone(during string) {
	for _, s := range l.plant.slots {
		s.port.supply = false
		if s.port.part != nil {
			s.port.part.Drive.PowerOff()
		}
	}
	l.stopPartitions()
	if l.service.unfinished != nil { // a repair that was being resumed or cancelled
		l.service.action, l.service.unfinished = l.service.unfinished, nil
	}
	if l.service.action != nil && l.service.action.slot == nil {
		l.service.action = nil
	}
	l.sfi.state = sfiRunning // no step of a shutdown outlives it (assumption)
	l.sfi.steps++
	l.keys.cutOff = false
	l.power.cutShort, l.health.stale = true, true
	if during != "" {
		during = ", during " + during
	}
	l.logf("power", "the facility lost its power%s", during)
}

// lost says whether v is a loss of power. If so it runs powerGone first.
func (l *Lab) lost(v any, during string) bool {
	if _, ok := v.(powerLoss); !ok {
		return false
	}
	l.powerGone(during)
	return true
}

// unwound is deferred by a function that may meet a loss of power and is not a service action. err
// may be nil.
func (l *Lab) unwound(op string, err *error) {
	v := recover()
	switch {
	case v == nil:
		return
	case !l.lost(v, op):
		panic(v)
	case err != nil:
		*err = fmt.Errorf("raslab: %s: the facility lost its power: %w", op, ErrNoAccess)
	}
}

// RestoreFacilityPower gives the facility its power back: drives and partitions boot, a dual
// cluster IML follows, and what was in progress goes on or is undone. The report has Failed set if
// data are not accessible afterwards.
func (l *Lab) RestoreFacilityPower() (out Report, bad error) {
	const op = "power restore"
	defer l.recovered(op, &out, &bad)
	if !l.power.dark {
		return Report{}, refuse(ErrState, op, "the facility has power", "name a slot to give it its power back, or cycle the power of all")
	}
	rep := l.begin(op, l.options.Serial)
	l.powerOn(rep, op)
	return rep.done(), nil
}

// powerOn gives all slots power, except the slot of a repair, and boots both partitions.
func (l *Lab) powerOn(rep *reporter, op string) {
	l.power.dark = false
	for _, s := range l.plant.slots {
		if l.service.underRepair(s) {
			continue
		}
		if s.port.part == nil {
			s.port.supply = true
			continue
		}
		if err := s.port.PowerOn(); err != nil {
			l.logf(s.name, "power on: %s", cause(err))
		}
	}
	l.health.stale = true
	l.logf("power", "the facility is on")
	l.iml(rep, op)
}

// supplied is the flash chip of a drive, faults included. Its power comes from the slot, and so
// from the facility.
type supplied struct {
	*flash.Faulty
	part *Part
}

func (c *supplied) feed() error {
	if c.part.slot == nil {
		return nil
	}
	l := c.part.slot.lab
	l.power.powered()
	if l.power.dark {
		return flash.ErrPowerLost
	}
	return nil
}

// Program implements flash.Device.
func (c *supplied) Program(block, page int, data []byte) error {
	if err := c.feed(); err != nil {
		return err
	}
	return c.Faulty.Program(block, page, data)
}

// ProgramDeferred implements flash.Deferrer.
func (c *supplied) ProgramDeferred(block, page int, data []byte) error {
	if err := c.feed(); err != nil {
		return err
	}
	return c.Faulty.ProgramDeferred(block, page, data)
}

// Erase implements flash.Device.
func (c *supplied) Erase(block int) error {
	if err := c.feed(); err != nil {
		return err
	}
	return c.Faulty.Erase(block)
}

// Zero implements flash.Device.
func (c *supplied) Zero(block, page int) error {
	if err := c.feed(); err != nil {
		return err
	}
	return c.Faulty.Zero(block, page)
}

// suppliedPages is a copy of the key repository, which the facility feeds.
type suppliedPages struct {
	repository.Device
	lab *Lab
}

// WritePage implements repository.Device.
func (c *suppliedPages) WritePage(n int, src []byte) error {
	c.lab.power.powered()
	if c.lab.power.dark {
		return repository.ErrPowerLost
	}
	return c.Device.WritePage(n, src)
}

// resumeAfterLoss says what was in progress when the power went, and goes on with it
// or undoes it.
func (l *Lab) resumeAfterLoss(rep *reporter) {
	if !l.power.cutShort {
		return
	}
	if l.service.action != nil {
		rep.note("%s was in progress when the power went, and is: exchange the FRU, resume or cancel", l.service.action.name)
	}
	l.undoJoining(rep)
	l.goOnInstalling(rep)
	l.resumeCopies(rep)
	l.tellKeySteps(rep)
	if l.keys.anySilent() {
		l.query()
	}
	l.power.cutShort = false
}

// undoJoining undoes the joining of drives that have no place in a rank yet, and reports what goes
// on.
func (l *Lab) undoJoining(rep *reporter) {
	var told []string
	for _, d := range slices.Clone(l.owed.debts) {
		if l.plant.awaited(d.serial) != nil || l.service.underRepair(d.slot) {
			continue
		}
		verb := "goes on"
		if d.stage == joining {
			verb = "is undone"
		}
		if text := fmt.Sprintf("the %s was cut short by the loss of power, and %s", d.during, verb); !slices.Contains(told, text) {
			told = append(told, text)
			rep.note("%s", text)
		}
		if d.stage != joining {
			continue
		}
		if s := l.plant.slotOf(d.serial); s != nil && l.keys.owner(d.serial) == nil && s.port.Status().State == drive.Erased && !l.custody.due(s) {
			l.owed.settle(d.serial) // nothing was done to it yet
			continue
		}
		d.stage = toErase
	}
	for _, r := range l.plant.leaving {
		if text := "removal of " + r.name(); !slices.ContainsFunc(told, func(t string) bool { return t == "the "+text+" was cut short by the loss of power, and goes on" }) {
			rep.note("the %s was cut short by the loss of power, and goes on", text)
		}
	}
}

// resumeCopies restarts the copies that were under way.
func (l *Lab) resumeCopies(rep *reporter) {
	for _, r := range l.plant.ranks {
		for _, m := range r.members {
			j := m.job
			if j == nil {
				continue
			}
			if !j.due {
				j.schedule(copyStep)
			}
			rep.note("the %s of %s goes on at row %d of %d", j.what, j.target.name, j.done, len(r.order))
			if j.what == smartRebuild && l.service.action == nil {
				l.service.action = &action{name: "smart rebuild of " + m.slot.name}
			}
		}
	}
}

// tellKeySteps reports the key steps of groups that were not finished. The group's record says how
// far each came, and the named action goes on from there.
func (l *Lab) tellKeySteps(rep *reporter) {
	l.keys.groups = slices.DeleteFunc(l.keys.groups, func(g *keyGroup) bool {
		if g.store.whole != nil || g.broken != nil {
			return false
		}
		_, _, err := l.records.repository.Read(g.store.name)
		return errors.Is(err, repository.ErrNoEntry)
	})
	for _, g := range l.keys.groups {
		if g.enc.State() == encgroup.Configuring {
			rep.note("the configuration of key group %d is not finished: keygrp configure goes on with it", g.id)
		}
		if s := g.enc.Rekeying(); s.DataKey != 0 || s.GroupKey {
			rep.note("new keys of key group %d are under way (%s): the same command goes on with them", g.id, s)
		}
		if s, err := g.recoveryKey().Status(); err == nil && s.State.Pending() {
			rep.note("the recovery key of key group %d is %s: a key that was not written down is drawn again after a cancel", g.id, s.State)
		}
	}
}
