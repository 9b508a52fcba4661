package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

func TestSweepOfAnyDevice(t *testing.T) {
	depth := 2
	if testing.Short() {
		depth = 1
	}
	r, err := conformance.Sweep(conformance.Simulated, 1, depth)
	require.NoError(t, err)
	for _, f := range r.Failures {
		t.Error(f.String())
	}
	searches := 0
	for _, row := range r.Rows {
		require.NotZero(t, row.Points, "%s, %s", row.Command, row.Mode)
		searches += row.Searches
	}
	require.NotZero(t, searches, "a sweep that could not have found a key proves nothing")
	t.Logf("%d points, %d searches", r.Points, searches)

	_, err = conformance.Sweep(newForeign, 1, 1)
	require.ErrorContains(t, err, "has no breaks")
	_, err = conformance.Sweep(conformance.Simulated, 1, 4)
	require.ErrorContains(t, err, "want 1 to 3")
}

// TestMachineOfAnyDevice: random commands of rapid's, on both devices.
func TestMachineOfAnyDevice(t *testing.T) {
	for name, maker := range map[string]conformance.Maker{"simulated": conformance.Simulated, "foreign": newForeign} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m, err := conformance.NewMachine(maker, conformance.PlainWish(rapid.Uint64Range(1, 1<<20).Draw(t, "seed")))
				require.NoError(t, err)
				t.Repeat(m.Actions())
				m.Do(t, "power-on")
			})
		})
	}
}

func BenchmarkDevice(b *testing.B) { conformance.Benchmark(b, conformance.Simulated) }

// skipper is a test of which a Skip ends one action, as in rapid's T.Repeat.
type skipper struct{ *testing.T }

type skipped struct{}

func (skipper) Skip(...any) { panic(skipped{}) }

// TestMachineInDoubtStaysSkipped: a run that cannot be judged any more gives the device no command, and
// the doubts do not multiply.
func TestMachineInDoubtStaysSkipped(t *testing.T) {
	m, err := conformance.NewMachine(conformance.Simulated, conformance.PlainWish(1))
	require.NoError(t, err)
	skips := func(commands string) (is bool) {
		defer func() {
			if v := recover(); v != nil {
				require.Equal(t, skipped{}, v)
				is = true
			}
		}()
		m.Do(skipper{t}, commands)
		return false
	}
	rounds := 0
	for !skips("break power-before@0; genkey 0 msid; power-on") {
		rounds++
		require.Less(t, rounds, 50, "doubts that never come to their limit show nothing: %s", m.Script())
	}
	before := m.Script()
	require.True(t, skips("power-on"))
	require.Equal(t, before, m.Script())
}
