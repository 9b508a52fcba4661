package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
)

// A drive that is served at a socket alone comes to the end of a sanitize operation, so that it takes security
// commands again.
func TestASocketAloneEndsASanitizeOperation(t *testing.T) {
	t.Parallel()
	d, _, err := drive.Manufacture(drive.Config{Serial: "WORK", SectorSize: 512, Sectors: 3 * workSectors, PBKDF2Iterations: 1},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "WORK")})
	require.NoError(t, err)
	require.NoError(t, d.Sanitize(drive.SanitizeOrder{Action: drive.BlockErase}))
	u, err := secsock.NewUnit(d, tcg.Options{Entropy: entropy.Stream(2, "WORK")})
	require.NoError(t, err)
	end := work([]*secsock.Unit{u})
	state := func() (s drive.SanitizeStatus) {
		require.NoError(t, u.Do(func(d *drive.Drive) (err error) { s, err = d.SanitizeStatus(); return err }))
		return s
	}
	require.Eventually(t, func() bool { return state().State == drive.SanitizeIdle }, time.Minute, 10*time.Millisecond)
	end()
	require.True(t, state().Clean)
}
