package console

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/seed-9d983aeb/fdelab/internal/suggest"
)

// writeHelp prints help on everything, on a noun, or on one command.
func writeHelp(w io.Writer, topic string) error {
	words := strings.Fields(strings.ToLower(topic))
	switch {
	case len(words) == 0:
		return helpAll(w)
	case len(words) > 2:
		return usage(0, "as in: help rank create", "help takes a noun and a verb")
	}
	verbs := verbsOf(words[0])
	if verbs == nil {
		return usage(0, suggest.DidYouMean(words[0], Nouns()), "no help on %q", words[0])
	}
	if len(words) == 1 {
		if c := find(words[0], ""); c != nil && len(verbs) == 1 {
			return helpOne(w, c)
		}
		return helpNoun(w, words[0])
	}
	c := find(words[0], words[1])
	if c == nil {
		return usage(0, suggest.DidYouMean(words[1], verbs), "%s has no verb %q", words[0], words[1])
	}
	return helpOne(w, c)
}

func helpAll(w io.Writer) error {
	fmt.Fprintln(w, "One line, one command: NOUN VERB key=value ...  # comment")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range registry() {
		fmt.Fprintf(t, "  %s\t%s\n", c.Name(), c.Summary)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "help NOUN lists its verbs with their arguments; help NOUN VERB explains one.")
	return nil
}

func helpNoun(w io.Writer, noun string) error {
	for _, c := range registry() {
		if c.Noun == noun {
			fmt.Fprintf(w, "%s\n    %s\n", c.Usage(), c.Summary)
		}
	}
	return nil
}

func helpOne(w io.Writer, c *Command) error {
	fmt.Fprintf(w, "%s\n    %s\n", c.Usage(), c.Summary)
	for _, line := range wrap(c.Detail, 76) {
		fmt.Fprintf(w, "    %s\n", line)
	}
	if c.Window != "" {
		for i, line := range wrap("window: "+c.Window, 76) {
			fmt.Fprintf(w, "    %s%s\n", strings.Repeat("  ", min(i, 1)), line)
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := range c.Params {
		p := &c.Params[i]
		fmt.Fprintf(t, "  %s\t%s\n", p.label(), p.describe())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "example: %s\n", c.Example)
	return nil
}

func (p *Param) label() string {
	if p.Positional {
		return strings.ToUpper(p.Name)
	}
	return p.Name
}

// describe is the help text with what is allowed, required and assumed.
func (p *Param) describe() string {
	s := p.Help
	if p.Values != nil {
		s += "; one of " + strings.Join(p.Values, ", ")
	} else if p.Kind.Help != "" {
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

// Reference renders the registry as a Markdown document.
func Reference() string {
	var b strings.Builder
	b.WriteString("# The commands of the laboratory\n\n")
	b.WriteString("One line, one command: `NOUN VERB key=value ...`. The shell, rehearsals and scripts share these commands.\n")
	b.WriteString("This document is rendered from the registry; a test compares it.\n")
	for _, noun := range Nouns() {
		fmt.Fprintf(&b, "\n## %s\n", noun)
		for _, c := range registry() {
			if c.Noun != noun {
				continue
			}
			fmt.Fprintf(&b, "\n`%s`\n\n%s.", c.Usage(), capital(c.Summary))
			if c.Detail != "" {
				b.WriteString(" " + c.Detail)
			}
			b.WriteString("\n")
			if c.Window != "" {
				fmt.Fprintf(&b, "\nWindow: %s.\n", c.Window)
			}
			if len(c.Params) > 0 {
				b.WriteString("\n| argument | meaning |\n|---|---|\n")
			}
			for i := range c.Params {
				p := &c.Params[i]
				fmt.Fprintf(&b, "| %s | %s |\n", p.label(), strings.ReplaceAll(p.describe(), "|", "\\|"))
			}
			fmt.Fprintf(&b, "\nExample: `%s`\n", c.Example)
		}
	}
	return b.String()
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// wrap breaks text into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	var line string
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
