package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// choice is what of the events a page lists, and how it is sorted.
type choice struct {
	words string // all of them are in the event's line
	open  bool   // only open ones
	by    string // a column of sortings
}

// sortings are how the events can be sorted.
var sortings = map[string]func(a, b raslab.ServiceEvent) int{
	"event":    func(a, b raslab.ServiceEvent) int { return b.ID - a.ID },
	"SRC":      func(a, b raslab.ServiceEvent) int { return cmp.Compare(a.SRC, b.SRC) },
	"severity": func(a, b raslab.ServiceEvent) int { return rankOf(b.Severity) - rankOf(a.Severity) },
	"count":    func(a, b raslab.ServiceEvent) int { return b.Count - a.Count },
	"first":    func(a, b raslab.ServiceEvent) int { return b.First.Compare(a.First) },
	"last":     func(a, b raslab.ServiceEvent) int { return b.Last.Compare(a.Last) },
}

func rankOf(s src.Severity) int {
	return slices.Index([]src.Severity{src.Informational, src.Warning, src.Serious, src.Critical}, s)
}

func choiceOf(q url.Values) choice {
	c := choice{words: q.Get("words"), open: q.Get("which") == "open", by: q.Get("by")}
	if sortings[c.by] == nil {
		c.by = "last"
	}
	return c
}

// link is the address of the same events, sorted otherwise.
func (c choice) link(by string) string {
	q := url.Values{"by": {by}}
	if c.words != "" {
		q.Set("words", c.words)
	}
	if c.open {
		q.Set("which", "open")
	}
	return "/events?" + q.Encode()
}

// of picks events and sorts them. Those that are alike stand with the latest number first.
func (c choice) of(events []raslab.ServiceEvent) []raslab.ServiceEvent {
	var all []raslab.ServiceEvent
	for _, e := range events {
		line := strings.ToLower(strings.Join([]string{strconv.Itoa(e.ID), e.SRC, string(e.Severity), titleOf(e), console.Where(e)}, " "))
		fits := !c.open || e.Open
		for _, w := range strings.Fields(strings.ToLower(c.words)) {
			fits = fits && strings.Contains(line, w)
		}
		if fits {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b raslab.ServiceEvent) int { return cmp.Or(sortings[c.by](a, b), b.ID-a.ID) })
	return all
}

// entryOf is what the catalogue says of the code of an event.
func entryOf(e raslab.ServiceEvent) src.Entry {
	if entry, ok := src.Lookup(e.SRC); ok {
		return entry
	}
	return src.Other(e.SRC)
}

func titleOf(e raslab.ServiceEvent) string { return entryOf(e).Title }

func (s *Server) eventsPage(st *State, name string, q url.Values, role Role) page {
	c := choiceOf(q)
	if name == "" {
		table := eventTable(c.of(st.Events), c, 0)
		return page{
			title: "Serviceable events", nav: "events", status: http.StatusOK, body: eventsView(st, c, table),
			parts: []part{{"eventcounts", eventCounts(st)}, {"events", table}},
		}
	}
	id, err := strconv.Atoi(name)
	i := slices.IndexFunc(st.Events, func(e raslab.ServiceEvent) bool { return e.ID == id })
	if err != nil || i < 0 {
		return missing("there is no event " + name)
	}
	e := st.Events[i]
	var line timeLine
	s.lab.ask(st, func(f *raslab.Lab) { line = storyOf(f, console.AboutEvent(&e)) })
	facts, story, closing := eventFacts(e), timeLineOf("story", "Time line", line), eventClosing(e, role)
	return page{
		title: "Event " + name, nav: "events", status: http.StatusOK, body: eventView(e, facts, story, closing),
		parts: []part{{"event", facts}, {"story", story}, {"closing", closing}},
	}
}
