package drive

import "errors"

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
	d.opal.dropTables()
}

// distrust is the state without a record: degraded, as keyless as power has left it.
func (d *Drive) distrust() {
	d.machine = newMachine(d.cfg.Personality, SecurityDegraded)
	d.publish()
}

// Restore leads a security degraded drive back to Configured: the session's
// BandMaster has proved its own PIN, and every block but the one with the
// record in force is destroyed. Errors: InvalidState outside SecurityDegraded or
// while the BandMaster has MSID (erase again instead), Degraded while an old
// wrap still cannot be destroyed, HardwareFailure, PowerLost.
func (s *session) Restore() error {
	const op = "restore"
	return s.asBandMaster(op, func(d *Drive, n int) error {
		to, ok := d.machine.ask(EventRestore, d.facts(&d.rec))
		if !ok && d.machine.can(EventRestore) {
			return d.refuse(op, InvalidState, "BandMaster%d has MSID, so there is no credential to restore; erase again", n)
		}
		if !ok {
			return d.forbid(op, EventRestore)
		}
		return d.restore(op, to)
	})
}

// restore destroys what is older than the record in force, and goes on in the state to.
func (d *Drive) restore(op string, to State) error {
	resisting, err := d.store.clean()
	if err != nil {
		return d.fault(op, err)
	}
	if len(resisting) > 0 {
		return d.refuse(op, Degraded, "flash block %d with old wraps still cannot be destroyed", resisting[0])
	}
	was := d.rec.state
	d.rec.state = to
	if err := d.note(op); err != nil {
		d.rec.state = was
		return err
	}
	d.fire(EventRestore, d.facts(&d.rec))
	if err := d.reopen(op); err != nil {
		return err
	}
	d.publish()
	return nil
}

// reopen leaves the ranges that lost their keys to SecurityDegraded as a power cycle leaves them,
// once the drive has left that state: those that are open to all have their keys in RAM again, and
// are not locked beside them. Where the root key does not open one the drive goes back there, with
// Degraded.
func (d *Drive) reopen(op string) error {
	for n := range d.rec.ranges {
		g := &d.rec.ranges[n]
		if d.ram[n].mek != nil {
			continue
		}
		d.ram[n].lockAsAtPowerOn(g)
		if !g.openAtPowerOn() {
			continue
		}
		mek, err := d.rootMEK(g)
		if err != nil {
			if derr := d.degrade(op); derr != nil {
				return derr
			}
			return d.refuse(op, Degraded, "the root key does not open range %d: %v", n, err)
		}
		d.ram[n].use(mek)
	}
	return nil
}
