package erase

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// broken takes so many writes.
type broken int

func (b *broken) Write(p []byte) (int, error) {
	if *b--; *b < 0 {
		return 0, errDisk
	}
	return len(p), nil
}

func TestAReportThatCannotBeWrittenIsAnError(t *testing.T) {
	rep := &Report{Results: []Result{
		{Serial: "R1", Method: RangeErase, Range: 2, Outcome: Passed},
		{Serial: "R2", Method: DriveErase, Outcome: AlreadyErased, Why: "passed"},
		{Serial: "R3", Method: DriveErase, Outcome: NotStarted},
		{Serial: "R4", Method: PSIDRevert, Outcome: NotAccepted},
	}}
	require.Equal(t, "R1  range erase 2  passed\nR2  drive erase    already erased  passed\nR3  drive erase    not started\nR4  PSID revert    not accepted\n"+
		"1 passed, 1 already erased, 1 not accepted, 0 failed, 1 not started\n", rep.Text())
	require.False(t, rep.OK())
	require.True(t, (&Report{Results: rep.Results[:2]}).OK())
	require.Equal(t, "0 passed, 0 failed\n", (&Report{}).Text())
	failed := 0
	for n := range 100 {
		b := broken(n)
		err := rep.WriteText(&b)
		if err == nil {
			break
		}
		require.EqualError(t, err, "erase: write report: input/output error")
		failed++
	}
	require.Greater(t, failed, 1)
	require.True(t, (&Result{Outcome: Failed}).Degraded())
	require.False(t, (&Result{Outcome: Passed}).Degraded())
	_, ok := (&Result{}).Check(CheckState)
	require.False(t, ok)
}
