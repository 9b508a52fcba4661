package drive

import (
	"fmt"
	"strings"
)

// LifecycleMarkdown renders the table of a personality as Markdown: the transitions, then
// the pairs of event and state that are refused.
func LifecycleMarkdown(p Personality) string {
	var b strings.Builder
	b.WriteString("| event | from | to | guard | why | reference |\n|---|---|---|---|---|---|\n")
	for _, t := range p.Lifecycle() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", t.Event, t.From, t.To, t.Guard, t.Why, t.Reference)
	}
	b.WriteString("\nRefused, with nothing changed: ")
	for i, t := range p.Refused() {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "`%s` in %s", t.Event, t.From)
	}
	b.WriteString(".\n")
	return b.String()
}

// LifecycleMermaid renders the table of a personality as a Mermaid state diagram.
func LifecycleMermaid(p Personality) string {
	var b strings.Builder
	fmt.Fprintf(&b, "stateDiagram-v2\n    [*] --> %s: manufacture\n", p.fresh())
	for _, t := range p.Lifecycle() {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", t.From, t.To, t.Event)
	}
	return b.String()
}

// LifecycleDOT renders the table of a personality for Graphviz.
func LifecycleDOT(p Personality) string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph lifecycle {\n    rankdir=LR;\n    node [shape=box];\n    start [shape=point];\n    start -> %s [label=\"manufacture\"];\n", p.fresh())
	for _, t := range p.Lifecycle() {
		fmt.Fprintf(&b, "    %s -> %s [label=%q];\n", t.From, t.To, string(t.Event))
	}
	b.WriteString("}\n")
	return b.String()
}
