package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/proptest"
	"github.com/seed-9d983aeb/fdelab/proptest/powercut"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

func newSweepCmd(a *app) *cobra.Command {
	var f sweepFlags
	var seed string
	o := &f.drive
	c := &cobra.Command{
		Use:   "sweep",
		Short: "cut the power at every step of drives and of what stands around them",
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
			"each fault of --with. The flash is whole again before the drive is judged.\n\n" +
			"What a cut leaves, and which cut of the run it was, decides what comes. A cut that leaves what\n" +
			"another one of the operation left is counted and not judged again.\n\n" +
			"What stands around a drive is swept as well: each operation of an encryption group, of the erase\n" +
			"engine and of the key repository, at each change of a drive, of a copy of the repository and of\n" +
			"the disk with the journal, which loses what was not synced. Without --depth they are cut once in a\n" +
			"run. With --depth 3 what the operation writes tears at its first byte, in the header, 512 bytes\n" +
			"before its end, before the check sum and in the last byte; what the start writes is cut in the\n" +
			"header, before the check sum and behind it; what the next start writes, before the check sum.\n" +
			"--ranges is for drives only. Of --with, the parts around them know nothing, erase-refused and\n" +
			"program-refused: the first block, or page, of every drive refuses, in the operation and in each\n" +
			"start. A run has two cuts at most then.\n\n" +
			"Parts for --part:\n" + sweepNames(sweepParts()) + "\nOperations of a drive:\n" + sweepNames(proptest.SweepOperations()) +
			"\nOperations of the other parts:\n" + sweepNames(powercut.Operations()) + "\nFaults for --with:\n" + sweepNames(proptest.SweepCompanies()),
		Example: "  fdelab sweep\n  fdelab sweep --depth 3\n  fdelab sweep --operation migrate,psid-revert --seed 7\n  fdelab sweep --part group,erase --depth 2\n  fdelab sweep --operation migrate --ranges 2 --point torn@1+before@0",
		Args:    between(0, 0, "none"),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Seed, err = console.ParseSeed(seed); err != nil {
				return usagef("sweep: --seed %q: %w", seed, err)
			}
			f.deep = c.Flags().Changed("depth")
			return a.sweep(f)
		},
	}
	c.Flags().StringVar(&seed, "seed", "1", "decides the keys and where pages tear")
	c.Flags().StringSliceVar(&f.parts, "part", nil, "only these: drive, group, erase, repository, opal (default all)")
	c.Flags().StringSliceVar(&f.operations, "operation", nil, "only these (default all)")
	c.Flags().IntSliceVar(&o.Ranges, "ranges", nil, "number of ranges of a drive beside the global one (default 2,16)")
	c.Flags().IntVar(&o.Depth, "depth", 2, "cuts in one run: of the operation, of the power-on after it, of the one after that (1 to 3; of the other parts 1 if it is not given)")
	c.Flags().StringSliceVar(&o.With, "with", nil, "what is broken beside the power (default nothing, all with --depth 3)")
	c.Flags().StringVar(&o.Point, "point", "", "only this cut, in the words of a violation")
	for flag, names := range map[string][][2]string{"part": sweepParts(), "operation": slices.Concat(proptest.SweepOperations(), powercut.Operations()), "with": proptest.SweepCompanies()} {
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
	a.sweepViolations(r.Violations)
	a.printf("\n%d points in %d modes%s, %d of %d runs searched for keys, %d violations\n", r.Points, len(modes), besides(with, proptest.SweepCompanies()), r.Searched, r.Points+r.Uncut, len(r.Violations))
	if deep {
		a.printf("%d runs led to a state of the flash that had been judged, %d were not judged because too much broke in them\n", r.Met, r.Lost)
	}
}

// besides names what was broken beside the power, if that was anything.
func besides(with map[string]bool, all [][2]string) string {
	var names []string
	for _, c := range all {
		if with[c[0]] {
			names = append(names, c[0])
		}
	}
	if len(names) < 2 {
		return ""
	}
	return " beside " + strings.Join(names, ", ")
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
