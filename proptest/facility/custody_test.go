package facility

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestTheScanPassesNothingThatCanBeRead: whatever happened before, a scan at the end passes no
// drive on which anybody can read data, and leaves none out.
func TestTheScanPassesNothingThatCanBeRead(t *testing.T) {
	scans, passed, outsiderWrites := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		m := machine(t)
		t.Repeat(m.FaultActions())
		m.endRepair(t)
		m.Must(t, "advance 600")
		slots := m.slots()
		var written []string
		for range 3 {
			written = append(written, rapid.SampledFrom(slots).Draw(t, "written"))
		}
		require.NoError(t, m.EmptyAndScan(written...))
		scans, outsiderWrites = scans+m.Scans(), outsiderWrites+m.OutsiderWrites()
		for _, d := range m.Lab.Drives() {
			if m.Lab.Certificate(d.Serial) != nil {
				passed++
			}
		}
	})
	require.NotZero(t, scans, "a scan was made")
	require.NotZero(t, passed, "and a drive with a certificate was looked at")
	require.NotZero(t, outsiderWrites, "outsiders wrote something")
	t.Logf("%d scans, %d drives with a certificate, %d sectors of outsiders", scans, passed, outsiderWrites)
}

// TestTheScanNamesADriveThatItsRankLeftBehind: the rebuild on a new part ends early, since another
// member gave no answer, and a spare takes over. The part is sound and holds data. The scan fails
// it, and the cause is in the history of the other drive.
func TestTheScanNamesADriveThatItsRankLeftBehind(t *testing.T) {
	m, err := Replay("seed=738 drives=16 | group 1; array S1; rank A0 1; array S2; rank A1 0; write R1 21 44; repair R1-I1-D12; exchange R1-I1-D12 new; resume R1-I1-D12; " +
		"arm R1-I1-D15 (port.command.lost (OnIndex 0)); advance 600; remove-rank R0; remove-rank R1; discontinue")
	require.NoError(t, err)
	events := m.Lab.Events()
	require.Len(t, events, 1)
	require.Equal(t, "BE34009F", events[0].SRC)
	require.Equal(t, []string{"FRU00001"}, events[0].Serials)
	m.history.mates = nil
	require.ErrorContains(t, m.checkEvents(), "the fault history has no cause for it")
}
