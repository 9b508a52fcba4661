package erase

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

func disable(b *bench, n int) {
	b.as(drive.EraseMaster, b.label.MSID, func(s drive.Session) error {
		return s.(drive.BatchSession).Apply(drive.Batch{Enabled: []drive.Enabled{{Who: drive.BandMaster(n)}}})
	})
}

func isDisabled(t *testing.T, b *bench, n int) bool {
	t.Helper()
	i, err := b.Range(n)
	require.NoError(t, err)
	return i.Disabled
}

// Somebody who has EraseMaster's PIN, which is often MSID, can disable a BandMaster. The owner's drive is erased
// all the same, whichever way.
func TestADriveWithADisabledBandMasterIsErased(t *testing.T) {
	for _, method := range []Method{DriveErase, RangeErase, PSIDRevert} {
		b := newBench(t, "D1", nil, nil)
		b.configure(0, pin(1))
		disable(b, 0)
		disable(b, 2) // at MSID
		job := Job{Target: b.Drive, Method: method, Owner: []Credential{{Range: 0, PIN: pin(1)}}}
		if method == PSIDRevert {
			job.PSID = b.label.PSID
		}
		r := run1(t, job)
		require.Equal(t, Passed, r.Outcome, text(r))
		verdict(t, r, CheckMSID, Pass)
		require.False(t, isDisabled(t, b, 0))
		require.Equal(t, method == RangeErase, isDisabled(t, b, 2), "%s: what is not erased stays as it was", method)
	}
}

// A drive whose owner did not prove himself stays as it is.
func TestADisabledBandMasterStaysSoOnADriveThatIsRefused(t *testing.T) {
	b := newBench(t, "D2", nil, nil)
	b.configure(0, pin(1))
	b.configure(1, pin(11))
	disable(b, 0)
	disable(b, 2)
	for _, owner := range [][]Credential{
		{{Range: 0, PIN: pin(9)}, {Range: 1, PIN: pin(11)}}, // a wrong PIN
		{{Range: 0, PIN: pin(1)}},                           // the other range is somebody else's
	} {
		r := run1(t, Job{Target: b.Drive, Method: DriveErase, Owner: owner})
		require.Equal(t, Refused, r.Outcome, text(r))
		require.True(t, isDisabled(t, b, 0))
		require.True(t, isDisabled(t, b, 2))
		require.Equal(t, customer, b.read(100))
	}
	used, _, err := b.Tries(drive.BandMaster(0))
	require.NoError(t, err)
	require.Zero(t, used, "the right PIN came last")

	b.as(drive.EraseMaster, b.label.MSID, func(s drive.Session) error { return s.SetPIN(pin(5)) })
	r := run1(t, Job{Target: b.Drive, Method: DriveErase, Owner: []Credential{{Range: 0, PIN: pin(1)}, {Range: 1, PIN: pin(11)}}})
	require.Equal(t, Refused, r.Outcome)
	require.Contains(t, r.Why, "BandMaster0 is disabled, and cannot be enabled to prove its PIN: EraseMaster refuses the PIN")
	r = run1(t, Job{Target: b.Drive, Method: DriveErase, EraseMaster: pin(5), Owner: []Credential{{Range: 0, PIN: pin(1)}, {Range: 1, PIN: pin(11)}}})
	require.Equal(t, Passed, r.Outcome, text(r))
}
