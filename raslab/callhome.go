package raslab

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// Call home: a serviceable event that needs a repair sends a request for service through a
// management console to the maker's support centre, which answers with the number of a problem
// record. Everything about the way is an assumption; MAP4980 says only that a request for service
// occurs.

// CallState is how far the request for service of an event has come.
type CallState string

// The states of a request for service.
const (
	CallNotNeeded    CallState = "not needed"             // the code asks for none
	CallOff          CallState = "not sent"               // call home is turned off
	CallWaiting      CallState = "waiting"                // it could not be sent; it is tried again every hour
	CallSent         CallState = "sent, no answer yet"    // the centre did not acknowledge; it is sent again every hour
	CallAcknowledged CallState = "acknowledged"           // the centre has opened a problem record
	CallDropped      CallState = "dropped with the event" // the event was closed before it was acknowledged
)

// CallHome is the request for service of one event.
type CallHome struct {
	State  CallState
	Number string    // of the problem record at the support centre, five digits; "" before
	When   time.Time // of the state
	Why    string    // why it could not be sent, one clause; "" if it was
}

// SupportState is what the support centre does with a call. It is outside the
// facility.
type SupportState string

// The states of the support centre.
const (
	SupportAnswers SupportState = "up"     // it acknowledges a request
	SupportSilent  SupportState = "silent" // it takes a request and does not answer
	SupportDown    SupportState = "down"   // it takes no call
)

// support is call home: both ends of the way.
type support struct {
	calls  callPath
	center supportCenter
}

// supportCenter is the maker's side of call home.
type supportCenter struct {
	state   SupportState
	records int // problem records that it has opened
}

// callPath is the facility's side of call home: whether it calls, and the requests that are under
// way.
type callPath struct {
	off     bool
	pending []*event // sent or not, not acknowledged; in order of time
}

// CallHomeInfo is how call home is set, and what each console last found. It asks nobody.
type CallHomeInfo struct {
	On      bool
	Pending []int // events whose request is not acknowledged yet
}

// String says whether call home is on and how many requests wait.
func (c CallHomeInfo) String() string {
	return fmt.Sprintf("call home on %v, %d requests wait", c.On, len(c.Pending))
}

// CallHomeInfo says how call home is set.
func (s *support) CallHomeInfo() CallHomeInfo {
	i := CallHomeInfo{On: !s.calls.off}
	for _, e := range s.calls.pending {
		i.Pending = append(i.Pending, e.ID)
	}
	return i
}

// SetCallHome turns call home on or off. When it is turned on, waiting requests are sent at once.
func (l *Lab) SetCallHome(on bool) {
	l.support.calls.off = !on
	l.logf("call home", "is %s", map[bool]string{true: "on", false: "off"}[on])
	for _, e := range l.events.all {
		if on && e.Open && e.Call.State == CallOff {
			l.support.calls.pending = append(l.support.calls.pending, e)
		}
	}
	l.sendCalls()
}

// TestCallHome sends a request that asks for nothing. If it was not acknowledged, the report has
// Failed set and says why.
func (l *Lab) TestCallHome() (out Report, bad error) {
	const op = "callhome test"
	defer l.recovered(op, &out, &bad)
	rep := l.begin(op, l.options.Serial)
	if l.support.calls.off {
		return Report{}, refuse(ErrState, op, "call home is off", "turn it on first")
	}
	number, console, sent, err := l.place(l.sfi.completePartitions(), false)
	switch {
	case !sent:
		rep.r.Failed = true
		rep.note("the test request could not be sent: %v", err)
	case err != nil:
		rep.r.Failed = true
		rep.note("the test request was sent by %s: %v", console, err)
	default:
		rep.note("the test request was sent by %s and acknowledged%s", console, number)
	}
	return rep.done(), nil
}

// SetSupport is the hand on the support centre.
func (s *support) SetSupport(to SupportState) error {
	switch to {
	case SupportAnswers, SupportSilent, SupportDown:
	default:
		return refuse(ErrInvalid, "callhome centre", fmt.Sprintf("state %q of the support centre", to), "up, silent and down are right")
	}
	s.center.state = to
	return nil
}

// CutOutside cuts the network of a console to the support centre, or mends it.
func (l *Lab) CutOutside(console int, cut bool) error {
	c, err := l.console("callhome network", console)
	if err != nil {
		return err
	}
	c.outsideCut = cut
	return nil
}

// callHome decides whether a new event asks for service, and tries to.
func (l *Lab) callHome(e *event) {
	entry, ok := src.Lookup(e.SRC)
	switch {
	case ok && !entry.CallsHome():
		e.Call = CallHome{State: CallNotNeeded, When: l.Now()}
	case l.support.calls.off:
		e.Call = CallHome{State: CallOff, When: l.Now(), Why: "call home is off"}
	default:
		l.support.calls.pending = append(l.support.calls.pending, e)
		l.sendCall(e)
		l.settleCalls()
	}
}

// sendCalls tries every request that is not acknowledged again.
func (l *Lab) sendCalls() {
	for _, e := range l.support.calls.pending {
		l.sendCall(e)
	}
	l.settleCalls()
}

func (l *Lab) sendCall(e *event) {
	if l.support.calls.off {
		l.called(e, CallHome{State: CallOff, Why: "call home is off"})
		return
	}
	number, console, sent, err := l.place(l.sfi.completePartitions(), true)
	switch {
	case !sent:
		if e.Call.State == CallSent {
			return // the centre may have it
		}
		l.called(e, CallHome{State: CallWaiting, Why: err.Error()})
	case err != nil:
		l.called(e, CallHome{State: CallSent, Why: err.Error()})
	default:
		l.called(e, CallHome{State: CallAcknowledged, Number: number})
		l.logf("call home", "%s sent the request for event %d: acknowledged as problem record %s", console, e.ID, number)
	}
}

// called records the result of a request. It logs a result only once.
func (l *Lab) called(e *event, now CallHome) {
	if now.State == e.Call.State && now.Why == e.Call.Why {
		return
	}
	now.When = l.Now()
	e.Call = now
	if now.Why != "" {
		l.logf("call home", "request for event %d %s: %s", e.ID, now.State, now.Why)
	}
}

// settleCalls forgets requests that need no further try.
func (l *Lab) settleCalls() {
	keep := l.support.calls.pending[:0]
	for _, e := range l.support.calls.pending {
		if !e.Open && e.Call.State != CallAcknowledged {
			e.Call.State, e.Call.When, e.Call.Why = CallDropped, l.Now(), ""
		}
		if e.Call.State == CallWaiting || e.Call.State == CallSent {
			keep = append(keep, e)
		}
	}
	clear(l.support.calls.pending[len(keep):])
	l.support.calls.pending = keep
}

// place carries one call from a partition over a link and a console to the support centre. record
// asks the centre to open a problem record. sent says whether the centre took the call.
func (l *Lab) place(partitions []int, record bool) (number, console string, sent bool, err error) {
	err = fmt.Errorf("no partition runs that could send it")
	for _, p := range partitions {
		for i := range l.hmc.consoles {
			c := &l.hmc.consoles[i]
			if !c.serves {
				continue
			}
			switch k := &l.hmc.links[p][i]; {
			case k.cut || c.off:
				err = fmt.Errorf("partition and management console cannot talk: %s", c.name())
				continue
			case k.stalled || c.hung:
				err = fmt.Errorf("%s did not answer in time", c.name())
				continue
			case c.outsideCut || l.support.center.state == SupportDown:
				err = fmt.Errorf("%s does not reach the support centre", c.name())
				continue
			}
			if l.support.center.state == SupportSilent {
				return "", c.name(), true, fmt.Errorf("the support centre has not acknowledged it")
			}
			if record {
				l.support.center.records++
				number = fmt.Sprintf("%05d", 10000+l.support.center.records)
			}
			return number, c.name(), true, nil
		}
	}
	return "", "", false, err
}

func (s *sfi) completePartitions() (on []int) {
	for _, p := range s.partitions {
		if p.complete {
			on = append(on, p.id)
		}
	}
	return on
}
