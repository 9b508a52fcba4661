package erase

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Whoever cannot say whose a drive is does not get it erased, and hears what could not be asked.
func TestADriveThatDoesNotAnswerTheProofIsNotErased(t *testing.T) {
	silent := refuse(drive.Degraded)
	said := silent.Error()
	tries := func(silentFor drive.Authority) func(*wrong) {
		return func(w *wrong) {
			w.tries = func(a drive.Authority) (uint16, uint16, error) {
				if a == silentFor {
					return 0, 0, silent
				}
				return w.bench.Tries(a)
			}
		}
	}
	for _, c := range []struct {
		name  string
		wrong func(*wrong)
		why   string
	}{
		{"power", func(w *wrong) { w.status = func(s *drive.Status) { s.Powered = false } }, "the drive has no power, or its port is dead"},
		{"MSID", func(w *wrong) { w.msid = silent }, "the MSID cannot be read: " + said},
		{"range", func(w *wrong) {
			w.info = func(n int, _ *drive.RangeInfo) error {
				if n == 2 {
					return silent
				}
				return nil
			}
		}, "range 2 cannot be asked for its owner: the drive has no security record that can be trusted; a PSID revert makes it usable again, and gives its data up"},
		{"tries of a BandMaster", tries(drive.BandMaster(1)), "BandMaster1 cannot be asked for its tries: " + said},
		{"tries of the EraseMaster", tries(drive.EraseMaster), "EraseMaster cannot be asked for its tries: " + said},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, owner := three(t, "P1")
			before, written := b.Status(), b.Dump().Written
			w := &wrong{bench: b}
			c.wrong(w)
			r := runWrong(t, w, Job{Method: DriveErase, Owner: owner}, "prove", nil)
			require.Equal(t, Refused, r.Outcome, text(r))
			require.Equal(t, c.why, r.Why)
			require.Equal(t, before, b.Status())
			require.Equal(t, written, b.Dump().Written)
		})
	}
}

// A PSID revert without acknowledgement names the first range that is somebody else's.
func TestTheFirstRangeOfSomebodyElseIsNamed(t *testing.T) {
	b, _ := three(t, "P2")
	for n, owner := range map[int][]Credential{
		1: nil,
		2: {{Range: 1, PIN: pin(11)}},
	} {
		r := run1(t, Job{Target: b.Drive, Method: PSIDRevert, PSID: b.label.PSID, Owner: owner})
		require.Equal(t, Refused, r.Outcome, text(r))
		require.Equal(t, fmt.Sprintf("range %d is configured and no credential was given for it: it may hold someone's data; "+
			"to destroy it all the same, acknowledge the serial number P2", n), r.Why)
	}
}
