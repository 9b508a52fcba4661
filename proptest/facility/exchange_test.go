package facility

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheModelAdoptsWhatRASBegins: two drives that an outsider reverted give wrong data at each
// hour. The third time is a predicted failure, and RAS begins a smart rebuild during an advance.
// The model of the keys takes it over.
func TestTheModelAdoptsWhatRASBegins(t *testing.T) {
	m, err := Replay("seed=110 drives=16 | group 1; array S1; rank A0 0; write R0 0 1; write R0 1 2; write R0 2 3; " +
		"outsider-revert R1-I1-D01; outsider-revert R1-I1-D02; read R0 0; read R0 0; advance 360; advance 600")
	require.NoError(t, err)
	require.Contains(t, m.Lab.TraceText(), "is predicted: issraid exchange")
}
