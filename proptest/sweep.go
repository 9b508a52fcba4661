package proptest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// SweepOptions say what a sweep covers. The zero value is everything.
type SweepOptions struct {
	Seed       uint64   // of keys and of the places at which pages tear
	Operations []string // names of SweepOperations; nil is all
	Ranges     []int    // drives by their ranges beside the global one, each at least 1; nil is 2 and 16
	Point      string   // only this point, as a Failure's replay line has it: "torn@3" or "torn@3+before@0"
	// Progress is called before each row of the result; may be nil.
	Progress func(done, rows int, operation string)
}

// SweepRow counts what was done with one operation in one mode.
type SweepRow struct {
	Operation  string `json:"operation"`
	Ranges     int    `json:"ranges"`     // beside the global one
	Mode       string `json:"mode"`       // before, torn, after
	Points     int    `json:"points"`     // flash operations at which the power was cut
	Recovery   int    `json:"recovery"`   // cuts of the power-on after those
	Searched   int    `json:"searched"`   // runs, with a cut or without, at whose end the flash was searched for keys
	Violations int    `json:"violations"` // in all of them
	GivenUp    bool   `json:"givenUp"`    // so many violations that the rest of the row was left out
}

// SweepResult is the outcome of a sweep.
type SweepResult struct {
	Seed       uint64     `json:"seed"`
	Version    string     `json:"version"`
	Rows       []SweepRow `json:"rows"`
	Points     int        `json:"points"`   // of all rows, recovery included
	Uncut      int        `json:"uncut"`    // runs that ended without a cut: those that end a sweep
	Searched   int        `json:"searched"` // runs at whose end the flash was searched for keys
	Violations []*Failure `json:"violations"`
}

// modes are how the power goes: before an operation, in its middle, after it.
var modes = []string{"before", "torn", "after"}

// cutAt is one cut: the mode and the flash operation, counted from 0.
type cutAt struct {
	mode string
	k    int
}

func (c cutAt) String() string { return fmt.Sprintf("%s@%d", c.mode, c.k) }
func (c cutAt) plan() string   { return fmt.Sprintf("(flash.power.%s (OnIndex %d))", c.mode, c.k) }

// The bounds of a sweep. No command of a drive takes sweepPointsMax flash operations: one that does
// is itself a violation. A row with sweepViolationsMax violations is given up: more of them tell
// nothing new and may never end.
const (
	sweepPointsMax     = 2000
	sweepViolationsMax = 10
)

// ErrSweep is wrapped by every error about the options of a sweep: nothing was run.
var ErrSweep = errors.New("proptest: sweep")

// Sweep cuts the power at each flash operation of each command: before it, in its middle and after
// it, for the operations 0, 1, 2, ... until a run ends uncut. After each cut the drive is powered
// on again, and the power-on is cut in the same way.
//
// At the end of each run the drive must be what it was or what it should become, as the model says.
// Every credential is tried, all data read, and the flash searched for keys that should be gone. A
// row in which nothing was searched proves nothing and is a violation. Violations are in the
// result. An error about the options wraps ErrSweep; with any other error the result holds what was
// found before it.
func Sweep(o SweepOptions) (*SweepResult, error) {
	p, err := PlanSweep(o)
	if err != nil {
		return nil, err
	}
	for i := range p.Rows() {
		if o.Progress != nil {
			o.Progress(i, p.Rows(), p.Operation(i))
		}
		if !p.Run(i) {
			break
		}
	}
	return p.Result()
}

// SweepPlan is a sweep in its rows, which know nothing of each other: a caller may run several at
// once.
type SweepPlan struct {
	options SweepOptions
	rows    []sweepRow
}

// sweepRow is a row that is to be run, or was.
type sweepRow struct {
	op     operation
	ranges int
	mode   string
	*sweep // with what was found in this row alone
	run    bool
	err    error
}

// PlanSweep checks the options of a sweep. Nothing is run, and Progress is not called. The error
// wraps ErrSweep.
func PlanSweep(o SweepOptions) (*SweepPlan, error) {
	s, chosen, err := newSweep(o)
	if err != nil {
		return nil, err
	}
	return s.plan(chosen), nil
}

// Rows is how many rows there are.
func (p *SweepPlan) Rows() int { return len(p.rows) }

// Operation is the name of the operation of row i, from 0.
func (p *SweepPlan) Operation(i int) string { return p.rows[i].op.name }

// Run runs row i. It is true if the sweep goes on, also after violations. Calls for different rows
// may overlap in time.
func (p *SweepPlan) Run(i int) bool {
	r := &p.rows[i]
	r.run, r.err = true, r.operation(r.op, r.ranges, r.mode)
	return r.err == nil
}

// Result is that of Sweep, of the rows up to the first that failed or was not run. It is the same in
// whatever order they were run.
func (p *SweepPlan) Result() (*SweepResult, error) {
	out := &SweepResult{Seed: p.options.Seed, Version: Version(), Violations: []*Failure{}}
	reached := p.options.Point == ""
	for _, r := range p.rows {
		if !r.run {
			return out, nil
		}
		out.Rows = append(out.Rows, r.out.Rows...)
		out.Points += r.out.Points
		out.Uncut += r.out.Uncut
		out.Searched += r.out.Searched
		out.Violations = append(out.Violations, r.out.Violations...)
		if reached = reached || r.reached; r.err != nil {
			return out, r.err
		}
	}
	if !reached && len(out.Violations) == 0 {
		return out, fmt.Errorf("%w: no run reaches the point %s: the numbers count flash operations from 0", ErrSweep, p.options.Point)
	}
	return out, nil
}

// newSweep checks the options.
func newSweep(o SweepOptions) (*sweep, []operation, error) {
	chosen, err := chosenOperations(o.Operations)
	if err != nil {
		return nil, nil, err
	}
	if o.Ranges == nil {
		o.Ranges = []int{2, 16}
	}
	if len(o.Ranges) == 0 {
		return nil, nil, fmt.Errorf("%w: an empty list of ranges, want numbers of 1 to %d, or no list for 2 and 16", ErrSweep, drive.MaxRanges)
	}
	for _, ranges := range o.Ranges {
		if ranges < 1 || ranges > drive.MaxRanges {
			return nil, nil, fmt.Errorf("%w: %d ranges beside the global one, want 1 to %d", ErrSweep, ranges, drive.MaxRanges)
		}
	}
	first, second, err := parsePoint(o.Point)
	if err != nil {
		return nil, nil, err
	}
	s := &sweep{o: o, first: first, second: second, newMachine: NewMachine, pointsMax: sweepPointsMax, violationsMax: sweepViolationsMax}
	s.out = &SweepResult{}
	return s, chosen, nil
}

// plan is every row, each with a sweep of its own.
func (s *sweep) plan(chosen []operation) *SweepPlan {
	p := &SweepPlan{options: s.o}
	for _, ranges := range s.o.Ranges {
		for _, op := range chosen {
			for _, mode := range modes {
				if s.first != nil && s.first.mode != mode {
					continue
				}
				own := *s
				own.out = &SweepResult{}
				p.rows = append(p.rows, sweepRow{op: op, ranges: ranges, mode: mode, sweep: &own})
			}
		}
	}
	return p
}

func chosenOperations(names []string) ([]operation, error) {
	if names == nil {
		return operations, nil
	}
	var chosen []operation
	for _, name := range names {
		i := slices.IndexFunc(operations, func(o operation) bool { return o.name == name })
		if i < 0 {
			var known []string
			for _, o := range operations {
				known = append(known, o.name)
			}
			return nil, fmt.Errorf("%w: no operation %q, want one of %s", ErrSweep, name, strings.Join(known, ", "))
		}
		chosen = append(chosen, operations[i])
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("%w: an empty list of operations, want names, or no list for all", ErrSweep)
	}
	return chosen, nil
}

// parsePoint reads "torn@3" or "torn@3+before@0"; "" is no point.
func parsePoint(text string) (first, second *cutAt, err error) {
	if text == "" {
		return nil, nil, nil
	}
	var cuts []*cutAt
	for _, part := range strings.Split(text, "+") {
		mode, k, _ := strings.Cut(part, "@")
		n, err := strconv.ParseUint(k, 10, 16)
		if err != nil || !slices.Contains(modes, mode) || len(cuts) == 2 {
			return nil, nil, fmt.Errorf("%w: point %q, want before@N, torn@N or after@N, and +MODE@N for a cut of the power-on", ErrSweep, text)
		}
		cuts = append(cuts, &cutAt{mode, int(n)})
	}
	return cuts[0], append(cuts, nil)[1], nil
}

type sweep struct {
	o             SweepOptions
	first, second *cutAt // the point that is asked for; nil is all
	reached       bool   // some run got to it
	newMachine    func(Options) (*Machine, error)
	pointsMax     int
	violationsMax int
	out           *SweepResult
}

// operation sweeps one operation in one mode, and the recovery from each cut in all modes. It ends
// with the first run that is not cut, also if that run has a violation.
func (s *sweep) operation(op operation, ranges int, mode string) error {
	s.out.Rows = append(s.out.Rows, SweepRow{Operation: op.name, Ranges: ranges, Mode: mode})
	row := &s.out.Rows[len(s.out.Rows)-1]
	for k := 0; ; k++ {
		if s.first != nil {
			k = s.first.k
		}
		r := run{sweep: s, op: op, ranges: ranges, first: cutAt{mode, k}}
		if k == s.pointsMax {
			s.violated(row, r.endless())
			return nil
		}
		fired, sound, err := s.run(row, r)
		switch {
		case err != nil || row.GivenUp:
			return err
		case !fired:
			s.out.Uncut++
			s.barren(row, r)
			return nil
		}
		row.Points++
		s.out.Points++
		s.reached = s.reached || s.second == nil
		if sound { // after a violation the recovery would only find it again
			if err := s.recovery(row, r); err != nil || row.GivenUp {
				return err
			}
		}
		if s.first != nil {
			return nil
		}
	}
}

// recovery sweeps the power-on after a cut.
func (s *sweep) recovery(row *SweepRow, r run) error {
	if s.second != nil {
		r.second = s.second
		fired, _, err := s.run(row, r)
		if fired {
			s.reached = true
			row.Recovery++
			s.out.Points++
		}
		return err
	}
	for _, mode := range modes {
		for j := 0; ; j++ {
			r.second = &cutAt{mode, j}
			if j == s.pointsMax {
				s.violated(row, r.endless())
				break
			}
			fired, _, err := s.run(row, r)
			if err != nil || row.GivenUp {
				return err
			}
			if !fired {
				s.out.Uncut++
				break
			}
			row.Recovery++
			s.out.Points++
		}
	}
	return nil
}

// run does one run and counts it. fired: the last cut happened; sound: nothing was violated. A
// violation is no error.
func (s *sweep) run(row *SweepRow, r run) (fired, sound bool, err error) {
	e, err := r.do()
	if e.searched {
		row.Searched++
		s.out.Searched++
	}
	var f *Failure
	if err == nil || errors.As(err, &f) {
		if f != nil {
			s.violated(row, f)
		}
		return e.fired, f == nil, nil
	}
	return e.fired, false, err
}

func (s *sweep) violated(row *SweepRow, f *Failure) {
	row.Violations++
	row.GivenUp = row.Violations >= s.violationsMax
	s.out.Violations = append(s.out.Violations, f)
}

// barren makes a violation of a row in which nothing was searched.
func (s *sweep) barren(row *SweepRow, r run) {
	if row.Searched == 0 && row.Violations == 0 {
		s.violated(row, r.failure("not one of %d runs searched the flash for keys, so they prove nothing", row.Points+row.Recovery+1))
	}
}
