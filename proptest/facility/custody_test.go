package facility

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestTheScanPassesNothingThatCanBeRead: whatever broke, was pulled, exchanged or written before,
// a scan at the end passes no drive that anybody reads, and forgets none.
func TestTheScanPassesNothingThatCanBeRead(t *testing.T) {
	scans, passed, smuggled := 0, 0, 0
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
		require.NoError(t, m.Empty(written...))
		scans, smuggled = scans+m.Scans(), smuggled+m.Smuggled()
		for _, d := range m.Lab.Drives() {
			if m.Lab.Certificate(d.Serial) != nil {
				passed++
			}
		}
	})
	require.NotZero(t, scans, "a scan was made")
	require.NotZero(t, passed, "and a drive with a certificate was looked at")
	require.NotZero(t, smuggled, "outsiders wrote something")
	t.Logf("%d scans, %d drives with a certificate, %d sectors of outsiders", scans, passed, smuggled)
}
