package drive

import (
	"fmt"
	"strings"
)

// LifecycleMarkdown renders the table as Markdown: the transitions, then the
// pairs of event and state that are refused.
func LifecycleMarkdown() string {
	var b strings.Builder
	b.WriteString("| event | from | to | guard | why | reference |\n|---|---|---|---|---|---|\n")
	for _, t := range lifecycle {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", t.Event, t.From, t.To, t.Guard, t.Why, t.Reference)
	}
	b.WriteString("\nRefused, with nothing changed: ")
	for i, p := range RefusedPairs() {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "`%s` in %s", p.Event, p.From)
	}
	b.WriteString(".\n")
	return b.String()
}

// RefusedPairs lists the pairs of event and state that the table lacks, in the
// order of Events and States. To is zero.
func RefusedPairs() []Transition {
	var out []Transition
	for _, e := range Events() {
		for _, s := range States() {
			if _, ok := transition(e, s); !ok {
				out = append(out, Transition{Event: e, From: s})
			}
		}
	}
	return out
}

// LifecycleMermaid renders the table as a Mermaid state diagram.
func LifecycleMermaid() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    [*] --> Erased: manufacture\n")
	for _, t := range lifecycle {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", t.From, t.To, t.Event)
	}
	return b.String()
}

// LifecycleDOT renders the table for Graphviz.
func LifecycleDOT() string {
	var b strings.Builder
	b.WriteString("digraph lifecycle {\n    rankdir=LR;\n    node [shape=box];\n    start [shape=point];\n    start -> Erased [label=\"manufacture\"];\n")
	for _, t := range lifecycle {
		fmt.Fprintf(&b, "    %s -> %s [label=%q];\n", t.From, t.To, string(t.Event))
	}
	b.WriteString("}\n")
	return b.String()
}
