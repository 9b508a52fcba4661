package drive

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// lockSettings are the settings of the global range and what its locks are.
type lockSettings struct {
	cfg         RangeConfig
	read, write bool // locked
}

func (l lockSettings) String() string {
	return fmt.Sprintf("read lock enabled %v, write lock enabled %v, LockOnReset %03b, locked for reads %v, for writes %v",
		l.cfg.ReadLockEnabled, l.cfg.WriteLockEnabled, l.cfg.LockOnReset, l.read, l.write)
}

// readable and writable say what the settings mean, in one line each.
func (l lockSettings) readable() bool { return !(l.cfg.ReadLockEnabled && l.read) }
func (l lockSettings) writable() bool { return !(l.cfg.WriteLockEnabled && l.write) }

// every lockSettings that a range can have.
func everyLock() (all []lockSettings) {
	for i := range 16 {
		for _, set := range []ResetSet{0, OnPowerCycle, OnPowerCycle | OnHardware, OnPowerCycle | OnHotPlug, allResets} {
			all = append(all, lockSettings{RangeConfig{ReadLockEnabled: i&1 != 0, WriteLockEnabled: i&2 != 0, LockOnReset: set}, i&4 != 0, i&8 != 0})
		}
	}
	return all
}

// shows compares a drive with what its settings mean; closed: without its BandMaster
// there is no key.
func (b *bench) shows(l lockSettings, closed bool, why string) {
	b.t.Helper()
	why = why + ": " + l.String()
	r, err := b.Range(0)
	require.NoError(b.t, err)
	require.Equal(b.t, RangeInfo{RangeConfig: l.cfg, ReadLocked: l.read, WriteLocked: l.write, AtMSID: true}, r, why)
	st := b.Status()
	require.Equal(b.t, l.cfg.ReadLockEnabled || l.cfg.WriteLockEnabled, st.LockEnabled, why)
	require.Equal(b.t, !l.readable() || !l.writable(), st.Locked, why)
	k, err := b.KeyMap()
	require.NoError(b.t, err)
	require.Equal(b.t, !closed && (l.readable() || l.writable()), k.Ranges[0].InRAM, why)
	if err := b.Read(1, make([]byte, 512)); l.readable() && !closed {
		require.NoError(b.t, err, why)
	} else {
		require.ErrorIs(b.t, err, Locked, why)
	}
	if err := b.Write(1, sectors(1, 1)); l.writable() && !closed {
		require.NoError(b.t, err, why)
	} else {
		require.ErrorIs(b.t, err, Locked, why)
	}
}

// TestLocksMeanWhatTheySay: every setting, over every kind of reset.
func TestLocksMeanWhatTheySay(t *testing.T) {
	for _, l := range everyLock() {
		set := func() *bench {
			b := newBench(t, nil)
			require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error {
				if err := s.SetRange(l.cfg); err != nil {
					return err
				}
				return s.SetLocks(l.read, l.write)
			}))
			return b
		}
		b := set()
		b.shows(l, false, "set")
		for kind, member := range map[ResetKind]ResetSet{HardwareReset: OnHardware, HotPlugReset: OnHotPlug} {
			b, now := set(), l
			if l.cfg.LockOnReset&member != 0 {
				now.read, now.write = l.read || l.cfg.ReadLockEnabled, l.write || l.cfg.WriteLockEnabled
			}
			require.NoError(t, b.Reset(kind))
			b.shows(now, false, fmt.Sprintf("after reset %d", kind))
		}
		if l.cfg.LockOnReset != 0 {
			l.read, l.write = l.cfg.ReadLockEnabled, l.cfg.WriteLockEnabled
		}
		k, err := b.KeyMap()
		require.NoError(t, err)
		open := l.readable() && l.writable()
		require.Equal(t, open, k.Ranges[0].RootWrap, l.String())
		require.Equal(t, !open, len(k.Ranges[0].WrapsBy) == 1, l.String())
		b.cycle()
		b.shows(l, !open, "after a power cycle")
		require.NoError(t, b.as(BandMaster(0), b.label.MSID, Session.Unlock))
		l.read, l.write = false, false
		b.shows(l, false, "unlocked")
	}
}

// TestAResetLooksAtEveryRange.
func TestAResetLooksAtEveryRange(t *testing.T) {
	b := newBench(t, nil)
	for n, set := range []ResetSet{OnPowerCycle, allResets, OnPowerCycle} {
		c := RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: set}
		if n > 0 {
			c.Start, c.Length = uint64(n)*100, 10
		}
		require.NoError(t, b.as(BandMaster(n), b.label.MSID, setRange(c)))
	}
	require.NoError(t, b.Reset(HardwareReset))
	require.True(t, b.Status().Locked)
	for lba, locked := range map[uint64]bool{0: false, 100: true, 200: false} {
		require.Equal(t, locked, b.Read(lba, make([]byte, 512)) != nil, "sector %d", lba)
	}
}

// TestEraseOpensALockedRange, and what was locked before is not locked when locks are
// enabled the next time.
func TestEraseOpensALockedRange(t *testing.T) {
	for _, set := range []ResetSet{0, OnPowerCycle} {
		b := newBench(t, nil)
		require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error {
			if err := s.SetRange(RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: set}); err != nil {
				return err
			}
			return s.SetLocks(true, true)
		}))
		require.True(t, b.Status().Locked)
		require.NoError(t, b.as(EraseMaster, b.label.MSID, func(s Session) error { return s.Erase(0) }))
		b.shows(lockSettings{cfg: RangeConfig{LockOnReset: OnPowerCycle}}, false, "erased")
		b.cycle()
		b.shows(lockSettings{cfg: RangeConfig{LockOnReset: OnPowerCycle}}, false, "erased, after a power cycle")
		require.NoError(t, b.as(BandMaster(0), b.label.MSID, setRange(keepsLocks)))
		b.cycle()
		b.shows(lockSettings{cfg: keepsLocks}, false, "with locks that outlive power")
	}
}

// TestLocksThatCannotBeWrittenDoNotCount: the note or the key step fails.
func TestLocksThatCannotBeWrittenDoNotCount(t *testing.T) {
	for _, l := range []lockSettings{{cfg: keepsLocks}, {cfg: keepsLocks, read: true, write: true}, {cfg: keepsLocks, read: true}} {
		for _, to := range [][2]bool{{false, false}, {true, true}, {false, true}} {
			b := newBench(t, nil)
			s := b.auth(BandMaster(0), b.label.MSID)
			require.NoError(t, s.SetRange(l.cfg))
			require.NoError(t, s.SetLocks(l.read, l.write))
			b.armUnchecked("(flash.program.refused)")
			err := s.SetLocks(to[0], to[1])
			b.flash.Disarm()
			if to == [2]bool{l.read, l.write} {
				require.NoError(t, err, "nothing changes, so nothing is written")
			} else {
				require.ErrorIs(t, err, HardwareFailure)
			}
			b.shows(l, false, "refused")
			s.Close()
			b.cycle()
			r, err := b.Range(0)
			require.NoError(t, err)
			require.Equal(t, []bool{l.read, l.write}, []bool{r.ReadLocked, r.WriteLocked}, "%v, set to %v", l, to)
		}
	}
}

// TestARangeBeginsAndEndsWhereItSays: its first and its last sector are its own.
func TestARangeBeginsAndEndsWhereItSays(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.place(1, 10, 10))
	require.NoError(t, b.place(2, 30, 1))
	require.NoError(t, b.Write(0, sectors(40, 3)))
	b.mustRead(0, sectors(40, 3), "over the ends of ranges, each sector under its own key")
	require.NoError(t, b.as(BandMaster(1), b.label.MSID, setLocks(true, true)))
	for lba, locked := range map[uint64]bool{0: false, 9: false, 10: true, 19: true, 20: false, 30: false} {
		err := b.Read(lba, make([]byte, 512))
		require.Equal(t, locked, err != nil, "sector %d", lba)
		err = b.Write(lba, sectors(1, 4))
		require.Equal(t, locked, err != nil, "sector %d", lba)
	}
	b.mustRead(8, append(sectors(1, 3), sectors(1, 4)...), "up to the range")
	require.NoError(t, b.Read(20, make([]byte, 10*512)), "behind it")
	err := b.Write(8, sectors(3, 5))
	refused(t, err, Locked, "write", "range 1")
	b.mustRead(8, sectors(1, 3), "no byte of a transfer moves that touches it")
	require.ErrorIs(t, b.Read(19, make([]byte, 1024)), Locked)
	require.NoError(t, b.as(BandMaster(2), b.label.MSID, setLocks(true, true)))
	refused(t, b.Read(29, make([]byte, 1024)), Locked, "read", "range 2")
	refused(t, b.Read(1<<20-2, make([]byte, 3*512)), OutOfRange, "read", "sectors 1048574 to 1048576, the last is 1048575")
	require.NoError(t, b.Write(1<<20-1, sectors(1, 1)), "the last sector")
	for _, n := range []int{0, 1, 511, 513} {
		refused(t, b.Write(0, make([]byte, n)), InvalidParameter, "write", "no whole number of 512-byte sectors")
	}
}

func TestMediaErrorsAreAnswered(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(5, sectors(3, 1)))
	media := NewFaultyMedia(b.media)
	b.parts.Media = media
	media.Arm(fault.MustParse("(media.read.error (LBA 6)) (media.write.error (LBA 6))"))
	was := b.pages()
	got := make([]byte, 3*512)
	for range 2 {
		err := b.Read(5, got)
		refused(t, err, MediaFailure, "read", "sector 6")
		require.ErrorIs(t, err, ErrMedia)
		err = b.Write(5, sectors(3, 2))
		refused(t, err, MediaFailure, "write", "sector 6")
		require.ErrorIs(t, err, ErrMedia)
	}
	_, ok := b.Dump().Sector(6)
	require.False(t, ok, "a thief cannot read it either")
	require.Equal(t, []uint64{5, 6, 7}, b.Dump().Written)
	_, ok = b.Dump().Sector(8)
	require.False(t, ok)
	b.mustRead(7, sectors(1, 1), "other sectors are untouched")
	b.mustRead(5, sectors(1, 2), "what was written before the error stays written")
	media.Disarm()
	b.mustRead(6, sectors(1, 1), "and the sector keeps what it held")
	require.Equal(t, was, b.pages(), "keys are untouched")
	*b.ram[0].mek = [64]byte{}
	b.ram[0].cipher = nil
	refused(t, b.Read(5, got), HardwareFailure, "read", "halves")
}

// TestACipherEndsWithItsKey: the expanded key leaves RAM as well.
func TestACipherEndsWithItsKey(t *testing.T) {
	for name, end := range map[string]func(*bench){
		"power": func(b *bench) { b.PowerOff() },
		"locks": func(b *bench) {
			require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error {
				if err := s.SetRange(keepsLocks); err != nil {
					return err
				}
				return s.SetLocks(true, true)
			}))
		},
		"a new key": func(b *bench) { require.NoError(t, b.as(BandMaster(0), b.label.MSID, Session.GenKey)) },
		"an erase":  func(b *bench) { require.NoError(t, b.as(EraseMaster, b.label.MSID, Session.EraseAll)) },
		"degrading": func(b *bench) { require.NoError(t, b.degrade("test")) },
		"an old wrap that stays": func(b *bench) {
			b.arm("(flash.erase.refused) (flash.zero.refused)")
			require.ErrorIs(t, b.as(BandMaster(0), b.label.MSID, migrate(1)), Degraded)
		},
	} {
		b := newBench(t, nil)
		require.NoError(t, b.Write(0, sectors(1, 1)))
		c, mek := b.ram[0].cipher, b.ram[0].mek
		require.NotNil(t, c)
		end(b)
		require.True(t, constant(mek[:], 0), name)
		require.Panics(t, func() { c.Encrypt(make([]byte, 512), make([]byte, 512), 0) }, name)
	}
}

// TestASessionEndsWithPower: what its PIN opened leaves RAM, however power went.
func TestASessionEndsWithPower(t *testing.T) {
	for name, cut := range map[string]func(*bench, Session){
		"off": func(b *bench, _ Session) { b.PowerOff() },
		"in a write to flash": func(b *bench, s Session) {
			b.arm("(flash.power.after (OnIndex 0))")
			require.ErrorIs(t, s.SetPIN(credential(1)), PowerLost)
		},
	} {
		b := newBench(t, nil)
		s := b.auth(BandMaster(0), b.label.MSID)
		ak := s.(*session).ak
		require.False(t, constant(ak[:], 0))
		cut(b, s)
		require.True(t, constant(ak[:], 0), name)
		require.ErrorIs(t, s.Unlock(), NoPower, name)
		b.flash.Disarm()
		require.NoError(t, b.PowerOn())
		require.ErrorIs(t, s.Unlock(), NoSession, name)
	}
}

// TestANewKeyIsInUseAtOnce where the range is open, and not where it is locked.
func TestANewKeyIsInUseAtOnce(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, Session.GenKey))
	got := make([]byte, 512)
	require.NoError(t, b.Read(0, got))
	require.NotEqual(t, sectors(1, 1), got, "what was written is gone")
	require.NoError(t, b.Write(0, sectors(1, 2)))
	b.cycle()
	b.mustRead(0, sectors(1, 2), "what is written now is under the key that flash has")

	require.NoError(t, b.as(BandMaster(0), b.label.MSID, migrate(1)))
	b.cycle()
	require.NoError(t, b.as(BandMaster(0), credential(1), Session.GenKey))
	require.ErrorIs(t, b.Read(0, got), Locked, "a new key unlocks nothing")
	require.NoError(t, b.as(BandMaster(0), credential(1), Session.Unlock))
	require.NoError(t, b.Read(0, got))
	require.NotEqual(t, sectors(1, 2), got)
}

// TestMigrationLocksAtAPowerCycle whatever LockOnReset was.
func TestMigrationLocksAtAPowerCycle(t *testing.T) {
	for _, set := range []ResetSet{0, OnPowerCycle | OnHotPlug} {
		b := newBench(t, nil)
		require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error {
			if err := s.SetRange(RangeConfig{LockOnReset: set}); err != nil {
				return err
			}
			return s.Migrate(credential(1))
		}))
		r, err := b.Range(0)
		require.NoError(t, err)
		require.Equal(t, RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: set | OnPowerCycle}, r.RangeConfig)
		require.False(t, r.AtMSID)
		at, err := b.AtMSID(BandMaster(0))
		require.NoError(t, err)
		require.False(t, at)
		at, err = b.AtMSID(BandMaster(1))
		require.NoError(t, err)
		require.True(t, at)
		b.cycle()
		require.ErrorIs(t, b.Write(0, sectors(1, 1)), Locked)
	}
}

// TestTheSessionKeepsItsKey: what follows in the session of a key step works, also
// where that ended degraded.
func TestTheSessionKeepsItsKey(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	s := b.auth(BandMaster(0), b.label.MSID)
	require.NoError(t, s.Migrate(credential(1)))
	require.NoError(t, s.SetLocks(true, true))
	require.NoError(t, s.Unlock())
	b.mustRead(0, sectors(1, 1), "under the new AK")
	require.NoError(t, s.SetPIN(credential(2)))
	b.arm("(flash.erase.refused) (flash.zero.refused)")
	require.ErrorIs(t, s.Migrate(credential(3)), Degraded)
	b.flash.Disarm()
	require.NoError(t, s.Restore())
	require.NoError(t, s.Unlock())
	b.mustRead(0, sectors(1, 1), "after a restore")

	// From MSID there is a new AK, and the session has it though the drive is degraded.
	b = newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	s = b.auth(BandMaster(0), b.label.MSID)
	b.arm("(flash.erase.refused) (flash.zero.refused)")
	require.ErrorIs(t, s.Migrate(credential(1)), Degraded)
	b.flash.Disarm()
	require.NoError(t, s.Restore())
	require.NoError(t, s.Unlock())
	b.mustRead(0, sectors(1, 1), "the new AK opens it")

	// The old record stays in force: so does the old AK.
	b = newBench(t, nil)
	s = b.auth(BandMaster(0), b.label.MSID)
	ak := *s.(*session).ak
	b.arm("(flash.program.torn) (flash.erase.refused) (flash.zero.refused)")
	require.ErrorIs(t, s.Migrate(credential(1)), Degraded)
	require.True(t, s.(*session).ak.Equal(&ak))
}

func TestLockStaysLockedWhenLockOnResetIsTakenBack(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	b.cycle()
	require.NoError(t, b.as(BandMaster(0), credential(1), func(s Session) error {
		return s.SetRange(RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true})
	}))
	r, err := b.Range(0)
	require.NoError(t, err)
	require.True(t, r.ReadLocked, "new settings unlock nothing")
	b.cycle()
	require.ErrorIs(t, b.Read(0, make([]byte, 512)), Locked, "what was locked and is not locked by resets stays locked over a power cycle")
}

func TestEraseOutOfDegradedMakesOpenRangesUsable(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	require.NoError(t, b.as(BandMaster(1), b.label.MSID, func(s Session) error {
		b.arm("(flash.erase.refused) (flash.zero.refused)")
		defer b.flash.Disarm()
		require.ErrorIs(t, s.SetPIN(credential(1)), Degraded)
		return nil
	}))
	require.NoError(t, b.as(EraseMaster, b.label.MSID, func(s Session) error { return s.Erase(1) }))
	require.Equal(t, Erased, b.Status().State)
	b.mustRead(0, sectors(1, 1), "range 0 never had a PIN, so it is open again at once")
}

func TestSettingsThatCanNotBeWrittenDoNotCount(t *testing.T) {
	b := newBench(t, nil)
	s := b.auth(BandMaster(1), b.label.MSID)
	b.arm("(flash.program.refused)")
	require.ErrorIs(t, s.SetRange(RangeConfig{Start: 8, Length: 8, LockOnReset: OnPowerCycle}), HardwareFailure)
	r, err := b.Range(1)
	require.NoError(t, err)
	require.Zero(t, r.Length, "the old record is in force, so the range has no place yet")
}
