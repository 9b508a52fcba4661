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
			"With --depth 3 the power-on after that is cut as well, pages tear at their first byte, in the\n" +
			"header, at the wraps, before the check sum and in the last byte, and all is done once more with\n" +
			"each fault of --with. The flash is whole again before the drive is judged. A run that leads to a\n" +
			"state of the flash that was judged before is counted and not judged again.\n\n" +
			"Operations:\n" + sweepNames(proptest.SweepOperations()) + "\nFaults for --with:\n" + sweepNames(proptest.SweepCompanies()),
		Example: "  fdelab sweep\n  fdelab sweep --depth 3\n  fdelab sweep --operation migrate,psid-revert --seed 7\n  fdelab sweep --operation migrate --ranges 2 --point torn@1+before@0",
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
	c.Flags().IntVar(&o.Depth, "depth", 2, "cuts in one run: of the operation, of the power-on after it, of the one after that (1 to 3)")
	c.Flags().StringSliceVar(&o.With, "with", nil, "what is broken beside the power (default nothing, all with --depth 3)")
	c.Flags().StringVar(&o.Point, "point", "", "only this cut, in the words of a violation")
	for flag, names := range map[string][][2]string{"operation": proptest.SweepOperations(), "with": proptest.SweepCompanies()} {
		complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var all []string
			for _, n := range names {
				all = append(all, n[0]+"\t"+n[1])
			}
			return all, cobra.ShellCompDirectiveNoFileComp
		}
		if err := c.RegisterFlagCompletionFunc(flag, complete); err != nil {
			panic("BUG: " + err.Error())
		}
	}
	return c
}

// sweepNames lists names with what they are.
func sweepNames(all [][2]string) string {
	text := ""
	for _, n := range all {
		text += fmt.Sprintf("  %-22s %s\n", n[0], n[1])
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
		a.sweepTable(r, o.Depth)
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

func (a *app) sweepTable(r *proptest.SweepResult, depth int) {
	a.printf("power cut at every flash operation, seed %d\n\n", r.Seed)
	head := "operation\t+ranges\tbefore\ttorn\tafter\tin recovery\tsearched\tviolations"
	deep := depth > 2
	if deep {
		head = strings.Replace(head, "in recovery", "in recovery\tin its recovery", 1)
	}
	var rows strings.Builder
	modes, with := map[string]bool{}, map[string]bool{}
	for i := 0; i < len(r.Rows); {
		first := r.Rows[i]
		points := map[string]int{}
		recovery, again, searched, violations, mark := 0, 0, 0, 0, ""
		for ; i < len(r.Rows) && r.Rows[i].Operation == first.Operation && r.Rows[i].Ranges == first.Ranges; i++ {
			row := r.Rows[i]
			mode, _, _ := strings.Cut(row.Mode, "-") // torn is torn, wherever
			points[mode] += row.Points
			recovery, again, searched, violations = recovery+row.Recovery, again+row.Again, searched+row.Searched, violations+row.Violations
			if row.GivenUp {
				mark = " (given up)"
			}
			modes[row.Mode], with[row.With] = true, true
		}
		fmt.Fprintf(&rows, "%s\t%d\t%d\t%d\t%d\t%d\t", first.Operation, first.Ranges, points["before"], points["torn"], points["after"], recovery)
		if deep {
			fmt.Fprintf(&rows, "%d\t", again)
		}
		fmt.Fprintf(&rows, "%d\t%d%s\n", searched, violations, mark)
	}
	a.sweepRows(head, rows.String())
	for _, f := range r.Violations {
		a.printf("\n%v", f)
	}
	beside := ""
	if len(with) > 1 {
		for _, c := range proptest.SweepCompanies() {
			if with[c[0]] {
				beside += ", " + c[0]
			}
		}
		beside = " beside" + beside[1:]
	}
	a.printf("\n%d points in %d modes%s, %d of %d runs searched for keys, %d violations\n", r.Points, len(modes), beside, r.Searched, r.Points+r.Uncut, len(r.Violations))
	if deep {
		a.printf("%d runs led to a state of the flash that had been judged, %d were not judged because too much broke in them\n", r.Met, r.Lost)
	}
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
