package campaign_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// A plan is cut into jobs, and what they give is merged in their order.
func Example() {
	p, err := campaign.Parse("drive lifecycles=6 seed=1 each=4")
	if err != nil {
		fmt.Println(err)
		return
	}
	report := campaign.NewReport()
	for n := uint64(0); ; n++ {
		job, there := p.Job(n, report.Wanted())
		if !there {
			break
		}
		result, err := job.Run()
		if err != nil {
			fmt.Println(err)
			return
		}
		report.Add(result, p.Limits.Failures)
	}
	fmt.Println(report.Merged, "jobs,", report.Units, "lifecycles,", report.Failures(), "failures")
	// Output: 2 jobs, 6 lifecycles, 0 failures
}
