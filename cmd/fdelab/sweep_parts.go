package main

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/seed-9d983aeb/fdelab/proptest"
	"github.com/seed-9d983aeb/fdelab/proptest/powercut"
)

// sweepFlags is what `fdelab sweep` is asked for.
type sweepFlags struct {
	drive      proptest.SweepOptions
	parts      []string // nil is all
	operations []string // nil is all
	deep       bool     // --depth was given
}

// partDrive is the part that proptest sweeps; the others are powercut's.
const partDrive = "drive"

// sweepParts lists the parts of --part, each with what it is.
func sweepParts() [][2]string {
	return append([][2]string{{partDrive, "one drive, and each of its commands"}}, powercut.Parts()...)
}

// swept is what came out, and the JSON answer: the drive's rows in the outer object.
type swept struct {
	*proptest.SweepResult
	Parts *powercut.Result `json:"parts,omitempty"`
}

// sweepPlan is a sweep in pieces that know nothing of each other.
type sweepPlan interface {
	Rows() int
	Operation(i int) string
	Run(i int) bool
}

// plans checks what is asked for; nil is a plan of which nothing is asked for.
func (f *sweepFlags) plans() (*proptest.SweepPlan, *powercut.Plan, error) {
	all := sweepParts()
	for _, part := range f.parts {
		if !slices.ContainsFunc(all, func(p [2]string) bool { return p[0] == part }) {
			return nil, nil, usagef("sweep: no part %q, want one of %s", part, nameList(all))
		}
	}
	of := map[bool][]string{} // the operations of a drive, and those of the others
	for _, name := range f.operations {
		own := !strings.Contains(name, "/")
		of[own] = append(of[own], name)
	}
	wants := func(part string) bool { return f.parts == nil || slices.Contains(f.parts, part) }
	around := powercut.Options{Seed: f.drive.Seed, Operations: of[false], Point: f.drive.Point, Depth: 1}
	for _, p := range powercut.Parts() {
		if wants(p[0]) {
			around.Parts = append(around.Parts, p[0])
		}
	}
	if f.deep {
		around.Depth = f.drive.Depth
	}
	for _, name := range f.drive.With {
		if slices.ContainsFunc(powercut.Companies(), func(c [2]string) bool { return c[0] == name }) {
			around.With = append(around.With, name)
		}
	}
	if f.drive.With != nil && around.With == nil {
		around.Parts = nil // they know nothing of what is asked for
	}
	f.drive.Operations = of[true]
	var d *proptest.SweepPlan
	var p *powercut.Plan
	var err error
	if wants(partDrive) && (f.operations == nil || of[true] != nil) {
		if d, err = proptest.PlanSweep(f.drive); err != nil {
			return nil, nil, usagef("%w", err).withHint("fdelab sweep --help lists the operations")
		}
	}
	if around.Parts != nil && (f.operations == nil || of[false] != nil) && (d == nil || f.drive.Point == "") {
		if p, err = powercut.PlanSweep(around); err != nil {
			return nil, nil, usagef("%w", err).withHint("fdelab sweep --help lists the operations")
		}
	}
	if d == nil && p == nil && f.drive.With != nil && around.With == nil {
		return nil, nil, usagef("sweep: %s is for drives, not for %s", strings.Join(f.drive.With, ", "), strings.Join(append(f.parts, f.operations...), ", "))
	}
	if d == nil && p == nil {
		return nil, nil, usagef("sweep: none of %s is of the part %s", strings.Join(f.operations, ", "), strings.Join(f.parts, ", "))
	}
	return d, p, nil
}

func nameList(list [][2]string) string {
	var out []string
	for _, n := range list {
		out = append(out, n[0])
	}
	return strings.Join(out, ", ")
}

func (a *app) sweep(f sweepFlags) error {
	d, p, err := f.plans()
	if err != nil {
		return err
	}
	// A run makes drives and drops them: what is alive stays below 100 MiB, and to collect less often takes a
	// sixth off the time.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	bar := a.progress(0, "operations")
	var all []sweepPlan
	if d != nil {
		all = append(all, d)
	}
	if p != nil {
		all = append(all, p)
	}
	sweepAtOnce(all, runtime.GOMAXPROCS(0), bar.at)
	bar.stop()
	var out swept
	var wrong []error
	if d != nil {
		r, err := d.Result()
		if errors.Is(err, proptest.ErrSweep) {
			return usagef("%w", err).withHint("fdelab sweep --help lists the operations")
		}
		out.SweepResult, wrong = r, append(wrong, err)
	}
	if p != nil {
		r, err := p.Result()
		if err == nil && !r.Reached && len(r.Violations) == 0 {
			return usagef("sweep: no run reaches the point %s: the numbers count changes from 0", f.drive.Point)
		}
		out.Parts, wrong = r, append(wrong, err)
	}
	if err := a.sweepPrint(&out, f); err != nil {
		return err
	}
	if err := errors.Join(wrong...); err != nil { // of the harness, after the results so far were printed
		return err
	}
	return out.verdict()
}

func (a *app) sweepPrint(out *swept, f sweepFlags) error {
	if a.json {
		return a.printJSON(out)
	}
	if out.SweepResult != nil {
		a.sweepTable(out.SweepResult, f.drive.Depth)
	}
	if out.Parts != nil {
		if out.SweepResult != nil {
			a.printf("\n")
		}
		a.partsTable(out.Parts, f.drive.Seed)
	}
	return nil
}

// verdict is an error where something is violated.
func (r *swept) verdict() error {
	violations, points := 0, 0
	if r.SweepResult != nil {
		violations, points = len(r.SweepResult.Violations), r.SweepResult.Points
	}
	if r.Parts != nil {
		violations += len(r.Parts.Violations)
		for _, row := range r.Parts.Rows {
			points += row.Points + row.Recovery + row.Again
		}
	}
	if violations > 0 {
		return failedf("sweep: %d of %d points violate what is promised", violations, points)
	}
	return nil
}

// sweepAtOnce runs plans with several workers. They take the pieces in their order, and one that cannot go
// on stops its plan.
func sweepAtOnce(plans []sweepPlan, workers int, progress func(done, rows int, operation string)) {
	type piece struct{ plan, row int }
	var pieces []piece
	for n, p := range plans {
		for i := range p.Rows() {
			pieces = append(pieces, piece{n, i})
		}
	}
	var lock sync.Mutex
	next, done, stopped := 0, 0, make([]bool, len(plans))
	take := func() (p piece, ok bool) {
		lock.Lock()
		defer lock.Unlock()
		for next < len(pieces) && stopped[pieces[next].plan] {
			next++
		}
		if next == len(pieces) {
			return p, false
		}
		p = pieces[next]
		progress(done, len(pieces), plans[p.plan].Operation(p.row))
		next++
		return p, true
	}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for p, ok := take(); ok; p, ok = take() {
				sound := plans[p.plan].Run(p.row)
				lock.Lock()
				done++
				stopped[p.plan] = stopped[p.plan] || !sound
				lock.Unlock()
			}
		})
	}
	all.Wait()
}

// partsTable prints a row for each operation of the parts around a drive, and a line for each part.
func (a *app) partsTable(r *powercut.Result, seed uint64) {
	a.printf("power cut at every change of what stands around a drive, seed %d\n\n", seed)
	head := "operation\tbefore\ttorn\tafter\tof the drive\tin recovery\tin its recovery\truns\tmet before\tviolations"
	var rows strings.Builder
	type sum struct{ points, runs, violations int }
	parts, modes, with := map[string]*sum{}, map[string]map[string]bool{}, map[string]map[string]bool{}
	for i := 0; i < len(r.Rows); {
		first, points, mark := r.Rows[i], map[string]int{}, ""
		var all powercut.Row
		for ; i < len(r.Rows) && r.Rows[i].Operation == first.Operation; i++ {
			row := r.Rows[i]
			kind, _, _ := strings.Cut(row.Mode, "-") // torn is torn, wherever
			points[kind] += row.Points
			all.Add(row)
			if row.GivenUp {
				mark = " (given up)"
			}
			if modes[row.Part] == nil {
				parts[row.Part], modes[row.Part], with[row.Part] = &sum{}, map[string]bool{}, map[string]bool{}
			}
			modes[row.Part][row.Mode], with[row.Part][row.With] = true, true
		}
		fmt.Fprintf(&rows, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d%s\n", first.Operation, points["before"], points["torn"], points["after"], points["drive"],
			all.Recovery, all.Again, all.Runs(), all.Met, all.Violations, mark)
		s := parts[first.Part]
		s.points += all.Points + all.Recovery + all.Again
		s.runs += all.Runs()
		s.violations += all.Violations
	}
	a.sweepRows(head, rows.String())
	a.sweepViolations(r.Violations)
	a.printf("\n")
	for _, p := range powercut.Parts() {
		if s := parts[p[0]]; s != nil {
			a.printf("%s: %d points in %d modes%s, %d runs, %d violations\n", p[0], s.points, len(modes[p[0]]), besides(with[p[0]], powercut.Companies()), s.runs, s.violations)
		}
	}
}

func (a *app) sweepViolations(all []*proptest.Failure) {
	for _, f := range all {
		a.printf("\n%v", f)
	}
}
