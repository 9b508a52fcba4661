package console

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/internal/suggest"
)

// writeHelp prints help on everything, on a noun, or on one command.
func (s *Session) writeHelp(topic string) error {
	words := strings.Fields(strings.ToLower(topic))
	switch {
	case len(words) == 0:
		return s.helpAll()
	case len(words) > 2:
		return usage(0, "as in: help rank create", "help takes a noun and a verb")
	}
	verbs := verbsOf(words[0])
	if verbs == nil {
		return usage(0, suggest.DidYouMean(words[0], Nouns()), "no help on %q", words[0])
	}
	if len(words) == 1 {
		if c := find(words[0], ""); c != nil && len(verbs) == 1 {
			return s.helpOne(c)
		}
		s.helpNoun(words[0])
		return nil
	}
	c := find(words[0], words[1])
	if c == nil {
		return usage(0, suggest.DidYouMean(words[1], verbs), "%s has no verb %q", words[0], words[1])
	}
	return s.helpOne(c)
}

// topics are the groups in which help lists the nouns. A noun that no group names is in the last one.
var topics = []struct {
	title string
	nouns string
}{
	{"The facility and its time", "lab time enclosure site power iml sfi health"},
	{"Drives", "drive host shelf custody erase certificate"},
	{"Ranks", "array rank discontinue"},
	{"Keys", "keygrp keyserver keymgr reckey license"},
	{"Service", "event callhome repair raid mes field src"},
	{"Ways to the keys, and beyond the facility", "hmc link network cloud"},
	{"What can break", "fault memory repository"},
	{"This shell", ""},
}

// topicOf is the group of a noun.
func topicOf(noun string) int {
	for i, t := range topics {
		if slices.Contains(strings.Fields(t.nouns), noun) {
			return i
		}
	}
	return len(topics) - 1
}

func (s *Session) helpAll() error {
	s.printf("One line, one command: NOUN VERB key=value ...  # comment\n")
	s.printf("A semicolon ends a command as the end of the line does.\n")
	t := s.table()
	for i, topic := range topics {
		fmt.Fprintf(t, "%s:\n", topic.title)
		for _, c := range registry() {
			if topicOf(c.Noun) == i {
				fmt.Fprintf(t, "  %s\t%s\n", c.Name(), c.Summary)
			}
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	s.printf("help NOUN lists its verbs with their arguments; help NOUN VERB explains one.\n")
	return nil
}

func (s *Session) helpNoun(noun string) {
	for _, c := range registry() {
		if c.Noun == noun {
			s.printf("%s\n    %s\n", c.Usage(), c.Summary)
		}
	}
}

func (s *Session) helpOne(c *Command) error {
	width := s.textWidth() - 4
	s.printf("%s\n    %s\n", c.Usage(), c.Summary)
	for _, line := range layout.Wrap(c.Detail, width) {
		s.printf("    %s\n", line)
	}
	if c.Window != "" {
		for i, line := range layout.Wrap("window: "+c.Window, width) {
			s.printf("    %s%s\n", strings.Repeat("  ", min(i, 1)), line)
		}
	}
	t := s.table()
	for i := range c.Params {
		p := &c.Params[i]
		fmt.Fprintf(t, "  %s\t%s\n", p.label(), p.describe())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	s.printf("example: %s\n", c.Example)
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
