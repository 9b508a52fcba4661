package campaign

import (
	"time"

	"github.com/seed-9d983aeb/fdelab/proptest/campaign"
)

// Standing is a campaign as it was read, and whether somebody coordinates it then.
type Standing struct {
	*State
	Runs   bool
	Silent bool // whoever coordinates it does not answer
}

// Words is how it is, in a word or two.
func (s *Standing) Words() string {
	switch {
	case s.Silent:
		return "does not answer"
	case s.Runs && s.Over == Running:
		return "runs"
	case s.Runs:
		return "ends"
	case s.Over == Running:
		return "does not run"
	}
	return string(s.Over)
}

// Left is how long the campaign takes at its rate of the last seconds, or until its time is up; known is false where it
// has no end, or its rate is none.
func (s *State) Left(p *campaign.Plan) (left time.Duration, known bool) {
	if s.Over != Running {
		return 0, false
	}
	if units, all := p.Units(); all && s.Rate > 0 {
		seconds := float64(units-min(units, s.Report.Units)) / s.Rate
		left, known = time.Duration(min(seconds, leftMax.Seconds())*float64(time.Second)).Round(time.Second), true
	}
	if up := max(0, p.Limits.For-s.Took).Round(time.Second); p.Limits.For > 0 && (!known || up < left) {
		left, known = up, true
	}
	return left, known
}

// leftMax is the longest time that is told.
const leftMax = 100 * 365 * 24 * time.Hour
