package dscli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

func writeHelp(w io.Writer, long bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range registered {
		if long {
			fmt.Fprintln(w, c.Usage())
		} else {
			fmt.Fprintf(t, "%s\t%s\n", c.Name, c.Summary)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "A command or a parameter may be cut short as long as it stays clear; help COMMAND explains one.")
	return err
}

// explain prints the form of one command and what its parameters mean.
func explain(w io.Writer, c *Command) error {
	fmt.Fprintf(w, "%s\n  %s\n", c.Usage(), c.Summary)
	for _, line := range wrap(c.Detail, 78) {
		fmt.Fprintf(w, "  %s\n", line)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, list := range [][]Param{c.Params, c.common()} {
		for i := range list {
			p := &list[i]
			fmt.Fprintf(t, "  %s\t%s\n", p.label(), p.describe())
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "example: %s\n", c.Example)
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

// wrap breaks text into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, w := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(w)) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += w
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
