package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

func newCampaignStopCmd(a *app) *cobra.Command {
	var p campaignPlace
	c := &cobra.Command{
		Use:   "stop PLAN",
		Short: "end a campaign that runs; it can go on later",
		Long: "stop has the process that runs a campaign begin no job more, and print what came so far. It waits\n" +
			"for the end of that, and says how far the campaign came; of a campaign that does not run it says\n" +
			"the same. fdelab campaign run goes on from there.",
		Example: "  fdelab campaign stop night.plan",
		Args:    between(1, 1, "one plan"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := p.read(args[0]); err != nil {
				return err
			}
			return a.campaignStop(&p)
		},
	}
	p.flags(c)
	return c
}

func (a *app) campaignStop(p *campaignPlace) error {
	err := p.reach(func(nc *nats.Conn) error {
		if _, err := p.state(nc); err != nil {
			return err
		}
		err := campaign.Stop(context.Background(), nc, p.plan.ID())
		switch {
		case errors.Is(err, campaign.ErrIdle):
			return nil
		case err != nil:
			return cannotf("%w", err)
		}
		a.note("campaign %s ends; what was begun has some seconds", p.plan.ID())
		return nil
	})
	if err != nil {
		return err
	}
	if err := p.waitForEnd(); err != nil {
		return err
	}
	s, _, over, err := p.look(a)
	switch {
	case err != nil:
		return err
	case a.json:
		return a.printJSON(campaignAnswer(p.plan, s))
	}
	a.printf("campaign %s: %s, %s\n", s.ID, over, p.reached(s))
	return nil
}

// reached is how many jobs are in the report, in words.
func (p *campaignPlace) reached(s *campaign.State) string {
	if jobs, all := p.plan.Jobs(); all {
		return fmt.Sprintf("%s of %d", count(s.Report.Merged, "job"), jobs)
	}
	return count(s.Report.Merged, "job")
}

// endsWithin is how long stop waits: a coordinator has three seconds for each result that still comes, and jobs have three.
const endsWithin = 2 * time.Minute

// waitForEnd waits until nobody coordinates the campaign, and nobody has its folder.
func (p *campaignPlace) waitForEnd() error {
	for began := time.Now(); time.Since(began) < endsWithin; time.Sleep(200 * time.Millisecond) {
		if p.nats.URL == "" {
			switch err := campaign.Free(p.dir); {
			case errors.Is(err, campaign.ErrBusy):
				continue
			case err != nil:
				return cannotf("%w", err)
			default:
				return nil
			}
		}
		runs := true
		err := p.reach(func(nc *nats.Conn) (err error) {
			runs, err = campaign.Runs(context.Background(), nc, p.plan.ID())
			return err
		})
		switch {
		case err != nil:
			return cannotf("%w", err)
		case !runs:
			return nil
		}
	}
	return cannotf("campaign: %s was asked to end, and runs after %v", p.plan.ID(), endsWithin).withHint("another fdelab campaign stop waits again")
}
