package proptest

import (
	"github.com/seed-9d983aeb/fdelab/drive"
)

// model is the model of a drive, as one of the candidates for what the drive is. It is deliberately
// dumb: it shares the vocabulary of the drive (authorities, codes, states) and none of its code. It
// knows no key, only whether a key is the same as before.
type model struct {
	cfg     drive.Config
	on      bool
	trusted bool // there is a record
	state   drive.State
	keygen  uint32
	slots   []slot // SID, EraseMaster, BandMaster 0, 1, ...
	psid    uint16 // failed tries of the PSID
	lost    uint16 // failed tries of the PSID while there was no record
	ranges  []band
	session drive.Authority
	sectors []sector
	made    *uint32 // how many keys were made, in all candidates of a machine together
	// alts is what a power-on may find in the flash instead, after a fault. Their own alts are
	// empty.
	alts []*model
	// rotten: bits of the flash flipped, or pages were unreadable, since the last whole key record.
	// An older note of the same keys may come into force, or none.
	rotten bool
	// fresh: the key generation is not known, and is taken over from the drive once.
	fresh bool
}

type slot struct {
	pin   PINRef
	tries uint16
}

// band is a range.
type band struct {
	c           drive.RangeConfig
	read, write bool // ReadLocked, WriteLocked
	// keep is what the two are after a power cycle that LockOnReset does not name.
	keep [2]bool
	key  uint32 // which key; every new key has a new number
	ram  bool   // the key is in RAM: the range is usable, but for its locks
}

// sector is what was written, and under which key; content 0 is never written.
type sector struct {
	content, key uint32
}

func newModel(cfg drive.Config) *model {
	w := &model{
		cfg: cfg, on: true, trusted: true, state: drive.Erased, keygen: 1,
		made: new(uint32), slots: make([]slot, cfg.Ranges+3), ranges: make([]band, cfg.Ranges+1), sectors: make([]sector, cfg.Sectors),
	}
	w.factory()
	return w
}

func (w *model) factory() {
	for i := range w.slots {
		w.slots[i] = slot{pin: PINMSID}
	}
	for n := range w.ranges {
		w.ranges[n] = band{}
		w.wipe(n)
	}
	w.psid = 0
}

func (w *model) newKey() uint32 {
	*w.made++
	return *w.made
}

// wipe is the cryptographic erase of one range. It keeps its place.
func (w *model) wipe(n int) {
	g := &w.ranges[n]
	*g = band{c: drive.RangeConfig{Start: g.c.Start, Length: g.c.Length, LockOnReset: drive.OnPowerCycle}, key: w.newKey(), ram: true}
	w.slots[2+n] = slot{pin: PINMSID}
}

func (w *model) clone() *model {
	c := *w
	c.slots = append([]slot(nil), w.slots...)
	c.ranges = append([]band(nil), w.ranges...)
	c.sectors = append([]sector(nil), w.sectors...)
	c.alts = make([]*model, len(w.alts))
	for i, a := range w.alts {
		c.alts[i] = a.clone()
	}
	return &c
}

// bare is a clone of w without what else the flash may hold.
func (w *model) bare() *model {
	c := *w
	c.alts = nil
	return c.clone()
}

// slotOf gives the index of an authority's slot, or -1.
func (w *model) slotOf(a drive.Authority) int {
	switch a {
	case drive.SID:
		return 0
	case drive.EraseMaster:
		return 1
	}
	for n := range w.ranges {
		if a == drive.BandMaster(n) {
			return 2 + n
		}
	}
	return -1
}

// band is the range of the session, or -1.
func (w *model) band() int { return max(w.slotOf(w.session), 1) - 2 }

// openAfterPower: nobody has to authenticate for the range after a power cycle.
func (g *band) openAfterPower() bool {
	locks := g.c.LockOnReset&drive.OnPowerCycle != 0
	return (!g.c.ReadLockEnabled || !g.keep[0] && !locks) && (!g.c.WriteLockEnabled || !g.keep[1] && !locks)
}

// shut: both directions are locked, so the key is not in RAM.
func (g *band) shut() bool {
	return g.c.ReadLockEnabled && g.read && g.c.WriteLockEnabled && g.write
}

func (w *model) rangeOf(lba uint64) int {
	for n := 1; n < len(w.ranges); n++ {
		if c := w.ranges[n].c; lba >= c.Start && lba < c.Start+c.Length {
			return n
		}
	}
	return 0
}

// otherConfigured: a range beside n has a PIN of its own.
func (w *model) otherConfigured(n int) bool {
	for m := range w.ranges {
		if m != n && w.slots[2+m].pin != PINMSID {
			return true
		}
	}
	return false
}

// moves is the lifecycle table, written down a second time.
var moves = map[drive.State]map[drive.Event]drive.State{
	drive.Erased: {
		drive.EventMigrate: drive.Configured, drive.EventErase: drive.Erased, drive.EventDegrade: drive.SecurityDegraded,
	},
	drive.Configured: {
		drive.EventMigrate: drive.Configured, drive.EventRekey: drive.Configured, drive.EventErase: drive.Erased,
		drive.EventEraseBand: drive.Configured, drive.EventDegrade: drive.SecurityDegraded,
	},
	drive.SecurityDegraded: {
		drive.EventErase: drive.Erased, drive.EventEraseBand: drive.SecurityDegraded, drive.EventRestore: drive.Configured,
	},
}

// ok is the code of a command that succeeded.
const ok drive.Code = 0

// apply does a command on a sound drive and says how it ends, and whether a whole record was
// written.
func (w *model) apply(c Command) (drive.Code, bool) {
	switch c.Verb {
	case Authenticate:
		return w.authenticate(c)
	case RevertPSID:
		return w.revert(c)
	case Read, Write:
		return w.transfer(c), false
	case SelfTest:
		switch {
		case !w.on:
			return drive.NoPower, false
		case !w.trusted:
			return drive.Degraded, false
		}
		return ok, false
	case PowerOn:
		if !w.on {
			w.powerOn()
		}
		return ok, false
	case PowerOff:
		w.powerOff()
		return ok, false
	case Reset:
		return w.reset(c.Reset), false
	case Tamper:
		if w.trusted {
			w.state = c.State
		}
		return ok, false
	case Close:
		w.session = drive.Nobody
		return ok, false
	case Arm, Disarm:
		return ok, false
	}
	switch {
	case !w.on:
		return drive.NoPower, false
	case w.session == drive.Nobody:
		return drive.NoSession, false
	}
	return w.inSession(c)
}

func (w *model) authenticate(c Command) (drive.Code, bool) {
	i := w.slotOf(c.Authority)
	switch {
	case !w.on:
		return drive.NoPower, false
	case !w.trusted:
		return drive.Degraded, false
	case w.session != drive.Nobody:
		return drive.SPBusy, false
	case c.PIN == PINEmpty || i < 0:
		return drive.InvalidParameter, false
	case w.cfg.TryLimit > 0 && w.slots[i].tries >= w.cfg.TryLimit:
		return drive.LockedOut, false
	case c.PIN != w.slots[i].pin:
		w.slots[i].tries++
		return drive.NotAuthorized, true
	}
	w.slots[i].tries = 0
	w.session = c.Authority
	return ok, true
}

func (w *model) revert(c Command) (drive.Code, bool) {
	tries := &w.psid
	if !w.trusted {
		tries = &w.lost
	}
	switch {
	case !w.on:
		return drive.NoPower, false
	case w.session != drive.Nobody:
		return drive.SPBusy, false
	case c.PIN == PINEmpty:
		return drive.InvalidParameter, false
	case w.cfg.TryLimit > 0 && *tries >= w.cfg.TryLimit:
		return drive.LockedOut, false
	case c.PIN != PINPSID:
		*tries++
		return drive.NotAuthorized, w.trusted
	}
	w.factory()
	w.keygen++
	w.fresh = w.fresh || !w.trusted
	w.state, w.trusted, w.lost = drive.Erased, true, 0
	return ok, true
}

// inSession is a command of the open session.
func (w *model) inSession(c Command) (drive.Code, bool) {
	n := w.band()
	degraded := w.state == drive.SecurityDegraded
	switch c.Verb {
	case Erase, EraseAll:
		return w.erase(c)
	case SetPIN:
		return w.setPIN(c)
	}
	if n < 0 {
		return drive.NotAuthorized, false
	}
	g := &w.ranges[n]
	switch c.Verb {
	case Migrate:
		if c.PIN == PINEmpty || c.PIN.short() {
			return drive.InvalidParameter, false
		}
		if code, _ := w.setPIN(c); code != ok {
			return code, false
		}
		g.c.ReadLockEnabled, g.c.WriteLockEnabled = true, true
		g.c.LockOnReset |= drive.OnPowerCycle
		g.ram = g.ram && !g.shut()
	case GenKey:
		if degraded {
			return drive.Degraded, false
		}
		w.keygen++
		g.key = w.newKey()
	case SetRange:
		if degraded {
			return drive.Degraded, false
		}
		if !w.fits(n, c.Config) {
			return drive.InvalidParameter, false
		}
		was := *g
		g.c = c.Config
		return ok, w.relocked(n, &was)
	case SetLocks:
		if degraded {
			return drive.Degraded, false
		}
		if n > 0 && g.c.Length == 0 {
			return drive.InvalidParameter, false
		}
		was := *g
		g.read, g.write = c.Locks[0], c.Locks[1]
		return ok, w.relocked(n, &was)
	case Restore:
		if _, known := moves[w.state][drive.EventRestore]; !known || w.slots[2+n].pin == PINMSID {
			return drive.InvalidState, false
		}
		w.state = drive.Configured
		w.reopen()
	}
	return ok, true
}

// relocked follows a change of a range's settings. It is a key step exactly when it changes whether
// the range is open after a power cycle.
func (w *model) relocked(n int, was *band) (wrote bool) {
	g := &w.ranges[n]
	g.ram = !g.shut()
	if g.c.LockOnReset&drive.OnPowerCycle == 0 {
		g.keep = [2]bool{g.read, g.write}
	}
	if g.openAfterPower() != was.openAfterPower() {
		w.keygen++
		return true
	}
	return g.c != was.c || g.keep != was.keep
}

// reopen: the drive left SecurityDegraded. What lost its key there is as a power cycle leaves it.
func (w *model) reopen() {
	for n := range w.ranges {
		if g := &w.ranges[n]; !g.ram {
			g.lockAsAfterPower()
			g.ram = g.openAfterPower()
		}
	}
}

// lockAsAfterPower sets the locks as a power cycle leaves them.
func (g *band) lockAsAfterPower() {
	locks := g.c.LockOnReset&drive.OnPowerCycle != 0
	g.read = g.keep[0] || locks && g.c.ReadLockEnabled
	g.write = g.keep[1] || locks && g.c.WriteLockEnabled
}

// onGrid: a range may begin or end before this sector. It always may at the start of the drive.
func (w *model) onGrid(lba uint64) bool {
	g := w.cfg.AlignmentGranularity
	return g < 2 || lba == 0 || lba >= w.cfg.LowestAlignedLBA && (lba-w.cfg.LowestAlignedLBA)%g == 0
}

// fits: the range lies on the drive and on its grid, and overlaps no other.
func (w *model) fits(n int, c drive.RangeConfig) bool {
	end := c.Start + c.Length
	if c.LockOnReset > 7 || c.LockOnReset != 0 && c.LockOnReset&drive.OnPowerCycle == 0 || n == 0 && end > 0 || end > w.cfg.Sectors {
		return false
	}
	if !w.onGrid(c.Start) || c.Length > 0 && !w.onGrid(end) {
		return false
	}
	for lba := c.Start; lba < end; lba++ {
		if m := w.rangeOf(lba); m != 0 && m != n {
			return false
		}
	}
	return true
}

func (w *model) setPIN(c Command) (drive.Code, bool) {
	if c.PIN == PINEmpty {
		return drive.InvalidParameter, false
	}
	i := w.slotOf(w.session)
	if w.band() < 0 {
		if w.state == drive.SecurityDegraded {
			return drive.Degraded, false
		}
	} else {
		e := drive.EventRekey
		if w.slots[i].pin == PINMSID {
			e = drive.EventMigrate
		}
		if c.PIN == PINMSID {
			return drive.InvalidParameter, false
		}
		to, known := moves[w.state][e]
		if !known {
			return drive.InvalidState, false
		}
		w.state = to
	}
	w.slots[i].pin = c.PIN
	w.keygen++
	return ok, true
}

func (w *model) erase(c Command) (drive.Code, bool) {
	from, to, e := 0, len(w.ranges), drive.EventErase
	if c.Verb == Erase {
		if c.Range >= len(w.ranges) {
			return drive.InvalidParameter, false
		}
		from, to = c.Range, c.Range+1
		if w.otherConfigured(c.Range) {
			e = drive.EventEraseBand
		}
	}
	if w.session != drive.EraseMaster {
		return drive.NotAuthorized, false
	}
	state, known := moves[w.state][e]
	if !known {
		return drive.InvalidState, false
	}
	for n := from; n < to; n++ {
		w.wipe(n)
	}
	if w.state == drive.SecurityDegraded && state != w.state {
		w.reopen()
	}
	w.state = state
	w.keygen++
	return ok, true
}

// transfer is the answer to a read or a write. The data of a read are compared elsewhere.
func (w *model) transfer(c Command) drive.Code {
	switch {
	case !w.on:
		return drive.NoPower
	case !w.trusted || w.state == drive.SecurityDegraded:
		return drive.Degraded
	case c.LBA+uint64(c.Sectors) > w.cfg.Sectors:
		return drive.OutOfRange
	}
	for i := range uint64(c.Sectors) {
		g := &w.ranges[w.rangeOf(c.LBA+i)]
		if !g.ram || c.Verb == Read && g.c.ReadLockEnabled && g.read || c.Verb == Write && g.c.WriteLockEnabled && g.write {
			return drive.Locked
		}
	}
	if c.Verb == Write {
		w.write(c, c.Sectors)
	}
	return ok
}

// write records the first n sectors of a write. They are on the media, whichever record comes into
// force.
func (w *model) write(c Command, n int) {
	for i := range uint64(n) {
		s := sector{content: c.Content, key: w.ranges[w.rangeOf(c.LBA+i)].key}
		w.sectors[c.LBA+i] = s
		for _, a := range w.alts {
			a.sectors[c.LBA+i] = s
		}
	}
}

func (w *model) reset(k drive.ResetKind) drive.Code {
	if !w.on {
		return drive.NoPower
	}
	member := drive.OnHardware
	if k == drive.HotPlugReset {
		member = drive.OnHotPlug
	}
	w.session = drive.Nobody
	for n := range w.ranges {
		g := &w.ranges[n]
		if g.c.LockOnReset&member != 0 {
			g.read = g.read || g.c.ReadLockEnabled
			g.write = g.write || g.c.WriteLockEnabled
			g.ram = g.ram && !g.shut()
		}
	}
	return ok
}

func (w *model) powerOff() {
	w.on, w.session = false, drive.Nobody
	for n := range w.ranges {
		w.ranges[n].ram = false
	}
}

func (w *model) powerOn() {
	w.on = true
	if !w.trusted {
		return
	}
	if !w.cfg.Persistent {
		w.psid = 0
		for i := range w.slots {
			w.slots[i].tries = 0
		}
	}
	for n := range w.ranges {
		g := &w.ranges[n]
		g.lockAsAfterPower()
		g.ram = w.state != drive.SecurityDegraded && g.openAfterPower()
	}
}

// degraded is w when a key step could not destroy what it should have.
func (w *model) degraded() *model {
	d := w.clone()
	d.state = drive.SecurityDegraded
	for n := range d.ranges {
		g := &d.ranges[n]
		g.ram, g.read, g.write = false, g.c.ReadLockEnabled, g.c.WriteLockEnabled
	}
	return d
}

// keyless is w after a power-on that can trust no record. The flash is not touched, so a later
// power-on may find w again.
func (w *model) keyless() *model {
	d := w.clone()
	d.trusted, d.state, d.on, d.session = false, drive.SecurityDegraded, true, drive.Nobody
	d.fresh = true
	for n := range d.ranges {
		d.ranges[n].ram = false
	}
	off := w.bare()
	d.alts = append(append([]*model(nil), w.alts...), off)
	return d
}
