package erase

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheReportAsText(t *testing.T) {
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
	require.True(t, (&Result{Outcome: Failed}).Degraded())
	require.False(t, (&Result{Outcome: Passed}).Degraded())
	_, ok := (&Result{}).Check(CheckState)
	require.False(t, ok)
}

// JSON has no times outside the years 0 to 9999.
func TestAReportWhoseTimeJSONCannotHoldIsAnError(t *testing.T) {
	late := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	b, err := (&Report{Results: []Result{{Started: late}}}).JSON()
	require.ErrorContains(t, err, "erase: report: ")
	require.Empty(t, b)
}
