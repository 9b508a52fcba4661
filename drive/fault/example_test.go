package fault_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// A component registers what can go wrong with it ...
var fanStuck = fault.Register("cooling.fan.stuck",
	"the fan does not turn at this start",
	"reported as too hot, before anything melts")

// ... and its injector, below the interface, asks the plan.
type fan struct{ plan *fault.Plan }

func (f *fan) start() string {
	if point, fires := f.plan.Check(fault.Op{Name: "cooling.fan"}); fires && point == fanStuck {
		return "stuck"
	}
	return "turns"
}

func Example() {
	plan, err := fault.Parse("(cooling.fan.stuck  (OnIndex 1))")
	if err != nil {
		panic(err)
	}
	fmt.Println("armed:", plan)
	f := fan{plan}
	fmt.Println(f.start(), f.start(), f.start())
	for _, fired := range plan.Fired() {
		fmt.Println("fired:", fired.Point, fired.Count)
	}

	_, err = fault.Parse("(cooling.fan.stuk)")
	fmt.Println(err)
	// Output:
	// armed: (cooling.fan.stuck (OnIndex 1))
	// turns stuck turns
	// fired: cooling.fan.stuck 1
	// fault plan: column 2: unknown point "cooling.fan.stuk"; the closest is cooling.fan.stuck
}
