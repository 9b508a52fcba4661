package conformance

import "github.com/seed-9d983aeb/fdelab/drive"

// command is one that carries a PIN. The device has power.
func (m *model) command(c Command) []outcome {
	a := who(c)
	if m.session != drive.Nobody {
		return m.ends(drive.SPBusy)
	}
	if m.index(a) < 0 && a != drive.PSID || a == drive.PSID && c.Verb != Revert {
		return m.ends(senseless...)
	}
	tries := m.count(a)
	right := Name("psid")
	if a != drive.PSID {
		right = m.slots[m.index(a)].pin
	}
	switch {
	case c.PIN == "empty":
		counted := m.clone()
		*counted.count(a)++
		return append(m.ends(senseless...), outcome{senseless, counted})
	case m.id.TryLimit > 0 && *tries >= m.id.TryLimit && !m.worn:
		return m.ends(drive.LockedOut)
	case c.PIN != right:
		refused := []drive.Code{drive.NotAuthorized}
		if m.worn { // how many were counted while the memory failed is not known
			refused = append(refused, drive.LockedOut)
		}
		if m.degraded {
			uncounted := m.clone()
			*tries++
			return []outcome{{refused, m}, {[]drive.Code{drive.NotAuthorized, drive.Degraded, drive.HardwareFailure}, uncounted}}
		}
		*tries++
		return m.ends(refused...)
	}
	var out []outcome
	if m.worn {
		out = m.clone().ends(drive.LockedOut)
	}
	if m.degraded { // without a record that it trusts a device knows no PIN
		out = append(out, m.clone().ends(drive.Degraded, drive.InvalidState, drive.HardwareFailure, drive.NotAuthorized)...)
	}
	before := m.clone()
	*before.count(a)++
	*tries = 0
	if doubtful(m.feed) { // the right PIN was counted, and the step that sets the count back did not come
		out = append(out, before.ends(drive.EntropyFailure)...)
	}
	if m.degraded && c.Verb != Erase && c.Verb != EraseAll && c.Verb != Revert {
		out = append(out, m.clone().ends(drive.Degraded, drive.InvalidState, drive.HardwareFailure)...)
	}
	return append(out, m.effect(c)...)
}

// effect is what a command does whose PIN is right.
func (m *model) effect(c Command) []outcome {
	switch c.Verb {
	case Open:
		m.session = c.Who
	case SetPIN:
		return m.setPIN(c.Who, c.To)
	case SetRange:
		return m.setRange(c)
	case SetLocks:
		return m.setLocks(c.Range, c.Locks)
	case Migrate:
		return m.migrate(c)
	case GenKey:
		return m.keys(func(m *model) { m.newKey(c.Range) })
	case Erase:
		return m.erase(c)
	case EraseAll:
		return m.keys(func(m *model) {
			for n := range m.ranges {
				m.wipe(n)
			}
			m.degraded = false
		})
	case Revert:
		return m.keys(func(m *model) { m.factory(); m.degraded = false })
	}
	return m.ends(done)
}

// keys is an effect that makes keys.
func (m *model) keys(f func(*model)) []outcome {
	var out []outcome
	if doubtful(m.feed) {
		out = m.clone().ends(drive.EntropyFailure)
	}
	if broken(m.feed) {
		return out
	}
	f(m)
	return append(out, outcome{[]drive.Code{done}, m})
}

func (m *model) erase(c Command) []outcome {
	if c.Range >= len(m.ranges) {
		return m.ends(senseless...)
	}
	out := m.keys(func(m *model) { m.wipe(c.Range) })
	if m.degraded { // it may have been the last range that was in doubt
		well := m.clone()
		well.degraded = false
		out = append(out, outcome{[]drive.Code{done}, well})
		// A device may have dropped the keys of the other ranges with its trust in its memory. Then they
		// are as a power cycle leaves them.
		locked := well.clone()
		for n := range locked.ranges {
			if n != c.Range {
				locked.ranges[n].lockAsAfterPower()
				locked.ranges[n].ram = locked.ranges[n].openAfterPower()
			}
		}
		if !locked.equal(well) {
			out = append(out, outcome{[]drive.Code{done}, locked})
		}
	}
	return out
}

// setPIN: whether a PIN change needs fresh entropy is the device's affair, and whether it takes the
// factory PIN back.
func (m *model) setPIN(a drive.Authority, to Name) []outcome {
	if to == "empty" {
		return m.ends(senseless...)
	}
	var out []outcome
	if doubtful(m.feed) {
		out = m.clone().ends(drive.EntropyFailure)
	}
	if to == "msid" {
		out = append(out, m.clone().ends(senseless...)...)
	}
	m.slots[m.index(a)].pin = to
	return append(out, outcome{[]drive.Code{done}, m})
}

func (m *model) migrate(c Command) []outcome {
	if c.To == "empty" || c.To.short() || len(c.To.bytes(drive.Label{})) != drive.PINSize && c.To != "msid" && c.To != "psid" {
		return m.ends(senseless...)
	}
	out := m.setPIN(drive.BandMaster(c.Range), c.To)
	for _, o := range out {
		if o.codes[0] == done {
			g := &o.then.ranges[c.Range]
			g.c.ReadLockEnabled, g.c.WriteLockEnabled = true, true
			g.c.LockOnReset |= drive.OnPowerCycle
			g.ram = g.ram && !(g.readLocked() && g.writeLocked())
		}
	}
	return out
}

func (m *model) setRange(c Command) []outcome {
	if !m.fits(c.Range, c.Config) {
		return m.ends(senseless...)
	}
	var out []outcome
	if r := c.Config.LockOnReset; r != 0 && r&drive.OnPowerCycle == 0 || doubtful(m.feed) {
		out = m.clone().ends(append([]drive.Code{drive.EntropyFailure}, senseless...)...)
	}
	g := &m.ranges[c.Range]
	if g.c.Start != c.Config.Start || g.c.Length != c.Config.Length {
		for lba, s := range m.sectors { // each for itself: the order does not matter
			if in(g.c, lba) || in(c.Config, lba) {
				s.maybe = true
				m.sectors[lba] = s
			}
		}
	}
	g.c = c.Config
	m.relocked(g)
	return append(out, outcome{[]drive.Code{done}, m})
}

func in(c drive.RangeConfig, lba uint64) bool { return lba >= c.Start && lba < c.Start+c.Length }

func (m *model) setLocks(n int, locks [2]bool) []outcome {
	var out []outcome
	g := &m.ranges[n]
	if n > 0 && g.c.Length == 0 || doubtful(m.feed) {
		out = m.clone().ends(append([]drive.Code{drive.EntropyFailure}, senseless...)...)
	}
	g.read, g.write = locks[0], locks[1]
	m.relocked(g)
	return append(out, outcome{[]drive.Code{done}, m})
}

func (m *model) relocked(g *band) {
	g.ram = true
	if g.c.LockOnReset&drive.OnPowerCycle == 0 {
		g.keep = [2]bool{g.read, g.write}
	}
}

// fits: the range lies on the device and on its grid, and overlaps no other.
func (m *model) fits(n int, c drive.RangeConfig) bool {
	end := c.Start + c.Length
	if n == 0 {
		return end == 0 && c.LockOnReset <= 7
	}
	if c.LockOnReset > 7 || end > m.id.Sectors {
		return false
	}
	if g := m.id.Granularity; g > 1 && (c.Start%g != 0 || c.Length%g != 0) {
		return false
	}
	for o := 1; o < len(m.ranges); o++ {
		if r := m.ranges[o].c; o != n && r.Length > 0 && c.Length > 0 && c.Start < r.Start+r.Length && r.Start < end {
			return false
		}
	}
	return true
}

// use is a command of the session that is open: its range is unlocked.
func (m *model) use() []outcome {
	if m.session == drive.Nobody {
		return m.ends(drive.NoSession)
	}
	n, band := m.session.Band()
	if !band {
		return m.ends(senseless...)
	}
	if m.degraded {
		return m.ends(drive.Degraded, drive.InvalidState)
	}
	return m.setLocks(n, [2]bool{})
}
