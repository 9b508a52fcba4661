package erase

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// How the ranges of a sweep are locked.
var (
	outlives = drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true}
	cycle    = drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle}
)

// The sweeps are tests of their own, because each takes a second.

func TestAPowerCutAtAnyCommandOfADriveErase(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: outlives, method: DriveErase}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfADriveEraseWithAReadLock(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: drive.RangeConfig{ReadLockEnabled: true}, method: DriveErase}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfADriveEraseWithAWriteLock(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: drive.RangeConfig{WriteLockEnabled: true}, method: DriveErase}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfADriveEraseWithoutData(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: outlives, empty: true, method: DriveErase}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfADriveEraseOfTwoRanges(t *testing.T) {
	(&sweepCase{ranges: []int{0, 1}, locks: outlives, method: DriveErase}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfARangeErase(t *testing.T) {
	(&sweepCase{ranges: []int{1}, locks: outlives, method: RangeErase}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfARevert(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: outlives, method: PSIDRevert}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfARevertThatIsRefused(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: outlives, method: PSIDRevert, refused: true}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfARevertThatIsRefusedWithoutData(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: outlives, empty: true, method: PSIDRevert, refused: true}).sweep(t)
}

func TestAPowerCutAtAnyCommandOfARefusalBehindAPowerCycleLock(t *testing.T) {
	(&sweepCase{ranges: []int{0}, locks: cycle, method: PSIDRevert, refused: true}).sweep(t)
}

// cutAtRead is a drive whose power goes at the first read.
type cutAtRead struct{ *drive.Drive }

func (c cutAtRead) Read(lba uint64, dst []byte) error {
	c.PowerOff()
	return c.Drive.Read(lba, dst)
}

func TestAPowerCutWhileThePlaintextIsTakenLeavesALockedDriveLocked(t *testing.T) {
	b, job := locked(t, "E1", nil)
	b.as(drive.BandMaster(0), pin(1), func(s drive.Session) error {
		return s.SetRange(drive.RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true})
	})
	b.as(drive.BandMaster(0), pin(1), func(s drive.Session) error { return s.SetLocks(true, true) })
	b.cycle()
	require.ErrorIs(t, b.Read(100, make([]byte, 512)), drive.Locked)
	keys := b.Status().KeyGeneration
	job.Target = cutAtRead{b.Drive}
	j := &memory{}
	rep, err := withJournal(t, j).Run(context.Background(), []Job{job})
	require.NoError(t, err)
	require.Equal(t, Refused, rep.Results[0].Outcome)
	require.Equal(t, "the drive lost its power before the erase; LockOnReset of range 0 may name the power cycle, which its owner had not set", rep.Results[0].Why)
	require.Len(t, j.entries, 1, "the journal knew before the drive did")
	require.NoError(t, b.PowerOn())
	require.ErrorIs(t, b.Read(100, make([]byte, 512)), drive.Locked)
	require.Equal(t, keys, b.Status().KeyGeneration)
}
