package main

import (
	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// transitionJSON is one row of `fdelab states --json`.
type transitionJSON struct {
	Event     drive.Event `json:"event"`
	From      drive.State `json:"from"`
	To        drive.State `json:"to"`
	Guard     string      `json:"guard"`
	Why       string      `json:"why"`
	Reference string      `json:"reference"`
}

func newStatesCmd(a *app) *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "states",
		Short: "show the lifecycle of a drive as a table or a diagram",
		Long: "states renders the lifecycle table of the drive, the only source of its state machine:\n" +
			"every transition with its guard, its reason and where the rule comes from. Whatever is\n" +
			"not in the table is refused, and nothing changes.",
		Example: "  fdelab states\n  fdelab states --format dot | dot -Tsvg > lifecycle.svg",
		Args:    between(0, 0, "none"),
		RunE: func(*cobra.Command, []string) error {
			render, ok := map[string]func(){
				"table":    a.statesTable,
				"markdown": func() { a.printf("%s", drive.LifecycleMarkdown()) },
				"mermaid":  func() { a.printf("%s", drive.LifecycleMermaid()) },
				"dot":      func() { a.printf("%s", drive.LifecycleDOT()) },
			}[format]
			if !ok {
				return usagef("states: unknown format %q: need table, markdown, mermaid or dot", format)
			}
			if a.json {
				return a.printJSON(statesJSON())
			}
			render()
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", "table", "table, markdown, mermaid or dot")
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"table", "markdown", "mermaid", "dot"}, cobra.ShellCompDirectiveNoFileComp
	}
	if err := c.RegisterFlagCompletionFunc("format", complete); err != nil {
		panic("BUG: " + err.Error())
	}
	return c
}

func (a *app) statesTable() {
	a.printf("%-11s %-17s %s\n", "event", "from", "to")
	for _, t := range drive.LifecycleTable() {
		a.printf("\n%-11s %-17s %s\n", t.Event, t.From, t.To)
		for _, line := range [][2]string{{"only if", t.Guard}, {"why", t.Why}, {"after", t.Reference}} {
			if line[1] != "" {
				a.printf("    %-7s %s\n", line[0], line[1])
			}
		}
	}
	a.printf("\nrefused, with nothing changed:\n")
	for _, p := range drive.RefusedPairs() {
		a.printf("%-11s %s\n", p.Event, p.From)
	}
}

func statesJSON() []transitionJSON {
	var out []transitionJSON
	for _, t := range drive.LifecycleTable() {
		out = append(out, transitionJSON(t))
	}
	return out
}
