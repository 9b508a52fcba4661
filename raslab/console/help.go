package console

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/suggest"
	"github.com/seed-9d983aeb/fdelab/raslab/command"
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
	if c := language.Find(strings.Join(words, " ")); c != nil {
		return language.Explain(s.page(), c)
	}
	if len(words) == 2 {
		return usage(0, suggest.DidYouMean(words[1], verbs), "%s has no verb %q", words[0], words[1])
	}
	for _, c := range ofNoun(words[0]) {
		s.printf("%s\n    %s\n", language.Line(c), c.Summary)
	}
	return nil
}

// page is where and how help is printed.
func (s *Session) page() command.Page {
	return command.Page{Out: s.out, Text: s.textWidth(), Table: s.options.Width, Indent: 4}
}

func (s *Session) helpAll() error {
	s.printf("One line, one command: NOUN VERB key=value ...  # comment\n")
	s.printf("A semicolon ends a command as the end of the line does.\n")
	if err := language.Overview(s.page(), false); err != nil {
		return err
	}
	s.printf("help NOUN lists its verbs with their arguments; help NOUN VERB explains one.\n")
	return nil
}

// Reference renders the language as a Markdown document.
func Reference() string {
	var b strings.Builder
	b.WriteString("# The commands of the laboratory\n\n")
	b.WriteString("One line, one command: `NOUN VERB key=value ...`. The shell, rehearsals and scripts share these commands.\n")
	b.WriteString("This document is rendered from the registry; a test compares it.\n")
	for _, noun := range Nouns() {
		fmt.Fprintf(&b, "\n## %s\n", noun)
		for _, c := range ofNoun(noun) {
			b.WriteString(language.Reference(c))
		}
	}
	return b.String()
}
