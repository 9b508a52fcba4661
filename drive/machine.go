package drive

import (
	"context"
	"errors"
	"fmt"

	"github.com/looplab/fsm"
)

// machine is the lifecycle machine of one drive with power, a looplab/fsm instance
// that the table builds. It is asked what may happen, and its state is the
// lifecycle state in RAM: the record in flash is the copy from which it is set at
// power-on. It has one owner, the drive's lock.
type machine struct {
	f *fsm.FSM
	p Personality
}

// rule names an event of a personality.
type rule struct {
	p Personality
	e Event
}

// facts are what the guards of an event look at.
type facts struct {
	who   Authority // whose event it is; Nobody for those of the whole drive
	after *record   // what would be in force
	was   *record   // what is in force
}

// bandAtMSID says whether the BandMaster of the facts has the factory PIN in r.
func (f *facts) bandAtMSID(r *record) bool {
	s := r.slot(f.who)
	return s != nil && s.atMSID
}

// begins says whether the Locking SP is activated, with the keys that the ranges had.
func begins(f *facts) bool {
	return f.after.activated() && f.after.keepsMEKs(f.was, len(f.after.ranges)) && f.after.granted()
}

// guards are the conditions of the table that are about records. That somebody
// authenticated needs no guard: the keys that the caller has prove it.
var guards = map[rule]func(*facts) bool{
	{Enterprise, EventMigrate}:   func(f *facts) bool { return f.bandAtMSID(f.was) && !f.bandAtMSID(f.after) },
	{Enterprise, EventRekey}:     func(f *facts) bool { return !f.bandAtMSID(f.was) && !f.bandAtMSID(f.after) },
	{Enterprise, EventErase}:     func(f *facts) bool { return !f.after.configured(Nobody) },
	{Enterprise, EventEraseBand}: func(f *facts) bool { return f.after.configured(Nobody) },
	{Enterprise, EventRestore}:   func(f *facts) bool { return !f.bandAtMSID(f.after) },

	{Opal, EventActivate}:   begins,
	{Opal, EventReactivate}: begins,
	{Opal, EventRevert}:     func(f *facts) bool { return !f.after.activated() && f.after.keepsMEKs(f.was, 0) },
	{Opal, EventRevertKeep}: func(f *facts) bool { return !f.after.activated() && f.after.keepsMEKs(f.was, 1) },
	{Opal, EventRestore}:    func(f *facts) bool { return f.after.activated() },
}

// errGuard: the table has the row, but its guard does not hold.
var errGuard = errors.New("the guard does not hold")

// machineEvents are the rows of a personality in the library's form. Of two with the same event
// and state the library would take the last without a word, so a test forbids them.
func machineEvents(p Personality) []fsm.EventDesc {
	out := make([]fsm.EventDesc, 0, len(lifecycle))
	for _, t := range p.Lifecycle() {
		out = append(out, fsm.EventDesc{Name: string(t.Event), Src: []string{t.From.String()}, Dst: t.To.String()})
	}
	return out
}

// machineGuards are the guards as callbacks that cancel the event. They look at
// their facts only: to ask or to fire the machine from inside one deadlocks.
func machineGuards(p Personality) fsm.Callbacks {
	out := fsm.Callbacks{}
	for _, e := range p.Events() {
		holds := guards[rule{p, e}]
		if holds == nil {
			continue
		}
		out["before_"+string(e)] = func(_ context.Context, ev *fsm.Event) {
			if f, ok := ev.Args[0].(*facts); !ok || !holds(f) {
				ev.Cancel(errGuard)
			}
		}
	}
	return out
}

// Both are shared by all machines of a personality.
var (
	fsmEvents = [...][]fsm.EventDesc{Enterprise: machineEvents(Enterprise), Opal: machineEvents(Opal)}
	fsmGuards = [...]fsm.Callbacks{Enterprise: machineGuards(Enterprise), Opal: machineGuards(Opal)}
)

func newMachine(p Personality, s State) *machine {
	return &machine{fsm.NewFSM(s.String(), fsmEvents[p], fsmGuards[p]), p}
}

// state is the machine's state.
func (m *machine) state() State {
	name := m.f.Current()
	for s := Erased; s <= Manufactured; s++ {
		if s.String() == name {
			return s
		}
	}
	panic("BUG: lifecycle machine in the state " + name)
}

// can says whether e is possible in the state as it is, whatever its guard says.
func (m *machine) can(e Event) bool { return m.f.Can(string(e)) }

// ask says where e would lead, and leaves the machine where it is. ok is false
// where the machine has no such event here or a guard forbids it.
func (m *machine) ask(e Event, f *facts) (to State, ok bool) {
	from := m.f.Current()
	to, ok = m.fire(e, f)
	m.f.SetState(from)
	return to, ok
}

// back takes an event back that the machine has made.
func (m *machine) back(to State) { m.f.SetState(to.String()) }

// forever is a context that nobody can cancel: a cancelled one bricks a looplab
// machine for good.
var forever = context.WithoutCancel(context.Background())

// fire moves the machine. An event that it refuses changes nothing.
func (m *machine) fire(e Event, f *facts) (to State, ok bool) {
	refused := false
	// The library gives its errors bare. errors.As would take longer than the event.
	err := m.f.Event(forever, string(e), f)
	switch err := err.(type) {
	case nil:
		return m.state(), true
	case fsm.NoTransitionError:
		if err.Err == nil {
			return m.state(), true
		}
	case fsm.InvalidEventError, fsm.UnknownEventError:
		refused = true
	case fsm.CanceledError:
		refused = errors.Is(err.Err, errGuard)
	}
	if refused {
		return m.state(), false
	}
	panic(fmt.Sprintf("BUG: lifecycle machine: %v", err))
}

// permit asks the machine whether e is possible in this state, before anything is
// prepared. Its guard is asked in keyStep.
func (d *Drive) permit(op string, e Event) error {
	if d.machine.can(e) {
		return nil
	}
	return d.forbid(op, e)
}

func (d *Drive) forbid(op string, e Event) error {
	d.trace(e, d.state(), d.state(), true)
	return d.refuse(op, InvalidState, "%s is not possible in the state %s", e, d.state())
}

// fire moves the machine with an event that it has allowed.
func (d *Drive) fire(e Event, f *facts) {
	from := d.state()
	to, ok := d.machine.fire(e, f)
	if !ok {
		panic("BUG: lifecycle refused " + string(e) + " in " + from.String())
	}
	d.trace(e, from, to, false)
}

func (d *Drive) trace(e Event, from, to State, refused bool) {
	if d.parts.Trace != nil {
		d.parts.Trace(TransitionTrace{Serial: d.cfg.Serial, Event: e, From: from, To: to, Refused: refused})
	}
}

// facts are what the machine's guards look at when next is to be in force.
func (d *Drive) facts(next *record) *facts {
	f := &facts{was: &d.rec, after: next}
	if d.session != nil {
		f.who = d.session.authority
	}
	return f
}
