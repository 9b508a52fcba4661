package dscli

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
)

func (c *call) writeHelp(long bool) error {
	t := layout.NewTable(c.out, c.session.width())
	for _, topic := range topics {
		fmt.Fprintf(t, "%s:\n", topic.title)
		for _, command := range topic.commands {
			if long {
				fmt.Fprintf(t, "  %s\n", command.Usage())
			} else {
				fmt.Fprintf(t, "  %s\t%s\n", command.Name, command.Summary)
			}
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.out, "A command or a parameter may be cut short as long as it stays clear; help COMMAND explains one.")
	return err
}

// explain prints the form of one command and what its parameters mean.
func (c *call) explain(about *Command) error {
	width := 80
	if n := c.session.width(); n > 0 {
		width = max(n, 40)
	}
	fmt.Fprintf(c.out, "%s\n  %s\n", about.Usage(), about.Summary)
	for _, line := range layout.Wrap(about.Detail, width-2) {
		fmt.Fprintf(c.out, "  %s\n", line)
	}
	t := layout.NewTable(c.out, c.session.width())
	for _, list := range [][]Param{about.Params, about.common()} {
		for i := range list {
			p := &list[i]
			fmt.Fprintf(t, "  %s\t%s\n", p.label(), p.describe())
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.out, "example: %s\n", about.Example)
	return err
}

func (p *Param) label() string {
	if p.Operand {
		return p.Name
	}
	return "-" + p.Name
}

func (p *Param) describe() string {
	s := p.Help
	switch {
	case p.Values != nil:
		s += "; one of " + strings.Join(p.Values, ", ")
	case p.Kind.Help != "":
		s += "; " + p.Kind.Help
	}
	switch {
	case p.Required:
		s += " (required)"
	case p.Default != "":
		s += " (default " + p.Default + ")"
	}
	return s
}
