package proptest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/proptest"
)

// A property test of a drive with broken flash. The actions and the model come from this package,
// the property is yours. Here: a drive that reports itself erased has no locked range. Check stands
// in place of require.True, so that a failure prints seed, fault plan, trace and script.
func ExampleNewMachine() {
	property := func(t *rapid.T) {
		m, err := proptest.NewMachine(proptest.Options{Seed: rapid.Uint64().Draw(t, "seed")})
		require.NoError(t, err)
		actions := m.FaultActions()
		delete(actions, "tamper")
		actions["write everywhere"] = func(t *rapid.T) {
			m.Must(t, proptest.Command{Verb: proptest.Write, LBA: 0, Sectors: 64, Content: 7})
		}
		actions[""] = func(t *rapid.T) {
			s := m.Drive.Status()
			owned := s.Powered && s.State == drive.Erased && s.LockEnabled && m.RightPIN(drive.BandMaster(0)) != proptest.PINMSID
			m.Check(t, !owned, "a drive that calls itself erased has an owner")
		}
		t.Repeat(actions)
	}
	_ = func(t *testing.T) { rapid.Check(t, property) } // func TestMyProperty(t *testing.T) { rapid.Check(t, property) }
	rapid.Custom(func(t *rapid.T) int { property(t); return 0 }).Example(1)
	fmt.Println("holds")
	// Output: holds
}

// A run as a script: what a Failure's replay line holds.
func ExampleReplay() {
	m, err := proptest.Replay("seed=7 | authenticate BandMaster0 1; migrate 4; close; power-off; power-on; read 0 1")
	fmt.Println(m.Drive.Status().State, m.Drive.Status().Locked, err)
	_, err = proptest.Replay("seed=7 | migrate")
	fmt.Println(err)
	// Output:
	// Configured true <nil>
	// command 1: proptest: "migrate", want migrate PIN
}

// The power is cut at each flash operation of a migration, and of the power-on
// after it.
func ExampleSweep() {
	r, err := proptest.Sweep(proptest.SweepOptions{Operations: []string{"migrate"}, Ranges: []int{2}})
	if err != nil {
		panic(err)
	}
	for _, row := range r.Rows {
		fmt.Println(row.Operation, row.Mode, row.Points, "points,", row.Violations, "violations")
	}
	// Output:
	// migrate before 2 points, 0 violations
	// migrate torn 2 points, 0 violations
	// migrate after 2 points, 0 violations
}
