package console

import (
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// color is an ANSI colour; it only repeats what the word says.
type color string

const (
	alarm   color = "31" // red
	caution color = "33" // yellow
	good    color = "32" // green
)

func (s *Session) paint(c color, text string) string {
	if !s.options.Color || text == "" || c == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// paintState gives the word for a state its colour.
func (s *Session) paintState(word string) string { return s.paint(stateColor(word), word) }

// stateColor is the colour of a state of a drive, its keys, an array, a rank or a key manager;
// none for one that is neither good nor bad.
func stateColor(word string) color {
	switch word {
	case "DEGRADED", string(raslab.Failed), "Not fit", string(raslab.Inappropriate), string(raslab.Missing), "Inaccessible", "Lost", "failed", "critical":
		return alarm
	case "silent", "Deferred", string(raslab.FailedDeferred), "locked", "Degraded", "Exposed", "inactive", "stale", "degraded":
		return caution
	case "unlocked", string(raslab.Normal), "active", "accessible", "normal":
		return good
	}
	return ""
}

// paintSeverity gives the severity of a serviceable event its colour.
func (s *Session) paintSeverity(word string) string {
	switch word {
	case "serious", "critical":
		return s.paint(alarm, word)
	case "warning":
		return s.paint(caution, word)
	}
	return word
}
