package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	plans "github.com/seed-9d983aeb/fdelab/proptest/campaign"
	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

func newCampaignStatusCmd(a *app) *cobra.Command {
	var p campaignPlace
	follow := false
	c := &cobra.Command{
		Use:   "status PLAN",
		Short: "how far a campaign is, and what it met and found",
		Long: "status prints how far a campaign is: what ended in which way, how fast, by whom, how long it will\n" +
			"take, what was met of the lifecycle table, of faults and their pairs, of the suite, and what was\n" +
			"not. It reads a campaign that runs, and one that does not.",
		Example: "  fdelab campaign status night.plan\n  fdelab campaign status --json night.plan",
		Args:    between(1, 1, "one plan"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := p.read(args[0]); err != nil {
				return err
			}
			if follow && !a.json {
				return a.campaignFollow(&p)
			}
			s, runs, over, err := p.look(a)
			if err != nil {
				return err
			}
			return a.campaignStatus(&p, s, runs, over)
		},
	}
	p.flags(c)
	c.Flags().BoolVar(&follow, "follow", false, "print it anew each two seconds, as long as the campaign runs")
	return c
}

// reach does something at the server of the campaign.
func (p *campaignPlace) reach(do func(*nats.Conn) error) error {
	if p.nats.URL != "" {
		p.nats.Name = "fdelab"
		nc, err := p.nats.Connect()
		if err != nil {
			return noServer(err)
		}
		defer nc.Close()
		return do(nc)
	}
	if _, err := os.Stat(p.dir); errors.Is(err, fs.ErrNotExist) {
		return cannotf("campaign: %s has not begun: there is no folder %s", p.file, p.dir).withHint("fdelab campaign run begins it; --dir names another folder")
	}
	err := campaign.At(p.dir, do)
	var said *exitError
	switch {
	case err == nil, errors.As(err, &said):
		return err
	case errors.Is(err, campaign.ErrNone):
		return cannotf("campaign: %s has not begun: the folder %s is empty", p.file, p.dir).withHint("fdelab campaign run begins it; --dir names another folder")
	case errors.Is(err, campaign.ErrForeign), errors.Is(err, campaign.ErrDamaged):
		return cannotf("%w", err).withHint("--dir names another folder")
	}
	return cannotf("%w", err)
}

// state reads how far the campaign is.
func (p *campaignPlace) state(nc *nats.Conn) (*campaign.State, error) {
	s, err := campaign.Read(context.Background(), nc, p.plan.ID())
	switch {
	case errors.Is(err, campaign.ErrNone):
		if p.nats.URL == "" { // a folder has one campaign, and run refuses it with these words
			if ids, err := campaign.List(context.Background(), nc); err == nil && len(ids) > 0 {
				return nil, cannotf("campaign: %s: %w, %s", p.dir, campaign.ErrAnother, ids[0]).withHint("--dir names another folder")
			}
		}
		return nil, cannotf("campaign: %s has not begun", p.file)
	case err != nil:
		return nil, cannotf("%w", err)
	}
	return s, nil
}

// look reads how far the campaign is, and says whether somebody coordinates it, in words, too.
func (p *campaignPlace) look(a *app) (s *campaign.State, runs bool, words string, err error) {
	err = p.reach(func(nc *nats.Conn) error {
		var silent error
		runs, silent = campaign.Runs(context.Background(), nc, p.plan.ID())
		if s, err = p.state(nc); err != nil {
			return err
		}
		switch {
		case silent != nil:
			a.note("%v", silent)
			words = "does not answer"
		case runs && s.Over == campaign.Running:
			words = fmt.Sprintf("runs, %.1f a second", s.Rate)
		case runs:
			words = "ends"
		case s.Over == campaign.Running:
			words = "does not run"
		default:
			words = string(s.Over)
		}
		return nil
	})
	return s, runs, words, err
}

// followEvery is how often a screen is printed anew.
const followEvery = 2 * time.Second

// campaignFollow prints the status again and again; a terminal is cleared before each.
func (a *app) campaignFollow(p *campaignPlace) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for {
		s, runs, over, err := p.look(a)
		if err != nil {
			return err
		}
		if a.width() > 0 {
			a.printf("\x1b[H\x1b[2J")
		}
		if err := a.campaignStatus(p, s, runs, over); err != nil || !runs {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followEvery):
		}
	}
}

func (a *app) campaignStatus(p *campaignPlace, s *campaign.State, runs bool, over string) error {
	if a.json {
		answer := campaignAnswer(p.plan, s)
		answer.Runs = &runs
		return a.printJSON(answer)
	}
	r := s.Report
	left := ""
	if d, known := s.Left(p.plan); known && runs {
		left = fmt.Sprintf(", %v left", d)
	}
	a.printf("campaign %s: %s\n", s.ID, over)
	a.printf("%s%s, in %v\n", p.reached(s), left, s.Took.Round(time.Second))
	a.printf("%s: %s\n", p.plan.Count(r.Units), r.EndingWords())
	a.printf("%s\n", effort(r))
	if s.Waits != "" {
		a.printf("%s\n", s.Waits)
	}
	a.campaignCoverage(p.plan, r)
	if missing := p.plan.Missing(r); len(missing) > 0 {
		a.printf("not met yet: %s\n", firstNames(missing))
	}
	for _, f := range r.Findings {
		a.printf("found %s: %s: %s\n", count(f.Count, "time"), f.Ending, f.Why)
	}
	return a.campaignWorkers(s)
}

// missingShown is how many names of what was not met status prints. Some thousand are possible.
const missingShown = 10

// firstNames are the first names of a list, with how many there are.
func firstNames(all []string) string {
	if len(all) <= missingShown {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%d, such as %s (--json has all)", len(all), strings.Join(all[:missingShown], ", "))
}

// effort is what a campaign took, in words.
func effort(r *plans.Report) string {
	searches := fmt.Sprintf("%d searches for keys", r.Searches)
	if r.Searches == 1 {
		searches = "1 search for keys"
	}
	return fmt.Sprintf("%s, %s that fired, %s", count(r.Commands, "command"), count(r.Faults, "fault"), searches)
}

// campaignWorkers prints a line for each worker.
func (a *app) campaignWorkers(s *campaign.State) error {
	t := layout.NewTable(a.out, a.width())
	t.Head("worker\tjobs\tlifecycles and others\tbusy\tlast heard")
	for _, name := range slices.Sorted(maps.Keys(s.Workers)) {
		w := s.Workers[name]
		fmt.Fprintf(t, "%s\t%d\t%d\t%v\t%s\n", name, w.Jobs, w.Units, w.Busy.Round(time.Second), w.Last.Format(time.DateTime))
	}
	return t.Flush()
}
