package raslab

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// TestReportsAsText: what a Go program prints of them.
func TestReportsAsText(t *testing.T) {
	r := Report{
		Action: "rank remove", Object: "R0", Failed: true, Notes: []string{"R0 is gone"}, Events: []ServiceEvent{{ID: 3, SRC: "BE34009E"}},
		Drives: []DriveResult{{Slot: "R1-I1-D01", Serial: "S1", Did: "erased and verified"}, {Slot: "R1-I1-D02", Serial: "S2", Did: "was not erased", Err: errors.New("no power")}},
	}
	text := "rank remove R0: failed\n  R1-I1-D01 S1 erased and verified\n  R1-I1-D02 S2 was not erased: no power\n  R0 is gone\n  event 3: BE34009E"
	require.Equal(t, text, r.String())
	require.Equal(t, text+"\n  R1-I1-D01 S1: erased, certificate held\n  away: S9 ("+(drive.Identity{1}).String()+"): "+string(CustodyHolds), DiscontinueReport{
		Report: r, Verdicts: []DriveVerdict{{Slot: "R1-I1-D01", Serial: "S1", Verdict: "erased, certificate held"}},
		Away: []CustodyRecord{{Serial: "S9", Identity: drive.Identity{1}, State: CustodyHolds}},
	}.String())
	require.Equal(t, "iml: done", Report{Action: "iml"}.String())
	require.Equal(t, "key manager 1 vinz: success; it expires", AccessResult{1, "vinz", nil, "it expires"}.String())
	require.Equal(t, "key manager 1 vinz: no answer", fmt.Sprint(AccessResult{1, "vinz", errors.New("no answer"), ""}))
	require.Equal(t, "not run, no partition has data access", HealthReport{}.String())
	require.Equal(t, "7 members by partitions [0 1]: as their ranks require", HealthReport{Ran: true, Partitions: []int{0, 1}, Checked: 7}.String())
	require.Contains(t, HealthReport{Ran: true, Bad: []string{"R1-I1-D01", "R1-I1-D02"}}.String(), "not as their rank requires: R1-I1-D01, R1-I1-D02")
}
