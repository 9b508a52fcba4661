package drive

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// bench is a drive on a workbench: its flash can be broken.
type bench struct {
	*Drive
	t     *testing.T
	label Label
	flash *flash.Faulty
	media Media
	seen  []TransitionTrace
}

func testConfig() Config {
	return Config{
		Serial: "T0001", Model: "Test SED", SectorSize: 512, Sectors: 1 << 20, Ranges: 2, TryLimit: 5,
		Persistent: true, PBKDF2Iterations: 2,
	}
}

// newBench manufactures a drive; seed fixes every key of it.
func newBench(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	cfg := testConfig()
	if change != nil {
		change(&cfg)
	}
	b := &bench{t: t, flash: flash.NewFaulty(flash.NewMem(flash.DefaultGeometry)), media: NewMemMedia(cfg.SectorSize)}
	d, label, err := Manufacture(cfg, Parts{
		Flash: strict(t, b.flash), Media: b.media, Entropy: entropy.Stream(1, cfg.Serial),
		Trace: func(tr TransitionTrace) { b.seen = append(b.seen, tr) },
	})
	require.NoError(t, err)
	b.Drive, b.label = d, label
	return b
}

// arm breaks the flash. At the end of the test every point of the plan but those
// in spare must have fired: a fault that never happens tests nothing. Who names a
// point as spare says beside it why it need not fire.
func (b *bench) arm(plan string, spare ...fault.Point) {
	b.t.Helper()
	p := b.armUnchecked(plan)
	b.t.Cleanup(func() {
		b.t.Helper()
		if b.t.Failed() {
			return
		}
		if idle := neverFired(p); !slices.Equal(idle, spare) {
			b.t.Errorf("of the plan %s never fired: %v, expected %v", plan, idle, spare)
		}
	})
}

// armUnchecked is arm for a sweep, whose last plan does not fire: that ends it.
func (b *bench) armUnchecked(plan string) *fault.Plan {
	b.t.Helper()
	p, err := fault.Parse(plan)
	require.NoError(b.t, err)
	b.flash.Arm(p)
	return p
}

// neverFired lists the points of a plan that did not fire since it was armed.
func neverFired(p *fault.Plan) (idle []fault.Point) {
	for _, point := range p.Points() {
		if !slices.ContainsFunc(p.Fired(), func(f fault.Firing) bool { return f.Point == point }) {
			idle = append(idle, point)
		}
	}
	return idle
}

func (b *bench) auth(a Authority, pin PIN) Session {
	b.t.Helper()
	s, err := b.Authenticate(a, pin)
	require.NoError(b.t, err, "%v must authenticate", a)
	b.t.Cleanup(s.Close)
	return s
}

// as runs f in a session of a.
func (b *bench) as(a Authority, pin PIN, f func(Session) error) error {
	b.t.Helper()
	s, err := b.Authenticate(a, pin)
	if err != nil {
		return err
	}
	defer s.Close()
	return f(s)
}

func (b *bench) cycle() {
	b.t.Helper()
	b.PowerOff()
	require.NoError(b.t, b.PowerOn())
}

func credential(c byte) PIN {
	p, err := NewPIN(bytes.Repeat([]byte{c}, PINSize))
	if err != nil {
		panic(err)
	}
	return p
}

func sectors(n int, c byte) []byte { return bytes.Repeat([]byte{c, c ^ 0x55}, n*512/2) }

func (b *bench) mustRead(lba uint64, want []byte, why string) {
	b.t.Helper()
	got := make([]byte, len(want))
	require.NoError(b.t, b.Read(lba, got), why)
	require.True(b.t, bytes.Equal(want, got), why)
}

func TestManufacturedDriveIsErasedAndOpen(t *testing.T) {
	b := newBench(t, nil)
	st := b.Status()
	require.Equal(t, Status{Powered: true, State: Erased, KeyGeneration: 1}, st)
	require.Equal(t, 32, b.label.MSID.Len())
	require.Equal(t, 32, b.label.PSID.Len())
	m, err := b.MSID()
	require.NoError(t, err)
	require.True(t, m.Equal(b.label.MSID), "the MSID on the label is the one that the drive tells")
	require.NoError(t, b.Write(7, sectors(2, 0xAA)))
	b.mustRead(7, sectors(2, 0xAA), "an open drive reads back what was written")
	b.cycle()
	b.mustRead(7, sectors(2, 0xAA), "an open drive needs nobody after a power cycle")
	b.mustRead(100, make([]byte, 512), "a sector that was never written reads as zeros")
	c, ok := b.Dump().Sector(7)
	require.True(t, ok)
	require.False(t, bytes.Contains(c, sectors(1, 0xAA)[:16]), "the media holds ciphertext")
}

func TestMigrationKeepsDataAndLocksAtPowerLoss(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	require.Equal(t, Configured, b.Status().State)
	require.True(t, b.Status().LockEnabled)
	require.False(t, b.Status().Locked, "migration leaves the range unlocked")
	b.mustRead(0, sectors(1, 1), "migration changes no MEK: the data stays readable")

	b.cycle()
	require.True(t, b.Status().Locked)
	require.ErrorIs(t, b.Read(0, make([]byte, 512)), Locked)
	require.ErrorIs(t, b.Write(0, make([]byte, 512)), Locked)
	_, err := b.Authenticate(BandMaster(0), b.label.MSID)
	require.ErrorIs(t, err, NotAuthorized, "MSID is no longer the PIN")
	require.NoError(t, b.as(BandMaster(0), credential(1), Session.Unlock))
	b.mustRead(0, sectors(1, 1), "the credential opens the data again")

	require.NoError(t, b.as(BandMaster(0), credential(1), func(s Session) error { return s.SetPIN(credential(2)) }))
	b.cycle()
	_, err = b.Authenticate(BandMaster(0), credential(1))
	require.ErrorIs(t, err, NotAuthorized, "after a rekey the old credential is refused")
	require.NoError(t, b.as(BandMaster(0), credential(2), Session.Unlock))
	b.mustRead(0, sectors(1, 1), "a rekey wraps the AK anew and replaces no MEK (FAULTS 18, 19)")
	require.Equal(t, []TransitionTrace{
		{Serial: "T0001", Event: EventErase, From: SecurityDegraded, To: Erased},
		{Serial: "T0001", Event: EventMigrate, From: Erased, To: Configured},
		{Serial: "T0001", Event: EventRekey, From: Configured, To: Configured},
	}, b.seen)
}

func TestLockEnabledRangeHasNoRootWrap(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	k, err := b.KeyMap()
	require.NoError(t, err)
	require.False(t, k.Ranges[0].RootWrap)
	require.Equal(t, []Authority{BandMaster(0)}, k.Ranges[0].WrapsBy)
	require.True(t, k.Ranges[1].RootWrap, "another range stays as it was")
	b.PowerOff()
	for n := range b.ram {
		require.Nil(t, b.ram[n].mek)
	}
	require.Equal(t, core{}, b.core, "power-off leaves nothing in RAM")
}

func TestEraseGivesNewKeyAndFactoryPIN(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	require.NoError(t, b.as(BandMaster(1), b.label.MSID, func(s Session) error {
		if err := s.SetRange(RangeConfig{Start: 1000, Length: 100, LockOnReset: OnPowerCycle}); err != nil {
			return err
		}
		return s.Migrate(credential(9))
	}))
	require.NoError(t, b.Write(0, sectors(1, 1)))
	require.NoError(t, b.Write(1000, sectors(1, 2)))
	require.NoError(t, b.as(EraseMaster, b.label.MSID, func(s Session) error { return s.Erase(0) }))
	require.Equal(t, Configured, b.Status().State, "range 1 is still configured")
	got := make([]byte, 512)
	require.NoError(t, b.Read(0, got), "an erased range is unlocked")
	require.False(t, bytes.Equal(got, sectors(1, 1)), "its data is noise")
	b.mustRead(1000, sectors(1, 2), "erasing one range leaves the others (FAULTS 8)")
	_, err := b.Authenticate(BandMaster(0), credential(1))
	require.ErrorIs(t, err, NotAuthorized)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(Session) error { return nil }))

	require.NoError(t, b.as(EraseMaster, b.label.MSID, Session.EraseAll))
	require.Equal(t, Erased, b.Status().State)
	require.False(t, b.Status().LockEnabled)
	b.cycle()
	require.Equal(t, Erased, b.Status().State, "the state comes from flash")
	require.Equal(t, 1, blocksInUse(b), "one flash block is left in use")
}

func blocksInUse(b *bench) int {
	seen := map[int]bool{}
	for _, p := range b.Dump().Flash {
		seen[p.Block] = true
	}
	return len(seen)
}

func TestPSIDRevert(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 3)))
	require.NoError(t, b.as(SID, b.label.MSID, func(s Session) error { return s.SetPIN(credential(4)) }))
	require.NoError(t, b.as(EraseMaster, b.label.MSID, func(s Session) error { return s.SetPIN(credential(5)) }))
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	require.ErrorIs(t, b.RevertPSID(credential(8)), NotAuthorized)
	require.Equal(t, Configured, b.Status().State)
	require.NoError(t, b.RevertPSID(b.label.PSID))
	require.Equal(t, Erased, b.Status().State)
	for _, a := range []Authority{SID, EraseMaster, BandMaster(0), BandMaster(2)} {
		require.NoError(t, b.as(a, b.label.MSID, func(Session) error { return nil }), "%v is at MSID again", a)
	}
	got := make([]byte, 512)
	require.NoError(t, b.Read(0, got))
	require.False(t, bytes.Equal(got, sectors(1, 3)), "data from before the ownership is gone too (FAULTS 16)")
}

func TestOldBlockThatCannotBeDestroyedDegrades(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	s := b.auth(BandMaster(0), credential(1))
	b.arm("(flash.erase.refused) (flash.zero.refused)")
	require.ErrorIs(t, s.SetPIN(credential(2)), Degraded)
	require.Equal(t, SecurityDegraded, b.Status().State)
	require.ErrorIs(t, b.Read(0, make([]byte, 512)), Degraded)
	require.ErrorIs(t, s.Restore(), Degraded, "the block still resists")
	s.Close()
	b.cycle()
	require.Equal(t, SecurityDegraded, b.Status().State)
	b.flash.Disarm()
	require.ErrorIs(t, b.as(BandMaster(0), credential(1), Session.Restore), NotAuthorized, "the old credential restores nothing")
	require.ErrorIs(t, b.as(BandMaster(0), credential(2), Session.Unlock), Degraded)
	require.NoError(t, b.as(BandMaster(0), credential(2), Session.Restore))
	require.NoError(t, b.as(BandMaster(0), credential(2), Session.Unlock))
	b.mustRead(0, sectors(1, 1), "a restored drive has its data")
	require.Equal(t, 1, blocksInUse(b))
}

func TestBlockThatOnlyZeroesIsGoodEnough(t *testing.T) {
	b := newBench(t, nil)
	b.arm("(flash.erase.refused)")
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	require.Equal(t, Configured, b.Status().State)
	for _, p := range b.Dump().Flash {
		if p.Block != b.store.active {
			require.Equal(t, make([]byte, len(p.Data)), p.Data, "block %d was overwritten with zeros", p.Block)
		}
	}
}

func TestFailedEraseIsNeverCalledErased(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	b.arm("(flash.erase.refused) (flash.zero.refused)")
	require.ErrorIs(t, b.as(EraseMaster, b.label.MSID, Session.EraseAll), Degraded)
	require.Equal(t, SecurityDegraded, b.Status().State)
	b.cycle()
	require.Equal(t, SecurityDegraded, b.Status().State)
	b.flash.Disarm()
	require.ErrorIs(t, b.as(BandMaster(0), b.label.MSID, Session.Restore), InvalidState, "there is nothing to restore to")
	require.NoError(t, b.as(EraseMaster, b.label.MSID, Session.EraseAll))
	require.Equal(t, Erased, b.Status().State)
}

func TestWornFlashKeepsTheOldState(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	s := b.auth(BandMaster(0), b.label.MSID)
	b.arm("(flash.program.refused)")
	require.ErrorIs(t, s.Migrate(credential(1)), HardwareFailure)
	b.mustRead(0, sectors(1, 1), "nothing changed")
	require.Equal(t, Erased, b.Status().State)
	b.arm("(flash.program.refused (OnIndex 0))")
	require.NoError(t, s.Migrate(credential(1)), "one refused page is survived on another block")
}

func TestDriveWithoutRecord(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	b.PowerOff()
	b.arm("(flash.read.rot (Programmed))")
	require.NoError(t, b.PowerOn())
	require.Equal(t, SecurityDegraded, b.Status().State)
	b.flash.Disarm()
	_, err := b.Authenticate(BandMaster(0), b.label.MSID)
	require.ErrorIs(t, err, Degraded)
	require.ErrorIs(t, b.Read(0, make([]byte, 512)), Degraded)
	require.ErrorIs(t, b.RevertPSID(credential(3)), NotAuthorized)
	require.NoError(t, b.RevertPSID(b.label.PSID))
	require.Equal(t, Erased, b.Status().State)
	require.NoError(t, b.Write(0, sectors(1, 2)))
	b.cycle()
	b.mustRead(0, sectors(1, 2), "a reverted drive is as good as new")
}

func TestUnreadablePageDestroysNothing(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	b.PowerOff()
	b.arm("(flash.read.error (Programmed))")
	require.NoError(t, b.PowerOn())
	require.Equal(t, SecurityDegraded, b.Status().State)
	b.PowerOff()
	b.flash.Disarm()
	require.NoError(t, b.PowerOn())
	require.Equal(t, Configured, b.Status().State, "the page reads again, and nothing was destroyed meanwhile")
	require.NoError(t, b.as(BandMaster(0), credential(1), Session.Unlock))
}

func TestLockOnResetByKind(t *testing.T) {
	for _, c := range []struct {
		set    ResetSet
		reset  func(*bench)
		locked bool
		why    string
	}{
		{OnPowerCycle, (*bench).cycle, true, "a power cycle locks"},
		{OnPowerCycle, func(b *bench) { _ = b.Reset(HardwareReset) }, false, "a warm reset does not lock unless named"},
		{OnPowerCycle | OnHardware, func(b *bench) { _ = b.Reset(HardwareReset) }, true, "a named warm reset locks"},
		{OnPowerCycle | OnHardware, func(b *bench) { _ = b.Reset(HotPlugReset) }, false, "hot plug is not hardware reset"},
		{OnPowerCycle | OnHotPlug, func(b *bench) { _ = b.Reset(HotPlugReset) }, true, "a named hot reset locks"},
		{0, (*bench).cycle, false, "without PowerCycle the range is open after it, under the root key's wrap"},
	} {
		for _, enabled := range []bool{true, false} {
			b := newBench(t, nil)
			require.NoError(t, b.Write(0, sectors(1, 1)))
			require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error {
				return s.SetRange(RangeConfig{ReadLockEnabled: enabled, WriteLockEnabled: enabled, LockOnReset: c.set})
			}))
			c.reset(b)
			require.Equal(t, c.locked && enabled, b.Status().Locked, "%s; lock-enabled %v (FAULTS 23, 28)", c.why, enabled)
			if !(c.locked && enabled) {
				b.mustRead(0, sectors(1, 1), c.why)
				continue
			}
			require.ErrorIs(t, b.Read(0, make([]byte, 512)), Locked, c.why)
			require.NoError(t, b.as(BandMaster(0), b.label.MSID, Session.Unlock))
			b.mustRead(0, sectors(1, 1), "unlocked again")
		}
	}
}

func TestLockOfAResetIsNotUndoneByAPowerCycle(t *testing.T) {
	b := newBench(t, nil)
	for _, set := range []ResetSet{OnHardware, OnHotPlug, OnHardware | OnHotPlug} {
		require.ErrorIs(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error {
			return s.SetRange(RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: set})
		}), InvalidParameter, "%03b would lock at a reset and open at the next power cycle (FAULTS 23)", set)
	}
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error {
		return s.SetRange(RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: OnPowerCycle | OnHotPlug})
	}))
	require.NoError(t, b.Reset(HotPlugReset))
	b.cycle()
	require.ErrorIs(t, b.Read(0, make([]byte, 512)), Locked)
}

// TestMigrationFromMSIDMakesANewAK: the AK of the factory was wrapped under a PIN
// that anyone can read, and who copied that wrap must not hold a key to what the
// credential protects.
func TestMigrationFromMSIDMakesANewAK(t *testing.T) {
	for name, set := range map[string]func(Session) error{
		"migrate": func(s Session) error { return s.Migrate(credential(1)) },
		"set pin": func(s Session) error {
			if err := s.SetRange(RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: OnPowerCycle}); err != nil {
				return err
			}
			return s.SetPIN(credential(1))
		},
	} {
		b := newBench(t, nil)
		require.NoError(t, b.Write(0, sectors(1, 1)))
		old := b.rec.slot(BandMaster(0)).slot
		s := b.auth(BandMaster(0), b.label.MSID)
		require.NoError(t, set(s), name)
		ak, err := b.open(&old, b.label.MSID)
		require.NoError(t, err)
		_, err = unwrapMEK(ak, &b.rec.ranges[0].wraps[0].wrap)
		require.Error(t, err, "%s: the factory's AK no longer opens the MEK", name)
		require.NoError(t, s.Unlock(), "the session goes on with the new AK")
		s.Close()
		b.cycle()
		require.NoError(t, b.as(BandMaster(0), credential(1), Session.Unlock))
		b.mustRead(0, sectors(1, 1), name+": the data is there")
	}
}

func TestExplicitLockSurvivesPowerWithoutLockOnReset(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error {
		if err := s.SetRange(RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true}); err != nil {
			return err
		}
		return s.SetLocks(true, true)
	}))
	require.ErrorIs(t, b.Read(0, make([]byte, 512)), Locked)
	k, err := b.KeyMap()
	require.NoError(t, err)
	require.False(t, k.Ranges[0].RootWrap, "a lock that outlives power takes the root wrap away (FAULTS 7)")
	b.cycle()
	require.ErrorIs(t, b.Read(0, make([]byte, 512)), Locked)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, Session.Unlock))
	b.cycle()
	b.mustRead(0, sectors(1, 1), "an explicit unlock outlives power as well")
}

func TestShortPINIsStretched(t *testing.T) {
	b := newBench(t, nil)
	short, err := NewPIN([]byte("1234"))
	require.NoError(t, err)
	require.NoError(t, b.as(SID, b.label.MSID, func(s Session) error { return s.SetPIN(short) }))
	require.NoError(t, b.as(SID, short, func(Session) error { return nil }))
	padded, err := NewPIN(append([]byte("1234"), make([]byte, 28)...))
	require.NoError(t, err)
	require.ErrorIs(t, b.as(SID, padded, func(Session) error { return nil }), NotAuthorized)
}

func TestBadTransfers(t *testing.T) {
	b := newBench(t, nil)
	require.ErrorIs(t, b.Read(0, make([]byte, 100)), InvalidParameter)
	require.ErrorIs(t, b.Read(0, nil), InvalidParameter)
	require.ErrorIs(t, b.Write(1<<20, make([]byte, 512)), OutOfRange)
	require.ErrorIs(t, b.Write(1<<20-1, make([]byte, 1024)), OutOfRange)
	require.ErrorIs(t, b.Read(^uint64(0), make([]byte, 512)), OutOfRange)
	require.Empty(t, b.Dump().Written, "nothing was written")
}

func TestFullBlockMovesOn(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	for range 40 {
		require.NoError(t, b.as(BandMaster(0), credential(1), Session.Unlock))
	}
	require.Equal(t, 1, blocksInUse(b))
	for _, w := range b.flash.Wear() {
		require.LessOrEqual(t, w, uint64(4), "wear is spread over the blocks")
	}
}
