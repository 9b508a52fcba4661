package raslab

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// rasExchange is what RAS does by itself: a member whose failure is predicted is
// copied to a spare while it still works (MAP4980, row BE3400A2: "RAS initiated an
// issraid exchange"). That it looks every hour is an assumption.
type rasExchange struct {
	hold      bool
	predicted []*slot // members whose failure was predicted, in order of time
}

// exchangeAgain is how long RAS waits after a smart rebuild that ended early before it copies the
// member again (assumption). One cause is a member that alone has a row.
const exchangeAgain = 24 * time.Hour

// HoldExchange keeps RAS from starting a smart rebuild of a member with predicted
// failure, or lets it start again. What is held back is started within an hour.
func (l *Lab) HoldExchange(hold bool) {
	l.service.ras.hold = hold
	l.logf("ras", "smart rebuilds are %s", map[bool]string{true: "held", false: "started"}[hold])
}

// exchangePredicted starts the smart rebuild of the first member that waits for one. One service
// action runs at a time, so the others wait for the next hour.
func (l *Lab) exchangePredicted() {
	keep := l.service.ras.predicted[:0]
	for _, s := range l.service.ras.predicted {
		if m := s.member(); m == nil || !s.predicted() {
			s.heldWhy, s.exchanged = "", time.Time{}
			continue // it was repaired, or serves no more
		}
		keep = append(keep, s)
		if why := l.exchangeWaits(s); why != "" {
			if why != s.heldWhy {
				l.logf("ras", "the smart rebuild of %s waits: %s", s.name, why)
			}
			s.heldWhy = why
			continue
		}
		s.heldWhy = ""
		l.logf("ras", "a failure of %s is predicted: issraid exchange", s.name)
		rep, err := l.SmartRebuild(s.name)
		s.noKey, s.exchanged = rep.Failed, l.Now()
		if err != nil {
			s.heldWhy = err.Error()
			l.logf("ras", "the smart rebuild of %s waits: %v", s.name, err)
		}
	}
	clear(l.service.ras.predicted[len(keep):])
	l.service.ras.predicted = keep
}

// exchangeWaits is why RAS does not start a smart rebuild now; "" if it does.
func (l *Lab) exchangeWaits(s *slot) string {
	m := s.member()
	switch {
	case l.service.ras.hold:
		return "it is held"
	case l.service.action != nil:
		return "a service action is in progress: " + l.service.action.name
	case l.sfi.state != sfiRunning:
		return "the facility is " + string(l.sfi.state)
	case m.state != inSync:
		return "it is " + m.state.String()
	case m.job != nil:
		return "a " + m.job.what + " is running"
	case l.plant.spareFor(s, nil) == nil:
		return fmt.Sprintf("DA pair %d has no spare", s.pair())
	}
	if g := l.plant.rankOf(m).group(); g != nil && g.enc.State() != encgroup.Accessible && s.noKey {
		return fmt.Sprintf("key group %d is %s", g.id, g.enc.State()) // reported once, until it changes
	}
	if !s.noKey && !s.exchanged.IsZero() && l.Now().Sub(s.exchanged) < exchangeAgain {
		return "the last one ended early; the next is tried a day after it"
	}
	s.noKey = false
	return ""
}
