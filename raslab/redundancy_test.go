package raslab

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// onlyCopy is a rank whose D05 lacks row 4, while only D06 has sector 24 of that row: D06 was
// pulled after D07 had been away.
func onlyCopy(t *testing.T) (*Lab, *Rank) {
	t.Helper()
	l := encrypted(t, Options{})
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	ok(t, l)(l.StartRepair("R1-I1-D05"))
	require.NoError(t, r.Write(24, pattern(2, 3*512)))
	require.NoError(t, l.CutPower("R1-I1-D07"))
	ok(t, l)(l.CancelRepair("R1-I1-D05"))
	advance(t, l, time.Hour)
	require.NoError(t, l.Pull("R1-I1-D06"))
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D07"))
	advance(t, l, 8*time.Hour)
	return l, r
}

// wrote requires that the three sectors of onlyCopy are there.
func wrote(t *testing.T, l *Lab, r *Rank) {
	t.Helper()
	got := make([]byte, 3*512)
	require.NoError(t, r.Read(24, got), "%s", history{l})
	require.Equal(t, pattern(2, len(got)), got)
}

func TestADriveWithTheOnlyCopyOfARowIsNotReplaced(t *testing.T) {
	l, r := onlyCopy(t)
	i := r.Info()
	require.Equal(t, "Failed", i.DataState, "the rank says what is so")
	require.Equal(t, "R1-I1-D06", i.Members[5].Slot, "no spare took its place")
	require.Equal(t, 1, i.Members[5].OnlyCopies)
	require.Equal(t, "stale", i.Members[4].State)
	require.Equal(t, 1, i.Members[4].Lacks)
	require.ErrorIs(t, r.Read(24, make([]byte, 512)), ErrDataLost)

	ok(t, l)(l.PowerCycle())
	advance(t, l, 2*time.Hour)
	require.Equal(t, i.Members, r.Info().Members, "an IML and a power cycle lose nothing of it")
	p, err := l.OrderSpare()
	require.NoError(t, err)
	ok(t, l)(l.StartRepair("R1-I1-D06"))
	_, err = l.ExchangeFRU("R1-I1-D06", p.Serial())
	require.ErrorIs(t, err, ErrState)
	require.ErrorContains(t, err, "D05 (it lacks 1 row)", "it says which member depends on the drive")
	fails(t, l)(l.CancelRepair("R1-I1-D06"))
	_, err = l.StartRepair("R1-I1-D01")
	require.ErrorIs(t, err, ErrState, "nor does any other member go")

	ok(t, l)(l.Insert("R1-I1-D06", "75NR641-0006"))
	advance(t, l, 2*time.Hour)
	require.Equal(t, "Normal", r.Info().DataState, "it is back by itself, and so are the data\n%s", history{l})
	wrote(t, l, r)
}

func TestARowThatIsLostIsGoodAgainWhenAllOfItIsWritten(t *testing.T) {
	l, r := onlyCopy(t)
	require.ErrorIs(t, r.Write(24, pattern(3, 512)), ErrDataLost, "one sector of it is not enough")
	require.NoError(t, r.Write(24, pattern(3, 6*512)))
	advance(t, l, 2*time.Hour)
	require.Equal(t, "Normal", r.Info().DataState, "nothing depends on D06 any more, and the spare took over\n%s", history{l})
	require.Equal(t, "R1-I1-D08", r.Info().Members[5].Slot)
	got := make([]byte, 6*512)
	require.NoError(t, r.Read(24, got))
	require.Equal(t, pattern(3, len(got)), got)
}

func TestARepairLooksAtTheOtherMembersFirst(t *testing.T) {
	l := encrypted(t, Options{})
	require.NoError(t, l.Break("R1-I1-D03"))
	_, err := l.StartRepair("R1-I1-D07")
	require.ErrorIs(t, err, ErrState)
	require.ErrorContains(t, err, "R1-I1-D03 (it does not answer)", "it says why")
	require.ErrorContains(t, err, "wait until the rebuild on R1-I1-D08 is complete", "and what would be right")
	readable(t, l)
	advance(t, l, time.Hour)
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D07"))

	for name, hide := range map[string]func(l *Lab) error{
		"pulled":    func(l *Lab) error { return l.Pull("R1-I1-D03") },
		"locked":    func(l *Lab) error { return errors.Join(l.CutPower("R1-I1-D03"), l.RestorePower("R1-I1-D03")) },
		"exchanged": func(l *Lab) error { return swapped(l, "R1-I1-D03") },
	} {
		l := encrypted(t, Options{})
		require.NoError(t, hide(l))
		_, err := l.StartRepair("R1-I1-D07")
		require.ErrorIs(t, err, ErrState, "the drive in D03 is %s", name)
		readable(t, l)
	}
}

// swapped puts a new drive into a slot, without a word to the facility.
func swapped(l *Lab, slotName string) error {
	if err := l.Pull(slotName); err != nil {
		return err
	}
	p, err := l.OrderSpare()
	if err == nil {
		_, err = l.Insert(slotName, p.Serial())
	}
	return err
}

func TestAllMembersAreBackAndSoIsTheRank(t *testing.T) {
	for _, keygrp := range []int{0, 1} {
		l, r := plain(t, RAIDAuto, keygrp)
		require.NoError(t, r.Write(0, pattern(5, 600*512)))
		ok(t, l)(l.SmartRebuild("R1-I1-D02"))
		for _, d := range l.plant.Drives() {
			require.NoError(t, l.CutPower(d.Slot))
		}
		advance(t, l, 12*time.Minute)
		for _, d := range l.plant.Drives() {
			require.NoError(t, l.RestorePower(d.Slot))
		}
		advance(t, l, 2*time.Hour)
		require.Equal(t, "Normal", r.Info().DataState, "key group %d\n%s", keygrp, history{l})
		got := make([]byte, 600*512)
		require.NoError(t, r.Read(0, got))
		require.Equal(t, pattern(5, len(got)), got)
	}
}

// TestADriveInTheSlotOfARebuildIsNotErased: the drive that was being filled is exchanged
// for one that its rank waits for.
func TestADriveInTheSlotOfARebuildIsNotErased(t *testing.T) {
	l, r := plain(t, RAIDAuto, 0)
	require.NoError(t, l.CutPower("R1-I1-D01"))
	require.NoError(t, r.Write(0, pattern(7, 512)), "the parity on D01 misses it, and D02 alone has it\n")
	require.Equal(t, "R1-I1-D08", r.Info().Members[0].CopyingTo)
	require.NoError(t, l.Pull("R1-I1-D02"))
	require.Error(t, r.Read(0, make([]byte, 512)))
	require.NoError(t, l.Pull("R1-I1-D08"))
	fails(t, l)(l.Insert("R1-I1-D08", "75NR641-0002"))
	advance(t, l, time.Hour)
	require.NoError(t, l.Pull("R1-I1-D08"))
	ok(t, l)(l.Insert("R1-I1-D02", "75NR641-0002"))
	require.NoError(t, l.RestorePower("R1-I1-D01"))
	advance(t, l, 3*time.Hour)
	got := make([]byte, 512)
	require.NoError(t, r.Read(0, got), "%s", history{l})
	require.Equal(t, pattern(7, 512), got)
	require.Equal(t, "Normal", r.Info().DataState)
}

func TestTheDriveInTheSlotOfACopysSourceIsNotErasedForIt(t *testing.T) {
	l := encrypted(t, Options{})
	ok(t, l)(l.SmartRebuild("R1-I1-D02"))
	require.NoError(t, l.Pull("R1-I1-D02"))
	require.NoError(t, l.Pull("R1-I1-D10"))
	_, err := l.Insert("R1-I1-D02", "75NR641-0010")
	require.NoError(t, err)
	advance(t, l, time.Hour)
	require.Nil(t, l.Certificate("75NR641-0010"), "the drive that took the slot was not erased in place of the source\n%s", history{l})
	readable(t, l)
}

// TestAWriteThatFailsTakesNothingAway: the member that a write needs refuses it while another
// member is away. The earlier data are still readable.
func TestAWriteThatFailsTakesNothingAway(t *testing.T) {
	l := encrypted(t, Options{})
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.NoError(t, l.CutPower("R1-I1-D08"), "there is no spare")
	require.NoError(t, l.CutPower("R1-I1-D07"))
	readable(t, l)
	for _, slot := range []string{"R1-I1-D01", "R1-I1-D02"} {
		arm(t, l, slot, "(media.write.error (LBA 0))")
	}
	require.ErrorIs(t, r.Write(0, pattern(9, 512)), ErrDataLost, "sector 0 on D02 and its parity on D01")
	readable(t, l)
	require.ErrorIs(t, r.Write(6*100, pattern(9, 512)), nil)
	arm(t, l, "R1-I1-D03", "(media.write.error (LBA 200))")
	require.ErrorIs(t, r.Write(6*200, pattern(9, 512)), ErrDataLost, "a new row")
	got := make([]byte, 6*512)
	require.NoError(t, r.Read(6*200, got))
	require.Equal(t, make([]byte, len(got)), got, "a row that could not be written is none")
	require.Equal(t, "Degraded", r.Info().DataState)
}

// TestASectorThatCannotBeReadHoldsTheRebuild: D04 does not read a sector whose row needs
// the drive that was pulled.
func TestASectorThatCannotBeReadHoldsTheRebuild(t *testing.T) {
	l := encrypted(t, Options{})
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.NoError(t, l.Pull("R1-I1-D01"))
	arm(t, l, "R1-I1-D04", "(media.read.error (LBA 3))")
	advance(t, l, 3*time.Hour)
	i := r.Info()
	require.Equal(t, "R1-I1-D01", i.Members[0].Slot, "what D01 has of that row is nowhere else\n%s", history{l})
	require.Equal(t, "Failed", i.DataState, "a row cannot be read")
	spare, err := l.plant.Drive("R1-I1-D08")
	require.NoError(t, err)
	require.Equal(t, Normal, spare.State)
	ok(t, l)(l.Insert("R1-I1-D01", "75NR641-0001"))
	advance(t, l, 3*time.Hour)
	require.Equal(t, "Normal", r.Info().DataState, "D01 is back, and D04 was written anew\n%s", history{l})
	readable(t, l)
}
