package web

import (
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// timeLineMost is how many moments a time line draws.
const timeLineMost = 40

// timeLine is what happened, oldest first.
type timeLine struct {
	moments []console.Moment
	earlier int // how many more there were
}

// storyOf is the time line of the log entries that about wants.
func storyOf(f *raslab.Lab, about func(raslab.TraceEntry) bool) timeLine {
	all := console.Moments(f.Trace(), about)
	left := max(0, len(all)-timeLineMost)
	return timeLine{all[left:], left}
}

// gap is how long nothing happened before a moment; empty if it was less than an hour.
func (t timeLine) gap(i int) string {
	if i == 0 {
		return ""
	}
	if d := t.moments[i].Time.Sub(t.moments[i-1].Until); d >= time.Hour {
		return console.GapText(d)
	}
	return ""
}

// at is when a moment was; empty if that is the time of the one before.
func (t timeLine) at(i int) string {
	if i > 0 && t.moments[i].Time.Equal(t.moments[i-1].Until) {
		return ""
	}
	return stamp(t.moments[i].Time)
}
