package conformance

import (
	"bytes"
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

func everyone() []drive.Authority {
	return []drive.Authority{drive.SID, drive.EraseMaster, drive.BandMaster(0), drive.BandMaster(1), drive.BandMaster(2)}
}

func f12TryLimitHoldsAtExactlyN(s *suite) {
	r := s.drive(nil)
	for _, a := range everyone() {
		for i := range r.cfg.TryLimit - 1 {
			r.refused(a, credential(9), fmt.Sprintf("%v, guess %d", a, i+1))
		}
		r.must(a, r.label.MSID, nothing) // one is left, and a right PIN sets the count back
		for i := range r.cfg.TryLimit {
			r.refused(a, credential(9), fmt.Sprintf("%v, guess %d again", a, i+1))
		}
		require.ErrorIs(s, r.as(a, credential(9), nothing), drive.LockedOut, "%v is locked out after exactly %d guesses", a, r.cfg.TryLimit)
		used, limit, err := r.Tries(a)
		require.NoError(s, err)
		require.Equal(s, [2]uint16{limit, r.cfg.TryLimit}, [2]uint16{used, limit}, "%v says so", a)
	}
	revert := func(when string) {
		s.Helper()
		for i := range r.cfg.TryLimit {
			require.ErrorIs(s, r.RevertPSID(credential(9)), drive.NotAuthorized, "PSID, guess %d %s", i+1, when)
		}
		require.ErrorIs(s, r.RevertPSID(credential(9)), drive.LockedOut, "the PSID is locked out after exactly %d guesses %s", r.cfg.TryLimit, when)
		require.ErrorIs(s, r.RevertPSID(r.label.PSID), drive.LockedOut, "and the right one is refused then, %s", when)
	}
	revert("with a record")
	r = s.drive(nil)
	r.PowerOff()
	r.arm("(flash.read.error)")
	require.NoError(s, r.PowerOn())
	r.flash.Disarm()
	require.Equal(s, drive.SecurityDegraded, r.Status().State)
	revert("without a record")
}

func f13PowerCutBuysNoGuess(s *suite) {
	for _, a := range everyone() {
		r := s.drive(nil)
		for i := range r.cfg.TryLimit {
			r.arm("(flash.power.after (OnIndex 0))")
			require.ErrorIs(s, r.as(a, credential(9), nothing), drive.PowerLost, "%v, cut %d", a, i)
			require.NoError(s, r.PowerOn())
			used, _, err := r.Tries(a)
			require.NoError(s, err)
			require.Equal(s, uint16(i+1), used, "%v: the try is on flash before the PIN is looked at", a)
		}
		require.ErrorIs(s, r.as(a, r.label.MSID, nothing), drive.LockedOut, "%v: power cuts gave no further guess", a)
		r = s.drive(nil)
		r.arm("(flash.program.refused)")
		for _, p := range []drive.PIN{credential(9), r.label.MSID} {
			require.ErrorIs(s, r.as(a, p, nothing), drive.HardwareFailure, "%v: no count, no comparison", a)
		}
	}
	r := s.drive(nil)
	require.ErrorIs(s, r.RevertPSID(credential(9)), drive.NotAuthorized)
	r.refused(drive.SID, credential(9), "a guess")
	r.cycle()
	for _, a := range []drive.Authority{drive.SID, drive.PSID} {
		used, _, err := r.Tries(a)
		require.NoError(s, err)
		require.Equal(s, uint16(1), used, "%v: with Persistence a power cycle forgets no try", a)
	}
	r = s.drive(func(c *drive.Config) { c.Persistent = false })
	r.refused(drive.SID, credential(9), "a guess")
	r.cycle()
	used, _, err := r.Tries(drive.SID)
	require.NoError(s, err)
	require.Zero(s, used, "without Persistence it does")
}

func f14LockedOutIsLockedOut(s *suite) {
	r := s.drive(nil)
	r.own(0, credential(1))
	for range r.cfg.TryLimit {
		r.refused(drive.BandMaster(0), credential(9), "a guess")
	}
	for _, when := range []string{"at once", "after a reset", "after a power cycle"} {
		require.ErrorIs(s, r.as(drive.BandMaster(0), credential(1), nothing), drive.LockedOut, "the right PIN is refused %s", when)
		if when == "at once" {
			require.NoError(s, r.Reset(drive.HardwareReset))
		} else {
			r.cycle()
		}
	}
	require.NoError(s, r.RevertPSID(r.label.PSID), "the PSID is the way out")
	r.must(drive.BandMaster(0), r.label.MSID, nothing)
}

func f23LockOnResetByType(s *suite) {
	resets := map[string]struct {
		member drive.ResetSet
		do     func(*rig)
	}{
		"power cycle": {drive.OnPowerCycle, (*rig).cycle},
		"warm reset":  {drive.OnHardware, func(r *rig) { require.NoError(s, r.Reset(drive.HardwareReset)) }},
		"hot plug":    {drive.OnHotPlug, func(r *rig) { require.NoError(s, r.Reset(drive.HotPlugReset)) }},
	}
	for _, set := range []drive.ResetSet{drive.OnHardware, drive.OnHotPlug, drive.OnHardware | drive.OnHotPlug} {
		r := s.drive(nil)
		ses, err := r.Authenticate(drive.BandMaster(0), r.label.MSID)
		require.NoError(s, err)
		require.ErrorIs(s, ses.SetRange(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: set}), drive.InvalidParameter,
			"LockOnReset %03b would lock at a reset and open at the power cycle after it", set)
	}
	for _, set := range []drive.ResetSet{
		0, drive.OnPowerCycle, drive.OnPowerCycle | drive.OnHardware, drive.OnPowerCycle | drive.OnHotPlug,
		drive.OnPowerCycle | drive.OnHardware | drive.OnHotPlug,
	} {
		for name, reset := range resets {
			r := s.drive(nil)
			r.must(drive.BandMaster(0), r.label.MSID, func(ses drive.Session) error {
				return ses.SetRange(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: set})
			})
			r.put(3, 1)
			reset.do(r)
			locks := set&reset.member != 0
			require.Equal(s, locks, r.Status().Locked, "LockOnReset %03b, %s", set, name)
			if !locks {
				r.readable(3, 1, "not locked by "+name)
				continue
			}
			require.ErrorIs(s, r.Read(3, make([]byte, r.cfg.SectorSize)), drive.Locked, "locked by %s", name)
			require.ErrorIs(s, r.Write(3, make([]byte, r.cfg.SectorSize)), drive.Locked, "locked by %s", name)
			r.cycle()
			require.ErrorIs(s, r.Read(3, make([]byte, r.cfg.SectorSize)), drive.Locked, "locked by %s, and a power cycle does not undo it", name)
			r.must(drive.BandMaster(0), r.label.MSID, drive.Session.Unlock)
			r.readable(3, 1, "unlocked again")
		}
	}
}

func f25FactoryPINsAreVisible(s *suite) {
	r := s.drive(nil)
	for _, a := range everyone() {
		at, err := r.AtMSID(a)
		require.NoError(s, err)
		require.True(s, at, "from the factory anyone sees that %v has MSID", a)
		r.must(a, r.label.MSID, func(ses drive.Session) error { return ses.SetPIN(credential(1)) })
		at, err = r.AtMSID(a)
		require.NoError(s, err)
		require.False(s, at, "anyone sees that %v has a PIN of its own", a)
		r.refused(a, r.label.MSID, "and so it has")
	}
	msid, err := r.MSID()
	require.NoError(s, err)
	require.True(s, msid.Equal(r.label.MSID), "MSID can be read at any time")
}

func f28LockOnResetNeedsLockEnabled(s *suite) {
	for _, enabled := range []drive.RangeConfig{{}, {ReadLockEnabled: true}, {WriteLockEnabled: true}, {ReadLockEnabled: true, WriteLockEnabled: true}} {
		r := s.drive(nil)
		enabled.LockOnReset = drive.OnPowerCycle | drive.OnHardware
		r.must(drive.BandMaster(0), r.label.MSID, func(ses drive.Session) error { return ses.SetRange(enabled) })
		r.put(3, 1)
		require.NoError(s, r.Reset(drive.HardwareReset))
		buf := make([]byte, r.cfg.SectorSize)
		require.Equal(s, enabled.ReadLockEnabled, r.Read(3, buf) != nil, "a warm reset locks reading only where that lock is enabled: %+v", enabled)
		require.Equal(s, enabled.WriteLockEnabled, r.Write(4, buf) != nil, "and writing likewise: %+v", enabled)
		r.cycle()
		locked := enabled.ReadLockEnabled || enabled.WriteLockEnabled
		require.Equal(s, locked, r.Status().Locked, "after a power cycle, %+v", enabled)
		if !locked {
			r.readable(3, 1, "without a lock that is enabled LockOnReset locks nothing")
		}
	}
}

func f30CutSessionLeavesNothing(s *suite) {
	for name, end := range map[string]func(*rig, drive.Session){
		"close":      func(_ *rig, ses drive.Session) { ses.Close() },
		"warm reset": func(r *rig, _ drive.Session) { require.NoError(s, r.Reset(drive.HardwareReset)) },
		"hot plug":   func(r *rig, _ drive.Session) { require.NoError(s, r.Reset(drive.HotPlugReset)) },
		"power loss": func(r *rig, _ drive.Session) { r.cycle() },
	} {
		r := s.drive(nil)
		r.own(0, credential(1))
		old, err := r.Authenticate(drive.BandMaster(0), credential(1))
		require.NoError(s, err)
		_, err = r.Authenticate(drive.SID, r.label.MSID)
		require.ErrorIs(s, err, drive.SPBusy, "one session at a time")
		end(r, old)
		for op, f := range map[string]func() error{
			"set pin": func() error { return old.SetPIN(credential(2)) }, "unlock": old.Unlock, "genkey": old.GenKey,
			"migrate": func() error { return old.Migrate(credential(2)) }, "restore": old.Restore,
		} {
			require.ErrorIs(s, f(), drive.NoSession, "after %s a %s of the old session is refused", name, op)
		}
		fresh, err := r.Authenticate(drive.SID, r.label.MSID)
		require.NoError(s, err, "after %s the next session opens", name)
		require.ErrorIs(s, old.Unlock(), drive.NoSession, "and the old session cannot use it")
		fresh.Close()
		if name == "power loss" {
			require.ErrorIs(s, r.Read(3, make([]byte, r.cfg.SectorSize)), drive.Locked, "and the range is locked")
		}
	}
}

func f32LockedIOFailsAtOnce(s *suite) {
	r := s.drive(nil)
	r.put(3, 1)
	buf := make([]byte, 4*r.cfg.SectorSize)
	try := func(when string, c drive.Code, read, write bool) {
		s.Helper()
		reads, writes := r.media.reads, r.media.writes
		if read {
			require.ErrorIs(s, r.Read(1, buf), c, "a read %s", when)
		}
		if write {
			require.ErrorIs(s, r.Write(1, buf), c, "a write %s", when)
		}
		require.Equal(s, [2]int{reads, writes}, [2]int{r.media.reads, r.media.writes}, "%s nothing reaches the media", when)
	}
	r.own(0, credential(1))
	r.must(drive.BandMaster(0), credential(1), func(ses drive.Session) error { return ses.SetLocks(true, false) })
	try("with the read lock set", drive.Locked, true, false)
	require.NoError(s, r.Write(5, buf[:r.cfg.SectorSize]), "the write lock is another one")
	r.must(drive.BandMaster(0), credential(1), func(ses drive.Session) error { return ses.SetLocks(false, true) })
	try("with the write lock set", drive.Locked, false, true)
	r.readable(3, 1, "the read lock is another one")
	r.must(drive.BandMaster(0), credential(1), func(ses drive.Session) error { return ses.SetLocks(true, true) })
	try("with both locks set", drive.Locked, true, true)
	r.cycle()
	try("after a power cycle", drive.Locked, true, true)
	r.PowerOff()
	try("without power", drive.NoPower, true, true)
	require.NoError(s, r.PowerOn())
	r.must(drive.BandMaster(1), r.label.MSID, func(ses drive.Session) error {
		return ses.SetRange(drive.RangeConfig{Start: 2, Length: 2, LockOnReset: drive.OnPowerCycle})
	})
	try("that begins in a locked range", drive.Locked, true, true)
	require.NoError(s, r.Read(2, buf[:2*r.cfg.SectorSize]), "an open band is not concerned")
	require.False(s, bytes.Equal(buf[r.cfg.SectorSize:2*r.cfg.SectorSize], r.text(1)), "it has another key")
}
