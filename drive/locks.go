package drive

// SetRange sets geometry and lock settings of the session BandMaster's range.
// The global range has Start and Length 0; others must lie on the media and
// must not overlap (TCG Core Specification, Locking table). When the settings
// decide that the range will be open or closed at power-on, its MEK is wrapped
// accordingly, in a key step; else only a note is written. Moving a range makes
// what was written under another key unreadable, as in any drive. Errors:
// InvalidParameter, Degraded, and those of keyStep.
func (s *session) SetRange(c RangeConfig) error {
	const op = "set range"
	d, err := s.enter(op)
	if err != nil {
		return err
	}
	defer d.mu.Unlock()
	n, err := s.band(d, op)
	if err != nil {
		return err
	}
	if d.state() == SecurityDegraded {
		return d.refuse(op, Degraded, "restore or erase the drive first")
	}
	if err := d.checkRange(op, n, c); err != nil {
		return err
	}
	next := d.rec.clone()
	next.ranges[n].cfg = c
	if c.LockOnReset&OnPowerCycle == 0 {
		// From now on the flags outlive power, so what is locked stays locked.
		next.ranges[n].readLocked, next.ranges[n].writeLocked = d.ram[n].readLocked, d.ram[n].writeLocked
	}
	return d.relock(op, s, n, next)
}

func (d *Drive) checkRange(op string, n int, c RangeConfig) error {
	if c.LockOnReset > allResets {
		return d.refuse(op, InvalidParameter, "LockOnReset %#x has unknown members", uint8(c.LockOnReset))
	}
	// A lock that a reset has set must not be undone by a power cycle, and a
	// reset, which no one authenticates for, cannot take the root wrap away.
	// The Opal SSC allows no such set either.
	if c.LockOnReset != 0 && c.LockOnReset&OnPowerCycle == 0 {
		return d.refuse(op, InvalidParameter, "LockOnReset names a reset but not the power cycle, which would open the range again")
	}
	if n == 0 {
		if c.Start != 0 || c.Length != 0 {
			return d.refuse(op, InvalidParameter, "the global range has no start and no length of its own")
		}
		return nil
	}
	if err := d.checkAlignment(op, c); err != nil {
		return err
	}
	if c.Start > d.cfg.Sectors || c.Length > d.cfg.Sectors-c.Start {
		return d.refuse(op, InvalidParameter, "%d sectors from sector %d on, the drive has %d", c.Length, c.Start, d.cfg.Sectors)
	}
	for m := 1; m < len(d.rec.ranges) && c.Length > 0; m++ {
		o := &d.rec.ranges[m].cfg
		if m != n && o.Length > 0 && c.Start < o.Start+o.Length && o.Start < c.Start+c.Length {
			return d.refuse(op, InvalidParameter, "overlaps range %d (sectors %d to %d)", m, o.Start, o.Start+o.Length-1)
		}
	}
	return nil
}

// checkAlignment holds a place to the grid of the drive, as the Opal SSC has it
// (columns RangeStart and RangeLength of the Locking table): a start that is not 0
// lies on the grid; a length is a multiple of the granularity, and one that counts
// from sector 0 ends on the grid. Start and length 0 are always aligned.
func (d *Drive) checkAlignment(op string, c RangeConfig) error {
	if !d.cfg.AlignmentRequired() {
		return nil
	}
	grid, lowest := d.cfg.AlignmentGranularity, d.cfg.LowestAlignedLBA
	if c.Start != 0 && c.Start%grid != lowest {
		return d.refuse(op, InvalidParameter, "start %d is off the grid of %d sectors from sector %d on", c.Start, grid, lowest)
	}
	rest := uint64(0)
	if c.Start == 0 {
		rest = lowest
	}
	if c.Length != 0 && c.Length%grid != rest {
		return d.refuse(op, InvalidParameter, "%d sectors from sector %d on end off the grid of %d sectors from sector %d on", c.Length, c.Start, grid, lowest)
	}
	return nil
}

// SetLocks sets ReadLocked and WriteLocked of the session BandMaster's range;
// each counts only while the matching lock is enabled. Unlocking needs the MEK,
// which only a wrap can give; locking both directions takes it out of RAM. A range
// without a place has nothing to lock, and is refused with InvalidParameter: else a
// host would take "done" for data that is accessible now. In SecurityDegraded it is
// refused with Degraded.
func (s *session) SetLocks(read, write bool) error {
	const op = "set locks"
	d, err := s.enter(op)
	if err != nil {
		return err
	}
	defer d.mu.Unlock()
	n, err := s.band(d, op)
	if err != nil {
		return err
	}
	if d.state() == SecurityDegraded {
		return d.refuse(op, Degraded, "restore the drive first")
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
	err = d.relock(op, s, n, next)
	if err != nil && n < len(d.ram) && d.state() != SecurityDegraded {
		d.ram[n].readLocked, d.ram[n].writeLocked = wasRead, wasWrite
	}
	return err
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
		if err := d.rewrap(g, n, mek, s.ak); err != nil {
			return d.named(op, err)
		}
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
