package conformance_test

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

var lifecycles = flag.Int("lifecycles", 20, "how many seeds, of four random lifecycles each, of healthy drives the suite must not accuse")

// TestNoHealthyDriveIsAccused: the simulated drive and one of another make live through random
// lifecycles without a finding.
func TestNoHealthyDriveIsAccused(t *testing.T) {
	for name, maker := range map[string]conformance.Maker{"simulated": conformance.Simulated, "foreign": newForeign} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := conformance.Lifecycles(maker, 100, *lifecycles, conformance.Options{})
			require.NoError(t, err)
			if r != nil {
				t.Fatal(r.String())
			}
		})
	}
}
