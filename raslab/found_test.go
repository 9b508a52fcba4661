package raslab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPulledDriveIsNoDrive: a drive that is pulled while a smart rebuild copies it cannot be
// erased, and there is no drive that an event could name.
func TestPulledDriveIsNoDrive(t *testing.T) {
	l, err := New(Options{Drives: 16})
	require.NoError(t, err)
	_, err = l.ConfigureGroup(1)
	require.NoError(t, err)
	_, err = l.CreateArray("S1", RAIDAuto)
	require.NoError(t, err)
	_, err = l.CreateRank("A0", 1)
	require.NoError(t, err)
	r, err := l.plant.Rank("R0")
	require.NoError(t, err)
	require.NoError(t, r.Write(0, make([]byte, 512)))
	_, err = l.SmartRebuild("R1-I1-D01")
	require.NoError(t, err)
	require.NoError(t, l.Pull("R1-I1-D01"))
	require.NoError(t, l.Advance(time.Hour))
	for _, e := range l.events.Events() {
		require.NotContains(t, e.Serials, "", "%s names a drive that is not there", e.SRC)
	}
}
