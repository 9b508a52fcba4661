package raslab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// plain is a facility of 16 drives with one rank on A0, in key group keygrp (0 is
// unencrypted), with 40 sectors written.
func plain(t *testing.T, raid RAIDType, keygrp int) (*Lab, *Rank) {
	t.Helper()
	l := newLab(t, Options{Drives: 16})
	ok(t, l)(l.ConfigureGroup(1))
	ok(t, l)(l.CreateArray("S1", raid))
	ok(t, l)(l.CreateRank("A0", keygrp))
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.NoError(t, r.Write(0, pattern(1, 40*512)))
	return l, r
}

// missedRows is a rank whose D01 came back and lacks rows that were written while it was away. D02
// has a strip of each of these rows and is away now.
func missedRows(t *testing.T) (*Lab, *Rank) {
	t.Helper()
	l := encrypted(t, Options{})
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.NoError(t, l.CutPower("R1-I1-D08"), "there is no spare")
	require.NoError(t, l.CutPower("R1-I1-D01"))
	require.NoError(t, r.Write(0, pattern(3, 40*512)))
	require.NoError(t, l.CutPower("R1-I1-D02"))
	require.Error(t, r.Read(0, make([]byte, 40*512)), "two members are away")
	require.NoError(t, l.RestorePower("R1-I1-D08"), "the spare is back")
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D01"))
	advance(t, l, time.Hour)
	require.NotEmpty(t, r.members[0].lacks, "D01 is back and lacks rows")
	return l, r
}

func TestADriveThatOthersWaitForIsNotGivenUp(t *testing.T) {
	l, r := missedRows(t)
	require.Nil(t, r.members[1].job, "no rebuild on the spare leaves out what only D02 has\n%s", history{l})
	p, err := l.OrderSpare()
	require.NoError(t, err)
	ok(t, l)(l.StartRepair("R1-I1-D02"))
	_, err = l.ExchangeFRU("R1-I1-D02", p.Serial())
	require.ErrorIs(t, err, ErrState, "nor is D02 exchanged")
	require.ErrorContains(t, err, "may hold the only copy")
	ok(t, l)(l.ExchangeFRU("R1-I1-D02", ""))
	ok(t, l)(l.ResumeRepair("R1-I1-D02"))
	advance(t, l, time.Hour)
	require.Equal(t, "Normal", r.Info().DataState, "%s", history{l})
	require.Empty(t, r.members[0].lacks, "D02 gave D01 what it had missed")
	got := make([]byte, 40*512)
	require.NoError(t, r.Read(0, got))
	require.Equal(t, pattern(3, len(got)), got)
}

func TestADriveThatDoesNotComeBackIsGivenUp(t *testing.T) {
	l, r := missedRows(t)
	require.NoError(t, l.Break("R1-I1-D02"))
	fails(t, l)(pseudoRepair(t, l, "R1-I1-D02"))
	advance(t, l, time.Hour)
	require.Equal(t, "R1-I1-D08", r.Info().Members[1].Slot, "the spare takes over once a repair has tried\n%s", history{l})
	require.Equal(t, "Failed", r.Info().DataState, "the rank does not hide that rows are lost")
	require.ErrorIs(t, r.Read(0, make([]byte, 40*512)), ErrDataLost, "and the rows that only D02 had are reported as lost")
}

func TestAnotherDriveInAMembersSlotIsNoMember(t *testing.T) {
	for _, keygrp := range []int{0, 1} {
		l, r := plain(t, RAID7P, keygrp)
		p, err := l.OrderSpare()
		require.NoError(t, err)
		require.NoError(t, l.Pull("R1-I1-D01"))
		_, err = l.Insert("R1-I1-D01", p.Serial())
		require.NoError(t, err)
		require.Equal(t, "Degraded", r.Info().DataState, "key group %d: the new drive has none of the data", keygrp)
		_, err = l.StartRepair("R1-I1-D02")
		require.ErrorIs(t, err, ErrState, "no second member is taken out")
		ok(t, l)(pseudoRepair(t, l, "R1-I1-D01"))
		advance(t, l, time.Hour)
		require.Equal(t, "Normal", r.Info().DataState, "the repair fills it\n%s", history{l})
		require.NoError(t, l.Break("R1-I1-D02"))
		readable(t, l)
	}
}

func TestTwoMembersInEachOthersSlots(t *testing.T) {
	for _, keygrp := range []int{0, 1} {
		l, r := plain(t, RAID7P, keygrp)
		slots := []string{"R1-I1-D01", "R1-I1-D02"}
		put := func(first, second string) {
			require.NoError(t, l.Pull(slots[0]))
			require.NoError(t, l.Pull(slots[1]))
			_, err := l.Insert(slots[0], first)
			require.NoError(t, err)
			_, err = l.Insert(slots[1], second)
			require.NoError(t, err)
		}
		put("75NR641-0002", "75NR641-0001")
		require.NotEqual(t, "Normal", r.Info().DataState, "key group %d: neither drive serves where it is now", keygrp)
		put("75NR641-0001", "75NR641-0002")
		ok(t, l)(pseudoRepair(t, l, slots[0]))
		ok(t, l)(pseudoRepair(t, l, slots[1]))
		advance(t, l, time.Hour)
		require.Equal(t, "Normal", r.Info().DataState, "%s", history{l})
		readable(t, l)
	}
}

func TestTheTargetOfARebuildIsExchangedMeanwhile(t *testing.T) {
	l, r := plain(t, RAIDAuto, 0)
	data := pattern(6, 6*600*512)
	require.NoError(t, r.Write(0, data), "600 rows: the rebuild takes several steps")
	require.NoError(t, l.Break("R1-I1-D02"))
	advance(t, l, time.Hour+15*time.Minute)
	m := r.Info().Members[1]
	require.Greater(t, m.Done, 0, "the rebuild is under way")
	p, err := l.OrderSpare()
	require.NoError(t, err)
	require.NoError(t, l.Pull(m.CopyingTo))
	_, err = l.Insert(m.CopyingTo, p.Serial())
	require.NoError(t, err)
	advance(t, l, 2*time.Hour)
	require.Equal(t, "Normal", r.Info().DataState, "the rebuild began again on the new drive\n%s", history{l})
	require.NoError(t, l.Break("R1-I1-D03"))
	got := make([]byte, len(data))
	require.NoError(t, r.Read(0, got), "no row was taken for copied that the new drive never saw")
	require.Equal(t, data, got)
}

func TestARankIsRemovedWhileAMemberCatchesUp(t *testing.T) {
	l := encrypted(t, Options{})
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D01"))
	ok(t, l)(l.RemoveRank("R0"))
	ok(t, l)(l.CreateRank("A0", 1))
	advance(t, l, time.Hour)
	d, err := l.plant.Drive("R1-I1-D01")
	require.NoError(t, err)
	require.Equal(t, Normal, d.State, "a copy for a rank that is gone says nothing of the drive\n%s", history{l})
}

func TestAWornDriveIsNoSpareAfterAnErase(t *testing.T) {
	l := encrypted(t, Options{})
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	arm(t, l, "R1-I1-D01", "(media.read.error (LBA 1))")
	for range mediaErrorsFail {
		require.NoError(t, r.Read(0, make([]byte, 40*512)))
	}
	advance(t, l, time.Hour)
	ok(t, l)(l.EraseDrive("R1-I1-D01"))
	d, err := l.plant.Drive("R1-I1-D01")
	require.NoError(t, err)
	require.Equal(t, Failed, d.State, "an erase mends no media")
	require.Equal(t, drive.Erased, d.Status.State)
}

func TestBE3400B3AMemberOfAnUnencryptedRank(t *testing.T) {
	l, _ := plain(t, RAIDAuto, 0)
	arm(t, l, "R1-I1-D01", "(flash.read.rot)")
	ok(t, l)(l.PowerCycle())
	readable(t, l)
	advance(t, l, time.Hour)
	e := only(t, l, "BE3400B3", "R1-I1-D01")
	staysOpen(t, l, e)
	require.NoError(t, l.Disarm("R1-I1-D01"))
	ok(t, l)(l.RevertDrive("R1-I1-D01"))
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D01"))
	advance(t, l, time.Hour)
	readable(t, l)
	closed(t, l, e)
}

func TestTheRemovalOfARankLeavesAForeignDriveAlone(t *testing.T) {
	shelf := NewShelf(5)
	o := newLab(t, Options{Drives: 16, Shelf: shelf, Serial: "75DLR51", Seed: 9})
	ok(t, o)(o.ConfigureGroup(1))
	ok(t, o)(o.CreateArray("S1", RAIDAuto))
	ok(t, o)(o.CreateRank("A0", 1))
	require.NoError(t, o.Pull("R1-I1-D03"))
	l := encrypted(t, Options{Shelf: shelf})
	require.NoError(t, l.CutPower("R1-I1-D08"), "there is no spare")
	require.NoError(t, l.Pull("R1-I1-D01"))
	fails(t, l)(l.Insert("R1-I1-D01", "75DLR51-0003"))
	ok(t, l)(l.RemoveRank("R0"))
	only(t, l, "BE3400A3", "R1-I1-D01")
	d, err := l.plant.Drive("R1-I1-D01")
	require.NoError(t, err)
	require.Equal(t, Inappropriate, d.State, "nobody was to erase it, so nobody failed to")
}

func TestADriveIsNotBlamedForTheKeyRepository(t *testing.T) {
	l := encrypted(t, Options{})
	require.NoError(t, l.ArmRepository(fault.MustParse("(repository.write.refused)")))
	require.NoError(t, l.Break("R1-I1-D01"))
	advance(t, l, 3*time.Hour)
	spare, err := l.plant.Drive("R1-I1-D08")
	require.NoError(t, err)
	require.Equal(t, Normal, spare.State, "no record can be kept, and the spare is still a spare\n%s", history{l})
	fails(t, l)(exchange(t, l, "R1-I1-D01", ""))
	for _, e := range l.events.Events() {
		require.NotEqual(t, "BE31F004", e.SRC, "the replacement drive is in good order")
	}
	fresh, err := l.plant.Drive("R1-I1-D01")
	require.NoError(t, err)
	require.Equal(t, drive.Erased, fresh.Status.State)
	require.NoError(t, l.ArmRepository(nil))
	ok(t, l)(l.RestoreRepository())
	advance(t, l, 2*time.Hour)
	require.Equal(t, "Normal", l.plant.Ranks()[0].DataState, "the rebuild is tried again by itself\n%s", history{l})
	readable(t, l)
}

func TestASmartRebuildDoesNotCondemnTheSpareForTheKeyRepository(t *testing.T) {
	l := encrypted(t, Options{})
	require.NoError(t, l.ArmRepository(fault.MustParse("(repository.write.refused)")))
	fails(t, l)(l.SmartRebuild("R1-I1-D01"))
	require.NoError(t, l.ArmRepository(nil))
	ok(t, l)(l.RestoreRepository())
	ok(t, l)(l.SmartRebuild("R1-I1-D01"))
}

func TestTheDiscontinueScanNamesDrivesThatAreNotThere(t *testing.T) {
	l := encrypted(t, Options{})
	require.NoError(t, l.Pull("R1-I1-D01"))
	ok(t, l)(l.RemoveRank("R0"))
	r, err := l.Discontinue()
	fails(t, l)(r.Report, err)
	require.Len(t, r.Verdicts, 15)
	require.Contains(t, r.Notes, "75NR641-0001 is not in the facility, and was not erased here (member of R0, last in R1-I1-D01): find it and erase it, or let somebody answer for it",
		"a drive with customer data is not passed over because somebody took it out")
	noEvents(t, l)
}
