package raslab

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

func TestMembersHoldCiphertextOnly(t *testing.T) {
	l := encrypted(t, Options{})
	plain := pattern(1, 40*512)
	for i := range 7 {
		p := drivePart(t, l, slotName(1, i+1))
		dump := p.Drive.Dump()
		require.NotEmpty(t, dump.Written, "every member has strips of the rank")
		for _, lba := range dump.Written {
			b, _ := dump.Sector(lba)
			for k := 0; k < len(plain); k += 512 {
				require.False(t, bytes.Equal(b, plain[k:k+512]), "no member holds a sector in the clear")
			}
		}
	}
}

func TestParityRotates(t *testing.T) {
	l := encrypted(t, Options{})
	r := l.plant.ranks[0]
	seen := map[int]int{}
	for row := range uint64(7) {
		seen[r.parityOf(row)]++
		used := map[int]bool{r.parityOf(row): true}
		for k := range uint64(6) {
			n, position := r.place(row*6 + k)
			require.Equal(t, row, n)
			require.False(t, used[position], "no two strips of a row are on one member")
			used[position] = true
		}
	}
	require.Len(t, seen, 7, "each member holds the parity of every seventh row")
}

func TestRAIDOverADeadMember(t *testing.T) {
	for dead := range 7 {
		l := encrypted(t, Options{})
		require.NoError(t, l.Break(slotName(1, dead+1)))
		readable(t, l)
		r, err := l.plant.Rank("R0")
		require.NoError(t, err)
		require.Equal(t, "Degraded", r.Info().DataState, "host I/O has found the dead member %d", dead)
		require.NoError(t, r.Write(5, pattern(4, 30*512)), "the host writes to a degraded rank")
		require.NoError(t, r.Write(100, pattern(5, 10*512)), "also to new rows")
		advance(t, l, 2*time.Hour)
		require.Equal(t, "Normal", r.Info().DataState, "the spare has taken over\n%s", history{l})
		second := slotName(1, (dead+1)%7+1)
		require.NoError(t, l.Break(second))
		got := make([]byte, 30*512)
		require.NoError(t, r.Read(5, got))
		require.Equal(t, pattern(4, len(got)), got, "what was written degraded is on the spare")
		require.NoError(t, r.Read(100, got[:10*512]))
		require.Equal(t, pattern(5, 10*512), got[:10*512])
		noEvents(t, l)
	}
}

func TestHostWritesDuringARebuild(t *testing.T) {
	l := encrypted(t, Options{})
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.NoError(t, r.Write(0, pattern(6, 6*600*512)), "600 rows: the rebuild takes several steps")
	require.NoError(t, l.Break("R1-I1-D02"))
	advance(t, l, time.Hour)
	advance(t, l, 15*time.Minute)
	m := r.Info().Members[1]
	require.Equal(t, "R1-I1-D08", m.CopyingTo)
	require.Greater(t, m.Done, 0, "the rebuild is under way\n%s", history{l})
	require.Less(t, m.Done, 600)
	require.NoError(t, r.Write(0, pattern(7, 12*512)), "a row that was rebuilt already")
	require.NoError(t, r.Write(6*590, pattern(8, 12*512)), "a row that was not")
	advance(t, l, time.Hour)
	require.Equal(t, "Normal", r.Info().DataState)
	require.NoError(t, l.Break("R1-I1-D03"))
	got := make([]byte, 12*512)
	require.NoError(t, r.Read(0, got))
	require.Equal(t, pattern(7, len(got)), got)
	require.NoError(t, r.Read(6*590, got))
	require.Equal(t, pattern(8, len(got)), got)
}

func TestTwoDeadMembersLoseTheData(t *testing.T) {
	l := encrypted(t, Options{})
	require.NoError(t, l.Break("R1-I1-D02"))
	require.NoError(t, l.Break("R1-I1-D03"))
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	err = r.Read(0, make([]byte, 40*512))
	require.ErrorIs(t, err, ErrDataLost)
	require.ErrorContains(t, err, "R1-I1-D02", "it says which members are gone")
	require.ErrorContains(t, err, "R1-I1-D03")
	require.Equal(t, "Failed", r.Info().DataState)
	require.ErrorIs(t, r.Write(0, make([]byte, 512)), ErrDataLost)

	// A rebuild had begun before the second failure; it cannot end.
	advance(t, l, time.Hour)
	d, err := l.plant.Drive("R1-I1-D08")
	require.NoError(t, err)
	require.Equal(t, SpareRequired, d.Use, "the spare is free again")
	require.Equal(t, drive.Erased, d.Status.State, "and what was copied to it is erased")

	// The wrong turn: a new drive in the slot of one whose data nothing else has.
	p, err := l.OrderSpare()
	require.NoError(t, err)
	ok(t, l)(l.StartRepair("R1-I1-D02"))
	_, err = l.ExchangeFRU("R1-I1-D02", p.Serial())
	require.ErrorIs(t, err, ErrState)
	require.ErrorContains(t, err, "only copy of its data")
}

func TestTwoMembersWithoutPowerComeBackWithTheirData(t *testing.T) {
	l := encrypted(t, Options{})
	require.NoError(t, l.CutPower("R1-I1-D02"))
	require.NoError(t, l.CutPower("R1-I1-D03"))
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.ErrorIs(t, r.Read(0, make([]byte, 40*512)), ErrDataLost)
	_, err = l.EraseDrive("R1-I1-D03")
	require.ErrorContains(t, err, "no redundancy left", "the facility erases nothing that may be the only copy")
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D03"))
	advance(t, l, time.Hour)
	readable(t, l)
	ok(t, l)(pseudoRepair(t, l, "R1-I1-D02"))
	advance(t, l, 2*time.Hour)
	require.NoError(t, l.Break("R1-I1-D01"))
	readable(t, l)
	noEvents(t, l)
}

func TestMediaErrorsFailADrive(t *testing.T) {
	l := encrypted(t, Options{})
	arm(t, l, "R1-I1-D04", "(media.read.error) (media.write.error)")
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	for i := range 10 {
		readable(t, l)
		require.NoError(t, r.Write(uint64(100+6*i), pattern(9, 512)))
	}
	d, err := l.plant.Drive("R1-I1-D04")
	require.NoError(t, err)
	require.Equal(t, Failed, d.State, "media errors add up")
	advance(t, l, time.Hour)
	require.Equal(t, "Normal", r.Info().DataState)
	readable(t, l)
	noEvents(t, l)
}

func TestUnencryptedRank(t *testing.T) {
	l := newLab(t, Options{Drives: 16, SectorSize: 4096})
	ok(t, l)(l.CreateArray("S2", RAID7P))
	ok(t, l)(l.CreateRank("A0", 0))
	r, err := l.plant.Rank("r0")
	require.NoError(t, err)
	require.NoError(t, r.Write(3, pattern(1, 20*4096)))
	ok(t, l)(l.PowerCycle())
	got := make([]byte, 25*4096)
	require.NoError(t, r.Read(0, got))
	require.Equal(t, pattern(1, 20*4096), got[3*4096:23*4096])
	require.Equal(t, make([]byte, 3*4096), got[:3*4096], "what was never written reads as zeros")
	require.NoError(t, l.Break("R1-I1-D12"))
	advance(t, l, 2*time.Hour)
	require.Equal(t, "Degraded", r.Info().DataState, "7+P without a spare on the DA pair stays degraded")
	ok(t, l)(exchange(t, l, "R1-I1-D12", ""))
	advance(t, l, time.Hour)
	require.Equal(t, "Normal", r.Info().DataState)
	require.NoError(t, r.Read(0, got))
	require.Equal(t, pattern(1, 20*4096), got[3*4096:23*4096])
	ok(t, l)(l.RemoveRank("R0"))
	require.ErrorIs(t, r.Read(0, got), ErrNotFound, "a rank that was removed serves nobody")
	noEvents(t, l)
}

func TestRebuildOfARemovedRankTouchesNothing(t *testing.T) {
	l := encrypted(t, Options{Drives: 8})
	require.NoError(t, l.CutPower("R1-I1-D03"))
	advance(t, l, time.Hour) // the rebuild on D08 begins
	require.NoError(t, l.RestorePower("R1-I1-D03"))
	_, err := l.RemoveRank("R0")
	require.NoError(t, err)
	ok(t, l)(l.RemoveArray("A0"))
	for _, d := range l.plant.Drives()[:8] {
		require.Equal(t, Normal, d.State, "%s %s\n%s", d.Slot, d.Why, history{l})
	}
	ok(t, l)(l.CreateArray("S1", RAID7P))
	ok(t, l)(l.CreateRank("A0", 1))
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.NoError(t, r.Write(0, pattern(1, 40*512)))
	advance(t, l, 5*time.Hour) // the old rebuild's next step would be due
	noEvents(t, l)
	require.Equal(t, "Normal", r.Info().DataState)
	readable(t, l)
}
