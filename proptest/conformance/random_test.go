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
	scripts := []string{
		// A power loss was answered as a failure of the hardware where no block was left, and the
		// drive took itself for powered.
		"seed=103 sectors=1048576 ranges=1 try-limit=1000 blocks=8 pages=4 | migrate 1 msid p1; break erase-refused; set-range 1 p1 16 16 rw 0; " +
			"set-locks 1 p1 rw; revert psid; set-locks 0 msid rw; set-range 0 msid 0 0 rw 3; erase 0 msid; erase 0 msid; break power-after@1; set-pin BandMaster1 msid p5",
		// A short PIN and the same PIN with a zero byte behind it were one.
		"seed=1 | set-pin SID msid p2; try SID p2/pad0",
		// A lock that is not enabled was open, and after a power cycle the model knew it closed, as it
		// had been before. A drive that remembered it open was accused once the lock was enabled.
		"seed=1518 sector-size=4096 sectors=1048576 ranges=0 try-limit=1000 blocks=8 | set-range 0 msid 0 0 rw 0; set-pin BandMaster0 msid p3; " +
			"set-locks 0 p3 rw; set-range 0 p3 0 0 -w 5; set-locks 0 p3 --; set-pin BandMaster0 p3 p6; power-off; power-on; " +
			"set-pin BandMaster0 p6 p5; set-range 0 p5 0 0 rw 5; read 5 2",
	}
	for name, maker := range map[string]conformance.Maker{"simulated": conformance.Simulated, "foreign": newForeign} {
		for _, script := range scripts {
			r, err := conformance.Replay(maker, script, conformance.Options{})
			require.NoError(t, err)
			if name == "foreign" && r.Verdict == conformance.NotJudged {
				continue // it has no migration and no faults
			}
			require.Equal(t, conformance.Passed, r.Verdict, "%s: %s", name, r.Why)
		}
	}
}
