package console

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

// timeline draws log entries along a line of time: serviceable events stand out, and a
// gap of an hour or more is written on the line. With an event it keeps the
// entries about the event, its drives and service.
func timeline(trace []raslab.TraceEntry, only *raslab.ServiceEvent, last int) string {
	var kept []raslab.TraceEntry
	for _, e := range trace {
		if concerns(e, only) {
			kept = append(kept, e)
		}
	}
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
			if gap := e.Time.Sub(kept[i-1].Time); gap >= time.Hour {
				fmt.Fprintf(&b, "%*s  │  %s\n", len(timeLayout), "", gapWords(gap))
			}
		}
		stamp := e.Time.Format(timeLayout)
		if i > 0 && e.Time.Equal(kept[i-1].Time) {
			stamp = strings.Repeat(" ", len(stamp))
		}
		mark := "●"
		if e.Actor == "event" {
			mark = "▲"
		}
		actor := e.Actor
		for k, line := range wrap(plain(e.Text), max(40, lineWidth+20-len(timeLayout)-width-7)) {
			if k > 0 {
				stamp, mark, actor = strings.Repeat(" ", len(timeLayout)), "│", ""
			}
			fmt.Fprintf(&b, "%s  %s  %-*s  %s\n", stamp, mark, width, actor, line)
		}
	}
	return b.String()
}

// concerns says whether a log entry belongs to the story of an event; without an event
// every entry does, except the health checks that found nothing.
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
