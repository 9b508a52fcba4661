package raslab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// ServiceEvent is a serviceable event: what the facility tells the service
// person.
type ServiceEvent struct {
	ID         int    // the problem number, counts from 1
	SRC        string // the reference code, such as BE3400B3
	Severity   src.Severity
	First      time.Time
	Last       time.Time
	Count      int      // how often it was found
	Locations  []string // location codes, in the order in which they were found
	Slots      []string // of drives: the same drives as slot names; else empty
	Serials    []string // of drives: the same drives as serial numbers; else empty
	KeyServers []int    // of key servers: the key managers concerned, by number; else empty
	Partitions []int    // 0 and 1: which partitions reported it
	Found      []string // what was found, one clause for each location
	FRUs       []FRU    // what to replace or go through, in this order
	Call       CallHome // the request for service
	Next       string   // for missing keys: what brings the data back; "" if there is nothing to say, or the event is closed
	Open       bool
	Closed     time.Time // zero while open
	ClosedBy   string    // a name, or "facility" when it closed by itself
	ClosedWhy  string
}

// events is the serviceable events.
type events struct {
	all    []*event
	open   []*event // in the order in which they came up
	raises uint64   // calls of raise so far
}

type event struct {
	ServiceEvent
	scope   string // what a repeat has in common: "" or a slot
	raised  uint64 // which call of raise was the last for it, counted from 1
	found   []finding
	recheck matter  // what is looked at before it is closed; nil: nothing
	cause   matter  // what BE14CFE1 looks at before it takes the event along; nil: recheck
	next    wayBack // ServiceEvent.Next; nil: nothing to say
}

// matter is what an event is about: the parts of the facility that have to be looked at again. It is data, so what
// an event waits for can be seen, compared and kept with the facility.
type matter interface {
	still(e *event) []string // what is still wrong; empty if the cause is gone
}

// wayBack is what an event waits for whose data are locked.
type wayBack interface {
	wayBack() string // what brings the data back; "" if there is nothing to say
}

// causeHolds says whether what the event reports is still true.
func (e *event) causeHolds() bool {
	look := e.cause
	if look == nil {
		look = e.recheck
	}
	return look != nil && len(look.still(e)) > 0
}

// raise opens a serviceable event, or counts the open one of the same code and scope. It is called
// only where the software found something.
func (l *Lab) raise(code src.Code, scope string, found []finding, recheck matter) *event {
	return l.raiseOn(l.sfi.completePartitions(), code, scope, found, recheck)
}

// raiseOn is raise for what these partitions report.
func (l *Lab) raiseOn(partitions []int, code src.Code, scope string, found []finding, recheck matter) *event {
	i := slices.IndexFunc(l.events.open, func(e *event) bool { return e.SRC == string(code) && e.scope == scope })
	var e *event
	if i >= 0 {
		e = l.events.open[i]
	} else {
		e = &event{scope: scope}
		e.ID, e.SRC, e.Open, e.First = len(l.events.all)+1, string(code), true, l.Now()
		if entry, ok := src.Lookup(e.SRC); ok {
			e.Severity = entry.Severity
		}
		l.events.all, l.events.open = append(l.events.all, e), append(l.events.open, e)
	}
	e.recheck = recheck
	e.Last = l.Now()
	e.Count++
	for _, p := range partitions {
		if !slices.Contains(e.Partitions, p) {
			e.Partitions = append(e.Partitions, p)
		}
	}
	slices.Sort(e.Partitions)
	news := e.Count == 1
	for _, f := range found {
		k := slices.IndexFunc(e.found, f.same)
		if k >= 0 {
			e.found[k].why, e.Found[k] = f.why, f.why
			continue
		}
		news = true
		e.found = append(e.found, f)
		e.Locations = append(e.Locations, f.where())
		e.Found = append(e.Found, f.why)
		switch {
		case f.slot != nil:
			e.Slots = append(e.Slots, f.slot.name)
			e.Serials = append(e.Serials, f.serial)
		case f.manager != nil:
			e.KeyServers = append(e.KeyServers, f.manager.id)
		}
	}
	if news {
		verb := "opened"
		if e.Count > 1 {
			verb = "grew"
		}
		l.logf("event", "%s %s (event %d): %s", e.SRC, verb, e.ID, e.summary())
	}
	if news {
		e.FRUs = l.fruList(e)
	}
	if e.Count == 1 {
		l.callHome(e)
	}
	l.events.raises++
	e.raised = l.events.raises
	if entry, ok := src.Lookup(e.SRC); ok && entry.Closing.Kind == src.ClosesItself {
		l.closeItself(e, entry.Closing.With)
	}
	return e
}

func (e *event) summary() string {
	parts := make([]string, len(e.found))
	for i, f := range e.found {
		parts[i] = f.where() + ": " + f.why
		if f.slot != nil {
			parts[i] = fmt.Sprintf("%s %s: %s", f.slot.location, f.serial, f.why)
		}
	}
	return strings.Join(parts, "; ")
}

// closeItself closes an event that closes itself by the catalogue. It also closes the open events
// of the same partitions with a code in with, if their cause is gone. An event whose cause the
// facility still finds stays open: that differs from MAP4980 on purpose, and the catalogue says so
// (BE14CFE1).
func (l *Lab) closeItself(e *event, with []src.Code) {
	l.close(e, "facility", "closes itself")
	for _, o := range slices.Clone(l.events.open) {
		if slices.Contains(with, src.Code(o.SRC)) && subset(o.Partitions, e.Partitions) && !o.causeHolds() {
			l.close(o, "facility", "closed with "+e.SRC)
		}
	}
}

func subset(some, all []int) bool {
	return !slices.ContainsFunc(some, func(n int) bool { return !slices.Contains(all, n) })
}

func (l *Lab) close(e *event, by, why string) {
	e.Open, e.Closed, e.ClosedBy, e.ClosedWhy = false, l.Now(), by, why
	l.events.open = slices.DeleteFunc(l.events.open, func(o *event) bool { return o == e })
	l.settleCalls()
	l.logf("event", "%s (event %d) closed by %s: %s", e.SRC, e.ID, by, why)
}

// CloseEvent closes an event by hand. The facility looks again first: while the
// cause still holds it refuses with ErrOpen and says what is still wrong,
// unless force is set (assumption: a real console closes without a look). by
// and why go into the record.
func (l *Lab) CloseEvent(id int, by, why string, force bool) (_ ServiceEvent, bad error) {
	const op = "event close"
	defer l.unwound(op, &bad)
	e, err := l.events.eventNumbered(op, id)
	if err != nil {
		return ServiceEvent{}, err
	}
	by, why = strings.TrimSpace(by), strings.TrimSpace(why)
	if by == "" {
		return ServiceEvent{}, refuse(ErrInvalid, op, "nobody is named who closes it", "give a name, and a reason of one line")
	}
	if strings.ContainsAny(by+why, "\n\r") {
		return ServiceEvent{}, refuse(ErrInvalid, op, "the name or the reason has several lines", "give a name and a reason of one line each")
	}
	if !e.Open {
		return ServiceEvent{}, refuse(ErrState, op, fmt.Sprintf("event %d was closed by %s", id, e.ClosedBy), "")
	}
	if e.recheck != nil {
		if still := e.recheck.still(e); len(still) > 0 {
			if !force {
				return ServiceEvent{}, refuse(ErrOpen, op, fmt.Sprintf("the cause of event %d still holds: %s", id, strings.Join(still, "; ")), "repair that first, or force it")
			}
			why = strings.TrimSpace(why + " (forced; still wrong: " + strings.Join(still, "; ") + ")")
		}
	}
	if why == "" {
		why = "the cause is gone"
	}
	l.close(e, by, why)
	return e.public(), nil
}

func (e *event) public() ServiceEvent {
	p := e.ServiceEvent
	p.Locations, p.Slots, p.Serials = slices.Clone(p.Locations), slices.Clone(p.Slots), slices.Clone(p.Serials)
	p.FRUs = slices.Clone(p.FRUs)
	p.Partitions, p.Found, p.KeyServers = slices.Clone(p.Partitions), slices.Clone(p.Found), slices.Clone(p.KeyServers)
	if e.Open && e.next != nil {
		p.Next = e.next.wayBack()
	}
	return p
}

// Events lists every serviceable event, by id, open and closed.
func (g *events) Events() []ServiceEvent {
	out := make([]ServiceEvent, len(g.all))
	for i, e := range g.all {
		out[i] = e.public()
	}
	return out
}

// OpenEvents lists the open ones.
func (g *events) OpenEvents() []ServiceEvent {
	out := make([]ServiceEvent, len(g.open))
	for i, e := range g.open {
		out[i] = e.public()
	}
	return out
}

// EventMark is a moment in the life of the serviceable events, for EventsSince. The zero value is before the first.
type EventMark struct {
	all  int // events that there were
	open []wasOpen
}

type wasOpen struct {
	event *event
	count int
}

// EventMark is this moment.
func (g *events) EventMark() EventMark {
	m := EventMark{all: len(g.all)}
	for _, e := range g.open {
		m.open = append(m.open, wasOpen{e, e.Count})
	}
	return m
}

// EventChange is an event to which something happened.
type EventChange struct {
	ServiceEvent
	New   bool // it came up
	Again bool // an event that was open was found again
}

// EventsSince lists the events that came up, were found again or were closed since a moment, by id. What is closed
// never changes, so this costs nothing for the years before.
func (g *events) EventsSince(m EventMark) (out []EventChange) {
	for _, was := range m.open {
		if e := was.event; e.Count > was.count || !e.Open {
			out = append(out, EventChange{ServiceEvent: e.public(), Again: e.Count > was.count})
		}
	}
	for _, e := range g.all[m.all:] {
		out = append(out, EventChange{ServiceEvent: e.public(), New: true})
	}
	return out
}

// Event gets one by its id.
func (g *events) Event(id int) (ServiceEvent, error) {
	e, err := g.eventNumbered("event show", id)
	if err != nil {
		return ServiceEvent{}, err
	}
	return e.public(), nil
}

func (g *events) eventNumbered(op string, id int) (*event, error) {
	if id >= 1 && id <= len(g.all) {
		return g.all[id-1], nil
	}
	right := "there are no events yet"
	if len(g.all) > 0 {
		right = fmt.Sprintf("events are 1 to %d", len(g.all))
	}
	return nil, refuse(ErrNotFound, op, fmt.Sprintf("there is no event %d", id), right)
}
