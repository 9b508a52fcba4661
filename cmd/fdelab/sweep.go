package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
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
			"It powers the drive on, cuts that power-on in the same way, and then looks whether the drive\n" +
			"is what it was or what it should become, whether every credential opens what it should and\n" +
			"nothing else, whether all data is there, and whether a forensic search of the flash finds a\n" +
			"key that should be gone. A drive that says that it is security degraded is not searched, nor\n" +
			"is the recovery of a drive with many ranges; a row in which nothing was searched is violated.\n" +
			"The exit code is 1 when something is violated.\n\n" +
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
	c.Flags().StringVar(&seed, "seed", "1", "of the keys and of the places at which pages tear")
	c.Flags().StringSliceVar(&o.Operations, "operation", nil, "only these (default all)")
	c.Flags().IntSliceVar(&o.Ranges, "ranges", nil, "drives with so many ranges beside the global one (default 2,16)")
	c.Flags().StringVar(&o.Point, "point", "", "only this cut, as a violation names it")
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
	r, err := proptest.Sweep(o)
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
	if err != nil { // of the harness; what was found before it is above
		return err
	}
	if n := len(r.Violations); n > 0 {
		return failedf("sweep: %d of %d points violate what the drive promises", n, r.Points)
	}
	return nil
}

// sweepProgress draws a bar where somebody is watching.
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

// sweepRows writes the table with its numbers at the right edge of their columns; on a terminal where
// that is too wide, as tables shrink.
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
