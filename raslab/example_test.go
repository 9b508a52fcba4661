package raslab_test

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// A member of an encrypted rank dies, a spare takes over, and the replacement
// has a flash that takes no new key record.
func Example() {
	lab, err := raslab.New(raslab.Options{Drives: 16, Seed: 7})
	if err != nil {
		fmt.Println(err)
		return
	}
	must := func(r raslab.Report, err error) raslab.Report {
		if err != nil {
			panic(err)
		}
		return r
	}
	must(lab.ConfigureGroup(1))
	must(lab.CreateArray("S1", raslab.RAIDAuto))
	must(lab.CreateRank("A0", 1))
	rank, err := lab.Rank("R0")
	if err != nil {
		panic(err)
	}
	if err := rank.Write(0, make([]byte, 512*100)); err != nil {
		panic(err)
	}

	_ = lab.Break("R1-I1-D05")
	_ = lab.Advance(2 * time.Hour)
	fmt.Println("rank:", rank.Info().DataState, "on spare", rank.Info().Members[4].Slot)

	part, err := lab.OrderSpare()
	if err != nil {
		panic(err)
	}
	_ = part.Arm(fault.MustParse("(flash.program.refused (After 9))"))
	must(lab.StartRepair("R1-I1-D05"))
	must(lab.ExchangeFRU("R1-I1-D05", part.Serial()))
	report := must(lab.ResumeRepair("R1-I1-D05"))
	for _, d := range report.Drives {
		fmt.Println(d.Slot, d.Did)
	}
	for _, e := range lab.OpenEvents() {
		fmt.Println(e.SRC, e.Locations[0], "count", e.Count)
	}
	fmt.Println("rank:", rank.Info().DataState, "on spare", rank.Info().Members[4].Slot)
	// Output:
	// rank: Normal on spare R1-I1-D08
	// R1-I1-D05 did not join key group 1
	// BE31F004 U5791.S10.0001-P1-D5 count 1
	// rank: Normal on spare R1-I1-D08
}
