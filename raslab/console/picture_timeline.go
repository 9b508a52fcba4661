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
	kept := Moments(trace, AboutEvent(only))
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
			if gap := e.Time.Sub(kept[i-1].Until); gap >= time.Hour {
				fmt.Fprintf(&b, "%*s  │  %s\n", len(timeLayout), "", GapText(gap))
			}
		}
		stamp := e.Time.Format(timeLayout)
		if i > 0 && e.Time.Equal(kept[i-1].Until) {
			stamp = strings.Repeat(" ", len(stamp))
		}
		mark := "●"
		if e.Actor == "event" {
			mark = "▲"
		}
		head := fmt.Sprintf("%s  %s  %-*s  ", stamp, mark, width, e.Actor)
		below := fmt.Sprintf("%*s  │  %*s  ", len(timeLayout), "", width, "")
		text := e.Words()
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

// GapText says how long nothing happened.
func GapText(d time.Duration) string {
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
