package raslab

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// refuseSaves keeps two of three copies of the key repository from being written.
const refuseSaves = "(repository.write.refused (Block 0)) (repository.write.refused (Block 1))"

// armRepository arms, or disarms with "".
func armRepository(t testing.TB, l *Lab, plan string) {
	t.Helper()
	if plan == "" {
		require.NoError(t, l.ArmRepository(nil))
		return
	}
	require.NoError(t, l.ArmRepository(fault.MustParse(plan)))
}

// requireSettled says that nothing is owed, that the removal of R0 has ended, and that
// the group has no member left that keeps its old key alive.
func requireSettled(t testing.TB, l *Lab, why string) {
	t.Helper()
	require.Empty(t, l.Owed(), why)
	require.Empty(t, l.plant.Ranks(), why)
	g, err := l.GroupByID(1)
	require.NoError(t, err)
	require.Empty(t, g.Members, why)
	ok(t, l)(l.RekeyGroupKey(1))
}

func TestARemovalWhoseSavesWereRefusedIsOwedAndNotDone(t *testing.T) {
	l := encrypted(t, Options{})
	armRepository(t, l, refuseSaves)
	rep := fails(t, l)(l.RemoveRank("R0"))
	require.Contains(t, strings.Join(rep.Notes, "\n"), "rank R0 is not removed yet")
	require.Len(t, l.Owed(), 7)
	require.Len(t, l.owed.OwedToRank("R0"), 7)
	require.Len(t, l.OwedToGroup(1), 7)
	require.Contains(t, l.Owed()[0], "its key group still lists it as a member: the group's record could not be kept")
	info, err := l.plant.RankByName("r0")
	require.NoError(t, err)
	require.Equal(t, "Removing", info.State)

	// An action that needs the removal to be finished is refused.
	_, err = l.RemoveArray("A0")
	require.ErrorIs(t, err, ErrState)
	_, err = l.CreateRank("A0", 1)
	require.ErrorIs(t, err, ErrState)
	_, err = l.plant.Rank("R0")
	require.ErrorContains(t, err, "R0 is being removed")
	fails(t, l)(l.RemoveRank("R0"))
	advance(t, l, 3*time.Hour)
	require.Len(t, l.Owed(), 7, "it cannot be done while the copies take no write")

	// A copy that was set aside takes a write again after an IML only.
	armRepository(t, l, "")
	advance(t, l, 3*time.Hour)
	require.Len(t, l.Owed(), 7)
	ok(t, l)(l.DualClusterIML())
	requireSettled(t, l, "an IML mends the copies and does what is owed")
	ok(t, l)(l.CreateRank("A0", 1))
}

// TestOwedWorkIsTriedAtEachOpportunity takes the opportunities one by one.
func TestOwedWorkIsTriedAtEachOpportunity(t *testing.T) {
	for name, try := range map[string]func(*Lab){
		"hour":              func(l *Lab) { advance(t, l, time.Hour) },
		"IML":               func(l *Lab) { ok(t, l)(l.DualClusterIML()) },
		"power cycle":       func(l *Lab) { ok(t, l)(l.PowerCycle()) },
		"restore":           func(l *Lab) { ok(t, l)(l.RestoreRepository()) },
		"new group key":     func(l *Lab) { ok(t, l)(l.RekeyGroupKey(1)) },
		"the removal again": func(l *Lab) { ok(t, l)(l.RemoveRank("R0")) },
	} {
		t.Run(name, func(t *testing.T) {
			l := encrypted(t, Options{})
			fails(t, l)(removeSpoiled(t, l))
			try(l)
			requireSettled(t, l, name)
		})
	}
}

// spoilRecords flips a bit in each record of a group that is composed after the next n. Such a
// record is impossible and is not written; no copy of the repository is to blame. -1 ends it.
func spoilRecords(t testing.TB, l *Lab, n int) {
	t.Helper()
	var plan *fault.Plan
	if n >= 0 {
		plan = fault.MustParse(fmt.Sprintf("(memory.record.flipped (And (Byte 0) (After %d)))", n))
	}
	require.NoError(t, l.ArmMemory(0, plan))
}

// removeSpoiled removes R0 while no record can be saved.
func removeSpoiled(t testing.TB, l *Lab) (Report, error) {
	spoilRecords(t, l, 0)
	defer spoilRecords(t, l, -1)
	return l.RemoveRank("R0")
}

// TestOwedWorkIsFoundFromRecordsAndDrives loses the list of what is owed: the record, the
// certificates and the drives say enough.
func TestOwedWorkIsFoundFromRecordsAndDrives(t *testing.T) {
	l := encrypted(t, Options{})
	fails(t, l)(removeSpoiled(t, l))
	l.owed.debts = nil
	ok(t, l)(l.DualClusterIML())
	requireSettled(t, l, "members without a place that are erased, with a certificate, leave their group")
}

// TestARemovalEndsWhereverItsSavesFail takes the power of the key repository at each
// page that a removal writes. Each kind of cut gets a third of the pages.
func TestARemovalEndsWhereverItsSavesFail(t *testing.T) {
	modes, owed := []string{"before", "torn", "after"}, 0
	for n := 0; ; n++ {
		require.Less(t, n, 500, "the sweep does not end")
		l := encrypted(t, Options{})
		armRepository(t, l, fmt.Sprintf("(repository.power.%s (OnIndex %d))", modes[n%3], n))
		rep, err := l.RemoveRank("R0")
		require.NoError(t, err)
		fired := l.records.media.Plan().Fired()
		armRepository(t, l, "")
		require.Equal(t, len(l.Owed()) > 0, rep.Failed, "cut %d: done means that nothing is owed: %v", n, rep.Notes)
		if rep.Failed {
			owed++
		}
		if len(fired) == 0 {
			require.Greater(t, owed, 30, "the cuts are felt")
			return
		}
		ok(t, l)(l.DualClusterIML())
		requireSettled(t, l, fmt.Sprintf("cut %d", n))
	}
}

// TestAnExchangedDriveWhoseRecordStaysIsOwed looks at the other places that forget a member.
func TestAnExchangedDriveWhoseRecordStaysIsOwed(t *testing.T) {
	l := encrypted(t, Options{})
	p, err := l.Shelf().Order(l.options.SectorSize, l.options.Sectors)
	require.NoError(t, err)
	old := l.plant.slots[1].port.Serial()
	g := l.keys.group(1)
	ok(t, l)(l.StartRepair("R1-I1-D02"))
	ok(t, l)(l.ExchangeFRU("R1-I1-D02", p.Serial()))
	ok(t, l)(l.ResumeRepair("R1-I1-D02"))
	spoilRecords(t, l, 0)
	advance(t, l, 30*time.Minute) // the rebuild ends: the drive that is gone leaves the group
	require.Contains(t, strings.Join(l.Owed(), "\n"), "R1-I1-D02 "+old)
	advance(t, l, 3*time.Hour)
	require.Len(t, l.Owed(), 1)
	spoilRecords(t, l, -1)
	advance(t, l, time.Hour)
	require.Empty(t, l.Owed())
	_, member := g.enc.Member(old)
	require.False(t, member)
	ok(t, l)(l.RekeyGroupKey(1))
}

// TestASpareThatCouldNotJoinForWantOfARecordIsASpareAgain: the drive has taken its
// credential, and the record does not say so.
func TestASpareThatCouldNotJoinForWantOfARecordIsASpareAgain(t *testing.T) {
	l := encrypted(t, Options{})
	spare := l.plant.slots[7]
	spoilRecords(t, l, 1) // the intent of the admission is kept, its end is not
	fails(t, l)(l.SmartRebuild("R1-I1-D03"))
	require.Equal(t, drive.Configured, spare.port.Status().State)
	require.Contains(t, strings.Join(l.Owed(), "\n"), "its erase in the smart rebuild of R1-I1-D03 is not finished")
	spoilRecords(t, l, -1)
	advance(t, l, time.Hour)
	require.Empty(t, l.Owed())
	require.True(t, spare.spare(), "it is a spare again: %s", spare.condition())
	ok(t, l)(l.SmartRebuild("R1-I1-D03"))
}

// TestARecordThatIsBehindIsNotTheDrivesFault: a member opens, and the facility cannot record it.
func TestARecordThatIsBehindIsNotTheDrivesFault(t *testing.T) {
	l := encrypted(t, Options{})
	g, s := l.keys.group(1), l.plant.slots[1]
	spoilRecords(t, l, 1) // of a rekey: pending is kept, its end is not
	fails(t, l)(l.RekeyDrive(s.name))
	spoilRecords(t, l, 0)
	advance(t, l, time.Hour)
	require.Equal(t, inSync, s.member().state, "the member serves: %s", s.member().why)
	require.Equal(t, []string{"BE31CFE8"}, openCodes(l), "the record is to blame, not the drive")
	ok(t, l)(l.PowerCycle())
	require.False(t, s.port.Status().Locked, "it was unlocked, whatever the record says")
	spoilRecords(t, l, -1)
	advance(t, l, time.Hour)
	m, _ := g.enc.Member(s.port.Serial())
	require.Zero(t, m.Pending)
}

// TestWhatAnAdmissionLeavesUntouched, by the step at which it ended. What it says of a drive decides
// whether an erase is owed.
func TestWhatAnAdmissionLeavesUntouched(t *testing.T) {
	at := func(step encgroup.Step, st drive.State, err error) error {
		return fmt.Errorf("raslab: %w", &encgroup.AdmitError{Serial: "A", Step: step, Status: drive.Status{State: st}, Err: err})
	}
	why := errors.New("why")
	for _, step := range []encgroup.Step{encgroup.StepGroup, encgroup.StepState, encgroup.StepMSID} {
		require.True(t, untouched(at(step, drive.Configured, why)), "%s", step)
	}
	require.True(t, untouched(at(encgroup.StepRecord, drive.Erased, why)))
	require.False(t, untouched(at(encgroup.StepRecord, drive.Configured, why)))
	for _, step := range []encgroup.Step{encgroup.StepAuthenticate, encgroup.StepNewKey, encgroup.StepMigrate, encgroup.StepBands} {
		require.False(t, untouched(at(step, drive.Erased, why)), "%s", step)
	}
	require.True(t, untouched(at(encgroup.StepInspect, drive.Configured, &encgroup.UnfitError{})), "what does not fit is found by looking")
	require.False(t, untouched(at(encgroup.StepInspect, drive.Erased, why)))
	require.False(t, untouched(why))
	require.False(t, untouched(nil))
}
