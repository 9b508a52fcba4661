package proptest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// opalWorld is an Opal drive and a model of it that knows no keys: who has which PIN, who is granted what,
// what is locked, and what a host has written under which key.
type opalWorld struct {
	t     *rapid.T
	d     *drive.Drive
	o     *drive.OpalDrive
	label drive.Label

	active bool
	who    []opalWho
	ranges []opalRange
	pins   int // PINs that were ever made
}

type opalWho struct {
	a       drive.Authority
	pin     int // 0: none
	enabled bool
}

type opalRange struct {
	cfg         drive.RangeConfig
	granted     []int // numbers in who
	read, write bool  // locked
	inRAM       bool  // the key
	key         int   // how often it was replaced
	written     int   // value of the content, 0: nothing
	under       int   // key under which it was written
}

const opalRanges = 3

func opalPIN(n int) drive.PIN {
	if n == 0 {
		return drive.PIN{}
	}
	p, err := drive.NewPIN([]byte(fmt.Sprintf("PIN number %020d", n)))
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return p
}

func newOpalWorld(t *rapid.T) *opalWorld {
	cfg := drive.Config{
		Serial: "OPAL", SectorSize: 512, Sectors: 64, Ranges: opalRanges - 1, PBKDF2Iterations: 1,
		Personality: drive.Opal, MBRSize: 1024, DataStoreSize: 1024,
	}
	geometry := flash.Geometry{Blocks: 4, PagesPerBlock: 4, PageSize: 8192}
	d, label, err := drive.Manufacture(cfg, drive.Parts{
		Flash: flash.NewMem(geometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(rapid.Uint64().Draw(t, "seed"), "opal"),
	})
	require.NoError(t, err)
	o, err := d.Opal()
	require.NoError(t, err)
	w := &opalWorld{t: t, d: d, o: o, label: label, ranges: make([]opalRange, opalRanges)}
	for _, a := range []drive.Authority{drive.Admin(1), drive.Admin(2), drive.Admin(3), drive.Admin(4), drive.User(1), drive.User(2), drive.User(3)} {
		w.who = append(w.who, opalWho{a: a})
	}
	w.reset()
	return w
}

// reset is the model of a drive from the factory, or after a revert: new keys.
func (w *opalWorld) reset() {
	w.active = false
	for n := range w.ranges {
		g := &w.ranges[n]
		*g = opalRange{cfg: drive.RangeConfig{LockOnReset: drive.OnPowerCycle}, inRAM: true, key: g.key + 1, written: g.written, under: g.under}
	}
}

// place of the sector that probes range n.
func opalSector(n int) uint64 { return uint64(16 * n) }

// openAtPower is the question on which the root key's wrap hangs.
func (g *opalRange) openAtPower() bool {
	at := g.cfg.LockOnReset&drive.OnPowerCycle != 0
	return !(g.cfg.ReadLockEnabled && (g.read || at)) && !(g.cfg.WriteLockEnabled && (g.write || at))
}

func (g *opalRange) shut() bool {
	return g.cfg.ReadLockEnabled && g.read && g.cfg.WriteLockEnabled && g.write
}

// lock sets the model's locks and settings, or gives the code of the refusal.
func (w *opalWorld) lock(by, n int, cfg drive.RangeConfig, read, write bool) drive.Code {
	old := w.ranges[n]
	g := old
	g.cfg, g.read, g.write = cfg, read, write
	// An Admin takes the key of a holder out of escrow, whom only setRange asks for.
	mine := slices.Contains(g.granted, by) || old.openAtPower() || w.admin(by) && len(g.granted) > 0
	if !mine && (!g.shut() && !g.inRAM || g.openAtPower() && !old.openAtPower()) {
		return drive.KeyNotHeld
	}
	if !g.openAtPower() && len(g.granted) == 0 {
		return drive.InvalidState
	}
	g.inRAM = !g.shut()
	w.ranges[n] = g
	return 0
}

func (w *opalWorld) admin(i int) bool { return w.who[i].a.IsAdmin() }

// change has the drive do what the model has judged: want 0 is success.
func (w *opalWorld) change(by int, want drive.Code, do func(c *drive.Change) error) {
	l, err := w.o.Login(w.who[by].a, opalPIN(w.who[by].pin))
	require.NoError(w.t, err)
	defer l.Close()
	c, err := w.o.Begin(l)
	require.NoError(w.t, err)
	defer c.Abort()
	if err = do(c); err == nil {
		err = c.Commit()
	}
	if want == 0 {
		require.NoError(w.t, err)
	} else {
		require.ErrorIs(w.t, err, want)
	}
}

// someone draws an authority that can log in, -1 where there is none.
func (w *opalWorld) someone() int {
	var can []int
	for i, p := range w.who {
		if w.active && p.enabled && p.pin != 0 {
			can = append(can, i)
		}
	}
	if len(can) == 0 {
		w.t.Skip("nobody")
	}
	return rapid.SampledFrom(can).Draw(w.t, "by")
}

func (w *opalWorld) anyone(what string) int {
	return rapid.IntRange(0, len(w.who)-1).Draw(w.t, what)
}

func (w *opalWorld) someRange() int { return rapid.IntRange(0, opalRanges-1).Draw(w.t, "range") }

func (w *opalWorld) fresh() int { w.pins++; return w.pins }

func (w *opalWorld) actions() map[string]func(*rapid.T) {
	actions := map[string]func(){
		"activate": w.activate, "wrong PIN": w.wrongPIN, "set PIN": w.setPIN, "enable": w.enable, "grant": w.grant, "revoke": w.revoke,
		"set range": w.setRange, "lock": w.setLocks, "genkey": w.genKey, "write": w.write, "power cycle": w.cycle, "reset": w.programmatic,
		"revert": w.revert, "revert and keep": w.revertKeep, "thief": w.thief, "protect": w.protect, "everybody": w.everybody,
	}
	out := map[string]func(*rapid.T){"": func(t *rapid.T) { w.t = t; w.check() }}
	for name, do := range actions {
		out[name] = func(t *rapid.T) { w.t = t; do() }
	}
	return out
}

func (w *opalWorld) activate() {
	if w.active {
		w.t.Skip("active")
	}
	sid, err := w.o.Login(drive.SID, w.label.MSID)
	require.NoError(w.t, err)
	require.NoError(w.t, w.o.Activate(sid, drive.ActivateOptions{}))
	sid.Close()
	l, err := w.o.Login(drive.Admin(1), w.label.MSID)
	require.NoError(w.t, err)
	c, err := w.o.Begin(l)
	require.NoError(w.t, err)
	pin := w.fresh()
	require.NoError(w.t, c.SetPIN(drive.Admin(1), opalPIN(pin)))
	for n := 1; n < opalRanges; n++ {
		require.NoError(w.t, c.SetRange(n, drive.RangeConfig{Start: opalSector(n), Length: 16, LockOnReset: drive.OnPowerCycle}))
	}
	w.active = true
	for i := range w.who {
		p := &w.who[i]
		p.pin, p.enabled = 0, i == 0
		if i > 0 && rapid.Bool().Draw(w.t, "enabled") {
			p.pin, p.enabled = w.fresh(), true
			require.NoError(w.t, errors.Join(c.SetPIN(p.a, opalPIN(p.pin)), c.SetEnabled(p.a, true)))
		}
	}
	w.who[0].pin = pin
	for n := range w.ranges {
		g := &w.ranges[n]
		g.granted = []int{0, 1, 2, 3}
		for i := 4; i < len(w.who); i++ {
			if rapid.Bool().Draw(w.t, "granted") {
				require.NoError(w.t, c.Grant(drive.RangeArea(n), w.who[i].a))
				g.granted = append(g.granted, i)
			}
		}
		g.cfg = drive.RangeConfig{LockOnReset: drive.OnPowerCycle}
		if n > 0 {
			g.cfg.Start, g.cfg.Length = opalSector(n), 16
			g.written = 0 // what lay there was the global range's
		}
	}
	require.NoError(w.t, c.Commit())
	l.Close()
}

// protect writes to every range that is open and closes those that it may.
func (w *opalWorld) protect() {
	by := w.someone()
	for n := range w.ranges {
		g := &w.ranges[n]
		if at := &w.ranges[w.at(n)]; at.inRAM && !(at.cfg.WriteLockEnabled && at.write) {
			g.written, g.under = 251+n, at.key*10+w.at(n)
			require.NoError(w.t, w.d.Write(opalSector(n), bytes.Repeat([]byte{byte(g.written)}, 512)))
		}
		if !slices.Contains(g.granted, by) {
			continue
		}
		cfg := g.cfg
		cfg.ReadLockEnabled, cfg.WriteLockEnabled, cfg.LockOnReset = true, true, drive.OnPowerCycle
		w.change(by, w.lock(by, n, cfg, g.read, g.write), func(c *drive.Change) error { return c.SetRange(n, cfg) })
	}
}

func (w *opalWorld) wrongPIN() {
	i := w.anyone("who")
	pin := opalPIN(rapid.IntRange(0, w.pins+1).Filter(func(n int) bool { return n != w.who[i].pin || n == 0 || !w.active || !w.who[i].enabled }).Draw(w.t, "PIN"))
	_, err := w.o.Login(w.who[i].a, pin)
	require.True(w.t, errors.Is(err, drive.NotAuthorized) || !w.active && errors.Is(err, drive.InvalidState), "%v: %v", w.who[i].a, err)
}

func (w *opalWorld) setPIN() {
	by, whom, pin := w.someone(), w.anyone("whom"), w.fresh()
	want := drive.KeyNotHeld
	if by == whom || w.admin(by) {
		want = 0
	}
	w.change(by, want, func(c *drive.Change) error { return c.SetPIN(w.who[whom].a, opalPIN(pin)) })
	if want == 0 {
		w.who[whom].pin = pin
	}
}

func (w *opalWorld) enable() {
	by, whom, on := w.someone(), w.anyone("whom"), rapid.Bool().Draw(w.t, "on")
	want := drive.KeyNotHeld
	switch {
	case whom == 0:
		want = drive.InvalidParameter
	case w.admin(by):
		want = 0
	}
	w.change(by, want, func(c *drive.Change) error { return c.SetEnabled(w.who[whom].a, on) })
	if want == 0 {
		w.who[whom].enabled = on
	}
}

func (w *opalWorld) grant() {
	by, whom, n := w.someone(), w.anyone("whom"), w.someRange()
	g := &w.ranges[n]
	want := drive.KeyNotHeld
	had := slices.Contains(g.granted, whom)
	if had || (slices.Contains(g.granted, by) || g.openAtPower()) && (w.admin(by) || by == whom) {
		want = 0
	}
	w.change(by, want, func(c *drive.Change) error { return c.Grant(drive.RangeArea(n), w.who[whom].a) })
	if want == 0 && !had {
		g.granted = append(g.granted, whom)
	}
}

func (w *opalWorld) revoke() {
	by, whom, n := w.someone(), w.anyone("whom"), w.someRange()
	g := &w.ranges[n]
	want := drive.Code(0)
	if slices.Contains(g.granted, whom) {
		switch {
		case !w.admin(by) && !slices.Contains(g.granted, by):
			want = drive.KeyNotHeld
		case len(g.granted) == 1 && !g.openAtPower():
			want = drive.InvalidState
		}
	}
	w.change(by, want, func(c *drive.Change) error { return c.Revoke(drive.RangeArea(n), w.who[whom].a) })
	if want == 0 {
		g.granted = slices.DeleteFunc(g.granted, func(i int) bool { return i == whom })
	}
}

func (w *opalWorld) setRange() {
	by, n := w.someone(), w.someRange()
	g := &w.ranges[n]
	cfg := g.cfg
	cfg.ReadLockEnabled, cfg.WriteLockEnabled = rapid.Bool().Draw(w.t, "rle"), rapid.Bool().Draw(w.t, "wle")
	cfg.LockOnReset = rapid.SampledFrom([]drive.ResetSet{0, drive.OnPowerCycle, drive.OnPowerCycle | drive.OnProgrammatic}).Draw(w.t, "lor")
	want := drive.KeyNotHeld
	if w.admin(by) || slices.Contains(g.granted, by) {
		want = w.lock(by, n, cfg, g.read, g.write)
	}
	w.change(by, want, func(c *drive.Change) error { return c.SetRange(n, cfg) })
}

func (w *opalWorld) setLocks() {
	by, n := w.someone(), w.someRange()
	g := &w.ranges[n]
	read, write := rapid.Bool().Draw(w.t, "read"), rapid.Bool().Draw(w.t, "write")
	want := drive.KeyNotHeld
	if slices.Contains(g.granted, by) {
		want = w.lock(by, n, g.cfg, read, write)
	}
	w.change(by, want, func(c *drive.Change) error { return c.SetLocks(n, read, write) })
}

func (w *opalWorld) genKey() {
	by, n := w.someone(), w.someRange()
	g := &w.ranges[n]
	want := drive.KeyNotHeld
	if w.admin(by) || len(g.granted) == 1 && g.granted[0] == by {
		want = 0
		g.key++
	}
	w.change(by, want, func(c *drive.Change) error { return c.GenKey(drive.RangeArea(n)) })
}

func (w *opalWorld) write() {
	n := w.someRange()
	g := &w.ranges[n]
	value := 1 + rapid.IntRange(0, 250).Draw(w.t, "value")
	err := w.d.Write(opalSector(n), bytes.Repeat([]byte{byte(value)}, 512))
	if at := w.at(n); w.ranges[at].cfg.WriteLockEnabled && w.ranges[at].write || !w.ranges[at].inRAM {
		require.ErrorIs(w.t, err, drive.Locked)
		return
	}
	require.NoError(w.t, err)
	g.written, g.under = value, w.ranges[w.at(n)].key*10+w.at(n)
}

// everybody unlocks, after a power cycle each, what they may, and nothing else.
func (w *opalWorld) everybody() {
	for i, p := range w.who {
		if !w.active || !p.enabled || p.pin == 0 {
			continue
		}
		w.cycle()
		for n := range w.ranges {
			want := drive.KeyNotHeld
			if g := &w.ranges[n]; slices.Contains(g.granted, i) {
				want = w.lock(i, n, g.cfg, false, false)
			}
			w.change(i, want, func(c *drive.Change) error { return c.SetLocks(n, false, false) })
		}
		w.check()
	}
}

// at is the range in which the sector of range n lies now.
func (w *opalWorld) at(n int) int {
	if w.ranges[n].cfg.Length > 0 {
		return n
	}
	return 0
}

func (w *opalWorld) cycle() {
	w.d.PowerOff()
	require.NoError(w.t, w.d.PowerOn())
	for n := range w.ranges {
		g := &w.ranges[n]
		g.inRAM = g.openAtPower()
		if at := g.cfg.LockOnReset&drive.OnPowerCycle != 0; at {
			g.read, g.write = g.cfg.ReadLockEnabled, g.cfg.WriteLockEnabled
		}
	}
}

func (w *opalWorld) programmatic() {
	require.NoError(w.t, w.d.Reset(drive.ProgrammaticReset))
	for n := range w.ranges {
		g := &w.ranges[n]
		if g.cfg.LockOnReset&drive.OnProgrammatic != 0 {
			g.read, g.write = g.read || g.cfg.ReadLockEnabled, g.write || g.cfg.WriteLockEnabled
			g.inRAM = g.inRAM && !g.shut()
		}
	}
}

func (w *opalWorld) revert() {
	w.rarely()
	psid, err := w.o.Login(drive.PSID, w.label.PSID)
	require.NoError(w.t, err)
	require.NoError(w.t, w.o.Revert(psid))
	w.reset()
	w.again()
}

// rarely skips most of the events that would end everything before it has become of interest.
func (w *opalWorld) rarely() {
	if w.active && rapid.IntRange(0, 7).Draw(w.t, "rarely") != 0 {
		w.t.Skip("not now")
	}
}

// again activates the Locking SP, as a rule.
func (w *opalWorld) again() {
	w.check()
	if rapid.IntRange(0, 3).Draw(w.t, "again") != 0 {
		w.activate()
	}
}

func (w *opalWorld) revertKeep() {
	w.rarely()
	by := w.someone()
	l, err := w.o.Login(w.who[by].a, opalPIN(w.who[by].pin))
	require.NoError(w.t, err)
	defer l.Close()
	err = w.o.RevertLocking(l, drive.RevertOptions{KeepGlobalRangeKey: true})
	g := &w.ranges[0]
	switch {
	case !w.admin(by):
		require.ErrorIs(w.t, err, drive.KeyNotHeld)
	case g.shut():
		require.ErrorIs(w.t, err, drive.Locked)
	case !slices.Contains(g.granted, by) && !g.openAtPower():
		require.ErrorIs(w.t, err, drive.KeyNotHeld)
	default:
		require.NoError(w.t, err)
		w.reset()
		w.ranges[0].key--
		w.again()
	}
}

// check compares the drive with the model.
func (w *opalWorld) check() {
	want := drive.ManufacturedInactive
	if w.active {
		want = drive.Manufactured
	}
	require.Equal(w.t, want, w.d.Status().State)
	for n := range w.ranges {
		g, at := &w.ranges[n], w.at(n)
		holders, root, err := w.o.Holders(drive.RangeArea(n))
		require.NoError(w.t, err)
		require.Equal(w.t, g.openAtPower(), root, "range %d: the root key's wrap", n)
		for i := range w.who {
			require.Equal(w.t, slices.Contains(g.granted, i), slices.Contains(holders, w.who[i].a), "range %d: the wrap of %v", n, w.who[i].a)
		}
		got := make([]byte, 512)
		err = w.d.Read(opalSector(n), got)
		if in := &w.ranges[at]; in.cfg.ReadLockEnabled && in.read || !in.inRAM {
			require.ErrorIs(w.t, err, drive.Locked, "range %d", n)
			continue
		}
		require.NoError(w.t, err, "range %d", n)
		if g.written != 0 {
			same := bytes.Equal(got, bytes.Repeat([]byte{byte(g.written)}, 512))
			require.Equal(w.t, g.under == w.ranges[at].key*10+at, same, "range %d: what was written", n)
		}
	}
}

// reach is what a thief with flash and fuses and the PINs must get: the names of the ranges whose content opens.
func (w *opalWorld) reach(who ...int) (out []string) {
	for n := range w.ranges {
		g := &w.ranges[w.at(n)]
		if w.ranges[n].written == 0 || w.ranges[n].under != g.key*10+w.at(n) {
			continue
		}
		open := g.openAtPower()
		for _, i := range who {
			p := w.who[i]
			// An Admin reaches whoever is granted, by the users' key.
			open = open || p.enabled && p.pin != 0 && (slices.Contains(g.granted, i) || w.admin(i) && len(g.granted) > 0)
		}
		if open {
			out = append(out, fmt.Sprint("range ", n))
		}
	}
	return out
}

// thief dumps the drive and searches it, with the PIN of one authority, of nobody, and with every PIN that is not in use any more.
func (w *opalWorld) thief() {
	dump, fuses := w.d.Dump(), w.d.Fuses()
	defer fuses.Clear()
	var oracles []forensic.Oracle
	for n := range w.ranges {
		if v := w.ranges[n].written; v != 0 {
			sector, ok := dump.Sector(opalSector(n))
			require.True(w.t, ok)
			oracles = append(oracles, forensic.Oracle{
				Name: fmt.Sprint("range ", n), SectorSize: 512, LBA: opalSector(n),
				Plain: bytes.Repeat([]byte{byte(v)}, 32), Cipher: sector[:32],
			})
		}
	}
	search := func(secrets ...forensic.Secret) (out []string) {
		found, err := forensic.Search(dump, secrets, oracles, forensic.Options{Iterations: 1})
		require.NoError(w.t, err)
		for _, k := range found.Keys {
			out = append(out, k.Oracle)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	root := forensic.Root(fuses.Root)
	require.Empty(w.t, search(forensic.PIN("MSID", w.label.MSID), forensic.PIN("PSID", w.label.PSID)), "without the fuses")
	require.Equal(w.t, w.reach(), search(root, forensic.PIN("MSID", w.label.MSID), forensic.PIN("PSID", w.label.PSID)), "fuses and no PIN")
	if !w.active {
		return
	}
	i := w.anyone("thief")
	require.Equal(w.t, w.reach(i), search(root, forensic.PIN("his", opalPIN(w.who[i].pin))), "%v", w.who[i].a)
	retired := []forensic.Secret{root}
	for n := 1; n <= w.pins; n++ {
		if !slices.ContainsFunc(w.who, func(p opalWho) bool { return p.pin == n }) {
			retired = append(retired, forensic.PIN(fmt.Sprint("retired ", n), opalPIN(n)))
		}
	}
	require.Equal(w.t, w.reach(), search(retired...), "PINs that are not in use any more")
}

// TestOpalAgainstAModel: who unlocks what, what lives through which reset, and what a thief finds, in any order of
// events. A search takes its time, so an eighth of the checks that are asked for are made.
func TestOpalAgainstAModel(t *testing.T) {
	t.Parallel()
	every := 8
	if testing.Short() {
		every = 4 // there are fewer
	}
	turn, broken := 0, false
	rapid.Check(t, func(t *rapid.T) {
		if turn++; turn%every != 0 && !broken {
			return
		}
		whole := false
		defer func() { broken = broken || !whole }()
		w := newOpalWorld(t)
		defer w.d.PowerOff()
		t.Repeat(w.actions())
		whole = true
	})
}
