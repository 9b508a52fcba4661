package conformance

import (
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// model is what a host may expect of a device: one candidate for what the device is. It knows who
// has which PIN, which data was written under which key, and flags. It knows no key, only whether a
// key is the same as before, and no format of anything.
type model struct {
	id       Identity
	on       bool
	degraded bool   // the device has said that it lost track: it moves no data
	worn     bool   // faults may have cost memory for good
	feed     string // what the random source is fed with; "" is the device's own
	slots    []slot // SID, EraseMaster, BandMaster 0, 1, ...
	psid     uint16 // wrong PSIDs
	ranges   []band
	sectors  map[uint64]sector
	session  drive.Authority
	sanitize SanitizeState // of the last one
	made     *uint32       // how many keys were made, in all candidates together
}

type slot struct {
	pin   Name
	tries uint16
}

// band is a range.
type band struct {
	c           drive.RangeConfig
	read, write bool
	keep        [2]bool // what the two are after a power cycle that LockOnReset does not name
	key         uint32
	ram         bool // since power came the key was needed by nobody, or somebody opened it
}

// sector is what was written, and under which key. Nobody expects anything of one that is unknown.
type sector struct {
	content, key uint32
	maybe        bool // its range was moved meanwhile: it may be lost
}

const unknown = ^uint32(0)

func newModel(id Identity) *model {
	m := &model{id: id, on: true, made: new(uint32), slots: make([]slot, id.Ranges+3), ranges: make([]band, id.Ranges+1), sectors: map[uint64]sector{}}
	m.factory()
	return m
}

func (m *model) clone() *model {
	c := *m
	c.slots, c.ranges = slices.Clone(m.slots), slices.Clone(m.ranges)
	c.sectors = make(map[uint64]sector, len(m.sectors))
	for lba, s := range m.sectors {
		c.sectors[lba] = s
	}
	return &c
}

func (m *model) factory() {
	for i := range m.slots {
		m.slots[i] = slot{pin: "msid"}
	}
	for n := range m.ranges {
		m.ranges[n] = band{}
		m.wipe(n)
	}
	m.psid = 0
}

func (m *model) newKey(n int) {
	*m.made++
	m.ranges[n].key = *m.made
}

// wipe is the cryptographic erase of one range. It keeps its place.
func (m *model) wipe(n int) {
	g := &m.ranges[n]
	*g = band{c: drive.RangeConfig{Start: g.c.Start, Length: g.c.Length, LockOnReset: drive.OnPowerCycle}, ram: true}
	m.newKey(n)
	m.slots[2+n] = slot{pin: "msid"}
}

// index of an authority's slot, or -1.
func (m *model) index(a drive.Authority) int {
	switch a {
	case drive.SID:
		return 0
	case drive.EraseMaster:
		return 1
	}
	if n, band := a.Band(); band && n < len(m.ranges) {
		return 2 + n
	}
	return -1
}

// who gives a command.
func who(c Command) drive.Authority {
	switch c.Verb {
	case Erase, EraseAll:
		return drive.EraseMaster
	case SetRange, SetLocks, Migrate, GenKey:
		return drive.BandMaster(c.Range)
	case Revert:
		return drive.PSID
	}
	return c.Who
}

func (m *model) rangeOf(lba uint64) int {
	for n := 1; n < len(m.ranges); n++ {
		if c := m.ranges[n].c; lba >= c.Start && lba < c.Start+c.Length {
			return n
		}
	}
	return 0
}

// openAfterPower: nobody has to authenticate for the range after a power cycle.
func (g *band) openAfterPower() bool {
	locks := g.c.LockOnReset&drive.OnPowerCycle != 0
	return (!g.c.ReadLockEnabled || !g.keep[0] && !locks) && (!g.c.WriteLockEnabled || !g.keep[1] && !locks)
}

func (g *band) readLocked() bool  { return g.c.ReadLockEnabled && g.read }
func (g *band) writeLocked() bool { return g.c.WriteLockEnabled && g.write }

// inUse says whether a range has a key.
func (m *model) inUse(key uint32) bool {
	return slices.ContainsFunc(m.ranges, func(g band) bool { return g.key == key })
}

// owned says whether a BandMaster has a PIN of its own.
func (m *model) owned() bool {
	return slices.ContainsFunc(m.slots[2:], func(s slot) bool { return s.pin != "msid" })
}

// written lists the sectors, ascending.
func (m *model) written() []uint64 {
	all := make([]uint64, 0, len(m.sectors))
	for lba := range m.sectors {
		all = append(all, lba)
	}
	slices.Sort(all)
	return all
}

// outcome is one way in which a command may end: with one of codes, and then the device is that.
type outcome struct {
	codes []drive.Code
	then  *model
}

// done is the code of success.
const done drive.Code = 0

// The refusals of what makes no sense. Which of them it is does not matter to a host.
var senseless = []drive.Code{drive.InvalidParameter, drive.InvalidState, drive.OutOfRange, drive.NotAuthorized}

func (m *model) ends(codes ...drive.Code) []outcome { return []outcome{{codes, m}} }

// outcomes are the ways in which c may end on the device that m describes, with faults that fired
// meanwhile. m stays as it is.
func (m *model) outcomes(c Command, fired map[BreakKind]int) []outcome {
	sound := m.clone().do(c)
	power, media, flash := false, false, false
	for _, k := range breakKinds {
		if fired[k] > 0 {
			power, media, flash = power || k.power(), media || k.media(), flash || !k.power() && !k.media()
		}
	}
	switch {
	case power:
		return m.cut(c, sound)
	case flash:
		return m.damaged(c, sound)
	case media:
		return m.unreadable(c, sound)
	case m.worn && changes(c.Verb):
		return append(sound, m.damaged(c, nil)...)
	}
	return sound
}

// changes says whether a verb writes to the non-volatile memory of a sound device.
func changes(v Verb) bool {
	switch v {
	case Try, SetPIN, SetRange, SetLocks, Migrate, GenKey, Erase, EraseAll, Revert, Open, Use, PowerOn, SanitizeIt, SanitizeEnds:
		return true
	}
	return false
}

// tried are what m may be when a command with a PIN did not get to its end: nothing was counted, one
// try was, or the count was set back.
func (m *model) tried(c Command) []*model {
	all := []*model{m.clone()}
	if i := m.index(who(c)); i >= 0 || who(c) == drive.PSID {
		for _, set := range []func(*uint16){func(n *uint16) { *n++ }, func(n *uint16) { *n = 0 }} {
			t := m.clone()
			set(t.count(who(c)))
			all = append(all, t)
		}
	}
	return all
}

// count is the count of wrong PINs of an authority that has one.
func (m *model) count(a drive.Authority) *uint16 {
	if a == drive.PSID {
		return &m.psid
	}
	return &m.slots[m.index(a)].tries
}

// cut: the power went in the middle of c.
func (m *model) cut(c Command, sound []outcome) []outcome {
	var out []outcome
	all := m.tried(c)
	for _, o := range sound {
		all = append(all, o.then)
	}
	for _, t := range all {
		t.powerOff()
		out = append(out, outcome{[]drive.Code{drive.PowerLost}, t})
	}
	return out
}

// damaged: memory refused to be changed or read.
func (m *model) damaged(c Command, sound []outcome) []outcome {
	failed := []drive.Code{drive.HardwareFailure, drive.Degraded}
	var out []outcome
	for _, o := range sound {
		lost := o.then.clone()
		lost.degraded = true
		out = append(out, o, outcome{failed, lost})
		if c.Verb == PowerOn {
			out = append(out, outcome{[]drive.Code{done}, lost.clone()})
		}
	}
	for _, t := range m.tried(c) {
		lost := t.clone()
		lost.degraded = true
		out = append(out, outcome{failed, t}, outcome{failed, lost})
	}
	if c.Verb == SanitizeEnds && m.sanitize == Sanitizing {
		f := m.sanitizeFails()
		lost := f.clone()
		lost.degraded = true
		out = append(out, outcome{failed, f}, outcome{failed, lost})
	}
	for _, o := range out {
		o.then.worn = true
	}
	return out
}

// unreadable: the media failed in one sector.
func (m *model) unreadable(c Command, sound []outcome) []outcome {
	t := m.clone()
	if c.Verb == Write {
		for i := range uint64(c.Sectors) {
			t.sectors[c.LBA+i] = sector{content: unknown}
		}
	}
	return append(sound, outcome{[]drive.Code{drive.MediaFailure}, t})
}

// do does a command on a device without faults. It may change m.
func (m *model) do(c Command) []outcome {
	switch c.Verb {
	case PowerOn:
		return m.powerOn()
	case PowerOff:
		m.powerOff()
	case Feed:
		m.feed = c.Feed
	case Close:
		m.session = drive.Nobody
	case BreakIt, Mend, Thief, Deep, Secrets, RAM:
	default:
		if !m.on {
			return m.ends(drive.NoPower)
		}
		switch c.Verb {
		case Reset:
			m.reset(c.Reset)
		case Flush:
			return m.ends(append([]drive.Code{done}, degraded(m)...)...)
		case Read, Write:
			if m.sanitize == Sanitizing || m.sanitize == SanitizeFailed {
				return m.busy(m.clone().transfer(c))
			}
			return m.transfer(c)
		case Use:
			return m.use()
		case SanitizeIt:
			return m.sanitizes()
		case SanitizeEnds:
			return m.sanitized()
		default:
			return m.command(c)
		}
	}
	return m.ends(done)
}

func degraded(m *model) []drive.Code {
	if m.degraded {
		return []drive.Code{drive.Degraded}
	}
	return nil
}

func (m *model) powerOff() {
	m.on, m.session = false, drive.Nobody
	for n := range m.ranges {
		m.ranges[n].ram = false
	}
}

func (m *model) powerOn() []outcome {
	if m.on {
		return m.ends(done)
	}
	m.on = true
	if !m.id.Persistent {
		m.psid = 0
		for i := range m.slots {
			m.slots[i].tries = 0
		}
	}
	// A lock that is not enabled locks nothing. Whether a device knows after a power cycle how it was
	// before, or how it was when a power cycle last kept it, is its own affair, until somebody enables it.
	knows := m.clone()
	for n := range m.ranges {
		g, k := &m.ranges[n], &knows.ranges[n]
		g.lockAsAfterPower()
		if g.c.ReadLockEnabled {
			k.read = g.read
		}
		if g.c.WriteLockEnabled {
			k.write = g.write
		}
		g.ram = g.openAfterPower()
		k.ram = g.ram
	}
	out := m.ends(done)
	if !knows.equal(m) {
		out = append(out, outcome{[]drive.Code{done}, knows})
	}
	if m.degraded { // what could not be read may be readable now
		for _, o := range out {
			well := o.then.clone()
			well.degraded = false
			out = append(out, outcome{[]drive.Code{done}, well})
		}
	}
	return out
}

// lockAsAfterPower sets the locks as a power cycle leaves them.
func (g *band) lockAsAfterPower() {
	locks := g.c.LockOnReset&drive.OnPowerCycle != 0
	g.read = g.keep[0] || locks && g.c.ReadLockEnabled
	g.write = g.keep[1] || locks && g.c.WriteLockEnabled
}

func (m *model) reset(k drive.ResetKind) {
	member := drive.OnHardware
	if k == drive.HotPlugReset {
		member = drive.OnHotPlug
	}
	m.session = drive.Nobody
	for n := range m.ranges {
		g := &m.ranges[n]
		if g.c.LockOnReset&member != 0 {
			g.read = g.read || g.c.ReadLockEnabled
			g.write = g.write || g.c.WriteLockEnabled
			if g.c.LockOnReset&drive.OnPowerCycle == 0 { // then a power cycle leaves the locks as they are
				g.keep = [2]bool{g.read, g.write}
			}
		}
	}
}

// transfer is a read or a write. What a read gives is compared elsewhere.
func (m *model) transfer(c Command) []outcome {
	if m.degraded {
		return m.ends(drive.Degraded, drive.Locked)
	}
	if c.LBA+uint64(c.Sectors) > m.id.Sectors {
		return m.ends(drive.OutOfRange, drive.InvalidParameter)
	}
	waits := false // for its BandMaster, though this direction has no lock of its own
	for i := range uint64(c.Sectors) {
		g := &m.ranges[m.rangeOf(c.LBA+i)]
		if c.Verb == Read && g.readLocked() || c.Verb == Write && g.writeLocked() {
			return m.ends(drive.Locked)
		}
		waits = waits || !g.ram
	}
	var out []outcome
	if waits {
		out = m.clone().ends(drive.Locked)
	}
	if c.Verb == Write {
		for i := range uint64(c.Sectors) {
			m.sectors[c.LBA+i] = sector{content: c.Content, key: m.ranges[m.rangeOf(c.LBA+i)].key}
		}
	}
	return append(out, outcome{[]drive.Code{done}, m})
}
