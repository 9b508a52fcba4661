package powercut_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/proptest/powercut"
)

// The power goes at each of the six pages that a change of the key repository writes.
func Example() {
	p, err := powercut.PlanSweep(powercut.Options{Operations: []string{"repository/put"}, Depth: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range p.Rows() {
		p.Run(i)
	}
	r, err := p.Result()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range r.Rows {
		fmt.Println(row.Operation, row.Mode, row.Points)
	}
	fmt.Println(len(r.Violations), "violations")
	// Output:
	// repository/put before 6
	// repository/put torn 6
	// repository/put after 6
	// 0 violations
}
