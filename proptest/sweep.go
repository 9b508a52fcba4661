package proptest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// SweepOptions say what a sweep covers. The zero value is everything.
type SweepOptions struct {
	Seed       uint64   // of keys and of the places at which pages tear
	Operations []string // names of SweepOperations; nil is all
	Ranges     []int    // drives by their ranges beside the global one, each at least 1; nil is 2 and 16
	// Depth is how many cuts a run has at most: of the operation, of the power-on after it, of the
	// power-on after that. 0 is 2. With 3, pages tear at several places instead of one that follows from
	// the seed, and With is everything.
	Depth int
	// With are names of SweepCompanies: what is broken beside the power. Nil is nothing, or all with a
	// Depth of 3 on drives with up to 3 ranges.
	With  []string
	Point string // only this point, as a Failure's replay line has it: "torn@3" or "torn@3+before@0"
	Maker Maker  // makes the drives; the zero Maker makes those of package drive
	// Progress is called before each row of the plan; may be nil.
	Progress func(done, rows int, operation string)
}

// SweepRow counts what was done with one operation in one mode.
type SweepRow struct {
	Operation  string `json:"operation"`
	Ranges     int    `json:"ranges"`         // beside the global one
	With       string `json:"with,omitempty"` // what else was broken
	Mode       string `json:"mode"`           // before, torn, after
	Points     int    `json:"points"`         // flash operations at which the power was cut
	Recovery   int    `json:"recovery"`       // cuts of the power-on after those
	Again      int    `json:"again"`          // cuts of the power-on after those, in turn
	Uncut      int    `json:"uncut"`          // runs that ended without a cut: those that end a sweep
	Met        int    `json:"met"`            // runs that led to a state that was met and judged before, in this mode or another
	Lost       int    `json:"lost"`           // runs in which so much broke that the model cannot tell right from wrong: not judged
	Searched   int    `json:"searched"`       // runs, with a cut or without, at whose end the flash was searched for keys
	Violations int    `json:"violations"`     // in all of them
	GivenUp    bool   `json:"givenUp"`        // so many violations that the rest of the row was left out
}

// SweepResult is the outcome of a sweep.
type SweepResult struct {
	Seed       uint64     `json:"seed"`
	Version    string     `json:"version"`
	Rows       []SweepRow `json:"rows"`
	Points     int        `json:"points"`   // of all rows, recovery included
	Uncut      int        `json:"uncut"`    // runs that ended without a cut: those that end a sweep
	Met        int        `json:"met"`      // runs that led to a state that was met and judged before
	Lost       int        `json:"lost"`     // runs that were not judged, because too much broke
	Searched   int        `json:"searched"` // runs at whose end the flash was searched for keys
	Violations []*Failure `json:"violations"`
}

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
// on again, and the power-on is cut in the same way, and the power-on after that if Depth is 3.
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

// SweepPlan is a sweep in rows that know nothing of each other: a caller may run several at once. Each is
// an operation on a drive with one thing broken, in all modes: what one mode left is not judged again
// where another leaves the same. In the result each mode has a row.
type SweepPlan struct {
	options SweepOptions
	rows    []sweepRow
}

// sweepRow is a row that is to be run, or was.
type sweepRow struct {
	op     operation
	ranges int
	modes  []cutMode
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
	r.run = true
	for _, mode := range r.modes {
		if r.err = r.operation(r.op, r.ranges, mode); r.err != nil {
			return false
		}
	}
	return true
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
		out.Met += r.out.Met
		out.Lost += r.out.Lost
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

// Row is the result of row i alone, which was run.
func (p *SweepPlan) Row(i int) (*SweepResult, error) {
	one := SweepPlan{options: p.options, rows: p.rows[i : i+1]}
	return one.Result()
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
	point, err := parsePoint(o.Point)
	if err != nil {
		return nil, nil, err
	}
	if o.Depth < 0 || o.Depth > sweepDepthMax {
		return nil, nil, fmt.Errorf("%w: a depth of %d, want 1 to %d cuts in a run, or 0 for 2", ErrSweep, o.Depth, sweepDepthMax)
	}
	if o.Depth == 0 {
		o.Depth = 2
	}
	deep := o.Depth == sweepDepthMax
	with, err := chosenCompanies(o.With, deep)
	if err != nil {
		return nil, nil, err
	}
	s := &sweep{o: o, point: point, companies: with, newMachine: NewMachine, pointsMax: sweepPointsMax, violationsMax: sweepViolationsMax}
	if s.depth, s.modes = max(o.Depth, len(point)), modes; deep {
		s.modes = deepModes
	}
	s.out = &SweepResult{}
	return s, chosen, nil
}

// plan is every row, each with a sweep of its own.
func (s *sweep) plan(chosen []operation) *SweepPlan {
	p := &SweepPlan{options: s.o}
	modes := s.modes
	if s.point != nil {
		modes = []cutMode{s.point[0].mode}
	}
	for _, ranges := range s.o.Ranges {
		for _, op := range chosen {
			for i, with := range s.companies {
				if i > 0 && s.o.With == nil && ranges > 3 {
					break // what breaks does not depend on the number of ranges, and a big record takes long
				}
				own := *s
				own.out, own.with, own.met = &SweepResult{}, with, map[stateKey]int{}
				p.rows = append(p.rows, sweepRow{op: op, ranges: ranges, modes: modes, sweep: &own})
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

// stateKey is the hash of a state: of the flash, and of what the model expects.
type stateKey [sha256.Size]byte

type sweep struct {
	o             SweepOptions
	point         cuts // the point that is asked for; nil is all
	depth         int
	modes         []cutMode
	companies     []company
	with          company          // of this row
	met           map[stateKey]int // the states that were judged, each with how many cuts followed at most
	reached       bool             // some run got to the point
	newMachine    func(Options) (*Machine, error)
	pointsMax     int
	violationsMax int
	out           *SweepResult
}

// operation sweeps one operation in one mode, and the recovery from each cut in all modes. It ends
// with the first run that is not cut, also if that run has a violation.
func (s *sweep) operation(op operation, ranges int, mode cutMode) error {
	s.out.Rows = append(s.out.Rows, SweepRow{Operation: op.name, Ranges: ranges, With: s.with.name, Mode: mode.name})
	row := &s.out.Rows[len(s.out.Rows)-1]
	r := run{sweep: s, op: op, ranges: ranges}
	last, err := s.level(row, r, nil, mode)
	if err == nil && !row.GivenUp && last != nil {
		s.barren(row, *last)
	}
	return err
}

// level cuts what comes after the cuts of r, in one mode, at each flash operation. last is the run that
// was not cut; nil if none was to be made. dark is the drive after the cuts of r; nil if there are none.
func (s *sweep) level(row *SweepRow, r run, dark *dark, mode cutMode) (last *run, err error) {
	before := r.cuts
	for k := 0; ; k++ {
		asked := len(before) < len(s.point)
		if asked {
			k = s.point[len(before)].k
		}
		r.cuts = before.then(cutAt{mode, k})
		if k == s.pointsMax {
			s.violated(row, r.endless())
			return nil, nil
		}
		e, sound, err := s.run(row, r, dark)
		switch {
		case err != nil || row.GivenUp:
			return nil, err
		case !e.fired:
			row.Uncut++
			s.out.Uncut++
			return &r, nil
		}
		s.count(row, len(r.cuts))
		s.reached = s.reached || len(r.cuts) == len(s.point)
		// After a violation the recovery would only find it again, and from a state that was met all was tried.
		if sound && e.dark != nil && r.room() > 0 {
			if err := s.recovery(row, r, e.dark); err != nil || row.GivenUp {
				return nil, err
			}
		}
		if asked {
			return nil, nil
		}
	}
}

// count counts a cut of the operation, of the power-on after it, of the next.
func (s *sweep) count(row *SweepRow, cuts int) {
	s.out.Points++
	switch cuts {
	case 1:
		row.Points++
	case 2:
		row.Recovery++
	default:
		row.Again++
	}
}

// recovery sweeps the power-on after the cuts of r.
func (s *sweep) recovery(row *SweepRow, r run, dark *dark) error {
	modes := s.modes
	if len(r.cuts) == sweepDepthMax-1 {
		modes = thirdModes
	}
	if len(r.cuts) < len(s.point) {
		modes = []cutMode{s.point[len(r.cuts)].mode}
	}
	for _, mode := range modes {
		if _, err := s.level(row, r, dark, mode); err != nil || row.GivenUp {
			return err
		}
	}
	return nil
}

// run does one run and counts it. sound: nothing was violated. A violation is no error.
func (s *sweep) run(row *SweepRow, r run, dark *dark) (e ended, sound bool, err error) {
	e, err = r.do(dark)
	if e.searched {
		row.Searched++
		s.out.Searched++
	}
	if e.met {
		row.Met++
		s.out.Met++
	}
	if e.lost {
		row.Lost++
		s.out.Lost++
	}
	var f *Failure
	if err == nil || errors.As(err, &f) {
		if f != nil {
			s.violated(row, f)
		}
		return e, f == nil, nil
	}
	return e, false, err
}

func (s *sweep) violated(row *SweepRow, f *Failure) {
	row.Violations++
	row.GivenUp = row.Violations >= s.violationsMax
	s.out.Violations = append(s.out.Violations, f)
}

// barren makes a violation of a row in which nothing was searched, unless the drive says with right that
// it is security degraded whatever happens.
func (s *sweep) barren(row *SweepRow, r run) {
	if row.Searched == 0 && row.Violations == 0 && !s.with.stays {
		s.violated(row, r.failure("not one of %d runs searched the flash for keys, so they prove nothing", row.Points+row.Recovery+row.Again+row.Uncut))
	}
}
