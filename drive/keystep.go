package drive

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// permit asks the machine whether e is possible in this state, before anything is
// prepared. Its guard is asked in keyStep.
func (d *Drive) permit(op string, e Event) error {
	if d.machine.can(e) {
		return nil
	}
	return d.forbid(op, e)
}

func (d *Drive) forbid(op string, e Event) error {
	d.trace(e, d.state(), d.state(), true)
	return d.refuse(op, InvalidState, "%s is not possible in the state %s", e, d.state())
}

// fire moves the machine with an event that it has allowed.
func (d *Drive) fire(e Event, f *facts) {
	from := d.state()
	to, ok := d.machine.fire(e, f)
	if !ok {
		panic("BUG: lifecycle refused " + string(e) + " in " + from.String())
	}
	d.trace(e, from, to, false)
}

func (d *Drive) trace(e Event, from, to State, refused bool) {
	if d.parts.Trace != nil {
		d.parts.Trace(TransitionTrace{Serial: d.cfg.Serial, Event: e, From: from, To: to, Refused: refused})
	}
}

// keyStep makes next the record in force, in a fresh flash block, and destroys
// every older record before it returns nil. With an event (may be empty) the
// lifecycle moves along. On an error:
//   - InvalidState: the machine allows no such event here; nothing changed.
//   - HardwareFailure: no flash block takes the record; the old one is in force.
//   - Degraded: the drive is now security degraded: either the new record is in
//     force and an old wrap could not be destroyed, or the old one is and a
//     fragment of the new could not.
//   - PowerLost: the drive is off; power-on finds the old record or the new one.
func (d *Drive) keyStep(op string, e Event, next record) error {
	if e != "" {
		to, ok := d.machine.ask(e, d.facts(&next))
		if !ok {
			return d.forbid(op, e)
		}
		next.state = to
	}
	next.keygen = d.rec.keygen + 1
	return d.commit(op, e, next)
}

// facts are what the machine's guards look at when next is to be in force.
func (d *Drive) facts(next *record) *facts {
	f := &facts{was: &d.rec, after: next}
	if d.session != nil {
		f.who = d.session.authority
	}
	return f
}

// commit is the part of keyStep that writes.
func (d *Drive) commit(op string, e Event, next record) error {
	err := d.store.replace(&next)
	switch {
	case err == nil:
		f := d.facts(&next)
		if e != "" {
			d.fire(e, f)
		}
		d.rec = next
		d.publish()
		return nil
	case errors.Is(err, flash.ErrPowerLost):
		return d.fault(op, err)
	case errors.Is(err, errStale):
		d.rec, d.trusted = next, true
		if len(d.ram) < len(next.ranges) {
			d.ram = make([]rangeRAM, len(next.ranges))
		}
	case errors.Is(err, errFragment):
		// The fragment may be the whole record. The note that follows is newer.
		d.rec.generation = d.store.opened()
	default:
		return d.fault(op, err)
	}
	status := &StatusError{Op: op, State: SecurityDegraded, Code: Degraded, Err: err}
	if derr := d.degrade(op); derr != nil {
		return derr
	}
	return status
}

// degrade leads the drive to SecurityDegraded: no host data moves, keys leave
// RAM, and the record says so. The error is PowerLost or nil: where even the
// note cannot be written, the next power-on finds the same cause again.
func (d *Drive) degrade(op string) error {
	d.withdraw()
	d.rec.state = SecurityDegraded
	if d.trusted { // else there is no record that a note could be of
		if err := d.note(op); errors.Is(err, PowerLost) {
			return err
		}
	}
	d.publish()
	return nil
}

// suspend is degrade for a doubt that may pass: nothing is written, and the next
// power-on judges again.
func (d *Drive) suspend() {
	d.withdraw()
	d.publish()
}

// withdraw moves the machine to SecurityDegraded and takes the keys out of RAM.
func (d *Drive) withdraw() {
	if f := d.facts(&d.rec); d.machine.can(EventDegrade) {
		d.fire(EventDegrade, f)
	} else {
		d.trace(EventDegrade, d.state(), d.state(), true)
	}
	for n := range d.ram {
		d.ram[n].drop()
		d.ram[n].readLocked = d.rec.ranges[n].cfg.ReadLockEnabled
		d.ram[n].writeLocked = d.rec.ranges[n].cfg.WriteLockEnabled
	}
}
