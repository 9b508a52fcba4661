package console

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// report prints what a service action did under the name of the command that was
// typed; see reportAs.
func (s *Session) report(r raslab.Report, err error) error { return s.reportAs(s.command, r, err) }

// reportAs prints what a service action did, drives with the same result on one line. It returns a
// *FailedError when the action did not reach its aim.
func (s *Session) reportAs(name string, r raslab.Report, err error) error {
	if err != nil {
		return err
	}
	verdict := "done"
	if r.Failed {
		verdict = s.paint(alarm, "failed")
	}
	object := r.Object
	if object != "" {
		object = " " + object
	}
	s.printf("%s%s: %s\n", name, object, verdict)
	for _, n := range r.Notes {
		s.item(n)
	}
	for _, line := range driveLines(r.Drives) {
		s.item(line)
	}
	if r.Failed {
		return &FailedError{name}
	}
	return nil
}

// owed prints the work that the facility has begun and could not finish yet.
func (s *Session) owed(list []string) {
	for _, what := range list {
		s.item("owed: " + what)
	}
}

// item prints one indented point, wrapped, with a hanging indent.
func (s *Session) item(text string) { s.wrapped("  ", text) }

// say prints a sentence, wrapped, with a hanging indent.
func (s *Session) say(format string, args ...any) { s.wrapped("", fmt.Sprintf(format, args...)) }

func (s *Session) wrapped(indent, text string) {
	for i, line := range layout.Wrap(plain(text), s.width()-4) {
		if i == 1 {
			indent += "  "
		}
		s.printf("%s%s\n", indent, line)
	}
}

// driveLines says what was done with each drive; drives with the same fate share a line.
func driveLines(drives []raslab.DriveResult) []string {
	type fate struct {
		text  string
		slots []string
	}
	var fates []*fate
next:
	for _, d := range drives {
		text := d.Did
		if d.Err != nil {
			if text != "" {
				text += ": "
			}
			text += plain(oneLine(d.Err))
		}
		for _, f := range fates {
			if f.text == text && d.Err == nil {
				f.slots = append(f.slots, d.Slot)
				continue next
			}
		}
		fates = append(fates, &fate{text, []string{d.Slot}})
	}
	var lines []string
	for _, f := range fates {
		lines = append(lines, slotRuns(f.slots)+": "+f.text)
	}
	return lines
}

// slotRuns writes slots in short: R1-I1-D01 to R1-I1-D03, R1-I1-D05.
func slotRuns(slots []string) string {
	var parts []string
	for i := 0; i < len(slots); {
		j := i
		for j+1 < len(slots) && follows(slots[j], slots[j+1]) {
			j++
		}
		switch {
		case j > i+1:
			parts = append(parts, slots[i]+" to "+slots[j])
		case j > i:
			parts = append(parts, slots[i], slots[j])
		default:
			parts = append(parts, slots[i])
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

// follows says whether b is the slot after a in the same enclosure.
func follows(a, b string) bool {
	enclosureA, numberA, okA := splitSlot(a)
	enclosureB, numberB, okB := splitSlot(b)
	return okA && okB && enclosureA == enclosureB && numberB == numberA+1
}

func splitSlot(slot string) (enclosure string, number int, ok bool) {
	i := strings.LastIndex(slot, "-D")
	if i < 0 {
		return "", 0, false
	}
	_, err := fmt.Sscanf(slot[i+2:], "%d", &number)
	return slot[:i], number, err == nil
}

// count is a number with its noun in singular or plural.
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case n == 0:
		return "no " + noun + "s"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// paragraph prints a labelled text, wrapped, with a hanging indent.
func (s *Session) paragraph(label, text string) {
	for i, line := range layout.Wrap(plain(text), s.width()-13) {
		if i > 0 {
			label = ""
		}
		s.printf("  %-9s  %s\n", label, line)
	}
}

// withoutBlankLines removes empty lines: no command prints one.
func withoutBlankLines(text string) string {
	var out string
	for _, line := range outputLines(text) {
		if line != "" {
			out += line + "\n"
		}
	}
	return out
}
