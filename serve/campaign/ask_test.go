//go:build unix

package campaign

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRuns: a server tells at once whether a coordinator is there, with its process and without; one that is asked ends,
// and the next one knows nothing of that.
func TestRuns(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	nc := connect(t, s)
	const text = "drive lifecycles=100000\nlimit generation=16"
	id := plan(t, text).ID()
	runs := func() bool {
		is, err := Runs(t.Context(), nc, id)
		require.NoError(t, err)
		return is
	}
	gone := func() {
		for began := time.Now(); runs(); time.Sleep(10 * time.Millisecond) { // the server reads that the connection is gone
			require.Less(t, time.Since(began), time.Minute)
		}
	}
	require.False(t, runs())
	require.ErrorIs(t, Stop(t.Context(), nc, id), ErrIdle)

	first := begins(t, "run", s.URL(), text)
	require.NotEmpty(t, first.says(t, "merged"))
	require.True(t, runs())
	first.kill()
	gone()
	state, err := Read(t.Context(), nc, id)
	require.NoError(t, err)
	require.Equal(t, Running, state.Over, "nobody was there to write anything else")
	require.ErrorIs(t, Stop(t.Context(), nc, id), ErrIdle)

	second := begins(t, "run", s.URL(), text)
	require.NotEmpty(t, second.says(t, "merged"))
	require.True(t, runs())
	require.NoError(t, Stop(t.Context(), nc, id))
	require.NotEmpty(t, second.says(t, "report"))
	gone()
	state, err = Read(t.Context(), nc, id)
	require.NoError(t, err)
	require.Equal(t, Stopped, state.Over)

	third := begins(t, "run", s.URL(), text)
	require.NotEmpty(t, third.says(t, "merged 0"))
	require.NotEmpty(t, third.says(t, "merged 0"), "it goes on, a second later, too")
	require.True(t, runs())
}
