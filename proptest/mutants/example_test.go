package mutants_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/proptest/mutants"
)

// Each mutant is a drive with one defect, of one row of the conformance suite.
func Example() {
	for _, m := range mutants.All() {
		if m.Row == 12 {
			fmt.Printf("row %d: %s, in %s\n", m.Row, m.Defect, m.Edits[0].File)
		}
	}
	// Output:
	// row 12: one guess more than TryLimit, in drive/session.go
	// row 12: the PSID has one guess more, in drive/erase.go
}
