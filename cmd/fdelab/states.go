package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/internal/layout"
)

// transitionJSON is one row of `fdelab states --json`.
type transitionJSON struct {
	Personality drive.Personality `json:"personality"`
	Event       drive.Event       `json:"event"`
	From        drive.State       `json:"from"`
	To          drive.State       `json:"to"`
	Guard       string            `json:"guard"`
	Why         string            `json:"why"`
	Reference   string            `json:"reference"`
}

func newStatesCmd(a *app) *cobra.Command {
	var format string
	p := drive.Enterprise
	var opal bool
	c := &cobra.Command{
		Use:   "states",
		Short: "show the lifecycle of a drive as a table or a diagram",
		Long: "states prints the lifecycle table of the drive, the only source of its state machine: every\n" +
			"transition with its guard, its reason and the source of the rule. A transition that is not in\n" +
			"the table is refused, and nothing changes. The drives of the lab are of the SSC Enterprise;\n" +
			"--opal shows the lifecycle of an Opal drive.",
		Example: "  fdelab states\n  fdelab states --opal\n  fdelab states --format dot | dot -Tsvg > lifecycle.svg",
		Args:    between(0, 0, "none"),
		RunE: func(*cobra.Command, []string) error {
			if opal {
				p = drive.Opal
			}
			render, ok := map[string]func(){
				"table":    func() { a.statesTable(p) },
				"markdown": func() { fmt.Fprint(a.out, drive.LifecycleMarkdown(p)) },
				"mermaid":  func() { fmt.Fprint(a.out, drive.LifecycleMermaid(p)) },
				"dot":      func() { fmt.Fprint(a.out, drive.LifecycleDOT(p)) },
			}[format]
			if !ok {
				return usagef("states: %q is not a format: use table, markdown, mermaid or dot", format)
			}
			if a.json {
				return a.printJSON(statesJSON(p))
			}
			render()
			return nil
		},
	}
	c.Flags().BoolVar(&opal, "opal", false, "the lifecycle of an Opal drive")
	c.Flags().StringVar(&format, "format", "table", "table, markdown, mermaid or dot")
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"table", "markdown", "mermaid", "dot"}, cobra.ShellCompDirectiveNoFileComp
	}
	if err := c.RegisterFlagCompletionFunc("format", complete); err != nil {
		panic("BUG: " + err.Error())
	}
	return c
}

func (a *app) statesTable(p drive.Personality) {
	width := 0
	for _, st := range p.States() {
		width = max(width, len(st.String())+1)
	}
	a.printf("%-11s %-*s %s\n", "event", width, "from", "to")
	for _, t := range p.Lifecycle() {
		a.printf("\n%-11s %-*s %s\n", t.Event, width, t.From, t.To)
		for _, line := range [][2]string{{"only if", t.Guard}, {"why", t.Why}, {"after", t.Reference}} {
			if line[1] == "" {
				continue
			}
			label := fmt.Sprintf("    %-7s ", line[0])
			lines := []string{label + line[1]}
			if columns := a.width(); columns > 0 {
				lines = layout.Hang(label, line[1], columns)
			}
			a.printf("%s\n", strings.Join(lines, "\n"))
		}
	}
	a.printf("\nrefused, with nothing changed:\n")
	for _, t := range p.Refused() {
		a.printf("%-11s %s\n", t.Event, t.From)
	}
}

func statesJSON(p drive.Personality) []transitionJSON {
	var out []transitionJSON
	for _, t := range p.Lifecycle() {
		out = append(out, transitionJSON(t))
	}
	return out
}
