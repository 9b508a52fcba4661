package main

import (
	"errors"
	"io"
	"os"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	plans "github.com/seed-9d983aeb/fdelab/proptest/campaign"
	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

func newCampaignExportCmd(a *app) *cobra.Command {
	var p campaignPlace
	var junit, csv, html string
	c := &cobra.Command{
		Use:   "export PLAN",
		Short: "write what a campaign met and found, as JUnit XML, CSV or one page of HTML",
		Long: "export writes reports of a campaign, also of one that is not done. JUnit has a test for each line of\n" +
			"the plan and for each failure. CSV has the endings, all that the plan may meet with how often it was\n" +
			"met, and the failures. The page of HTML has all of it, and prints.",
		Example: "  fdelab campaign export night.plan --junit night.xml --html night.html",
		Args:    between(1, 1, "one plan"),
		RunE: func(_ *cobra.Command, args []string) error {
			if junit == "" && csv == "" && html == "" {
				return usagef("campaign export: nothing to write, need --junit, --csv or --html")
			}
			if err := p.read(args[0]); err != nil {
				return err
			}
			return p.reach(func(nc *nats.Conn) error {
				s, err := p.state(nc)
				if err != nil {
					return err
				}
				return errors.Join(p.write(junit, s, campaign.JUnit), p.write(csv, s, campaign.CSV), p.write(html, s, campaign.HTML))
			})
		},
	}
	p.flags(c)
	c.Flags().StringVar(&junit, "junit", "", "file for JUnit XML")
	c.Flags().StringVar(&csv, "csv", "", "file for CSV")
	c.Flags().StringVar(&html, "html", "", "file for one page of HTML")
	return c
}

// write writes a report to a file, if one is named.
func (p *campaignPlace) write(name string, s *campaign.State, form func(io.Writer, *plans.Plan, *campaign.State) error) error {
	if name == "" {
		return nil
	}
	f, err := os.Create(name)
	if err == nil {
		err = errors.Join(form(f, p.plan, s), f.Close())
	}
	if err != nil {
		return cannotf("campaign export: %w", err)
	}
	return nil
}
