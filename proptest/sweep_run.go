package proptest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// run is one run of an operation with one cut, or two: that of the command, and
// that of the power-on after it.
type run struct {
	*sweep
	op     operation
	ranges int
	first  cutAt
	second *cutAt
}

// ended is how a run ended.
type ended struct {
	fired    bool // the last cut happened
	searched bool // the flash was searched for keys
}

// do runs it. e is valid with an error, too.
func (r run) do() (e ended, err error) {
	m, fired, err := r.cut()
	if m != nil {
		defer func() { e.searched = m.searched > 0 }()
	}
	switch {
	case err != nil:
		return ended{fired: fired && r.second == nil}, r.blame(err)
	case !fired:
		return e, r.blame(r.acknowledged(m))
	case r.second != nil:
		if fired, err = r.recovery(m); err != nil {
			return ended{fired: fired}, r.blame(err)
		}
	}
	e.fired = fired
	return e, r.blame(r.check(m))
}

// recovery powers the drive on and cuts that.
func (r run) recovery(m *Machine) (fired bool, err error) {
	if err := m.Do(Command{Verb: Arm, Plan: r.second.plan()}); err != nil {
		return false, err
	}
	err = m.Do(Command{Verb: PowerOn})
	if fired = cutFired(m.Flash); err != nil {
		return fired, err
	}
	return fired, m.Do(Command{Verb: Disarm})
}

// cut leads a new drive to the operation and cuts it. The flash is whole again when it returns
// without an error. fired is valid with an error, too. The machine is nil if there is no drive.
func (r run) cut() (m *Machine, fired bool, err error) {
	o := Options{Seed: r.o.Seed, Config: DefaultConfig(), AuditEvery: -1}
	if o.Config.Ranges = r.ranges; r.ranges > 3 {
		o.Config.Serial = "PROP0017"
	}
	plan := r.first.plan()
	if r.op.cut == "" {
		return r.manufacture(o, plan)
	}
	if m, err = r.newMachine(o); err != nil {
		return nil, false, err
	}
	setup, err := ParseCommands(r.op.setup)
	if err != nil {
		return m, false, err
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
		return m, false, err
	}
	if err := m.Do(Command{Verb: Arm, Plan: plan}); err != nil {
		return m, false, err
	}
	err = m.Do(c)
	if fired = cutFired(m.Flash); err != nil {
		return m, fired, err
	}
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
	w := newModel(b.Options.Config)
	m.candidates = []*model{w}
	if want := map[bool]drive.Code{true: drive.PowerLost}[fired]; code != want {
		return m, fired, m.failf("manufacture answered %q, expected %q", answer(code), answer(want))
	}
	if !fired {
		return m, false, m.compare(Command{Verb: PowerOn}, ok)
	}
	blank := w.stored()
	blank.trusted, blank.state, blank.fresh = false, drive.SecurityDegraded, true
	m.candidates = []*model{w.stored(), blank}
	return m, true, nil
}

// acknowledged checks a run that was not cut: what the drive has reported as done must hold if
// power goes now.
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
	if r.op.name == "manufacture" && !m.candidates[0].trusted {
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
		return nil // the search of a big record takes long, and the runs with one cut were searched
	}
	return m.AuditForensic()
}

// blame adds to a violation where it is and how it is replayed.
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

// failure is a violation of the row, not of one run.
func (r run) failure(format string, args ...any) *Failure {
	where := fmt.Sprintf("%s on a drive with %d ranges beside the global one, power cut %s: ", r.op.name, r.ranges, r.first.mode)
	return &Failure{
		Why: where + fmt.Sprintf(format, args...), Seed: r.o.Seed, Version: Version(),
		Replay: fmt.Sprintf("fdelab sweep --seed %d --operation %s --ranges %d", r.o.Seed, r.op.name, r.ranges),
	}
}

// endless is the violation of a command, or a power-on, that does not end.
func (r run) endless() *Failure {
	what := r.op.name
	if r.second != nil {
		what = "the power-on after " + r.first.String()
	}
	return r.failure("%s does not end within %d flash operations", what, r.pointsMax)
}
