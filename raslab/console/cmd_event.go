package console

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

var eventCommands = []*Command{
	{
		Name: "event list", Summary: "list the serviceable events",
		Window:  "Manage Serviceable Events",
		Params:  []Param{{Name: "which", Kind: textKind, Values: []string{"open", "all"}, Default: "open", Help: "the open ones, or the closed ones too"}},
		Example: "event list which=all",
		Run:     withLab(listEvents),
	},
	{
		Name: "event show", Summary: "show one serviceable event: what was found, what it means",
		Window:  "Manage Serviceable Events, the text of one event",
		Params:  []Param{eventParam(true)},
		Example: "event show event=1",
		Run:     withLab(showEvent),
	},
	{
		Name: "event close", Summary: "close a serviceable event by hand; the facility looks again first",
		Detail: "While the cause still holds, the close is refused and the answer says what is still wrong. force=yes closes the event all the same (assumption).",
		Window: "Manage Serviceable Events, where an event is closed by hand",
		Params: []Param{
			eventParam(true),
			{Name: "by", Kind: textKind, Default: "service", Help: "who closes it"},
			{Name: "why", Kind: textKind, Default: "repaired", Help: "what was done"},
			{Name: "force", Kind: textKind, Values: yesNo, Default: "no", Help: "close it although the cause still holds"},
		},
		Example: `event close event=1 why="drive exchanged"`,
		Run:     withLab(closeEvent),
	},
	{
		Name: "event timeline", Summary: "draw how an incident went: what happened to its drives, in order of time",
		Params: []Param{
			eventParam(false),
			{Name: "last", Kind: numberKind(1, 1000), Default: "30", Help: "at most so many lines, the latest"},
		},
		Example: "event timeline event=1",
		Run:     withLab(timelineEvent),
	},
}

func listEvents(s *Session, lab *raslab.Lab, a Args) error {
	events := lab.OpenEvents()
	none := "no serviceable event is open\n"
	if arg[string](a, "which") == "all" {
		events, none = lab.Events(), "no serviceable events\n"
	}
	if len(events) == 0 {
		s.printf("%s", none)
		s.failures(lab)
		s.keyTroubles(lab)
		return nil
	}
	t := s.table()
	t.Head("event\tSRC\tseverity\tfirst\tlast\tcount\tstate\twhere")
	for _, e := range events {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", e.ID, e.SRC, s.paintSeverity(string(e.Severity)), e.First.Format(timeLayout), e.Last.Format(timeLayout), e.Count,
			map[bool]string{true: "open", false: "closed"}[e.Open], where(e))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	s.failures(lab)
	s.keyTroubles(lab)
	return nil
}

func showEvent(s *Session, lab *raslab.Lab, a Args) error {
	e, err := lab.Event(arg[int](a, "event"))
	if err != nil {
		return err
	}
	return s.showEvent(lab, e)
}

func closeEvent(s *Session, lab *raslab.Lab, a Args) error {
	_, err := lab.CloseEvent(arg[int](a, "event"), arg[string](a, "by"), arg[string](a, "why"), arg[string](a, "force") == "yes")
	return err // the session announces the closing
}

func timelineEvent(s *Session, lab *raslab.Lab, a Args) error {
	var only *raslab.ServiceEvent
	if a.Has("event") {
		e, err := lab.Event(arg[int](a, "event"))
		if err != nil {
			return err
		}
		only = &e
	}
	columns := lineWidth + 20
	if s.options.Width > 0 {
		columns = s.width()
	}
	s.printf("%s", timeline(lab.Trace(), only, arg[int](a, "last"), columns))
	return nil
}

// showEvent prints an event as a service person reads it: what is reported, by whom,
// what was found, what is to be replaced in which order, and whether service was called.
func (s *Session) showEvent(lab *raslab.Lab, e raslab.ServiceEvent) error {
	title := ""
	if entry, ok := src.Lookup(e.SRC); ok {
		title = ": " + entry.Title
	}
	s.printf("event %d  %s%s\n", e.ID, s.paint(alarm, e.SRC), title)
	s.printf("  problem    %d\n  severity   %s\n", e.ID, s.paintSeverity(string(e.Severity)))
	s.printf("  machine    %s, serial number %s\n", lab.MachineType(), lab.UnitSerial())
	s.printf("  reported   by %s of storage image %s\n", reporters(e), lab.Serial())
	s.printf("  first      %s\n  last       %s\n  count      %d\n", e.First.Format(timeLayout), e.Last.Format(timeLayout), e.Count)
	s.printf("  where      %s\n", where(e))
	for i, f := range e.Found {
		serial := ""
		if i < len(e.Serials) {
			serial = e.Serials[i] + ": "
		}
		s.paragraph("found", serial+f)
	}
	for _, f := range e.FRUs {
		s.paragraph("FRU", fmt.Sprintf("%d. %s", f.Order, fruText(f)))
	}
	s.paragraph("call home", callText(e.Call))
	if e.Open {
		s.paragraph("state", "open; src "+e.SRC+" says what to check and do")
		if e.Next != "" {
			s.paragraph("next", e.Next)
		}
	} else {
		s.paragraph("state", "closed "+e.Closed.Format(timeLayout)+" by "+e.ClosedBy+because(e.ClosedWhy))
	}
	return nil
}

func reporters(e raslab.ServiceEvent) string {
	switch len(e.Partitions) {
	case 0:
		return "no partition"
	case 1:
		return fmt.Sprintf("partition %d", e.Partitions[0])
	}
	return "partitions 0 and 1"
}

// fruText is one line of the list of FRUs.
func fruText(f raslab.FRU) string {
	parts := []string{string(f.Kind)}
	if f.Part != "" {
		parts = append(parts, "part "+f.Part)
	}
	if f.Serial != "" {
		parts = append(parts, "serial "+f.Serial)
	}
	if f.Location != "" {
		parts = append(parts, "at "+f.Location)
	}
	return strings.Join(parts, ", ")
}

func eventParam(required bool) Param {
	return Param{Name: "event", Kind: numberKind(1, 1000000), Required: required, Help: "its number", Complete: eventNumbers}
}

// noCode is printed for a plain drive failure, which has no code to look for.
const noCode = "MAP4980 has no code for a plain drive failure"

// failures lists the failed drives that no open event names.
func (s *Session) failures(lab *raslab.Lab) {
	for i, f := range lab.DriveFailures() {
		if i == 0 {
			s.printf("failed drives without an event: %s\n", noCode)
		}
		s.item(fmt.Sprintf("%s %s: %s; %s", f.Slot, f.Serial, f.Why, f.Next))
	}
}

// keyTroubles prints the warnings about data keys and certificates. They raise no event.
func (s *Session) keyTroubles(lab *raslab.Lab) {
	for i, w := range lab.KeyWarnings() {
		if i == 0 {
			s.printf("keys and certificates: MAP4980 has no code for their state\n")
		}
		s.item(fmt.Sprintf("%s; %s", w, w.Next))
	}
}

func eventNumbers(s *Session) []string {
	var names []string
	if s.lab != nil {
		for _, e := range s.lab.OpenEvents() {
			names = append(names, fmt.Sprint(e.ID))
		}
	}
	return names
}
