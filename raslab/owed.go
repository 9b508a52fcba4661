package raslab

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// What the facility has begun with a drive and has not finished is owed. It is written down, shown
// to the operator, and tried again each hour, at an IML, after a restore of the key repository, and
// before a new group key. An action whose work is owed reports that it is not done.

// stage is how far the facility came with a drive that it owes something.
type stage uint8

const (
	// joining: the drive is on its way into a key group, and has no place in a rank yet. Nothing is
	// to be done while the action runs. If the power goes before the drive has its place, the drive
	// is erased and leaves the group.
	joining stage = iota
	// toErase: the drive is to be erased, with proof, and leaves its group.
	toErase
	// toForget: the erase is proved, or the drive is gone for good, but the record of its group
	// still lists it.
	toForget
)

// owed is the work on drives that the facility has to do once they can be reached.
type owed struct {
	debts []*debt // in the order in which it began
}

// debt is what is owed to one drive.
type debt struct {
	serial string
	slot   *slot  // where the drive was
	stage  stage  // what is to be done
	during string // the action that it belongs to: "removal of R0"
	rank   *Rank  // whose removal waits for it; nil
	why    string // why the last attempt failed; "" if there was none
	// What the slot becomes after the erase; "" leaves it to released.
	becomes    DriveState
	becomesWhy string
}

// owes writes down what is owed to the drive in a slot, in place of what was owed
// to it before.
func (o *owed) owes(s *slot, what stage, during string) *debt {
	d := o.debtOf(s.port.Serial())
	if d == nil {
		d = &debt{serial: s.port.Serial()}
		o.debts = append(o.debts, d)
	}
	d.slot, d.stage, d.during, d.why = s, what, during, ""
	return d
}

// settleJoined strikes out a drive that has its place now.
func (o *owed) settleJoined(s *slot) {
	if d := o.debtOf(s.port.Serial()); d != nil && d.stage == joining {
		o.settle(d.serial)
	}
}

func (o *owed) debtOf(serial string) *debt {
	i := slices.IndexFunc(o.debts, func(d *debt) bool { return d.serial == serial })
	if i < 0 {
		return nil
	}
	return o.debts[i]
}

// settle strikes out what is owed to a drive.
func (o *owed) settle(serial string) {
	o.debts = slices.DeleteFunc(o.debts, func(d *debt) bool { return d.serial == serial })
}

// String is one clause for the operator.
func (d *debt) String() string {
	text := fmt.Sprintf("%s %s: ", d.slot.name, d.serial)
	switch d.stage {
	case toForget:
		text += "it left in the " + d.during + ", and its key group still lists it as a member"
	default:
		text += "its erase in the " + d.during + " is not finished"
	}
	if d.why != "" {
		text += ": " + d.why
	}
	return text
}

// Owed lists what the facility has begun with drives and could not finish yet, one
// clause each, in the order in which it began. It is tried again each hour, at an
// IML, after a restore of the key repository, and before a new group key.
func (l *Lab) Owed() []string {
	out := l.owed.owedTo(func(*debt) bool { return true })
	if s := l.cloud.underway; s != nil {
		out = append(out, s.String())
	}
	return out
}

// OwedToGroup is Owed for the members of one key group.
func (l *Lab) OwedToGroup(id int) []string {
	return l.owed.owedTo(func(d *debt) bool {
		g := l.keys.owner(d.serial)
		return g != nil && g.id == id
	})
}

// OwedToRank is Owed for what the removal of a rank waits for.
func (o *owed) OwedToRank(name string) []string {
	return o.owedTo(func(d *debt) bool { return d.rank != nil && d.rank.name() == name })
}

func (o *owed) owedTo(which func(*debt) bool) (out []string) {
	for _, d := range o.debts {
		if d.stage != joining && which(d) {
			out = append(out, d.String())
		}
	}
	return out
}

// owes says in a report that the work on a drive is not finished.
func (rep *reporter) owes(serial string) {
	if d := rep.lab.owed.debtOf(serial); d != nil && d.stage != joining {
		rep.r.Failed = true
		rep.note("owed: %s", d)
	}
}

// forget removes a drive from the group that it is in. If the record cannot be saved, the drive
// stays a member, which is safe, and its removal is owed.
func (l *Lab) forget(s *slot, serial, during string) error {
	g := l.keys.owner(serial)
	if g == nil {
		l.owed.settle(serial)
		return nil
	}
	l.health.stale = true
	d := l.owed.debtOf(serial)
	if d == nil {
		d = &debt{serial: serial, slot: s, during: during}
		l.owed.debts = append(l.owed.debts, d)
	}
	if d.stage != toForget {
		d.stage, d.why = toForget, ""
	}
	err := g.enc.Forget(serial)
	if err == nil {
		l.owed.settle(serial)
		return nil
	}
	why := firstLine(err)
	if errors.Is(err, encgroup.ErrStore) {
		why = encgroup.ErrStore.Error()
	}
	if d.why != why {
		d.why = why
		l.logf("repository", "owed: %s (%s)", d, firstLine(err))
	}
	return err
}

// payOwed does what is owed, as far as it can be done now, and reports it. busy leaves alone the
// drives that have to be erased.
func (l *Lab) payOwed(rep *reporter, busy bool) {
	for _, d := range slices.Clone(l.owed.debts) {
		if d.stage == toForget || d.stage == toErase && !busy {
			l.pay(rep, d)
		}
	}
	l.finishRemovals(rep)
}

// pay does what is owed to one drive.
func (l *Lab) pay(rep *reporter, d *debt) {
	g := l.keys.owner(d.serial)
	if d.stage != toForget && (l.plant.awaited(d.serial) != nil || l.service.underRepair(d.slot)) {
		l.owed.settle(d.serial) // a rank has its data there, or the repair decides
		return
	}
	if d.stage == toForget {
		switch err := l.forget(d.slot, d.serial, d.during); {
		case err != nil:
			rep.owes(d.serial)
			return
		case g != nil && d.slot.port.Serial() == d.serial:
			rep.did(d.slot, "is no member of key group %d any more", g.id)
		case g != nil:
			rep.note("%s is no member of key group %d any more", d.serial, g.id)
		}
		if d.slot.port.Serial() == d.serial {
			d.leave(d.slot)
		}
		return
	}
	s := l.plant.slotOf(d.serial)
	switch {
	case s == nil:
		rep.note("%s was to be erased in the %s and is not in the facility", d.serial, d.during)
		l.owed.settle(d.serial)
		return
	case g != nil && g.enc.State() != encgroup.Accessible:
		d.why = fmt.Sprintf("key group %d is %s", g.id, g.enc.State())
		return
	case g == nil && l.foreign(s):
		rep.note("%s holds %s, which belongs to no group of this facility: it was left as it is", s.name, d.serial)
		l.owed.settle(d.serial)
		return
	}
	if !l.released(rep, s, d.during) {
		l.raiseNotErased(rep, s, d.during)
		return
	}
	d.leave(s)
}

// leave sets the state of the slot of an erased drive, unless the action has chosen it.
func (d *debt) leave(s *slot) {
	switch {
	case s.state != Rebuilding && s.state != MigrationTarget && s.state != MigrationSource:
	case d.becomes != "":
		s.setState(d.becomes, d.becomesWhy)
	default:
		s.setState(Normal, "")
	}
}

func (p *plant) slotOf(serial string) *slot {
	for _, s := range p.slots {
		if s.port.part != nil && s.port.Serial() == serial {
			return s
		}
	}
	return nil
}

// findOwed looks for drives whose erase is proved and that a record still lists: members without a
// place whose certificate is held. It needs only the records, the certificates and the drives' own
// answers.
func (l *Lab) findOwed() {
	slots := map[string]*slot{} // as slotOf, for all at once
	for _, s := range l.plant.slots {
		if s.port.part != nil && slots[s.port.Serial()] == nil {
			slots[s.port.Serial()] = s
		}
	}
	for _, g := range l.keys.groups {
		for _, m := range g.enc.Members() {
			s := slots[m.Serial]
			if s == nil || !l.custody.proved(s) || l.owed.debtOf(m.Serial) != nil ||
				l.plant.awaited(m.Serial) != nil || l.plant.copyingTo(s) {
				continue
			}
			if st := s.port.Status(); st.Powered && st.State == drive.Erased {
				l.owed.owes(s, toForget, "erase that its certificate proves")
			}
		}
	}
}

// goOn continues at a reboot what was begun before it. It does not decide whether the reboot
// reached its aim.
func (l *Lab) goOn(rep *reporter) {
	failed := rep.r.Failed
	l.destage()
	l.resumeAfterLoss(rep)
	l.findOwed()
	l.payOwed(rep, false)
	l.cloud.goOn(rep)
	rep.r.Failed = failed
}

// payHourly is the hourly attempt.
func (l *Lab) payHourly() {
	if len(l.owed.debts) == 0 && len(l.plant.leaving) == 0 && l.cloud.underway == nil || !l.sfi.partitions[0].complete || l.sfi.state != sfiRunning {
		return
	}
	rep := l.begin("owed work", l.options.Serial)
	l.payOwed(rep, l.service.action != nil)
	l.cloud.goOn(rep)
}

// spared takes back a spare that did not join its group because a key or a record is missing. If
// the group lists the spare by now, or the drive has changed, its erase is owed.
func (l *Lab) spared(s *slot, during string) {
	if l.keys.owner(s.port.Serial()) != nil || s.port.Status().State != drive.Erased || l.custody.due(s) {
		l.logf("service", "owed: %s", l.owed.owes(s, toErase, during))
		return
	}
	l.owed.settle(s.port.Serial())
}

// untouched says whether an admission ended before the drive was changed.
func untouched(err error) bool {
	var a *encgroup.AdmitError
	var unfit *encgroup.UnfitError
	if !errors.As(err, &a) {
		return false
	}
	if errors.As(err, &unfit) {
		return true
	}
	switch a.Step {
	case encgroup.StepGroup, encgroup.StepState, encgroup.StepMSID:
		return true
	}
	return a.Step == encgroup.StepRecord && a.Status.State == drive.Erased
}
