package mutants_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/proptest/mutants"
)

// Each mutant is a drive with one defect, which one property of the conformance suite forbids.
func Example() {
	for _, m := range mutants.All() {
		if m.Of == "F12" {
			fmt.Printf("%s: %s, in %s\n", m.Of, m.Defect, m.Edits[0].File)
		}
	}
	// Output:
	// F12: one guess more than TryLimit, in drive/session.go
	// F12: the PSID has one guess more, in drive/erase.go
}
