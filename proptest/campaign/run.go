package campaign

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/proptest"
	"github.com/seed-9d983aeb/fdelab/proptest/adapters"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
	"github.com/seed-9d983aeb/fdelab/proptest/facility"
)

// Run has the job. What is wrong with a drive, a facility or a program is in the result; the error is about the job
// itself, and wraps ErrPlan.
func (j *Job) Run() (*Result, error) { return j.RunWith(adapters.Start) }

// RunWith is Run with programs that start starts, as [adapters.Start] does.
func (j *Job) RunWith(start func(adapters.Options) (*adapters.Program, error)) (*Result, error) {
	e, err := j.entry()
	if err != nil {
		return nil, err
	}
	r := newResult(*j)
	for i := range j.Count {
		r.one(e, j, j.First+i, start)
		r.Units++
	}
	return r, nil
}

// one has one unit. A panic of it is a finding.
func (r *Result) one(e *Entry, j *Job, n uint64, start func(adapters.Options) (*adapters.Program, error)) {
	again := e.again(n)
	defer func() {
		if v := recover(); v != nil {
			r.Endings[string(conformance.Crashed)]++
			stack := strings.Split(strings.TrimSpace(string(debug.Stack())), "\n")
			r.found(Finding{
				Kind: e.Kind, Ending: string(conformance.Crashed), Why: fmt.Sprint(v), Seed: n, Again: again,
				Trace: stack[:min(len(stack), proptest.TraceTail)],
			})
		}
	}()
	switch e.Kind {
	case Drive:
		r.drive(e, j.Faults, n)
	case Facility:
		r.facility(e, n, again)
	case Sweep:
		r.sweep(e, e.rows[n], again)
	case Conform:
		r.conform(e, n, again, start)
	case Mutants:
		r.mutant(int(n))
	case Idle:
		r.Endings[Passed]++
	}
}

// again is a plan that has one unit.
func (e *Entry) again(n uint64) string {
	one := *e
	if e.Kind != Sweep && e.Kind != Mutants && e.Kind != Idle {
		one.Seed, one.Count, one.Each = n, 1, 1
	}
	return "the plan: " + one.String()
}

// drive has one lifecycle, which conformance.Soak judges.
func (r *Result) drive(e *Entry, wanted []string, seed uint64) {
	faults := e.Faults
	if wanted != nil {
		faults = wanted
	}
	o := conformance.Options{ShrinkRuns: -1}
	again := fmt.Sprintf("fdelab soak --seed %d --lifecycles 1", seed)
	if faults != nil {
		o.Faults = []conformance.BreakKind{}
		for _, k := range faults {
			o.Faults = append(o.Faults, conformance.BreakKind(k))
		}
		again += " --faults " + orNone(faults)
	}
	s := conformance.Soak(r.watched, seed, o)
	r.Endings[string(s.Ending())]++
	r.Commands, r.Faults, r.Searches = r.Commands+uint64(s.Commands), r.Faults+uint64(s.Faults), r.Searches+uint64(s.Searches)
	r.together(s.Fired)
	if s.Verdict != conformance.Failed {
		return
	}
	same := key(Drive, string(s.Ending()), s.Kind, s.Why)
	if r.known(same) || !r.room() {
		return
	}
	o.ShrinkRuns = 0
	s = conformance.Soak(maker, seed, o) // once more, and cut down: only for the first of its sort
	r.found(soakFinding(s, same, again, seed))
}

// maker makes the drives of a campaign; a test has one of its own.
var maker = conformance.Maker(conformance.Simulated)

// watched makes a drive and counts the rows of the lifecycle table that it goes through.
func (r *Result) watched(w conformance.Wish) (conformance.Device, driveLabel, error) {
	w.Parts.Trace = r.lifecycle
	return maker(w)
}

func soakFinding(s *conformance.Result, key, again string, seed uint64) Finding {
	f := Finding{
		Key: key, Kind: Drive, Ending: string(s.Ending()), Why: s.Why, Seed: seed, Again: again,
		Trace: s.Trace,
	}
	f.Trace = append(slices.Clone(f.Trace), s.Stack[:min(len(s.Stack), 10)]...)
	if script := s.Replay(); script != "" && s.Shrunk {
		f.Replay = "fdelab replay '" + script + "'"
		f.File = s.Transcript(fmt.Sprintf("%s: %s", f.Ending, f.Why),
			fmt.Sprintf("Lifecycle %d of a campaign, version %s, cut down to %d commands. The whole of it comes again with: %s",
				seed, proptest.Version(), len(s.Script), again)).String()
	}
	return f
}

// facility has one random run, which the model of package facility judges.
func (r *Result) facility(e *Entry, seed uint64, again string) {
	m, err := facility.Lifecycle{Seed: seed, Steps: e.Steps, Keys: e.Keys, Breaks: e.Breaks}.Run()
	var f *proptest.Failure
	switch {
	case errors.As(err, &f):
		r.Endings[string(conformance.Unsafe)]++
	case err != nil:
		r.notRun(e, err, again, seed)
		return
	default:
		r.Endings[string(conformance.Sound)]++
	}
	r.Commands += uint64(m.Steps())
	r.events(m)
	if f == nil {
		return
	}
	same := key(Facility, string(conformance.Unsafe), "", f.Why)
	if r.known(same) || !r.room() {
		return
	}
	script := m.Script()
	short, less := facility.Shrink(script, func(why string) bool { return key(Facility, string(conformance.Unsafe), "", why) == same })
	if less != nil {
		script, f = short, less
	}
	r.found(Finding{
		Key: same, Kind: Facility, Ending: string(conformance.Unsafe), Why: f.Why, Seed: seed, Trace: f.Trace, Again: again,
		Replay: "fdelab replay '" + script + "'",
	})
}

// sweep has one row.
func (r *Result) sweep(e *Entry, at row, again string) {
	d, p, err := e.sweepPlans()
	if err != nil {
		r.notRun(e, err, again, e.Seed)
		return
	}
	var violations []*proptest.Failure
	points := 0
	if at.part == Drive {
		d.Run(at.at)
		var s *proptest.SweepResult
		s, err = d.Row(at.at)
		violations, points = s.Violations, s.Points
		r.Searches += uint64(s.Searched)
	} else {
		p.Run(at.at)
		s, rowErr := p.Row(at.at)
		err = rowErr
		violations = s.Violations
		for _, row := range s.Rows {
			points += row.Points + row.Recovery + row.Again
		}
	}
	if err != nil {
		r.notRun(e, err, again, e.Seed)
		return
	}
	r.Commands += uint64(points)
	r.Coverage["sweep "+at.operation] += uint64(points)
	if len(violations) == 0 {
		r.Endings[Passed]++
		return
	}
	r.Endings[Failed]++
	for _, f := range violations {
		r.found(Finding{Kind: Sweep, Ending: Failed, Why: f.Why, Seed: f.Seed, Trace: f.Trace, Again: again, Replay: f.Replay})
	}
}

// deadline is how long a program may take for one request.
const deadline = 10 * time.Second

// conform has the suite with one seed.
func (r *Result) conform(e *Entry, seed uint64, again string, start func(adapters.Options) (*adapters.Program, error)) {
	device := maker
	if e.Program != "" {
		p, err := start(adapters.Options{Command: strings.Fields(e.Program), Deadline: deadline})
		if err != nil {
			r.notRun(e, err, again, seed)
			return
		}
		defer p.Close()
		device = p.Make
	}
	report, err := conformance.Judge(device, conformance.Options{Only: e.Only, Seeds: []uint64{seed}})
	if err != nil {
		r.notRun(e, err, again, seed)
		return
	}
	failed, judged, why := false, false, "the plan names none"
	for _, x := range report.Results {
		r.Commands, r.Faults, r.Searches = r.Commands+uint64(x.Commands), r.Faults+uint64(x.Faults), r.Searches+uint64(x.Searches)
		if x.Verdict == conformance.NotJudged {
			why = x.Property.ID + ": " + x.Why
			continue
		}
		judged = true
		r.Coverage["suite "+x.Property.ID]++
		if x.Verdict != conformance.Failed {
			continue
		}
		failed = true
		f := Finding{
			Key: key(Conform, Failed, x.Property.ID, x.Why), Kind: Conform, Ending: Failed, Why: x.Property.ID + " " + x.Property.Name + ": " + x.Why,
			Seed: seed, Trace: x.Trace, Again: again,
		}
		if script := x.Replay(); script != "" {
			f.Replay = "fdelab conform --replay '" + script + "'"
			if e.Program != "" {
				f.Replay += " -- " + e.Program
			}
		}
		r.found(f)
	}
	if !judged { // what was not tested has not passed
		r.notRun(e, errors.New("no property was judged: "+why), again, seed)
		return
	}
	r.Endings[map[bool]string{true: Failed, false: Passed}[failed]]++
}

// mutant has the suite catch one.
func (r *Result) mutant(n int) {
	m := made()[n]
	report, err := conformance.Judge(m.Maker, conformance.Options{Only: []string{m.Of}})
	if err != nil {
		r.notRun(&Entry{Kind: Mutants}, err, "the plan: "+Mutants, uint64(n))
		return
	}
	x := report.Results[0]
	r.Commands, r.Faults, r.Searches = r.Commands+uint64(x.Commands), r.Faults+uint64(x.Faults), r.Searches+uint64(x.Searches)
	if x.Verdict == conformance.Failed {
		r.Endings[Caught]++
		r.Coverage["mutant of "+m.Of]++
		return
	}
	r.Endings[Lives]++
	r.found(Finding{
		Kind: Mutants, Ending: Lives, Why: m.Of + " passes a drive with this defect: " + m.Defect, Seed: uint64(n), Again: "the plan: " + Mutants,
	})
}

// notRun is the finding of a unit that could not be run.
func (r *Result) notRun(e *Entry, err error, again string, seed uint64) {
	r.Endings[NotRun]++
	r.found(Finding{Kind: e.Kind, Ending: NotRun, Why: err.Error(), Seed: seed, Again: again})
}
