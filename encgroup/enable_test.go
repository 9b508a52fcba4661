package encgroup

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// enables enables or disables BandMasters, as EraseMaster.
func enables(on bool, bands ...int) func(drive.Session) error {
	return func(s drive.Session) error {
		var b drive.Batch
		for _, n := range bands {
			b.Enabled = append(b.Enabled, drive.Enabled{Who: drive.BandMaster(n), On: on})
		}
		return s.(drive.BatchSession).Apply(b)
	}
}

// TestOutsiderDisablesBandMasters: who disables the BandMasters of a member through the factory PIN of its
// EraseMaster keeps nobody from the data for longer than until the next unlock, and reads none of it.
func TestOutsiderDisablesBandMasters(t *testing.T) {
	r := accessible(t)
	r.bands = 1
	d := r.member("U1")
	d.as(t, drive.EraseMaster, enables(false, 0, 1))
	d.cycle(t)
	require.ErrorIs(t, d.Read(0, make([]byte, 512)), drive.Locked)
	var noted []string
	r.group.SetNotes(hears(func(_, what string) { noted = append(noted, what) }))
	require.NoError(t, r.group.Unlock(d))
	require.Equal(t, []string{"BandMaster0 was disabled: enabled again", "BandMaster1 was disabled: enabled again"}, noted)
	d.requireData(t, "it is the member with its data")
	requireProtected(t, r, d)
}

// TestNobodyIsEnabledWithTheLastTryOfAnOwner: where EraseMaster has somebody's PIN, unlocks guess it as often as
// leaves one try, and no more.
func TestNobodyIsEnabledWithTheLastTryOfAnOwner(t *testing.T) {
	r := accessible(t)
	d := r.member("U1")
	d.as(t, drive.EraseMaster, enables(false, 0))
	d.as(t, drive.EraseMaster, func(s drive.Session) error { return s.SetPIN(somebody(t)) })
	d.cycle(t)
	for range 12 {
		requireMemberError(t, r.group.Unlock(d), StepAuthenticate, drive.NotAuthorized)
	}
	used, limit, err := d.Tries(drive.EraseMaster)
	require.NoError(t, err)
	require.Equal(t, limit-1, used)
	used, _, err = d.Tries(drive.BandMaster(0))
	require.NoError(t, err)
	require.Zero(t, used, "no credential was tried in vain")
}
