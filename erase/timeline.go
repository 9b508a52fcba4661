package erase

import (
	"fmt"
	"slices"
	"strings"
)

// recall takes an entry of the journal into the drive's timeline. Only of a begun attempt and of how
// it ended is there something to say.
func (r *run) recall(p *Entry) {
	switch p.Event {
	case eventBegin:
		r.history = append(r.history, Event{at(p.Time), "an attempt to erase it began: " + string(p.Method)})
	case eventEnd:
		r.history = append(r.history, Event{at(p.Time), "that attempt ended: " + string(p.Result.Outcome)})
	}
}

// timeline is what is known of the drive, oldest first: from the caller, from the journal, and from
// this run. Where there is too much of it, the middle is left out, and a line says how much.
func (r *run) timeline(command string) []Event {
	judged := "judged: not accepted"
	if r.res.Outcome == Passed {
		judged = "judged: accepted"
	}
	return r.timelineWith([]Event{
		{at(r.res.Started), "this erase began"},
		{at(r.erased), "the drive answered: " + command},
		{at(r.now()), "verified by search of its flash"},
		{at(r.now()), judged},
	})
}

// timelineWith puts what happened in this run behind all that was before.
func (r *run) timelineWith(now []Event) []Event {
	var all []Event
	for _, h := range r.job.History {
		all = append(all, Event{at(h.Time), atMost(h.What, eventMax)})
	}
	all = append(all, r.history...)
	byTime := func(a, b Event) int { return strings.Compare(a.Time, b.Time) }
	slices.SortStableFunc(all, byTime)
	if gap := len(all) - (TimelineMax - len(now) - 1); gap > 1 {
		left := Event{all[gap].Time, fmt.Sprintf("%d events until then are left out", gap)}
		all = slices.Concat(all[:1], []Event{left}, all[1+gap:])
	}
	all = append(all, now...)
	slices.SortStableFunc(all, byTime) // the clock may have been set back since
	return all
}
