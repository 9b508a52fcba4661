package main

import (
	"bytes"
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
			"met, and the failures. The page of HTML has all of it, and prints. No file is overwritten: all are\n" +
			"written, or none.",
		Example: "  fdelab campaign export night.plan --junit night.xml --html night.html",
		Args:    between(1, 1, "one plan"),
		RunE: func(_ *cobra.Command, args []string) error {
			if junit == "" && csv == "" && html == "" {
				return usagef("campaign export: nothing to write, need --junit, --csv or --html")
			}
			if err := p.read(args[0]); err != nil {
				return err
			}
			var all []report
			for _, r := range []report{{flag: "--junit", file: junit}, {flag: "--csv", file: csv}, {flag: "--html", file: html}} {
				if r.file != "" {
					all = append(all, r)
				}
			}
			if err := p.noPlan(all); err != nil {
				return err
			}
			if err := newReports("campaign export", all); err != nil {
				return err
			}
			return p.reach(func(nc *nats.Conn) error {
				s, err := p.state(nc)
				if err != nil {
					return err
				}
				return p.export(all, s)
			})
		},
	}
	p.flags(c)
	c.Flags().StringVar(&junit, "junit", "", "new file for JUnit XML")
	c.Flags().StringVar(&csv, "csv", "", "new file for CSV")
	c.Flags().StringVar(&html, "html", "", "new file for one page of HTML")
	return c
}

// noPlan refuses to write over the plan, by whatever name.
func (p *campaignPlace) noPlan(all []report) error {
	plan, err := os.Stat(p.file)
	if err != nil {
		return cannotf("campaign export: %w", err)
	}
	for _, r := range all {
		if f, err := os.Stat(r.file); err == nil && os.SameFile(plan, f) {
			return usagef("campaign export: %s %s is the plan itself: give the name of a new file", r.flag, r.file)
		}
	}
	return nil
}

// export writes the reports, when all of them are made.
func (p *campaignPlace) export(all []report, s *campaign.State) error {
	forms := map[string]func(io.Writer, *plans.Plan, *campaign.State) error{"--junit": campaign.JUnit, "--csv": campaign.CSV, "--html": campaign.HTML}
	for i, r := range all {
		var b bytes.Buffer
		if err := forms[r.flag](&b, p.plan, s); err != nil {
			return cannotf("campaign export: %s: %w", r.flag, err)
		}
		all[i].data = b.Bytes()
	}
	return writeReports("campaign export", all)
}
