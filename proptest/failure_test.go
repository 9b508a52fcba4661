package proptest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// listener keeps the text that a test ends with.
type listener struct {
	rapid.TB
	*strings.Builder
}

func (l listener) Helper()                      {}
func (l listener) Fatalf(text string, a ...any) { fmt.Fprintf(l, text, a...) }

// TestAFailureOfOnesOwn: a failure of a user's property prints what the checks of the package
// print, and its line gives the drive back.
func TestAFailureOfOnesOwn(t *testing.T) {
	m, err := Replay("seed=7 ranges=2 | authenticate BandMaster0 1; migrate 4; arm (flash.erase.refused)")
	require.NoError(t, err)
	heard := listener{t, &strings.Builder{}}
	m.Check(heard, true, "not said")
	require.Zero(t, heard.Len(), "what holds is not spoken of")
	m.Check(heard, false, "state %d is what I do not want", 1)
	for _, says := range []string{"state 1 is what I do not want\n  seed    7\n", "faults  (flash.erase.refused)", "migrate 4 -> ", fmt.Sprintf("m, err := proptest.Replay(%q)", m.Script())} {
		require.Contains(t, heard.String(), says)
	}
	again, err := Replay(m.Script())
	require.NoError(t, err)
	require.Equal(t, m.tail(), again.tail(), "the script is the run")
}
