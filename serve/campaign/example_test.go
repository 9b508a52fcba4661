package campaign_test

import (
	"context"
	"fmt"
	"os"

	plans "github.com/seed-9d983aeb/fdelab/proptest/campaign"
	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

// A plan is run in this process. Its folder keeps the campaign: run again, it is done already.
func Example() {
	dir, err := os.MkdirTemp("", "campaign")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	p, err := plans.Parse("drive lifecycles=8 each=2")
	for range 2 {
		if err != nil {
			fmt.Println(err)
			return
		}
		var s *campaign.State
		if s, err = campaign.Run(context.Background(), p, dir, 2, campaign.Options{}); err == nil {
			fmt.Println(s.Over, s.Report.Merged, "jobs,", s.Report.Failures(), "failures")
		}
	}
	// Output:
	// done 4 jobs, 0 failures
	// done 4 jobs, 0 failures
}
