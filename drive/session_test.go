package drive

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSessionRules(t *testing.T) {
	b := newBench(t, nil)
	s := b.auth(BandMaster(0), b.label.MSID)
	_, err := b.Authenticate(SID, b.label.MSID)
	require.ErrorIs(t, err, SPBusy)
	require.ErrorIs(t, b.RevertPSID(b.label.PSID), SPBusy)
	require.ErrorIs(t, s.EraseAll(), NotAuthorized)
	require.NoError(t, b.Reset(HardwareReset))
	require.ErrorIs(t, s.GenKey(), NoSession, "a reset ends the session (FAULTS 30)")
	require.Equal(t, [32]byte{}, [32]byte(*s.(*session).ak), "its key is forgotten")
	s = b.auth(BandMaster(0), b.label.MSID)
	require.ErrorIs(t, s.SetPIN(b.label.MSID), InvalidParameter)
	require.ErrorIs(t, s.SetPIN(PIN{}), InvalidParameter, "there is no empty PIN (FAULTS 5)")
	require.ErrorIs(t, s.Restore(), InvalidState)
	b.PowerOff()
	require.ErrorIs(t, s.GenKey(), NoPower)
	_, err = b.Authenticate(SID, b.label.MSID)
	require.ErrorIs(t, err, NoPower)
}

func TestTryLimitHoldsAtExactlyN(t *testing.T) {
	b := newBench(t, nil)
	for i := range 5 {
		_, err := b.Authenticate(BandMaster(0), credential(7))
		require.ErrorIs(t, err, NotAuthorized, "try %d", i)
		b.cycle()
	}
	_, err := b.Authenticate(BandMaster(0), b.label.MSID)
	require.ErrorIs(t, err, LockedOut, "the right PIN after lock-out is still refused (FAULTS 14)")
	for range 5 {
		require.ErrorIs(t, b.RevertPSID(credential(7)), NotAuthorized)
	}
	require.ErrorIs(t, b.RevertPSID(b.label.PSID), LockedOut, "the PSID has its own limit")

	b = newBench(t, func(c *Config) { c.Persistent = false })
	for range 5 {
		_, err := b.Authenticate(BandMaster(0), credential(7))
		require.ErrorIs(t, err, NotAuthorized)
	}
	b.cycle()
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(Session) error { return nil }), "without Persistence a power cycle clears the count")
}

func TestTryIsCountedBeforeTheComparison(t *testing.T) {
	b := newBench(t, nil)
	for i := range 5 {
		b.arm("(flash.power.after (OnIndex 0))")
		_, err := b.Authenticate(BandMaster(0), credential(7))
		require.ErrorIs(t, err, PowerLost, "power goes right after the count was written, try %d", i)
		require.NoError(t, b.PowerOn())
	}
	_, err := b.Authenticate(BandMaster(0), b.label.MSID)
	require.ErrorIs(t, err, LockedOut, "power cuts buy no guesses (FAULTS 13)")
	b = newBench(t, nil)
	b.arm("(flash.program.refused)")
	_, err = b.Authenticate(BandMaster(0), b.label.MSID)
	require.ErrorIs(t, err, HardwareFailure, "no count, no comparison: fail closed")
}
