package facility_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/proptest/facility"
)

// A property test of one's own over a whole facility: the actions, the model and
// its checks come from this package, the property is yours. Here: while the key
// servers answer, no group of a facility is inaccessible after an IML.
func ExampleNewMachine() {
	property := func(t *rapid.T) {
		m, err := facility.NewMachine(facility.Options{Seed: rapid.Uint64().Draw(t, "seed")})
		require.NoError(t, err)
		require.NoError(t, m.Prepare())
		actions := m.FaultActions()
		delete(actions, "stop server")
		actions["reboot and look"] = func(t *rapid.T) {
			m.Must(t, "iml")
			for _, g := range m.Lab.Groups() {
				require.Equal(t, "accessible", g.State, "group %d: %s", g.ID, g.Why)
			}
		}
		t.Repeat(actions)
	}
	_ = func(t *testing.T) { rapid.Check(t, property) } // func TestMyProperty(t *testing.T) { rapid.Check(t, property) }
	rapid.Custom(func(t *rapid.T) int { property(t); return 0 }).Example(1)
	fmt.Println("holds")
	// Output: holds
}
