package conformance_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// The rows say which properties are tested, and why the others are not.
func ExampleRows() {
	tested := 0
	for _, r := range conformance.Rows() {
		if r.Test != "" {
			tested++
			continue
		}
		fmt.Printf("row %d does not apply\n", r.Number)
	}
	fmt.Println(tested, "rows have a subtest")
	// Output:
	// row 17 does not apply
	// row 27 does not apply
	// row 29 does not apply
	// 29 rows have a subtest
}
