package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
)

// Page is where a help is written.
type Page struct {
	Out    io.Writer
	Text   int // width of sentences, in columns
	Table  int // width of tables, in columns; 0 is no limit
	Indent int // of what is said below a usage, in blanks
}

// Overview lists all commands under their topics, each with its summary, or with its usage.
func (l *Language[S]) Overview(to Page, usage bool) error {
	t := layout.NewTable(to.Out, to.Table)
	for _, topic := range l.Topics {
		fmt.Fprintf(t, "%s:\n", topic.Title)
		for _, c := range topic.Commands {
			if usage {
				fmt.Fprintf(t, "  %s\n", l.Line(c))
			} else {
				fmt.Fprintf(t, "  %s\t%s\n", c.Name, c.Summary)
			}
		}
	}
	return t.Flush()
}

// Explain writes the form of one command, what it does, and what its parameters mean.
func (l *Language[S]) Explain(to Page, c *Command[S]) error {
	indent := strings.Repeat(" ", to.Indent)
	fmt.Fprintf(to.Out, "%s\n%s%s\n", l.Line(c), indent, c.Summary)
	for _, line := range layout.Wrap(c.Detail, to.Text-to.Indent) {
		fmt.Fprintf(to.Out, "%s%s\n", indent, line)
	}
	if c.Window != "" {
		for i, line := range layout.Wrap("window: "+c.Window, to.Text-to.Indent) {
			fmt.Fprintf(to.Out, "%s%s%s\n", indent, strings.Repeat("  ", min(i, 1)), line)
		}
	}
	if err := l.Describe(to, l.Params(c)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(to.Out, "example: %s\n", c.Example)
	return err
}

// Describe writes a table of what parameters mean.
func (l *Language[S]) Describe(to Page, params []*Param[S]) error {
	t := layout.NewTable(to.Out, to.Table)
	for _, p := range params {
		fmt.Fprintf(t, "  %s\t%s\n", l.Label(p), p.Describe())
	}
	return t.Flush()
}

// Reference is what a reference document in Markdown says of one command, below its heading.
func (l *Language[S]) Reference(c *Command[S]) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n`%s`\n\n%s.", l.Line(c), strings.ToUpper(c.Summary[:1])+c.Summary[1:])
	if c.Detail != "" {
		b.WriteString(" " + c.Detail)
	}
	b.WriteString("\n")
	if c.Window != "" {
		fmt.Fprintf(&b, "\nWindow: %s.\n", c.Window)
	}
	b.WriteString(l.ReferenceOf(c.Params))
	fmt.Fprintf(&b, "\nExample: `%s`\n", c.Example)
	return b.String()
}

// ReferenceOf is a table of parameters in a reference document; empty without any.
func (l *Language[S]) ReferenceOf(params []Param[S]) string {
	if len(params) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n| parameter | meaning |\n|---|---|\n")
	for i := range params {
		fmt.Fprintf(&b, "| `%s` | %s |\n", l.Label(&params[i]), Cell(params[i].Describe()))
	}
	return b.String()
}

// Cell is a text in a table of Markdown.
func Cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }
