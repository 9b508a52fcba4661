package proptest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/internal/fault"
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
	Violations int    `json:"violations"` // of either
}

// SweepResult is the outcome of a sweep.
type SweepResult struct {
	Seed       uint64     `json:"seed"`
	Version    string     `json:"version"`
	Rows       []SweepRow `json:"rows"`
	Points     int        `json:"points"` // of all rows, recovery included
	Uncut      int        `json:"uncut"`  // runs that ended without a cut: those that end a sweep
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

// sweepPointsMax bounds a sweep that does not end by itself: no command of a drive
// takes so many flash operations.
const sweepPointsMax = 2000

// Sweep cuts the power at each flash operation of each command: before it, in its
// middle and after it, for the operations 0, 1, 2, ... until a run ends uncut. After
// each cut the drive is powered on again, and the power-on is cut in the same way.
// At the end of each run the drive must be what it was or what it should become, as
// the model says; every credential is tried, all data read, the flash searched for
// keys that should be gone. The error is about the options or the harness;
// violations are in the result.
func Sweep(o SweepOptions) (*SweepResult, error) {
	chosen, err := chosenOperations(o.Operations)
	if err != nil {
		return nil, err
	}
	if o.Ranges == nil {
		o.Ranges = []int{2, 16}
	}
	first, second, err := parsePoint(o.Point)
	if err != nil {
		return nil, err
	}
	s := &sweep{o: o, out: &SweepResult{Seed: o.Seed, Version: Version(), Violations: []*Failure{}}}
	for _, ranges := range o.Ranges {
		if ranges < 1 || ranges > drive.MaxRanges {
			return nil, fmt.Errorf("proptest: sweep: %d ranges beside the global one, want 1 to %d", ranges, drive.MaxRanges)
		}
		for _, op := range chosen {
			for _, mode := range modes {
				if first != nil && first.mode != mode {
					continue
				}
				if o.Progress != nil {
					o.Progress(len(s.out.Rows), len(o.Ranges)*len(chosen)*len(modes), op.name)
				}
				if err := s.operation(op, ranges, mode, first, second); err != nil {
					return nil, err
				}
			}
		}
	}
	return s.out, nil
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
			return nil, fmt.Errorf("proptest: sweep: no operation %q, want one of %s", name, strings.Join(known, ", "))
		}
		chosen = append(chosen, operations[i])
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
			return nil, nil, fmt.Errorf("proptest: sweep: point %q, want before@N, torn@N or after@N, and +MODE@N for a cut of the power-on", text)
		}
		cuts = append(cuts, &cutAt{mode, int(n)})
	}
	return cuts[0], append(cuts, nil)[1], nil
}

type sweep struct {
	o   SweepOptions
	out *SweepResult
}

// operation sweeps one operation in one mode, and the recovery from each cut in
// all modes.
func (s *sweep) operation(op operation, ranges int, mode string, first, second *cutAt) error {
	row := SweepRow{Operation: op.name, Ranges: ranges, Mode: mode}
	defer func() { s.out.Rows = append(s.out.Rows, row) }()
	for k := 0; ; k++ {
		if k == sweepPointsMax {
			return fmt.Errorf("proptest: sweep: %s does not end within %d flash operations", op.name, sweepPointsMax)
		}
		if first != nil {
			k = first.k
		}
		r := run{o: s.o, op: op, ranges: ranges, first: cutAt{mode, k}}
		fired, err := r.do(nil)
		if done, err := s.count(&row, err); done {
			return err
		}
		if !fired {
			s.out.Uncut++
			return nil
		}
		row.Points++
		s.out.Points++
		if err := s.recovery(&row, r, second); err != nil {
			return err
		}
		if first != nil {
			return nil
		}
	}
}

// recovery sweeps the power-on after a cut.
func (s *sweep) recovery(row *SweepRow, r run, only *cutAt) error {
	for _, mode := range modes {
		for j := 0; j < sweepPointsMax; j++ {
			at := cutAt{mode, j}
			if only != nil {
				at = *only
			}
			fired, err := r.do(&at)
			if done, err := s.count(row, err); done {
				return err
			}
			if !fired {
				s.out.Uncut++
				break
			}
			row.Recovery++
			s.out.Points++
			if only != nil {
				return nil
			}
		}
	}
	return nil
}

// count puts a violation down; done with an error that is none.
func (s *sweep) count(row *SweepRow, err error) (done bool, _ error) {
	var f *Failure
	switch {
	case err == nil:
		return false, nil
	case errors.As(err, &f):
		row.Violations++
		s.out.Violations = append(s.out.Violations, f)
		return false, nil
	}
	return true, err
}

// run is one run of an operation with one cut, or two.
type run struct {
	o      SweepOptions
	op     operation
	ranges int
	first  cutAt
	second *cutAt
}

// do runs it. With recovery the power-on after the first cut is cut too. fired:
// the last cut happened.
func (r run) do(recovery *cutAt) (fired bool, err error) {
	r.second = recovery
	m, fired, err := r.cut()
	if err != nil || !fired && recovery != nil {
		return fired, r.blame(err)
	}
	if !fired {
		return false, r.blame(r.acknowledged(m))
	}
	if recovery != nil {
		plan := recovery.plan()
		if err := m.Do(Command{Verb: Arm, Plan: plan}); err != nil {
			return false, r.blame(err)
		}
		if err := m.Do(Command{Verb: PowerOn}); err != nil {
			return true, r.blame(err)
		}
		fired = len(m.Flash.Plan().Fired()) > 0
		if err := m.Do(Command{Verb: Disarm}); err != nil {
			return fired, r.blame(err)
		}
	}
	return fired, r.blame(r.check(m))
}

// cut leads a new drive to the operation and cuts it. The flash is whole again
// when it returns.
func (r run) cut() (m *Machine, fired bool, err error) {
	o := Options{Seed: r.o.Seed, Config: DefaultConfig(), AuditEvery: -1}
	if o.Config.Ranges = r.ranges; r.ranges > 3 {
		o.Config.Serial = "PROP0017"
	}
	plan := r.first.plan()
	if r.op.cut == "" {
		return r.manufacture(o, plan)
	}
	if m, err = NewMachine(o); err != nil {
		return nil, false, err
	}
	setup, err := ParseCommands(r.op.setup)
	if err != nil {
		return nil, false, err
	}
	for _, c := range setup {
		if c.Verb == Arm && r.op.name == "worn-migrate" {
			plan += " " + c.Plan
			continue
		}
		if err := m.Do(c); err != nil {
			return m, false, err
		}
	}
	c, err := ParseCommand(r.op.cut)
	if err != nil {
		return nil, false, err
	}
	if err := m.Do(Command{Verb: Arm, Plan: plan}); err != nil {
		return m, false, err
	}
	if err := m.Do(c); err != nil {
		return m, true, err
	}
	fired = cutFired(m.Flash)
	return m, fired, m.Do(Command{Verb: Disarm})
}

func cutFired(f *flash.Faulty) bool {
	for _, point := range f.Plan().Fired() {
		if strings.HasPrefix(string(point.Point), "flash.power.") {
			return true
		}
	}
	return false
}

// manufacture is a factory that loses power. A drive that has no record then is
// finished by a PSID revert.
func (r run) manufacture(o Options, plan string) (*Machine, bool, error) {
	b, err := NewBench(o, func(f *flash.Faulty) { f.Arm(fault.MustParse(plan)) })
	code, herr := codeOf(err)
	if herr != nil {
		return nil, false, herr
	}
	fired := cutFired(b.Flash)
	b.Flash.Disarm()
	m := machineOn(b)
	w := newWorld(b.Options.Config)
	m.worlds = []*world{w}
	if want := map[bool]drive.Code{true: drive.PowerLost}[fired]; code != want {
		return m, fired, m.failf("manufacture answered %q, expected %q", answer(code), answer(want))
	}
	if !fired {
		return m, false, m.compare(Command{Verb: PowerOn}, ok)
	}
	blank := w.stored()
	blank.trusted, blank.state, blank.fresh = false, drive.SecurityDegraded, true
	m.worlds = []*world{w.stored(), blank}
	return m, true, nil
}

// acknowledged checks a run that was not cut: what the drive has reported as done
// must hold if the power goes now.
func (r run) acknowledged(m *Machine) error {
	if err := m.AuditForensic(); err != nil {
		return err
	}
	if err := m.Do(Command{Verb: PowerOff}); err != nil {
		return err
	}
	return r.check(m)
}

// check powers the drive on and looks at everything.
func (r run) check(m *Machine) error {
	if err := m.Do(Command{Verb: PowerOn}); err != nil {
		return err
	}
	if r.op.name == "manufacture" && !m.worlds[0].trusted {
		if err := m.Do(Command{Verb: RevertPSID, PIN: PINPSID}); err != nil {
			return err
		}
	}
	if !m.Settled() {
		return m.failf("after the power-on it is not clear whether the old record is in force or the new one")
	}
	if err := m.Audit(); err != nil {
		return err
	}
	if r.second != nil && r.ranges > 3 {
		return nil // the search of a big record takes long, and the cuts before were searched
	}
	return m.AuditForensic()
}

// blame makes a violation say how it is replayed.
func (r run) blame(err error) error {
	var f *Failure
	if !errors.As(err, &f) {
		return err
	}
	point := r.first.String()
	if r.second != nil {
		point += "+" + r.second.String()
	}
	f.Why = fmt.Sprintf("%s on a drive with %d ranges beside the global one, power cut %s: %s", r.op.name, r.ranges, point, f.Why)
	f.Replay = fmt.Sprintf("fdelab sweep --seed %d --operation %s --ranges %d --point %s", r.o.Seed, r.op.name, r.ranges, point)
	return f
}
