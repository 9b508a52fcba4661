package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The exit statuses.
const (
	exitGood  = 0
	exitBad   = 1 // an aim missed, a change unnoticed and not accepted, a list out of date
	exitUsage = 2
	exitError = 3 // nothing was found out
)

// listsDir is where the accepted lists are, below the repository.
const listsDir = "internal/tools/mutation/accepted"

// options are what the command line says.
type options struct {
	pkgs    []string
	files   []string
	sample  int // changes of each package; 0 for what the plan says
	seed    string
	list    bool
	stale   bool
	only    string
	daily   int     // changes over all packages together
	sigmas  float64 // of daily, below the weighted aim
	workers int
	most    time.Duration // test time for one change
	grace   time.Duration // beyond slow times the usual time, before a change is noticed by its time
	fresh   bool          // measure and try all again
	stderr  io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], ".", aims, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run is the command, in the repository around dir.
func run(ctx context.Context, args []string, dir string, plan []target, stdout, stderr io.Writer) int {
	o, err := parse(args, plan, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitGood
	}
	if err != nil {
		fmt.Fprintf(stderr, "mutation: %v\n", err)
		return exitUsage
	}
	good, err := o.run(ctx, dir, plan, stdout)
	switch {
	case err != nil && ctx.Err() != nil: // whatever failed did so because of that
		fmt.Fprintln(stderr, "mutation: interrupted before the end, so nothing is said about the aims")
		return exitError
	case err != nil:
		fmt.Fprintf(stderr, "mutation: %v\n", err)
		return exitError
	case !good:
		return exitBad
	}
	return exitGood
}

func parse(args []string, plan []target, stderr io.Writer) (*options, error) {
	o := &options{stderr: stderr}
	f := flag.NewFlagSet("mutation", flag.ContinueOnError)
	f.SetOutput(stderr)
	pkgs := f.String("pkg", "", "only these `packages`, such as drive,erase/forensic")
	files := f.String("files", "", "only these `files` of the one package, such as store.go,range.go")
	f.IntVar(&o.sample, "n", 0, "try a random sample of `N` changes of each package")
	f.StringVar(&o.seed, "seed", "1", "draw the sample by this `word`")
	f.BoolVar(&o.list, "list", false, "print the changes and try none")
	f.BoolVar(&o.stale, "stale", false, "try none, and only look whether the code as it is has every accepted change")
	f.StringVar(&o.only, "only", "", "try the one change with this `identifier`, as -list prints it, and show the tests")
	f.IntVar(&o.daily, "sample", 0, "try `N` changes over all packages together, and compare with the weighted aim")
	f.Float64Var(&o.sigmas, "sigmas", 3, "with -sample: fail more than this many standard deviations below the weighted aim")
	f.IntVar(&o.workers, "workers", runtime.NumCPU(), "run so many test processes side by side")
	f.DurationVar(&o.most, "most", 20*time.Second, "stop after so much test time for one change (a quarter of it for an accepted one), and call it not noticed")
	f.DurationVar(&o.grace, "grace", 6*time.Second, "call a change noticed when its tests take 10 times the usual processor time, and this, or 10 times as long again by the clock")
	f.BoolVar(&o.fresh, "fresh", false, "forget what earlier runs found out on the same sources")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if *pkgs != "" {
		o.pkgs = strings.Split(*pkgs, ",")
	}
	if *files != "" {
		o.files = strings.Split(*files, ",")
	}
	if o.only != "" && len(o.pkgs) == 0 {
		o.pkgs = []string{filepath.ToSlash(filepath.Dir(o.only))}
	}
	for i, p := range o.pkgs {
		o.pkgs[i] = filepath.ToSlash(filepath.Clean(p))
	}
	for _, p := range o.pkgs {
		if !slices.ContainsFunc(plan, func(t target) bool { return t.Pkg == p }) {
			return nil, fmt.Errorf("package %s has no aim: use one of %s, or give it one in plan.go", p, names(plan))
		}
	}
	switch {
	case f.NArg() > 0:
		return nil, fmt.Errorf("unexpected %q: packages are given by -pkg", f.Arg(0))
	case len(o.files) > 0 && len(o.pkgs) != 1:
		return nil, errors.New("-files needs -pkg with the one package that has them")
	case o.sample < 0 || o.daily < 0 || o.workers < 1 || o.most <= 0:
		return nil, errors.New("-n, -sample, -workers and -most cannot be negative, and the last two not 0")
	}
	return o, nil
}

func names(plan []target) string {
	var all []string
	for _, t := range plan {
		all = append(all, t.Pkg)
	}
	return strings.Join(all, ", ")
}

func (o *options) progress(format string, args ...any) {
	fmt.Fprintf(o.stderr, "mutation: "+format+"\n", args...)
}

func (o *options) run(ctx context.Context, dir string, plan []target, stdout io.Writer) (good bool, err error) {
	take := copyTree
	if o.stale {
		take = treeAsIs
	}
	t, err := take(ctx, dir)
	if err != nil {
		return false, err
	}
	defer t.remove()
	if t.dirty && !o.stale {
		o.progress("the tree has changes that are not committed: code and tests are those of the last commit, %.12s", t.commit)
	}
	// A list that is wrong is found before an hour of work.
	lists, err := readLists(filepath.Join(t.root, filepath.FromSlash(listsDir)), plan)
	if err != nil {
		return false, err
	}
	if len(o.pkgs) > 0 {
		plan = slices.DeleteFunc(slices.Clone(plan), func(t target) bool { return !slices.Contains(o.pkgs, t.Pkg) })
	}
	var rows []row
	for _, target := range plan {
		rows = append(rows, row{target: target, accepted: lists[target.Pkg], judged: len(o.files) == 0})
	}
	switch {
	case o.stale:
		return o.printStale(ctx, t, rows, stdout)
	case o.list:
		return true, o.printList(ctx, t, rows, stdout)
	case o.only != "":
		return o.showOne(ctx, t, rows[0], stdout)
	case o.daily > 0:
		return o.runDaily(ctx, t, rows, stdout)
	}
	for i := range rows {
		s, err := instrument(ctx, t, rows[i].Pkg)
		if err != nil {
			return false, err
		}
		sample := rows[i].Sample
		if o.sample > 0 || len(o.files) > 0 {
			sample = o.sample
		}
		some := ofFiles(s.changes, o.files)
		if len(o.files) > 0 && len(some) == 0 {
			return false, fmt.Errorf("no change in %s of %s", strings.Join(o.files, ", "), s.pkg)
		}
		if err := o.try(ctx, t, s, &rows[i], pick(some, sample, o.seed)); err != nil {
			return false, err
		}
	}
	return report(stdout, rows, o.most), nil
}

// try builds and measures a package, tries some of its changes and notes the outcome in its row.
func (o *options) try(ctx context.Context, t *tree, s *subject, r *row, changes []Change) error {
	begin := time.Now()
	if err := s.compile(ctx, t); err != nil {
		return err
	}
	reach, kept, err := measure(ctx, t, s, o)
	if err != nil {
		return err
	}
	defer kept.close()
	r.all, r.left, r.failed = s.changes, s.left, reach.Failed
	o.progress("%s: %d changes, %d tried with at most %s of test time each, seed %s; measured after %s",
		s.pkg, len(s.changes), len(changes), o.most, o.seed, time.Since(begin).Round(time.Second))
	r.verdicts, err = s.tryAll(ctx, reach, kept, changes, r.accepted, o)
	o.progress("%s: done after %s", s.pkg, time.Since(begin).Round(time.Second))
	return err
}

// printList prints every change of some packages.
func (o *options) printList(ctx context.Context, t *tree, rows []row, stdout io.Writer) error {
	for _, r := range rows {
		s, err := instrument(ctx, t, r.Pkg)
		if err != nil {
			return err
		}
		for _, c := range pick(ofFiles(s.changes, o.files), o.sample, o.seed) {
			fmt.Fprintf(stdout, "%s  %s  %s\n", c.ID(), c.Func, c.Text)
		}
	}
	return nil
}

// printStale prints every accepted change that the code does not have, as after a refactoring, and
// tells whether there is none.
func (o *options) printStale(ctx context.Context, t *tree, rows []row, stdout io.Writer) (good bool, err error) {
	complaints := make([][]string, len(rows))
	err = parallel(ctx, o.workers, len(rows), func(i int) error {
		if len(rows[i].accepted) == 0 {
			return nil
		}
		s, err := instrument(ctx, t, rows[i].Pkg)
		if err != nil {
			return err
		}
		rows[i].all = s.changes
		complaints[i] = rows[i].stale()
		return nil
	})
	good = err == nil
	for _, c := range slices.Concat(complaints...) {
		fmt.Fprintf(stdout, "%s/%s\n", listsDir, c)
		good = false
	}
	if err != nil {
		return false, err
	}
	if !good {
		fmt.Fprintln(stdout, "mutation: put each entry right, so that it names a change that make mutation LIST=1 prints, or remove it")
	}
	return good, nil
}

// showOne tries one change and shows all about it: the tests that reach it, their output, and the
// entry by which it would be accepted.
func (o *options) showOne(ctx context.Context, t *tree, r row, stdout io.Writer) (good bool, err error) {
	s, err := instrument(ctx, t, r.Pkg)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(s.changes, func(c Change) bool { return c.ID() == o.only })
	if i < 0 {
		return false, fmt.Errorf("the last commit has no change %s: use one that -list prints", o.only)
	}
	c := s.changes[i]
	if err := s.compile(ctx, t); err != nil {
		return false, err
	}
	reach, kept, err := measure(ctx, t, s, o)
	if err != nil {
		return false, err
	}
	kept.close() // it is tried again, to show how
	fmt.Fprintf(stdout, "%s in %s: %s\n", c.ID(), c.Func, c.Text)
	all, left := reach.batches(c, o.most)
	for _, b := range all {
		for _, name := range b.tests {
			fmt.Fprintf(stdout, "reached by %s\n", name)
		}
	}
	if left > 0 {
		fmt.Fprintf(stdout, "and by %d more, which do not fit into %s of test time\n", left, o.most)
	}
	v, err := s.try(ctx, reach, c, o.most, o, func(b batch, res result) {
		fmt.Fprintf(stdout, "\n%s, %.1f s of processor time for usually %.1f s:\n%s", strings.Join(b.tests, " "), res.used.Seconds(), b.used.Seconds(), res.output)
	})
	if err != nil {
		return false, err
	}
	fmt.Fprintf(stdout, "\n%s\n", map[status]string{
		survived: "not noticed", noticed: "noticed", tooSlow: "noticed: it took far more processor time", hung: "noticed: it did not end",
		unreached: "no test reaches it",
	}[v.status])
	if v.isNoticed() {
		return true, nil
	}
	if e, ok := r.accepted[c.key()]; ok {
		fmt.Fprintf(stdout, "accepted: %s: %s\n", e.Kind, e.Why)
		return true, nil
	}
	fmt.Fprintf(stdout, "to accept it, write into %s/%s, with a reason:\n%s", listsDir, listName(r.Pkg), c.format())
	return false, nil
}

// runDaily tries a small sample over all packages, too small to judge one package by.
func (o *options) runDaily(ctx context.Context, t *tree, rows []row, stdout io.Writer) (good bool, err error) {
	subjects := make([]*subject, len(rows))
	var all []Change
	var weighted float64
	for i, r := range rows {
		if subjects[i], err = instrument(ctx, t, r.Pkg); err != nil {
			return false, err
		}
		all = append(all, subjects[i].changes...)
		weighted += r.Aim * float64(len(subjects[i].changes))
	}
	weighted /= float64(len(all))
	fmt.Fprintf(stdout, "a sample of %d of %d changes; to try the same ones again: make mutation-sample SEED=%s\n", o.daily, len(all), o.seed)
	drawn := pick(all, o.daily, o.seed)
	var total count
	for i := range rows {
		mine := slices.DeleteFunc(slices.Clone(drawn), func(c Change) bool { return filepath.ToSlash(filepath.Dir(c.File)) != rows[i].Pkg })
		if len(mine) == 0 {
			continue
		}
		if err := o.try(ctx, t, subjects[i], &rows[i], mine); err != nil {
			return false, err
		}
		total = total.plus(rows[i].count())
	}
	survivors(stdout, rows)
	least := floor(weighted, o.daily, o.sigmas)
	fmt.Fprintf(stdout, "\n%.0f %% noticed; the aims ask for %.1f %%, which a sample of %d that has less than %.1f %% cannot have (%g standard deviations)\n",
		total.score(), weighted, o.daily, least, o.sigmas)
	return total.score() >= least, nil
}
