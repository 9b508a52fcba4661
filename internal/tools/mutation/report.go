package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// A row is what a run found in one package.
type row struct {
	target
	all      []Change // of the package, tried or not
	verdicts []verdict
	accepted accepted
	failed   []string // tests that fail without a change
	left     int      // lines whose changes do not compile
	judged   bool     // whether the aim is meant for the changes that were tried
}

// A count is the figures of one or more rows.
type count struct{ tried, noticed, tooSlow, hung, unreached, equivalent, earlier int }

func (r row) count() (n count) {
	for _, v := range r.verdicts {
		n.tried++
		if v.earlier {
			n.earlier++
		}
		e, isAccepted := r.accepted[v.key()]
		switch {
		case v.isNoticed():
			n.noticed++
			switch v.status {
			case tooSlow:
				n.tooSlow++
			case hung:
				n.hung++
			}
		case isAccepted && (e.Kind == equivalent || e.elsewhere(v)):
			n.equivalent++
		case v.status == unreached:
			n.unreached++
		}
	}
	return n
}

func (n count) plus(m count) count {
	return count{
		n.tried + m.tried, n.noticed + m.noticed, n.tooSlow + m.tooSlow, n.hung + m.hung, n.unreached + m.unreached,
		n.equivalent + m.equivalent, n.earlier + m.earlier,
	}
}

// score is the share of changes that were noticed, in percent. Changes that nothing could notice
// are left out. Without a change it is 100.
func (n count) score() float64 {
	if n.tried == n.equivalent {
		return 100
	}
	return 100 * float64(n.noticed) / float64(n.tried-n.equivalent)
}

// met tells whether the row reaches its aim.
func (r row) met() bool { return !r.judged || r.count().score() >= r.Aim }

// fresh are the changes that nothing noticed and nobody accepted.
func (r row) fresh() []verdict {
	var out []verdict
	for _, v := range r.verdicts {
		if e, ok := r.accepted[v.key()]; (!ok || e.Kind == machine && !e.elsewhere(v)) && !v.isNoticed() {
			out = append(out, v)
		}
	}
	return out
}

// stale are complaints about accepted changes that a test notices, or that the code does not have.
// What did not end may have been the machine, so it is not among them.
func (r row) stale() []string {
	have := map[key]bool{}
	for _, c := range r.all {
		have[c.key()] = true
	}
	var out []string
	for _, e := range r.accepted {
		if !have[e.key] {
			out = append(out, fmt.Sprintf("%s:%d: the code has no such change: %s", listName(r.Pkg), e.Line, e.key))
		}
	}
	for _, v := range r.verdicts {
		if e, ok := r.accepted[v.key()]; ok && e.Kind != machine && (v.status == noticed || v.status == tooSlow) {
			out = append(out, fmt.Sprintf("%s:%d: %s notices it: %s", listName(r.Pkg), e.Line, v.by, v.key()))
		}
	}
	slices.Sort(out)
	return out
}

// table prints a line for each package.
func table(out io.Writer, rows []row) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "package\ttried\tnoticed\ttoo slow\thung\tnot reached\tequivalent\tscore\taim\tresult\t")
	for _, r := range rows {
		n, verdict := r.count(), "met"
		switch {
		case !r.judged:
			verdict = "part"
		case !r.met():
			verdict = "MISSED"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f %%\t%.0f %%\t%s\t\n",
			r.Pkg, n.tried, n.noticed, n.tooSlow, n.hung, n.unreached, n.equivalent, n.score(), r.Aim, verdict)
	}
	w.Flush()
}

// report prints what was found and tells whether all is well: aims met, no change unnoticed but the
// accepted ones, no accepted one that needs to be no longer.
func report(out io.Writer, rows []row, most time.Duration) bool {
	fmt.Fprintln(out)
	table(out, rows)
	good, capped := true, 0
	for _, r := range rows {
		good = good && r.met()
		for _, v := range r.verdicts {
			if !v.isNoticed() && v.left > 0 {
				capped++
			}
		}
		if n := r.count(); n.earlier > 0 {
			fmt.Fprintf(out, "%s: %d of %d verdicts are those of an earlier run on the same sources\n", r.Pkg, n.earlier, n.tried)
		}
		if r.left > 0 {
			fmt.Fprintf(out, "%s: %d lines cannot be changed, because they would not compile\n", r.Pkg, r.left)
		}
	}
	if capped > 0 {
		fmt.Fprintf(out, "%d of those not noticed met only some of the tests that reach them: the others did not fit into %s of test time\n", capped, most)
	}
	for _, r := range rows {
		for _, name := range r.failed {
			fmt.Fprintf(out, "warning: %s of %s fails without any change, so it notices none\n", name, r.Pkg)
		}
		for _, s := range r.stale() {
			fmt.Fprintf(out, "warning: no longer to be accepted: %s\n", s)
			good = false
		}
	}
	return survivors(out, rows) && good
}

// survivors prints the changes that nothing noticed and nobody accepted, and tells whether there is
// none.
func survivors(out io.Writer, rows []row) bool {
	var fresh []verdict
	for _, r := range rows {
		fresh = append(fresh, r.fresh()...)
	}
	if len(fresh) == 0 {
		fmt.Fprintln(out, "every change was noticed, or is accepted")
		return true
	}
	fmt.Fprintf(out, "\n%d not noticed and not accepted (make mutation ONLY=file:line:col:word shows one closely):\n", len(fresh))
	for _, v := range fresh {
		note := ""
		switch {
		case v.status == unreached:
			note = "  (no test reaches it)"
		case v.left > 0:
			note = fmt.Sprintf("  (%d more tests reach it)", v.left)
		}
		fmt.Fprintf(out, "%s  %s  %s%s\n", v.ID(), v.Func, v.Text, note)
	}
	return false
}
