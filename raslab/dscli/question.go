package dscli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
)

var quietParam = Param{Name: "quiet", Flag: true, Help: "do not ask"}

// answersMax is how often a person is asked before the question counts as not answered.
const answersMax = 3

// confirmed asks a question, unless -quiet is given. No is an answer, in words or by an interrupt.
// No answer at all is an error, so that a script does not take it for success.
func (c *call) confirmed(m *Message, values ...any) (bool, error) {
	if arg[bool](c.args, "quiet") {
		return true, nil
	}
	text := m.line(c.command.Name, values...)
	if c.session.options.Ask == nil {
		fmt.Fprintln(c.out, text)
		return false, c.unanswered()
	}
	for range answersMax {
		lines := layout.Fold(text, c.session.width())
		for _, line := range lines[:len(lines)-1] {
			fmt.Fprintln(c.out, line)
		}
		answer, err := c.ask(lines[len(lines)-1] + " ")
		switch {
		case errors.Is(err, ErrInterrupt):
			answer = "n"
		case err != nil:
			return false, c.unanswered()
		}
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "y", "yes":
			return true, nil
		case "n", "no":
			c.say(msgCancelled)
			return false, nil
		}
		if c.session.options.Strict {
			return false, c.noAnswer(answer, "y or n is right, or "+c.command.Name+" with -quiet, which asks nothing")
		}
	}
	return false, c.unanswered()
}

// unanswered speaks of this question alone: other objects of the same command may have been
// changed.
func (c *call) unanswered() error {
	return fail(ExitApplication, msgUnanswered, c.command.Name, "the question was not answered, and nothing was done about it; y or n is right, or -quiet, which asks nothing")
}

// noAnswer refuses a line of a script that stands in place of an answer.
func (c *call) noAnswer(answer, right string) error {
	e := fail(ExitSyntax, msgSyntax, c.command.Name, fmt.Sprintf("%q is no answer; %s", answer, right))
	e.answer = true
	return e
}

// nextPage waits for Enter between the pages of a result; false ends the result.
func (c *call) nextPage() (bool, error) {
	answer, err := c.ask("Press Enter To Continue...")
	answer = strings.TrimSpace(answer)
	switch {
	case err != nil, strings.EqualFold(answer, "q"), strings.EqualFold(answer, "quit"):
		return false, nil
	case answer != "" && c.session.options.Strict:
		return false, c.noAnswer(answer, "an empty line is right, or q, or -p off, which shows all at once")
	}
	return true, nil
}
