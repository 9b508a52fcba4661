package facility_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/proptest/facility"
)

// A property test of a whole facility. The actions, the model and its checks come from this
// package, the property is yours. Here: while the key servers answer, no key group is inaccessible
// after an IML. Check stands in place of require.True, so that a failure prints seed, fault plans,
// trace and script.
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
				m.Check(t, g.State == "accessible", "group %d is %s after an IML: %s", g.ID, g.State, g.Why)
			}
		}
		t.Repeat(actions)
	}
	_ = func(t *testing.T) { rapid.Check(t, property) } // func TestMyProperty(t *testing.T) { rapid.Check(t, property) }
	rapid.Custom(func(t *rapid.T) int { property(t); return 0 }).Example(1)
	fmt.Println("holds")
	// Output: holds
}

// How steps are written, and the error of a word that is no step.
func ExampleUsage() {
	fmt.Print(facility.Usage("array", "write", "link", "advance"))
	m, err := facility.NewMachine(facility.Options{Drives: 8})
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Do("link 0 1 down"))
	fmt.Println(m.Do("advence 60"))
	// Output:
	// array SITE                             make an array of the drives of an array site
	// write RANK SECTOR CONTENT              a host writes a sector; each CONTENT gives other data
	// link PARTITION CONSOLE up|cut|stalled  the link of a partition to a console is mended, cut or stalled
	// advance MINUTES                        let time pass, with everything that is due
	// proptest: "link 0 1 down": up|cut|stalled is "down", want up, cut or stalled; usage: link PARTITION CONSOLE up|cut|stalled
	// proptest: unknown step "advence": did you mean advance?
}
