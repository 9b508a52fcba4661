package facility

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var script = flag.String("script", "", "the run that TestReplay replays")

func TestMain(m *testing.M) {
	_ = flag.Set("rapid.steps", "50")
	_ = flag.Set("rapid.shrinktime", "10s")
	flag.Parse()
	os.Exit(m.Run())
}

// TestReplay replays a run that failed.
func TestReplay(t *testing.T) {
	if *script == "" {
		t.Skip("skipped: no -script to replay")
	}
	_, err := Replay(*script)
	require.NoError(t, err)
}

func machine(t *rapid.T) *Machine {
	m, err := NewMachine(Options{Seed: rapid.Uint64Range(0, 1000).Draw(t, "seed")})
	require.NoError(t, err)
	require.NoError(t, m.Prepare())
	return m
}

// TestSoundFacility: where nothing is broken all goes well and nothing is
// reported.
func TestSoundFacility(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := machine(t)
		t.Repeat(m.Actions())
		require.Empty(t, m.Lab.Events(), "no false alarm")
	})
}

// TestBrokenFacility: whatever breaks, data are right or refused, causes are
// reported, and reports have causes.
func TestBrokenFacility(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := machine(t)
		t.Repeat(m.FaultActions())
	})
}
