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
	n := *lifecycles
	if testing.Short() {
		n = min(n, 4)
	}
	for name, maker := range map[string]conformance.Maker{"simulated": conformance.Simulated, "foreign": newForeign} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := conformance.Lifecycles(maker, 100, n, conformance.Options{})
			require.NoError(t, err)
			if r != nil {
				t.Fatal(r.String())
			}
		})
	}
}

// TestRunsThatOnceFailed: what random lifecycles have found is played again.
func TestRunsThatOnceFailed(t *testing.T) {
	for _, script := range []string{
		// A power loss was answered as a failure of the hardware where no block was left, and the
		// drive took itself for powered.
		"seed=103 sectors=1048576 ranges=1 try-limit=1000 blocks=8 pages=4 | migrate 1 msid p1; break erase-refused; set-range 1 p1 16 16 rw 0; " +
			"set-locks 1 p1 rw; revert psid; set-locks 0 msid rw; set-range 0 msid 0 0 rw 3; erase 0 msid; erase 0 msid; break power-after@1; set-pin BandMaster1 msid p5",
		// A short PIN and the same PIN with a zero byte behind it were one.
		"seed=1 | set-pin SID msid p2; try SID p2/pad0",
	} {
		r, err := conformance.Replay(conformance.Simulated, script, conformance.Options{})
		require.NoError(t, err)
		require.Equal(t, conformance.Passed, r.Verdict, "%s", r.Why)
	}
}
