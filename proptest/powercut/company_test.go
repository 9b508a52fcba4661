package powercut

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNoPowerCutViolatesOnFlashThatRefuses: whatever the first block or the first page refuses, in the operation and
// in each start, what is promised holds. Each row says that its flash did refuse.
func TestNoPowerCutViolatesOnFlashThatRefuses(t *testing.T) {
	t.Parallel()
	o := Options{Depth: 1, With: []string{"erase-refused", "program-refused"}}
	if testing.Short() {
		o.Operations = []string{"group/release", "erase/range", "opal/several", "opal/psid-revert"}
	}
	r := swept(t, o)
	for _, v := range r.Violations {
		t.Error(v)
	}
	with := map[string]int{}
	for _, row := range r.Rows {
		require.Positive(t, row.Points, "%s %s", row.Operation, row.Mode)
		require.Positive(t, row.Refused, "%s %s", row.Operation, row.Mode)
		require.NotEqual(t, "repository", row.Part, "it has no flash of a drive")
		with[row.With]++
	}
	require.Positive(t, with["erase-refused"])
	require.Positive(t, with["program-refused"])
}

// TestFlashThatRefusesNothingProvesNothing: a row whose flash did not refuse is a violation.
func TestFlashThatRefusesNothingProvesNothing(t *testing.T) {
	t.Parallel()
	p, err := PlanSweep(Options{Depth: 1, Operations: []string{"repository/put"}})
	require.NoError(t, err)
	p.sweeps[0].with = companies[1]
	require.True(t, p.Run(0))
	r, err := p.Result()
	require.NoError(t, err)
	require.Len(t, r.Violations, 3, "in each mode")
	require.Contains(t, r.Violations[0].Why, "nothing was refused")
	require.Equal(t, "fdelab sweep --seed 0 --operation repository/put --with erase-refused", r.Violations[0].Replay)
}

// TestAPointWithWhatElseBreaks: the line that a violation prints runs that point alone.
func TestAPointWithWhatElseBreaks(t *testing.T) {
	t.Parallel()
	r := swept(t, Options{Operations: []string{"group/rekey"}, Point: "torn@2+torn@0", With: []string{"program-refused"}})
	require.Empty(t, r.Violations)
	require.True(t, r.Reached)
	require.Len(t, r.Rows, 1)
	require.Equal(t, "program-refused", r.Rows[0].With)
	require.Positive(t, r.Rows[0].Refused)
}
