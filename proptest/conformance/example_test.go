package conformance_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// The simulated drive holds row 12.
func Example() {
	report, err := conformance.Judge(conformance.Simulated, conformance.Options{Only: []string{"F12"}, Seeds: []uint64{1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range report.Results {
		fmt.Println(r.Property.ID, r.Property.Name+":", r.Verdict)
	}
	// Output: F12 TryLimit holds at exactly N on every entry point: passed
}
