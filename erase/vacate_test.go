package erase

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// keepsPlace is a drive whose ranges beside the global one cannot lose their place.
type keepsPlace struct {
	*drive.Drive
	over bool // who asks for their place gets a session that is over; or none
}

func (k keepsPlace) Authenticate(a drive.Authority, pin drive.PIN) (drive.Session, error) {
	if k.Drive.Status().State == drive.Erased && a == drive.BandMaster(1) {
		if k.over {
			s, err := k.Drive.Authenticate(a, pin)
			if err == nil {
				s.Close()
			}
			return s, err
		}
		return nil, &drive.StatusError{Op: "authenticate", Code: drive.NotAuthorized}
	}
	return k.Drive.Authenticate(a, pin)
}

// TestAnErasedDriveHasNoBandWithAPlace: the next owner looks at the global range, and would
// write into a band whose key anybody can use.
func TestAnErasedDriveHasNoBandWithAPlace(t *testing.T) {
	start := uint64(3500)
	make := func(serial string) (*bench, Job) {
		b := newBench(t, serial, nil, nil)
		b.configure(1, pin(1))
		b.as(drive.BandMaster(2), b.label.MSID, func(s drive.Session) error {
			return s.SetRange(drive.RangeConfig{Start: start, Length: 20, LockOnReset: drive.OnPowerCycle})
		})
		return b, Job{Target: b.Drive, Method: DriveErase, Owner: []Credential{{Range: 1, PIN: pin(1)}}}
	}
	for _, start = range []uint64{0, 3500} { // a band may have the drive's first sector
		b, job := make("B1")
		r := run1(t, job)
		require.Equal(t, Passed, r.Outcome, text(r))
		for n := 1; n <= 2; n++ {
			i, err := b.Range(n)
			require.NoError(t, err)
			require.Zero(t, i.Length, "range %d", n)
		}
	}

	for _, over := range []bool{false, true} {
		b, job := make("B2")
		job.Target = keepsPlace{b.Drive, over}
		r := run1(t, job)
		require.Equal(t, Failed, r.Outcome, "there is no certificate for a drive with such a band: "+text(r))
		require.Nil(t, r.Certificate)
		command, _ := r.Check(CheckCommand)
		require.Contains(t, command.Why, "range 1 keeps its place: ")
	}

	b, job := make("B3")
	job.Method, job.Range = RangeErase, 1
	require.Equal(t, Passed, run1(t, job).Outcome)
	i, err := b.Range(1)
	require.NoError(t, err)
	require.NotZero(t, i.Length, "an erase of one range is its owner's, who keeps it")
}
