package drive

// SetLocks sets ReadLocked and WriteLocked of the session BandMaster's range;
// each counts only while the matching lock is enabled. Unlocking needs the MEK,
// which only a wrap can give; locking both directions takes it out of RAM. A range
// without a place has nothing to lock, and is refused with InvalidParameter: else a
// host would take "done" for data that is accessible now. In SecurityDegraded it is
// refused with Degraded.
func (s *session) SetLocks(read, write bool) error {
	const op = "set locks"
	return s.asBandMaster(op, func(d *Drive, n int) error {
		if err := d.sound(op); err != nil {
			return err
		}
		if n > 0 && d.rec.ranges[n].cfg.Length == 0 {
			return d.refuse(op, InvalidParameter, "range %d has no place; set its start and length first", n)
		}
		next := d.rec.clone()
		g := &next.ranges[n]
		// Where a power cycle locks anyway, the flags are of RAM only and cost no
		// flash write; elsewhere they decide who can have the key after it.
		if g.cfg.LockOnReset&OnPowerCycle == 0 {
			g.readLocked, g.writeLocked = read, write
		}
		m := &d.ram[n]
		wasRead, wasWrite := m.readLocked, m.writeLocked
		m.readLocked, m.writeLocked = read, write
		err := d.relock(op, s, n, next)
		if err != nil && n < len(d.ram) && d.state() != SecurityDegraded {
			d.ram[n].readLocked, d.ram[n].writeLocked = wasRead, wasWrite
		}
		return err
	})
}

// Unlock makes the session BandMaster's range usable in both directions.
func (s *session) Unlock() error { return s.SetLocks(false, false) }

// relock puts next in force and leaves range n with its key in RAM or not, as
// its locks say.
func (d *Drive) relock(op string, s *session, n int, next record) error {
	old, g := &d.rec.ranges[n], &next.ranges[n]
	keep := d.ram[n].mek != nil
	mek, err := d.sessionMEK(s, n)
	if err != nil {
		return d.named(op, err)
	}
	defer mek.Clear()
	switch {
	case old.openAtPowerOn() != g.openAtPowerOn():
		d.rewrap(g, n, mek, s.ak)
		if err := d.keyStep(op, "", next); err != nil {
			return err
		}
	case old.cfg != g.cfg || old.readLocked != g.readLocked || old.writeLocked != g.writeLocked:
		was := d.rec
		d.rec = next
		if err := d.note(op); err != nil {
			if d.powered {
				d.rec = was
			}
			return err
		}
	}
	if shut(&d.rec.ranges[n], &d.ram[n]) {
		d.ram[n].drop()
	} else if !keep {
		d.ram[n].use(mek.Clone())
	}
	d.publish()
	return nil
}
