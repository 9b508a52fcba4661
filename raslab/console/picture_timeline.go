package console

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// textMin is how many columns a text needs beside the name of who did it.
const textMin = 20

// timeline draws log entries along a line of time. Serviceable events stand out, and a gap of an
// hour or more is written on the line. With an event it draws only the entries about the event, its
// drives and service. Lines are at most columns wide. Where a column of names leaves too little
// room, each name stands before its text.
func timeline(trace []raslab.TraceEntry, only *raslab.ServiceEvent, last, columns int) string {
	kept := fold(trace, only)
	left := len(kept) - last
	if left > 0 {
		kept = kept[left:]
	}
	if len(kept) == 0 {
		return "nothing happened\n"
	}
	width := 0
	for _, e := range kept {
		width = max(width, len([]rune(e.Actor)))
	}
	var b strings.Builder
	if left > 0 {
		fmt.Fprintf(&b, "%*s   (%d earlier)\n", len(timeLayout), "", left)
	}
	for i, e := range kept {
		if i > 0 {
			if gap := e.Time.Sub(kept[i-1].until); gap >= time.Hour {
				fmt.Fprintf(&b, "%*s  │  %s\n", len(timeLayout), "", gapWords(gap))
			}
		}
		stamp := e.Time.Format(timeLayout)
		if i > 0 && e.Time.Equal(kept[i-1].until) {
			stamp = strings.Repeat(" ", len(stamp))
		}
		mark := "●"
		if e.Actor == "event" {
			mark = "▲"
		}
		head := fmt.Sprintf("%s  %s  %-*s  ", stamp, mark, width, e.Actor)
		below := fmt.Sprintf("%*s  │  %*s  ", len(timeLayout), "", width, "")
		text := e.words()
		if columns-layout.Width(below) < max(textMin, layout.Least(text)) { // no room for names in a column
			head, below = fmt.Sprintf("%s  %s  ", stamp, mark), fmt.Sprintf("%*s  │    ", len(timeLayout), "")
			text = e.Actor + ": " + text
		}
		for k, line := range layout.Wrap(text, columns-layout.Width(below)) {
			if k > 0 {
				head = below
			}
			b.WriteString(head + line + "\n")
		}
	}
	return b.String()
}

// moment is a log entry, or several equal ones in a row.
type moment struct {
	raslab.TraceEntry
	times int
	until time.Time
}

func fold(trace []raslab.TraceEntry, only *raslab.ServiceEvent) []moment {
	var kept []moment
	for _, e := range trace {
		if !concerns(e, only) {
			continue
		}
		if n := len(kept); n > 0 && kept[n-1].Actor == e.Actor && kept[n-1].Text == e.Text {
			kept[n-1].times++
			kept[n-1].until = e.Time
			continue
		}
		kept = append(kept, moment{e, 1, e.Time})
	}
	return kept
}

// words is the text, with how often it came.
func (m moment) words() string {
	text := plain(m.Text)
	if m.times > 1 {
		text += fmt.Sprintf(" (%d times, until %s)", m.times, m.until.Format(timeLayout))
	}
	return text
}

// concerns says whether a log entry belongs to the story of an event. Without an event every entry
// does, except the health checks that found nothing.
func concerns(e raslab.TraceEntry, only *raslab.ServiceEvent) bool {
	if only == nil {
		return e.Actor != "health check"
	}
	names := append([]string{only.SRC}, only.Slots...)
	names = append(names, only.Serials...)
	names = append(names, only.Locations...)
	for _, name := range names {
		if name != "" && (e.Actor == name || strings.Contains(e.Text, name)) {
			return true
		}
	}
	return false
}

func gapWords(d time.Duration) string {
	days := int(d.Hours()) / 24
	hours := int(d.Hours()) % 24
	switch {
	case days == 0:
		return count(hours, "hour")
	case hours == 0 || days > 2:
		return count(days, "day")
	}
	return count(days, "day") + " " + count(hours, "hour")
}
