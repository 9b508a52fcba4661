package raslab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAPlainFailureHasNoCode: MAP4980 has no code for it. Once the facility has found the failure
// it says so, and what comes next.
func TestAPlainFailureHasNoCode(t *testing.T) {
	l := encrypted(t, Options{})
	must(t, l.Break("R1-I1-D05"))
	require.Empty(t, l.DriveFailures(), "nobody has looked yet")
	advance(t, l, time.Hour)
	require.Empty(t, l.events.OpenEvents())
	f := l.DriveFailures()
	require.Len(t, f, 1)
	require.Equal(t, "R1-I1-D05", f[0].Slot)
	require.Equal(t, "75NR641-0005", f[0].Serial)
	require.Equal(t, "it does not answer", f[0].Why)
	require.Contains(t, f[0].Next, "repair start drive=R1-I1-D05")
	advance(t, l, time.Hour)
	p, err := l.OrderSpare()
	must(t, err)
	ok(t, l)(exchange(t, l, "R1-I1-D05", p.Serial()))
	require.Empty(t, l.DriveFailures(), "it was exchanged")
}

// TestAFailureSaysWhatBecomesOfItsRank: with a spare and without, for a spare itself, for a pulled
// drive, and for one that an event names already.
func TestAFailureSaysWhatBecomesOfItsRank(t *testing.T) {
	next := func(l *Lab, slot string) string {
		for _, f := range l.DriveFailures() {
			if f.Slot == slot {
				return f.Next
			}
		}
		return ""
	}
	l := encrypted(t, Options{})
	ok(t, l)(l.CreateArray("S2", RAIDAuto))
	must(t, l.Break("R1-I1-D16"))
	advance(t, l, time.Hour)
	require.Equal(t, "it serves no rank; exchange the drive: repair start drive=R1-I1-D16", next(l, "R1-I1-D16"))
	must(t, l.Break("R1-I1-D02"))
	l.CheckHealth()
	require.Equal(t, "R0 is rebuilt onto R1-I1-D08; then exchange the drive: repair start drive=R1-I1-D02", next(l, "R1-I1-D02"))
	advance(t, l, 2*time.Hour)
	require.Equal(t, "it serves no rank; exchange the drive: repair start drive=R1-I1-D02", next(l, "R1-I1-D02"))
	must(t, l.Pull("R1-I1-D03"))
	l.CheckHealth()
	require.Equal(t, "R0 has no spare and is not rebuilt; exchange the drive: repair start drive=R1-I1-D03", next(l, "R1-I1-D03"))

	l = encrypted(t, Options{})
	arm(t, l, "R1-I1-D05", stubborn)
	_, err := l.RekeyDrive("R1-I1-D05")
	must(t, err)
	advance(t, l, time.Hour)
	require.NotEmpty(t, l.events.OpenEvents())
	require.Empty(t, l.DriveFailures(), "its event speaks of it")
}
