package dscli

import (
	"fmt"
	"strings"
)

// Reference renders the registry and the table of messages as a Markdown document.
func Reference() string {
	var b strings.Builder
	b.WriteString("# The commands of `fdelab dscli`\n\n" +
		"They are after IBM's DSCLI. A command or a parameter may be cut short as long as it stays clear.\n" +
		"This document is rendered from the registry; a test compares it.\n")
	table := func(head string, params []Param) {
		if len(params) > 0 {
			fmt.Fprintf(&b, "\n| %s | meaning |\n|---|---|\n", head)
		}
		for i := range params {
			fmt.Fprintf(&b, "| `%s` | %s |\n", params[i].label(), bars(params[i].describe()))
		}
	}
	for _, c := range registered {
		fmt.Fprintf(&b, "\n## %s\n\n`%s`\n\n%s.", c.Name, c.Usage(), strings.ToUpper(c.Summary[:1])+c.Summary[1:])
		if c.Detail != "" {
			b.WriteString(" " + c.Detail)
		}
		b.WriteString("\n")
		table("parameter", c.Params)
		fmt.Fprintf(&b, "\nExample: `%s`\n", c.Example)
	}
	b.WriteString("\n## Parameters of every command but help, quit and exit\n")
	table("parameter", commonParams)
	b.WriteString("\n## Exit codes\n\n| code | meaning |\n|---|---|\n" +
		"| 0 | done |\n| 2 | the command was not understood |\n| 3 | no management console can be reached, or there is no facility |\n" +
		"| 4 | the facility could not work on it |\n| 5 | there is no such user, or the user may not do it |\n| 6 | refused, or the aim was not reached |\n")
	b.WriteString("\n## Messages\n\nNumbers and texts of our own begin at CMUC90000; they are assumptions. %s and %d stand for what the message is about.\n" +
		"\n| number | text | source |\n|---|---|---|\n")
	for _, m := range messages {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", m.ID, bars(m.Text), m.Source)
	}
	return b.String()
}

func bars(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
