package powercut

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/proptest"
)

// Options say what a sweep covers. The zero value is everything.
type Options struct {
	Seed       uint64   // of all keys
	Parts      []string // names of Parts; nil is all
	Operations []string // names of Operations, "group/admit"; nil is all
	// Depth is how many cuts a run has at most: of the operation, of the start after it, of the start after
	// that. 0 is 2. With 3, what is written tears at several places.
	Depth int
	With  []string // names of Companies; nil is nothing else, and all with a depth of 3
	Point string   // only this point, as a violation names it: "torn@3" or "torn@3+torn@0"; "" is all
}

// Row counts what was done with one operation in one mode.
type Row struct {
	Part       string `json:"part"`
	Operation  string `json:"operation"`
	With       string `json:"with"` // what was broken beside the power
	Mode       string `json:"mode"`
	Points     int    `json:"points"`     // changes at which the power was cut
	Recovery   int    `json:"recovery"`   // cuts of the start after those
	Again      int    `json:"again"`      // cuts of the start after those, in turn
	Uncut      int    `json:"uncut"`      // runs that ended without a cut: of the operation, and of each start that was cut
	Refused    int    `json:"refused"`    // pages and blocks that refused, where something was broken beside the power
	Met        int    `json:"met"`        // cuts that left a state which the operation had met and judged before
	Violations int    `json:"violations"` // in all of them
	GivenUp    bool   `json:"givenUp"`    // so many violations that the rest of the row was left out
}

// Runs is how many runs there were, those that ended without a cut included.
func (r Row) Runs() int { return r.Points + r.Recovery + r.Again + r.Uncut }

// Add adds the counts of another row.
func (r *Row) Add(o Row) {
	r.Points += o.Points
	r.Recovery += o.Recovery
	r.Again += o.Again
	r.Uncut += o.Uncut
	r.Refused += o.Refused
	r.Met += o.Met
	r.Violations += o.Violations
}

// Result is the outcome of a sweep.
type Result struct {
	Rows       []Row               `json:"rows"`
	Violations []*proptest.Failure `json:"violations"`
	Reached    bool                `json:"-"` // some run got to the point that was asked for; true where none was
}

// The bounds of a sweep. An operation with more changes does not end, and a row with so many violations
// is given up.
const (
	pointsMax     = 1000
	violationsMax = 10
)

// ErrOptions is wrapped by every error about the options of a sweep: nothing was run.
var ErrOptions = errors.New("powercut: sweep")

// world is an operation and everything that it works on, for one run.
type world interface {
	power() *supply
	// run does the operation that is cut.
	run() error
	// start brings everything up again, and finishes what was begun. It fails only if the power is cut in it.
	start() error
	// check looks at everything after a start that was not cut. The error is a violation, in a few words.
	check() error
	// state is all that outlives the power, and what is expected of it.
	state(out io.Writer)
	// dark is a copy of it, without power. Nothing but state may be asked of it before wake.
	dark() world
	// wake lets a dark world be started. Its random streams are named so: what comes follows from the state
	// and from this name alone.
	wake(streams string) error
}

// operation is what is swept.
type operation struct {
	part, name, about string
	world             func(seed uint64) (world, error)
	noDrive           bool // no drive has a part in it
}

func (o operation) String() string { return o.part + "/" + o.name }

// flash says whether the operation changes the flash of a drive.
func (o operation) flash() bool { return o.part == "opal" || !o.noDrive }

// all are the operations of all parts, in order.
func all() []operation {
	return slices.Concat(groupOperations(), eraseOperations(), repositoryOperations(), opalOperations())
}

// Parts lists the names of what is swept, each with what it is.
func Parts() [][2]string {
	return [][2]string{
		{"group", "an encryption group with its drives and its record in the key repository"},
		{"erase", "the erase engine with a drive and its journal on a disk"},
		{"repository", "the key repository in three copies"},
		{"opal", "an Opal drive, and each of its key steps"},
	}
}

// Operations lists the names of what is cut, in order, each with what it is.
func Operations() [][2]string {
	var out [][2]string
	for _, o := range all() {
		out = append(out, [2]string{o.String(), o.about})
	}
	return out
}

// Plan is a sweep in its operations, which know nothing of each other: a caller may run several at once.
type Plan struct {
	sweeps []*sweep
}

// sweep is that of one operation.
type sweep struct {
	op     operation
	seed   uint64
	depth  int
	point  cuts
	first  []mode
	second []mode
	with   company
	// runs cuts each start in a run of its own, as the operation is: it is slow, and says the same.
	runs       bool
	met        map[[sha256.Size]byte]int // the states that were judged, in whatever mode, each with how many cuts followed at most
	rows       []*row
	violations []*proptest.Failure
	reached    bool
	run        bool
	err        error
}

// row is the part of a sweep in which the first cut is of one mode.
type row struct {
	*sweep
	mode mode
	out  Row
}

// PlanSweep checks the options of a sweep. Nothing is run. The error wraps ErrOptions.
func PlanSweep(o Options) (*Plan, error) {
	point, err := parsePoint(o.Point)
	if err != nil {
		return nil, err
	}
	if o.Depth < 0 || o.Depth > depthMax {
		return nil, fmt.Errorf("%w: a depth of %d, want 1 to %d cuts in a run, or 0 for 2", ErrOptions, o.Depth, depthMax)
	}
	depth, first, second := max(o.Depth, len(point)), modes, secondModes
	if depth == 0 {
		depth = 2
	}
	if depth == depthMax {
		first, second = deepModes, deepSecond
	}
	if point != nil {
		first = []mode{point[0].mode}
	}
	ops, err := chosen(o)
	if err != nil {
		return nil, err
	}
	beside, err := chosenCompanies(o.With, depth == depthMax && point == nil)
	if err != nil {
		return nil, err
	}
	p := &Plan{}
	var without []string // operations that none of o.With is for
	for _, op := range ops {
		if !op.flash() && o.With != nil && !slices.Contains(o.With, nothing) {
			without = append(without, op.String())
			continue
		}
		for _, with := range beside {
			if with.name != nothing && !op.flash() {
				continue
			}
			p.sweeps = append(p.sweeps, &sweep{op: op, seed: o.Seed, depth: depth, point: point, first: first, second: second, with: with, met: map[[sha256.Size]byte]int{}})
		}
	}
	if len(without) > 0 && (o.Operations != nil || len(p.sweeps) == 0) {
		return nil, fmt.Errorf("%w: %s: there is no flash that could refuse in %s", ErrOptions, strings.Join(o.With, ", "), strings.Join(without, ", "))
	}
	return p, nil
}

func chosen(o Options) ([]operation, error) {
	for _, part := range o.Parts {
		if !slices.ContainsFunc(Parts(), func(p [2]string) bool { return p[0] == part }) {
			return nil, fmt.Errorf("%w: no part %q, want one of %s", ErrOptions, part, names(Parts()))
		}
	}
	var out []operation
	for _, op := range all() {
		if (o.Parts == nil || slices.Contains(o.Parts, op.part)) && (o.Operations == nil || slices.Contains(o.Operations, op.String())) {
			out = append(out, op)
		}
	}
	for _, name := range o.Operations {
		if !slices.ContainsFunc(out, func(op operation) bool { return op.String() == name }) {
			return nil, fmt.Errorf("%w: no operation %q, want one of %s", ErrOptions, name, names(Operations()))
		}
	}
	return out, nil
}

func names(list [][2]string) string {
	var out []string
	for _, n := range list {
		out = append(out, n[0])
	}
	return strings.Join(out, ", ")
}

// Rows is how many operations there are: what Run takes one of.
func (p *Plan) Rows() int { return len(p.sweeps) }

// Operation is the name of operation i, from 0.
func (p *Plan) Operation(i int) string { return p.sweeps[i].op.String() }

// Run sweeps operation i in all modes. It is true if the sweep goes on, also after violations. Calls for
// different operations may overlap in time.
func (p *Plan) Run(i int) bool {
	s := p.sweeps[i]
	s.run = true
	for _, m := range s.first {
		if m.drive && s.op.noDrive {
			continue
		}
		r := &row{sweep: s, mode: m, out: Row{Part: s.op.part, Operation: s.op.String(), With: s.with.name, Mode: m.name}}
		s.rows = append(s.rows, r)
		if s.err = r.operation(); s.err != nil {
			return false
		}
		if r.out.Points == 0 && s.point == nil && !r.out.GivenUp {
			r.violated(nil, errors.New("the operation changes nothing, so nothing was cut"), nil)
		}
		if r.out.Refused == 0 && s.with.name != nothing && s.point == nil && !r.out.GivenUp {
			r.violated(nil, errors.New("nothing was refused, so this is the sweep without"), nil)
		}
	}
	return true
}

// Result is that of the operations up to the first that could not be run. It is the same in whatever order
// they were run.
func (p *Plan) Result() (*Result, error) {
	out := &Result{Violations: []*proptest.Failure{}, Reached: len(p.sweeps) > 0 && p.sweeps[0].point == nil}
	for _, s := range p.sweeps {
		if !s.run {
			return out, nil
		}
		for _, r := range s.rows {
			out.Rows = append(out.Rows, r.out)
		}
		out.Violations = append(out.Violations, s.violations...)
		out.Reached = out.Reached || s.reached
		if s.err != nil {
			return out, s.err
		}
	}
	return out, nil
}

// Row is the result of operation i alone, which was run.
func (p *Plan) Row(i int) (*Result, error) {
	one := Plan{sweeps: p.sweeps[i : i+1]}
	return one.Result()
}
