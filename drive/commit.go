package drive

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

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
	from := d.state()
	if e != "" {
		to, ok := d.machine.fire(e, d.facts(&next))
		if !ok {
			return d.forbid(op, e)
		}
		next.state = to
	}
	next.keygen = d.rec.keygen + 1
	return d.commit(op, e, from, &next)
}

// commit is the part of keyStep that writes. The machine has made the event, which led out of from;
// where the record does not come into force, it is taken back.
func (d *Drive) commit(op string, e Event, from State, next *record) error {
	if next.sanitize == nil {
		next.sanitize = d.rec.sanitize // an operation goes on over every change of keys
	}
	err := d.store.replace(next)
	if err != nil && e != "" {
		d.machine.back(from)
	}
	switch {
	case err == nil:
		if e != "" {
			d.trace(e, from, next.state, false)
		}
		d.rec = *next
		d.publish()
		return nil
	case errors.Is(err, flash.ErrPowerLost):
		return d.fault(op, err)
	case errors.Is(err, errStale):
		d.rec, d.trusted = *next, true
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

// note appends the record as it stands in RAM. It changes no key.
func (d *Drive) note(op string) error { return d.write(op, false, flash.Device.Program) }

// count is note for counts of tries. What is written in doubt counts for its tries
// alone, so that a newer record that cannot be read now stays the newer one.
func (d *Drive) count(op string) error { return d.write(op, d.store.doubt(), flash.Device.Program) }

// uncount is count of a try that was right, in a record that becomes safe with the next one: that of the
// key step, as a rule. Where the next one does not come, one try stays used up.
func (d *Drive) uncount(op string) error {
	return d.write(op, d.store.doubt(), flash.ProgramDeferred)
}

func (d *Drive) write(op string, doubt bool, program programmer) error {
	d.rec.doubt = doubt
	if err := d.store.appendRecord(&d.rec, program); err != nil {
		return d.fault(op, err)
	}
	return nil
}
