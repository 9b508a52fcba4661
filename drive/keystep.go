package drive

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// permit looks the lifecycle table up before anything is changed.
func (d *Drive) permit(op string, e Event) error {
	if _, ok := transition(e, d.state()); !ok {
		d.trace(e, d.state(), d.state(), true)
		return d.refuse(op, InvalidState, "%s is not possible in the state %s", e, d.state())
	}
	return nil
}

// fire moves the machine along a row that permit has found.
func (d *Drive) fire(e Event) {
	from := d.machine.s
	to, ok := d.machine.fire(e)
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
//   - InvalidState: the table has no such row; nothing changed.
//   - HardwareFailure: no flash block takes the record; the old one is in force.
//   - Degraded: the drive is now security degraded: either the new record is in
//     force and an old wrap could not be destroyed, or the old one is and a
//     fragment of the new could not.
//   - PowerLost: the drive is off; power-on finds the old record or the new one.
func (d *Drive) keyStep(op string, e Event, next record) error {
	if e != "" {
		if err := d.permit(op, e); err != nil {
			return err
		}
		t, _ := transition(e, d.state())
		next.state = t.To
	}
	next.keygen = d.rec.keygen + 1
	return d.commit(op, e, next)
}

// commit is the part of keyStep that writes.
func (d *Drive) commit(op string, e Event, next record) error {
	next.generation = d.advance()
	err := d.store.replace(&next)
	switch {
	case err == nil:
		d.rec = next
		if e != "" {
			d.suspect = false
			d.fire(e)
		}
		d.publish()
		return nil
	case errors.Is(err, flash.ErrPowerLost):
		return d.fault(op, err)
	case errors.Is(err, errStale):
		next.state = d.rec.state
		d.rec = next
	case errors.Is(err, errFragment):
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
// note can not be written, the next power-on finds the same cause again.
func (d *Drive) degrade(op string) error {
	d.withdraw()
	d.rec.state = SecurityDegraded
	if err := d.note(op); errors.Is(err, PowerLost) {
		return err
	}
	d.publish()
	return nil
}

// suspend is degrade for a doubt that may pass: nothing is written, and the next
// power-on judges again.
func (d *Drive) suspend() {
	d.withdraw()
	d.suspect = true
	d.publish()
}

// withdraw moves the machine to SecurityDegraded and takes the keys out of RAM.
func (d *Drive) withdraw() {
	if _, ok := transition(EventDegrade, d.machine.s); ok {
		d.fire(EventDegrade)
	} else {
		d.trace(EventDegrade, d.machine.s, d.machine.s, true)
	}
	for n := range d.ram {
		d.ram[n].drop()
		d.ram[n].readLocked = d.rec.ranges[n].cfg.ReadLockEnabled
		d.ram[n].writeLocked = d.rec.ranges[n].cfg.WriteLockEnabled
	}
}

// advance is the generation of the next record that is written, or tried: it
// never comes twice, since what an attempt left behind may be found at a later
// power-on.
func (d *Drive) advance() uint64 {
	d.highest = max(d.highest, d.rec.generation) + 1
	return d.highest
}
