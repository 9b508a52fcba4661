package console

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/internal/layout"
)

var statesCommands = []*Command{
	{
		Name: "states", Summary: "show the lifecycle of a drive's keys: every transition and every refusal",
		Params:  []Param{{Name: "as", Kind: textKind, Values: []string{"table", "mermaid", "dot"}, Default: "table", Help: "the form"}},
		Example: "states as=mermaid",
		Run:     runStates,
	},
}

func runStates(s *Session, a Args) error {
	switch arg[string](a, "as") {
	case "mermaid":
		s.printf("%s", withoutBlankLines(drive.LifecycleMermaid(drive.Enterprise)))
	case "dot":
		s.printf("%s", withoutBlankLines(drive.LifecycleDOT(drive.Enterprise)))
	default:
		s.lifecycle()
	}
	return nil
}

// lifecycle prints the table of transitions, each with its guard, and what is refused.
func (s *Session) lifecycle() {
	row := func(event, from, to string) string { return fmt.Sprintf("%-10s  %-16s  %-16s", event, from, to) }
	s.printf("%s  %s\n", row("event", "from", "to"), "only if")
	guard := 60
	if s.options.Width > 0 {
		guard = max(20, s.width()-len(row("", "", ""))-2)
	}
	for _, t := range drive.Enterprise.Lifecycle() {
		for i, line := range layout.Wrap(t.Guard, guard) {
			head := row(string(t.Event), t.From.String(), t.To.String())
			if i > 0 {
				head = row("", "", "")
			}
			s.printf("%s  %s\n", head, line)
		}
	}
	s.printf("refused, with nothing changed:\n")
	for _, p := range drive.Enterprise.Refused() {
		s.printf("%-10s  %s\n", p.Event, p.From)
	}
}
