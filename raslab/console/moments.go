package console

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

// Moment is a log entry of a time line, or several equal ones in a row.
type Moment struct {
	raslab.TraceEntry
	Times int
	Until time.Time // virtual, of the last of them
}

// Moments are the log entries that about wants, oldest first.
func Moments(trace []raslab.TraceEntry, about func(raslab.TraceEntry) bool) []Moment {
	var kept []Moment
	for _, e := range trace {
		if !about(e) {
			continue
		}
		if n := len(kept); n > 0 && kept[n-1].Actor == e.Actor && kept[n-1].Text == e.Text {
			kept[n-1].Times++
			kept[n-1].Until = e.Time
			continue
		}
		kept = append(kept, Moment{e, 1, e.Time})
	}
	return kept
}

// Words is the text, with how often it came.
func (m Moment) Words() string {
	text := plain(m.Text)
	if m.Times > 1 {
		text += fmt.Sprintf(" (%d times, until %s)", m.Times, m.Until.Format(timeLayout))
	}
	return text
}

// AboutEvent says whether a log entry belongs to the story of an event: it is about the event, its drives and service.
// Without an event every entry does, except the health checks that found nothing.
func AboutEvent(only *raslab.ServiceEvent) func(raslab.TraceEntry) bool {
	if only == nil {
		return func(e raslab.TraceEntry) bool { return e.Actor != "health check" }
	}
	return About(slices.Concat([]string{only.SRC}, only.Slots, only.Serials, only.Locations)...)
}

// About says whether a log entry has one of these names in it, as a whole word: R1 is not R1-I1-D05.
func About(names ...string) func(raslab.TraceEntry) bool {
	return func(e raslab.TraceEntry) bool {
		for _, name := range names {
			if name != "" && (e.Actor == name || hasWord(e.Text, name)) {
				return true
			}
		}
		return false
	}
}

// hasWord says whether a word stands in a text. Letters, digits and hyphens make words.
func hasWord(text, word string) bool {
	inWord := func(r rune) bool { return r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	for at := 0; ; {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return false
		}
		i += at
		before, after := strings.TrimRightFunc(text[:i], inWord), strings.TrimLeftFunc(text[i+len(word):], inWord)
		if len(before) == i && len(after) == len(text)-i-len(word) {
			return true
		}
		at = i + 1
	}
}
