package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/proptest"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

func newSweepCmd(a *app) *cobra.Command {
	var o proptest.SweepOptions
	var seed string
	c := &cobra.Command{
		Use:   "sweep",
		Short: "cut the power at every flash operation of every drive command",
		Long: "sweep runs each command of a drive again and again and cuts the power at its flash operation\n" +
			"0, 1, 2, ... until a run ends uncut: before the operation, in its middle (torn), and after it.\n" +
			"Then it powers the drive on, cuts that power-on in the same way, and checks:\n" +
			"  the drive is in the old state or in the new one\n" +
			"  every credential opens what it should, and nothing else\n" +
			"  all data is there\n" +
			"  a forensic search of the flash finds no key that should be gone\n\n" +
			"The search is left out for a drive that reports security degraded, and for the recovery of a\n" +
			"drive with many ranges. A row in which nothing was searched counts as violated. The exit code\n" +
			"is 1 if something is violated.\n\n" +
			"Operations:\n" + sweepOperations(),
		Example: "  fdelab sweep\n  fdelab sweep --operation migrate,psid-revert --seed 7\n  fdelab sweep --operation migrate --ranges 2 --point torn@1+before@0",
		Args:    between(0, 0, "none"),
		RunE: func(*cobra.Command, []string) (err error) {
			if o.Seed, err = console.ParseSeed(seed); err != nil {
				return usagef("sweep: --seed %q: %w", seed, err)
			}
			return a.sweep(o)
		},
	}
	c.Flags().StringVar(&seed, "seed", "1", "decides the keys and where pages tear")
	c.Flags().StringSliceVar(&o.Operations, "operation", nil, "only these (default all)")
	c.Flags().IntSliceVar(&o.Ranges, "ranges", nil, "number of ranges of a drive beside the global one (default 2,16)")
	c.Flags().StringVar(&o.Point, "point", "", "only this cut, in the words of a violation")
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, op := range proptest.SweepOperations() {
			names = append(names, op[0]+"\t"+op[1])
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	if err := c.RegisterFlagCompletionFunc("operation", complete); err != nil {
		panic("BUG: " + err.Error())
	}
	return c
}

func sweepOperations() string {
	text := ""
	for _, op := range proptest.SweepOperations() {
		text += fmt.Sprintf("  %-22s %s\n", op[0], op[1])
	}
	return text
}

func (a *app) sweep(o proptest.SweepOptions) error {
	stop := a.sweepProgress(&o)
	r, err := sweepAtOnce(o, runtime.GOMAXPROCS(0))
	stop()
	if errors.Is(err, proptest.ErrSweep) {
		return usagef("%w", err).withHint("fdelab sweep --help lists the operations")
	}
	if a.json {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		a.sweepTable(r)
	}
	if err != nil { // of the harness, after the results so far were printed
		return err
	}
	if n := len(r.Violations); n > 0 {
		return failedf("sweep: %d of %d points violate what the drive promises", n, r.Points)
	}
	return nil
}

// sweepAtOnce is proptest.Sweep with several workers. They take the rows in their order, and one that
// cannot go on stops all.
func sweepAtOnce(o proptest.SweepOptions, workers int) (*proptest.SweepResult, error) {
	p, err := proptest.PlanSweep(o)
	if err != nil {
		return nil, err
	}
	var lock sync.Mutex
	next, done, stopped := 0, 0, false
	take := func() (row int, ok bool) {
		lock.Lock()
		defer lock.Unlock()
		if stopped || next == p.Rows() {
			return 0, false
		}
		if o.Progress != nil {
			o.Progress(done, p.Rows(), p.Operation(next))
		}
		next++
		return next - 1, true
	}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for row, ok := take(); ok; row, ok = take() {
				sound := p.Run(row)
				lock.Lock()
				done, stopped = done+1, stopped || !sound
				lock.Unlock()
			}
		})
	}
	all.Wait()
	return p.Result()
}

// sweepProgress draws a bar if standard error is a terminal.
func (a *app) sweepProgress(o *proptest.SweepOptions) (stop func()) {
	f, isFile := a.err.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return func() {}
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(f), progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(30))
	o.Progress = func(done, rows int, operation string) {
		bar.ChangeMax(rows)
		bar.Describe(operation)
		_ = bar.Set(done)
	}
	return func() { _ = bar.Finish() }
}

func (a *app) sweepTable(r *proptest.SweepResult) {
	a.printf("power cut at every flash operation, seed %d\n\n", r.Seed)
	const head = "operation\t+ranges\tbefore\ttorn\tafter\tin recovery\tsearched\tviolations"
	var rows strings.Builder
	for i := 0; i < len(r.Rows); {
		first := r.Rows[i]
		points := map[string]int{}
		recovery, searched, violations, mark := 0, 0, 0, ""
		for ; i < len(r.Rows) && r.Rows[i].Operation == first.Operation && r.Rows[i].Ranges == first.Ranges; i++ {
			points[r.Rows[i].Mode] = r.Rows[i].Points
			recovery += r.Rows[i].Recovery
			searched += r.Rows[i].Searched
			violations += r.Rows[i].Violations
			if r.Rows[i].GivenUp {
				mark = " (given up)"
			}
		}
		fmt.Fprintf(&rows, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d%s\n", first.Operation, first.Ranges, points["before"], points["torn"], points["after"], recovery, searched, violations, mark)
	}
	a.sweepRows(head, rows.String())
	for _, f := range r.Violations {
		a.printf("\n%v", f)
	}
	a.printf("\n%d points in %d modes, %d of %d runs searched for keys, %d violations\n", r.Points, 3, r.Searched, r.Points+r.Uncut, len(r.Violations))
}

// sweepRows writes the table with right-aligned numbers. If that is wider than the terminal, it
// writes a table that shrinks.
func (a *app) sweepRows(head, rows string) {
	var right strings.Builder
	w := tabwriter.NewWriter(&right, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = io.WriteString(w, strings.ReplaceAll(head+"\n"+rows, "\n", "\t\n"))
	_ = w.Flush()
	heading, _, _ := strings.Cut(right.String(), "\n")
	if columns := a.width(); columns == 0 || layout.Width(heading) <= columns {
		a.printf("%s", right.String())
		return
	}
	t := layout.NewTable(a.out, a.width())
	t.Head(head)
	_, _ = io.WriteString(t, rows)
	_ = t.Flush() // a.out keeps its error
}
