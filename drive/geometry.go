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
	return s.asBandMaster(op, func(d *Drive, n int) error {
		if err := d.sound(op); err != nil {
			return err
		}
		if err := d.checkRange(op, n, c, d.rec.ranges); err != nil {
			return err
		}
		next := d.rec.clone()
		next.ranges[n].cfg = c
		if c.LockOnReset&OnPowerCycle == 0 {
			// From now on the flags outlive power, so what is locked stays locked.
			next.ranges[n].readLocked, next.ranges[n].writeLocked = d.ram[n].readLocked, d.ram[n].writeLocked
		}
		return d.relock(op, s, n, next)
	})
}

// checkRange judges c for range n beside the other ranges.
func (d *Drive) checkRange(op string, n int, c RangeConfig, ranges []rangeRecord) error {
	if known := d.cfg.Personality.resets(); c.LockOnReset&^known != 0 {
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
	for m := 1; m < len(ranges) && c.Length > 0; m++ {
		o := &ranges[m].cfg
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
