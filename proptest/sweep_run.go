package proptest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// run is one run of an operation with its cuts: that of the command, that of the power-on after it, and
// so on.
type run struct {
	*sweep
	op     operation
	ranges int
	cuts   cuts
}

// ended is how a run ended.
type ended struct {
	fired    bool  // the last cut happened
	searched bool  // the flash was searched for keys
	lost     bool  // so much is in doubt that this run was not judged: see Machine.Lost
	met      bool  // the state at the end was judged before, and this run was not judged
	dark     *dark // after the last cut, without power; nil where it did not happen, or the run was not judged
}

// dark is a drive that lost its power. What comes follows from its state and from the number of cuts alone:
// so are the random bytes of the next power-on named.
type dark struct {
	*Machine
	cuts int
}

// fork is a drive of its own in the same state.
func (d *dark) fork() (*Machine, error) { return d.Machine.fork(fmt.Sprintf("after %d cuts", d.cuts)) }

// do runs it: the command and its cut, or only the last cut on a fork of the drive as the cuts before
// left it. e is valid with an error, too.
func (r run) do(before *dark) (e ended, err error) {
	var m *Machine
	if before == nil {
		m, e.fired, err = r.cut()
	} else if m, err = before.fork(); err == nil {
		e.fired, err = r.recovery(m, r.cuts[len(r.cuts)-1])
	}
	switch {
	case err != nil:
		return e, r.blame(err)
	case m.lost:
		e.lost = true
		return e, nil
	case before == nil && !e.fired:
		err = r.acknowledged(m)
		e.searched = m.searched > 0
		return e, r.blame(err)
	}
	key := r.state(m)
	room, known := r.met[key]
	// The point that is asked for is always judged.
	if e.met = known && room >= r.room() && r.point == nil; e.met {
		return e, nil
	}
	judged := m
	if e.fired {
		e.dark = &dark{m, len(r.cuts)}
		if judged, err = e.dark.fork(); err != nil {
			return e, err
		}
	}
	if err = r.check(judged); err == nil {
		r.met[key] = max(room, r.room()) // what is wrong is reported each time
	}
	e.lost = judged.lost
	e.searched = judged.searched > 0
	return e, r.blame(err)
}

// room is how many cuts may follow.
func (r run) room() int { return min(r.depth, r.with.cuts) - len(r.cuts) }

// state is all that decides what comes: the flash, the model of what the drive may be, and how often the
// power went.
func (r run) state(m *Machine) stateKey {
	h := sha256.New()
	for _, p := range m.mem.Dump() {
		fmt.Fprintf(h, "%d.%d:", p.Block, p.Page)
		h.Write(p.Data)
	}
	for _, w := range m.candidates {
		fmt.Fprintf(h, "candidate %q ", w.print())
		for _, a := range w.alts {
			fmt.Fprintf(h, "or %q ", a.print())
		}
	}
	fmt.Fprintf(h, "%v %v after %d cuts", m.retired, m.lost, len(r.cuts))
	return stateKey(h.Sum(nil))
}

// recovery powers the drive on and cuts that.
func (r run) recovery(m *Machine, c cutAt) (fired bool, err error) {
	if err := m.Do(Command{Verb: Arm, Plan: c.arm(m.Flash, r.with)}); err != nil {
		return false, err
	}
	err = m.Do(Command{Verb: PowerOn})
	if fired = cutFired(m.Flash); err != nil || m.lost {
		return fired, err
	}
	return fired, m.Do(Command{Verb: Disarm})
}

// cut leads a new drive to the operation and cuts it. The flash is whole again when it returns
// without an error. fired is valid with an error, too. The machine is nil if there is no drive.
func (r run) cut() (m *Machine, fired bool, err error) {
	o := Options{Seed: r.o.Seed, Config: DefaultConfig(), AuditEvery: -1, Maker: r.o.Maker}
	if o.Config.Ranges = r.ranges; r.ranges > 3 {
		o.Config.Serial = "PROP0017"
	}
	if r.op.cut == "" {
		return r.manufacture(o)
	}
	if m, err = r.newMachine(o); err != nil {
		return nil, false, err
	}
	m.doubtMax = sweepDoubtMax
	setup, err := ParseCommands(r.op.setup)
	if err != nil {
		return m, false, err
	}
	worn := ""
	for _, c := range setup {
		if c.Verb == Arm && r.op.name == "worn-migrate" {
			worn = " " + c.Plan
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
	if err := m.Do(Command{Verb: Arm, Plan: r.cuts[0].arm(m.Flash, r.with) + worn}); err != nil {
		return m, false, err
	}
	err = m.Do(c)
	if fired = cutFired(m.Flash); err != nil || m.lost {
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
func (r run) manufacture(o Options) (*Machine, bool, error) {
	b, err := NewBench(o, func(f *flash.Faulty) { f.Arm(fault.MustParse(r.cuts[0].arm(f, r.with))) })
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
	if m.lost {
		return nil
	}
	if r.op.name == "manufacture" && !m.candidates[0].trusted {
		if err := m.Do(Command{Verb: RevertPSID, PIN: PINPSID}); err != nil {
			return err
		}
	}
	if m.Settled() {
		return r.judge(m)
	}
	if r.with.plan == "" {
		return m.failf("after the power-on it is not clear whether the old record is in force or the new one")
	}
	// What broke may have left the old record or the new one: the drive must be one of the two in every
	// respect.
	var why error
	for _, w := range slices.Clone(m.candidates) {
		m.candidates = []*model{w}
		if why = r.judge(m); why == nil {
			return nil
		}
	}
	return why
}

// judge looks at everything: at the flash as the power-on left it, before any command is given, and then
// at a copy that is given commands.
func (r run) judge(m *Machine) error {
	// The search of a big record takes long, and the runs with one cut were searched.
	if len(r.cuts) == 1 || r.ranges <= 3 {
		if err := m.AuditForensic(); err != nil {
			return err
		}
	}
	return m.Audit()
}

// blame adds to a violation where it is and how it is replayed.
func (r run) blame(err error) error {
	var f *Failure
	if !errors.As(err, &f) {
		return err
	}
	point := r.cuts.String()
	f.Why = fmt.Sprintf("%s on a drive with %d ranges beside the global one, power cut %s%s: %s", r.op.name, r.ranges, point, r.beside(), f.Why)
	f.Replay = r.replay() + " --point " + point
	return f
}

// failure is a violation of the row, not of one run.
func (r run) failure(format string, args ...any) *Failure {
	where := fmt.Sprintf("%s on a drive with %d ranges beside the global one, power cut %s: ", r.op.name, r.ranges, r.cuts[0].mode.name)
	return &Failure{
		Why: where + fmt.Sprintf(format, args...), Seed: r.o.Seed, Version: Version(),
		Replay: r.replay(),
	}
}

// beside says what else was broken.
func (r run) beside() string {
	if r.with.name == nothing {
		return ""
	}
	return ", with " + r.with.name
}

// replay is the command that replays the row, without the mode.
func (r run) replay() string {
	line := fmt.Sprintf("fdelab sweep --seed %d --operation %s --ranges %d", r.o.Seed, r.op.name, r.ranges)
	if r.with.name != nothing {
		line += " --with " + r.with.name
	}
	return line
}

// endless is the violation of a command, or a power-on, that does not end.
func (r run) endless() *Failure {
	what := r.op.name
	if n := len(r.cuts) - 1; n > 0 {
		what = "the power-on after " + r.cuts[:n].String()
	}
	return r.failure("%s does not end within %d flash operations", what, r.pointsMax)
}
