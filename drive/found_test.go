package drive

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Each test here is a defect that the property tests found.

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
