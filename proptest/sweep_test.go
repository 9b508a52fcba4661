package proptest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func requireNoViolation(t *testing.T, r *SweepResult, err error) {
	t.Helper()
	require.NoError(t, err)
	for _, f := range r.Violations {
		t.Error(f)
	}
}

// TestSweep cuts the power everywhere, on a drive with 3 ranges.
func TestSweep(t *testing.T) {
	for _, op := range SweepOperations() {
		t.Run(op[0], func(t *testing.T) {
			t.Parallel()
			r, err := Sweep(SweepOptions{Seed: 1, Operations: []string{op[0]}, Ranges: []int{2}})
			requireNoViolation(t, r, err)
			require.Positive(t, r.Points, "%s has at least one flash operation, so there is a point to cut at", op[0])
		})
	}
}
