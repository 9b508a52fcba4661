package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	plans "github.com/seed-9d983aeb/fdelab/proptest/campaign"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

func newCampaignCmd(a *app) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "campaign",
		Short: "many lifecycles, sweeps and suites by one plan, that goes on where it was",
		Long: "campaign runs what a plan says, with all processors of this machine, or on many machines over a\n" +
			"NATS server. A plan is a file with a line for each piece of work:\n\n" +
			"  drive lifecycles=1000000\n" +
			"  sweep depth=2\n" +
			"  limit for=8h\n\n" +
			"Kinds of work:\n" + sweepNames(plans.Kinds()) + "\n" +
			"The work is cut into jobs of about a second. A campaign that is interrupted, or whose process dies,\n" +
			"goes on where it was when it is run again. The same plan gives the same report, whatever the number\n" +
			"of workers and however often they died.",
		Example: "  fdelab campaign create night.plan 'drive lifecycles=1000000' mutants\n  fdelab campaign run night.plan\n  fdelab campaign run night.plan --nats nats://192.0.2.7:4222\n  fdelab campaign status night.plan",
	})
	c.AddCommand(newCampaignCreateCmd(a), newCampaignRunCmd(a), newCampaignWorkCmd(a), newCampaignStatusCmd(a), newCampaignStopCmd(a), newCampaignExportCmd(a), newCampaignConfigCmd(a))
	return c
}

// campaignPlace is where a campaign is.
type campaignPlace struct {
	plan *plans.Plan
	file string
	dir  string
	nats campaign.Outside
}

func (p *campaignPlace) flags(c *cobra.Command) {
	natsFlags(c, &p.nats)
	c.Flags().StringVar(&p.dir, "dir", "", "the folder of the campaign (default that of the plan, with .campaign in place of .plan)")
}

// read reads the plan, and looks at the flags.
func (p *campaignPlace) read(file string) error {
	if err := checkNATS("campaign", &p.nats); err != nil {
		return err
	}
	if p.nats.URL != "" && p.dir != "" {
		return usagef("campaign: --dir and --nats are given: a campaign is in a folder or at a server")
	}
	b, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usagef("campaign: no plan %q", file).withHint("fdelab campaign create writes one")
	case err != nil:
		return cannotf("campaign: %w", err)
	}
	if p.plan, err = plans.Parse(string(b)); err != nil {
		return usagef("campaign: %s: %s", file, strings.TrimPrefix(err.Error(), plans.ErrPlan.Error()+": ")).withHint("fdelab campaign --help lists the kinds of work")
	}
	if p.file = file; p.dir == "" {
		p.dir = strings.TrimSuffix(file, ".plan") + ".campaign"
	}
	return nil
}

func newCampaignCreateCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "create FILE LINE...",
		Short: "write a plan, checked",
		Long: "create writes a plan of the lines that are given, with every word that a line may have. No file is\n" +
			"overwritten.",
		Example: "  fdelab campaign create night.plan 'drive seed=1' 'limit for=8h'\n  fdelab campaign create firmware.plan 'conform seeds=100 program=\"python3 drive.py\"'",
		Args:    between(2, -1, "a file, and lines of a plan, each in quotes"),
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := plans.Parse(strings.Join(args[1:], "\n"))
			if err != nil {
				return usagef("campaign create: %s", strings.TrimPrefix(err.Error(), plans.ErrPlan.Error()+": ")).withHint("fdelab campaign --help lists the kinds of work")
			}
			if err := writeNew(args[0], []byte(p.String())); err != nil {
				return cannotf("campaign create: %w", err)
			}
			if a.json {
				return a.printJSON(map[string]string{"file": args[0], "id": p.ID()})
			}
			a.printf("%s: campaign %s, %s\n", args[0], p.ID(), planSize(p))
			return nil
		},
	}
}

// planSize is how much a plan is, in words.
func planSize(p *plans.Plan) string {
	jobs, all := p.Jobs()
	if !all {
		return fmt.Sprintf("for %v", p.Limits.For)
	}
	units, _ := p.Units()
	return p.Count(units) + " in " + count(jobs, "job")
}

func newCampaignRunCmd(a *app) *cobra.Command {
	var p campaignPlace
	workers, metrics, otlp := 0, "", ""
	c := &cobra.Command{
		Use:   "run PLAN",
		Short: "run a plan, or go on with it",
		Long: "run has the jobs of a plan, and prints what came of them. It keeps the campaign in a folder: a run\n" +
			"that is interrupted, or that dies, goes on from there. Of equal failures the first is printed and\n" +
			"kept, cut down, with their number.\n\n" +
			"With --nats it coordinates only: fdelab campaign work has the jobs, on as many machines as there\n" +
			"are. What was begun at the server goes on, whoever began it.\n\n" +
			"The exit code is 1 if something was not safe, failed, or could not be run, 4 if a drive did not come\n" +
			"back or did not answer, 5 if the simulation crashed; the first that holds.",
		Example: "  fdelab campaign run night.plan",
		Args:    between(1, 1, "one plan"),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("workers") && (workers < 1 || workers > campaign.SlotsMax) {
				return usagef("campaign run: --workers %d, want 1 to %d", workers, campaign.SlotsMax)
			}
			if err := p.read(args[0]); err != nil {
				return err
			}
			if p.nats.URL != "" && workers > 0 {
				return usagef("campaign run: --workers is for a campaign of this machine; fdelab campaign work adds workers to --nats")
			}
			return a.campaignRun(&p, workers, metrics, otlp)
		},
	}
	p.flags(c)
	c.Flags().IntVar(&workers, "workers", 0, fmt.Sprintf("jobs at once, 1 to %d (default one for each processor)", campaign.SlotsMax))
	c.Flags().StringVar(&metrics, "metrics", "", "serve metrics for Prometheus at /metrics of this address, such as 127.0.0.1:9180")
	otlpFlag(c, &otlp)
	return c
}

func (a *app) campaignRun(p *campaignPlace, workers int, metrics, otlp string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	over := context.AfterFunc(ctx, func() { // a second one ends the process
		stop()
		a.note("campaign: it ends; what was begun has some seconds")
	})
	defer over() // before stop, which ends ctx as well
	defer collectLess()()
	all, known := p.plan.Jobs()
	var ends time.Time
	if !known {
		ends = time.Now().Add(p.plan.Limits.For)
	}
	bar := a.progressUntil(all, "jobs", ends)
	o := campaign.Options{
		Note:     func(format string, args ...any) { a.note("campaign: "+format, args...) },
		Progress: func(s *campaign.State) { bar.reached(s.Report.Merged, s.Report.EndingWords()) },
	}
	tracer, end, err := a.campaignTraces(ctx, otlp)
	if err != nil {
		return err
	}
	defer end()
	o.Tracer = tracer
	if metrics != "" {
		end, err := a.campaignMetrics(ctx, metrics, &o)
		if err != nil {
			return err
		}
		defer end()
	}
	run := func() (*campaign.State, error) { return campaign.Run(ctx, p.plan, p.dir, workers, o) }
	if p.nats.URL != "" {
		run = func() (*campaign.State, error) { return campaignAt(ctx, p, o) }
	}
	s, err := run()
	bar.stop()
	var told *exitError
	switch {
	case errors.As(err, &told):
		return told
	case ctx.Err() != nil && s != nil:
		return cannotf("campaign: interrupted after %s", count(s.Report.Merged, "job")).withHint("the same command goes on")
	case errors.Is(err, campaign.ErrOther), errors.Is(err, campaign.ErrAnother), errors.Is(err, campaign.ErrVersion), errors.Is(err, campaign.ErrBusy), errors.Is(err, campaign.ErrForeign), p.nats.URL == "" && errors.Is(err, campaign.ErrDamaged):
		return cannotf("%w", err).withHint("--dir names another folder")
	case err != nil:
		return cannotf("%w", err)
	}
	if p.nats.URL == "" {
		a.campaignFiles(p.dir, s)
	}
	return a.campaignReport(p.plan, s)
}

// campaignFiles writes the failures that were cut down as files that fdelab replay takes.
func (a *app) campaignFiles(dir string, s *campaign.State) {
	of := map[string]int{} // lines of a plan may have the same seeds
	for i := range s.Report.Findings {
		f := &s.Report.Findings[i]
		if f.File == "" {
			continue
		}
		base := fmt.Sprintf("%s-%d", f.Kind, f.Seed)
		if of[base]++; of[base] > 1 {
			base += fmt.Sprintf("-%d", of[base])
		}
		name := filepath.Join(dir, base+".txt")
		if err := replaceFile(name, []byte(f.File)); err != nil {
			a.note("campaign: the failure of seed %d is not in a file: %v", f.Seed, err)
			continue
		}
		f.Replay = "fdelab replay " + quoted(name)
	}
}

// campaignJSON is the answer of run and status.
type campaignJSON struct {
	*campaign.State
	Runs    *bool         `json:"runs,omitempty"` // somebody coordinates it now; status has it
	Jobs    uint64        `json:"jobs,omitempty"` // of the plan; 0 where time ends it
	Sorts   []plans.Sorts `json:"met"`
	Missing []string      `json:"missing"`
}

func campaignAnswer(p *plans.Plan, s *campaign.State) campaignJSON {
	jobs, _ := p.Jobs()
	return campaignJSON{State: s, Jobs: jobs, Sorts: p.Sorts(s.Report), Missing: p.Missing(s.Report)}
}

// campaignReport prints what came of a campaign.
func (a *app) campaignReport(p *plans.Plan, s *campaign.State) error {
	r := s.Report
	if a.json {
		if err := a.printJSON(campaignAnswer(p, s)); err != nil {
			return err
		}
	} else {
		for _, f := range r.Findings {
			a.campaignFinding(&f)
		}
		over := string(s.Over)
		if s.Over == campaign.Running {
			over = "not done"
		}
		a.printf("campaign %s: %s, %s\n", s.ID, over, count(r.Merged, "job"))
		a.printf("%s: %s\n", p.Count(r.Units), r.EndingWords())
		a.printf("%s\n", effort(r))
		a.campaignCoverage(p, r)
		if r.More > 0 {
			a.printf("not kept, of further sorts: %s\n", count(r.More, "failure"))
		}
	}
	return campaignVerdict(s)
}

func (a *app) campaignFinding(f *plans.Finding) {
	times := ""
	if f.Count > 1 {
		times = fmt.Sprintf(", %d times", f.Count)
	}
	a.printf("%s seed %d%s: %s: %s\n", f.Kind, f.Seed, times, f.Ending, f.Why)
	for _, line := range f.Trace {
		a.printf("  %s\n", line)
	}
	fmt.Fprintf(a.out, "  again:  %s\n", f.Again) // to be copied whole
	if f.Replay != "" {
		fmt.Fprintf(a.out, "  replay: %s\n", f.Replay)
	}
}

func (a *app) campaignCoverage(p *plans.Plan, r *plans.Report) {
	var words []string
	for _, s := range p.Sorts(r) {
		words = append(words, fmt.Sprintf("%s %d of %d", s.Name, s.Met, s.All))
	}
	if words != nil {
		a.printf("met: %s\n", strings.Join(words, ", "))
	}
}

// campaignVerdict is an error where something failed.
func campaignVerdict(s *campaign.State) error {
	r := s.Report
	if r.Failures() == 0 {
		if s.Over == campaign.Stopped {
			return cannotf("campaign: stopped after %s", count(r.Merged, "job")).withHint("fdelab campaign run goes on")
		}
		return nil
	}
	e := failedf("campaign: %d of %d failed", r.Failures(), r.Units)
	switch conformance.Ending(r.Ending()) {
	case conformance.Stuck, conformance.Hangs:
		e.code = exitStuck
	case conformance.Crashed:
		e.code = exitCrashed
	}
	return e
}

// campaignMetrics serves metrics until end is called.
func (a *app) campaignMetrics(ctx context.Context, listen string, o *campaign.Options) (end func(), err error) {
	var m campaign.Metrics
	progress := o.Progress
	o.Progress = func(s *campaign.State) { m.Take(s); progress(s) }
	ctx, stop := context.WithCancel(ctx)
	at, over := make(chan net.Addr, 1), make(chan error, 1)
	go func() { over <- m.Serve(ctx, listen, func(l net.Addr) { at <- l }) }()
	select {
	case l := <-at:
		a.note("metrics at http://%s/metrics", l)
	case err := <-over:
		stop()
		return nil, cannotf("campaign run: --metrics %s: %w", listen, err)
	}
	return func() { stop(); <-over }, nil
}

// collectLess has garbage collected less often until the end is called. Jobs make drives and drop them: what is alive
// stays small, and a sixth of the processor time is saved.
func collectLess() (end func()) {
	was := debug.SetGCPercent(400)
	return func() { debug.SetGCPercent(was) }
}
