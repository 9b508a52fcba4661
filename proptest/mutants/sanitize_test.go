package mutants

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// TestASoundSanitizerPasses: the device of which the mutants are made is accused of nothing.
func TestASoundSanitizerPasses(t *testing.T) {
	t.Parallel()
	report, err := conformance.Judge(NewSanitizer, conformance.Options{Only: []string{"SA01", "SA02", "SA03", "SA04", "SA05", "F08", "F15", "F16"}})
	require.NoError(t, err)
	for _, r := range report.Results {
		require.Equal(t, conformance.Passed, r.Verdict, r.String())
	}
}

// TestSanitizersAreCaught: they need no build, so they are judged in every run.
func TestSanitizersAreCaught(t *testing.T) {
	for _, m := range sanitizers {
		t.Run(m.Of+" "+m.Defect, func(t *testing.T) {
			t.Parallel()
			judged(t, m)
		})
	}
}
