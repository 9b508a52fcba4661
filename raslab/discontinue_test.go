package raslab

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever is wrong with a drive fails the scan. The event stays open until every such drive is out
// or well: taking out the first of two closes nothing.
func TestEachDriveThatIsNotProvedFailsTheScan(t *testing.T) {
	t.Parallel()
	const first, second = "R1-I1-D02", "R1-I1-D05"
	for name, c := range map[string]struct {
		hurt    func(t *testing.T, l *Lab, slotName string)
		verdict string
	}{
		"no answer": {func(t *testing.T, l *Lab, slotName string) { require.NoError(t, l.Break(slotName)) }, "does not answer: nothing is proved"},
		"configured": {func(t *testing.T, l *Lab, slotName string) {
			configure(t, drivePart(t, l, slotName))
			require.NoError(t, l.RestorePower(slotName))
		}, "configured"},
		"degraded": {func(t *testing.T, l *Lab, slotName string) { degrade(t, l, slotName) }, "security degraded"},
		"written": {func(t *testing.T, l *Lab, slotName string) {
			require.NoError(t, drivePart(t, l, slotName).Drive.Write(0, salaries))
		}, "not proved: 1 sector that no rank wrote; erase it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, Options{Drives: 16})
			c.hurt(t, l, first)
			c.hurt(t, l, second)
			d, err := l.Discontinue()
			fails(t, l)(d.Report, err)
			require.Equal(t, []string{"2 of 16 drives are not proved to be erased"}, d.Notes)
			require.Len(t, d.Verdicts, 16)
			for _, v := range d.Verdicts {
				bad := v.Slot == first || v.Slot == second
				require.Equal(t, !bad, v.Passed, v.Slot)
				if bad {
					require.Equal(t, c.verdict, v.Verdict)
				} else {
					require.Equal(t, verdictNeverWritten, v.Verdict)
				}
				require.Nil(t, v.Certificate, "nothing was erased here")
			}
			e := only(t, l, "BE34009F", first, second)
			require.Equal(t, []string{c.verdict, c.verdict}, e.Found)
			staysOpen(t, l, e)
			require.NoError(t, l.Pull(first))
			_, err = l.CloseEvent(e.ID, "operator", "", false)
			require.ErrorIs(t, err, ErrOpen, "the second one is still there")
			require.NotContains(t, err.Error(), first)
			require.NoError(t, l.Pull(second))
			closed(t, l, e)
		})
	}
}

// A certificate is shown only of a drive that is as its erase left it.
func TestTheScanShowsACertificateOnlyOfADriveThatPasses(t *testing.T) {
	t.Parallel()
	l := encrypted(t, Options{})
	ok(t, l)(l.RemoveRank("R0"))
	require.NoError(t, drivePart(t, l, "R1-I1-D01").Drive.Write(0, salaries))
	d, err := l.Discontinue()
	fails(t, l)(d.Report, err)
	require.Equal(t, "not proved: written since its erase; erase it", d.Verdicts[0].Verdict)
	require.Nil(t, d.Verdicts[0].Certificate, "its certificate is of what it was")
	require.Equal(t, verdictErased, d.Verdicts[1].Verdict)
	require.NotNil(t, d.Verdicts[1].Certificate)
	require.Equal(t, verdictNeverWritten, d.Verdicts[8].Verdict)
	require.Nil(t, d.Verdicts[8].Certificate, "it was never erased here")
}
