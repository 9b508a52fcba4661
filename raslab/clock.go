package raslab

import (
	"slices"
	"time"
)

// A clock is virtual time: a 4-ary heap of events ordered by time, then by the
// order in which they were asked for. Four children a node keep the heap flat;
// the ties by sequence make a run reproducible.
type clock struct {
	start time.Time
	now   time.Duration // since start
	seq   uint64
	heap  []timer
	guard guard // runs each event
}

// task is what an event of the clock does. It is data, so what waits can be seen and kept with the facility.
type task interface{ run() }

// guard runs tasks, and survives them.
type guard interface {
	guarded(what string, t task)
}

type timer struct {
	at   time.Duration
	seq  uint64
	what string
	task task
}

func (a *timer) before(b *timer) bool {
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

// after asks for a task to be run d from now; a negative d is now. what names it.
func (c *clock) after(d time.Duration, what string, t task) {
	c.seq++
	c.heap = append(c.heap, timer{c.now + max(d, 0), c.seq, what, t})
	i := len(c.heap) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !c.heap[i].before(&c.heap[parent]) {
			return
		}
		c.heap[i], c.heap[parent] = c.heap[parent], c.heap[i]
		i = parent
	}
}

func (c *clock) pop() timer {
	top := c.heap[0]
	last := len(c.heap) - 1
	c.heap[0] = c.heap[last]
	c.heap[last] = timer{}
	c.heap = c.heap[:last]
	for i := 0; ; {
		least := i
		for child := 4*i + 1; child <= 4*i+4 && child < last; child++ {
			if c.heap[child].before(&c.heap[least]) {
				least = child
			}
		}
		if least == i {
			return top
		}
		c.heap[i], c.heap[least] = c.heap[least], c.heap[i]
		i = least
	}
}

// runUntil runs every event up to and including the time t since start, then
// sets the clock to t. Events may ask for further events.
func (c *clock) runUntil(t time.Duration) {
	for len(c.heap) > 0 && c.heap[0].at <= t {
		e := c.pop()
		// An event may advance the clock itself (an IML takes time), so a later
		// one can be overdue: it runs late, and time never goes back.
		c.now = max(c.now, e.at)
		c.guard.guarded(e.what, e.task)
	}
	c.now = max(c.now, t)
}

// Now is the virtual time.
func (l *Lab) Now() time.Time { return l.clock.start.Add(l.clock.now) }

// Advance lets d of virtual time pass: health checks, rebuilds and whatever
// else is due run in order. A negative d is refused.
func (l *Lab) Advance(d time.Duration) error {
	if d < 0 {
		return refuse(ErrInvalid, "advance", "time cannot go back by "+d.String(), "give a duration of 0 or more, such as 1h")
	}
	l.clock.runUntil(l.clock.now + d)
	return nil
}

// AdvanceToNext lets virtual time pass until something that is wanted is in the log, and no further than within.
// It stops at the moment at which it was written, when all that was due then is done, and gives what was written on
// the way; nothing that is wanted, and within has passed. A negative within is refused.
//
// It is the log that is waited for, not the next timer: the facility looks around each hour and writes nothing while all
// is well.
func (l *Lab) AdvanceToNext(within time.Duration, wanted func(TraceEntry) bool) ([]TraceEntry, error) {
	if within < 0 {
		return nil, refuse(ErrInvalid, "advance", "time cannot go back by "+within.String(), "give a duration of 0 or more, such as 1h")
	}
	begin, seen := uint64(len(l.trace)), uint64(len(l.trace))
	until := l.clock.now + within
	for len(l.clock.heap) > 0 && l.clock.heap[0].at <= until {
		l.clock.runUntil(max(l.clock.now, l.clock.heap[0].at))
		news := l.TraceSince(seen)
		if slices.ContainsFunc(news, wanted) {
			return l.TraceSince(begin), nil
		}
		seen += uint64(len(news))
	}
	l.clock.runUntil(until)
	return l.TraceSince(begin), nil
}

// RunUntil lets virtual time pass up to t, which must not be in the past.
func (l *Lab) RunUntil(t time.Time) error {
	d := t.Sub(l.Now())
	if d < 0 {
		return refuse(ErrInvalid, "run until", t.Format(time.RFC3339)+" is in the past", "it is "+l.Now().Format(time.RFC3339)+" now")
	}
	return l.Advance(d)
}
