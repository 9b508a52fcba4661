package proptest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// TestLifecycleIsCovered: the random actions reach every row of the table and
// every pair that it lacks, with real drives. The seeds are fixed, so that what is
// covered does not change from run to run.
func TestLifecycleIsCovered(t *testing.T) {
	var c Coverage
	run := rapid.Custom(func(t *rapid.T) struct{} {
		o := Options{Seed: rapid.Uint64Range(0, 1<<20).Draw(t, "seed"), AuditEvery: -1}
		m, err := NewMachine(o)
		require.NoError(t, err)
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{
			"session", "session", "session", "cut power", "tamper", "degrade", "degrade", "come back", "power cycle",
		}), 150, 150).Draw(t, "actions")
		actions := m.FaultActions()
		actions["degrade"] = func(t *rapid.T) {
			m.attempt(t, Command{Verb: Disarm})
			a := m.DrawAuthority(t)
			for _, c := range []Command{
				{Verb: Close},
				{Verb: Authenticate, Authority: a, PIN: m.RightPIN(a)},
				{Verb: Arm, Plan: "(flash.erase.refused) (flash.zero.refused)"},
				m.DrawInSession(t, a),
				{Verb: Disarm},
				{Verb: Close},
			} {
				m.attempt(t, c)
			}
		}
		for _, name := range steps {
			actions[name](t)
		}
		c.Add(m.Trace)
		return struct{}{}
	})
	for seed := range 40 {
		run.Example(seed)
	}
	t.Logf("exercised:\n%s", c.Report())
	require.Empty(t, c.Missing(), "every row and every refused pair is exercised, and nothing else happens")
}

// TestCoverageSeesWhatIsNotInTheTable: the check can fail.
func TestCoverageSeesWhatIsNotInTheTable(t *testing.T) {
	for _, bad := range []drive.TransitionTrace{
		{Event: drive.EventRekey, From: drive.Erased, To: drive.Configured},
		{Event: drive.EventErase, From: drive.Configured, To: drive.SecurityDegraded},
		{Event: drive.EventErase, From: drive.Configured, To: drive.Configured, Refused: true},
		{Event: drive.EventRestore, From: drive.Erased, To: drive.Configured, Refused: true},
	} {
		require.False(t, InTable(bad), "%+v is no row and no refused pair", bad)
		var c Coverage
		c.Add([]drive.TransitionTrace{bad})
		require.Contains(t, c.Missing()[len(c.Missing())-1], "not in the table")
	}
	var none Coverage
	require.Len(t, none.Missing(), len(drive.Enterprise.Lifecycle())+len(drive.Enterprise.Refused()), "nothing was exercised yet")
}
