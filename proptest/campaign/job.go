package campaign

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/proptest/mutants"
)

// Job is about a second of work of a plan. It says all that a worker has to know.
type Job struct {
	Number uint64 `json:"job"`
	Line   string `json:"line"`  // the entry
	First  uint64 `json:"first"` // seed, row or mutant
	Count  uint64 `json:"count"`
	// Faults are the kinds of faults of a drive's lifecycles that have not been met together yet; nil leaves them to
	// the line.
	Faults []string `json:"faults,omitempty"`
}

// units is how many units an entry has, and how many of them a job; all is false of an entry without end.
func (e *Entry) units() (n, each uint64, all bool) {
	switch e.Kind {
	case Sweep:
		return uint64(len(e.rows)), 1, true
	case Mutants:
		return uint64(len(made())), 1, true
	}
	return e.Count, e.Each, e.Count > 0
}

// jobs is how many jobs an entry has.
func (e *Entry) jobs() (n uint64, all bool) {
	units, each, all := e.units()
	return (units + each - 1) / each, all
}

// Jobs is how many jobs the plan has, unless an entry has no end.
func (p *Plan) Jobs() (n uint64, all bool) {
	for _, e := range p.Entries {
		jobs, all := e.jobs()
		if !all {
			return 0, false
		}
		n += jobs
	}
	return n, true
}

// Units is how many lifecycles, rows, seeds and mutants the plan has, unless an entry has no end.
func (p *Plan) Units() (n uint64, all bool) {
	for _, e := range p.Entries {
		units, _, all := e.units()
		if !all {
			return 0, false
		}
		n += units
	}
	return n, true
}

// unitOf is what a kind of work counts.
var unitOf = map[string]string{Drive: "lifecycle", Facility: "lifecycle", Sweep: "row", Conform: "seed", Mutants: "mutant", Idle: "empty job"}

// Count is a number of units in words, by the kinds of work that the plan has: "1 lifecycle", "67 lifecycles and rows".
func (p *Plan) Count(units uint64) string {
	var all []string
	for _, e := range p.Entries {
		name := unitOf[e.Kind]
		if units != 1 {
			name += "s"
		}
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	with := " and "
	if units == 1 {
		with = " or "
	}
	if last := len(all) - 1; last > 0 {
		all = []string{strings.Join(all[:last], ", ") + with + all[last]}
	}
	return fmt.Sprintf("%d %s", units, strings.Join(all, ""))
}

// steeredOf is of how many jobs one goes where nothing has been met yet.
const steeredOf = 4

// Job is job n, from 0. wanted are the pairs of faults that had not been met when the generation of the job was
// made; a part of the jobs has them in turn. It is false if the plan has no such job.
func (p *Plan) Job(n uint64, wanted [][]string) (Job, bool) {
	at := n
	for _, e := range p.Entries {
		jobs, all := e.jobs()
		if all && at >= jobs {
			at -= jobs
			continue
		}
		units, each, _ := e.units()
		j := Job{Number: n, Line: e.String(), First: at * each, Count: each}
		if all {
			j.Count = min(each, units-j.First)
		}
		if e.Kind != Sweep && e.Kind != Mutants {
			if j.First += e.Seed; j.First < e.Seed {
				return Job{}, false // beyond the last seed
			}
		}
		if e.Kind == Drive && e.Faults == nil && n%steeredOf == steeredOf-1 && len(wanted) > 0 {
			j.Faults = wanted[n/steeredOf%uint64(len(wanted))]
		}
		return j, true
	}
	return Job{}, false
}

// entry reads the line of the job.
func (j *Job) entry() (*Entry, error) {
	kind, w, err := words(j.Line)
	if err != nil {
		return nil, fmt.Errorf("%w: job %d: %w", ErrPlan, j.Number, err)
	}
	e, err := parseEntry(kind, w)
	if err != nil {
		return nil, fmt.Errorf("%w: job %d: %w", ErrPlan, j.Number, err)
	}
	if _, each, _ := e.units(); j.Count < 1 || j.Count > each {
		return nil, fmt.Errorf("%w: job %d of %d units, want 1 to %d", ErrPlan, j.Number, j.Count, each)
	}
	for _, k := range j.Faults {
		if !slices.Contains(faultKinds(), k) {
			return nil, fmt.Errorf("%w: job %d: no kind of fault %q", ErrPlan, j.Number, k)
		}
	}
	return &e, nil
}

// Kind is the kind of work of the job: see Kinds.
func (j *Job) Kind() string {
	kind, _, _ := strings.Cut(j.Line, " ")
	return kind
}

// Command is the program that the job runs and its arguments; nil if it runs none.
func (j *Job) Command() []string {
	e, err := j.entry()
	if err != nil || e.Program == "" {
		return nil
	}
	return strings.Fields(e.Program)
}

// Programs says whether a plan runs programs.
func (p *Plan) Programs() bool {
	return slices.ContainsFunc(p.Entries, func(e Entry) bool { return e.Program != "" })
}

// made are the mutants that are made of a sound device.
func made() []mutants.Mutant {
	return slices.DeleteFunc(mutants.All(), func(m mutants.Mutant) bool { return m.Maker == nil })
}
