package request

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestErrorsSayWhatWouldBeRightWhereSomethingWould(t *testing.T) {
	require.EqualError(t, Refuse(ErrState, "op", "what", ""), "raslab: op: what")
	require.EqualError(t, Refuse(ErrState, "op", "what", "right"), "raslab: op: what; right")
	require.Equal(t, "there are no ranks yet", Existing("ranks", nil, func(s string) string { return s }))
}
