package dscli

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

// keeping is what a call gathers that is to be kept.
type keeping struct {
	out, errOut held
	answers     []*string
}

// held holds text back.
type held struct {
	bytes.Buffer
	to io.Writer
}

func (h *held) show() { _, _ = h.WriteTo(h.to) } // as Fprint elsewhere: who reads it is not our concern

// run runs a call and keeps it, and shows its answer then.
func (k *keeping) run(c *call, words []word) error {
	o := &c.session.options
	line := join(words)
	if _, err := split(line); err != nil { // the words of a shell may be longer
		return c.syntax(err.Error())
	}
	err := c.run(&k.out, &k.errOut)
	if failed := o.Keep(Kept{
		Line: line, Answers: k.answers, Strict: o.Strict, User: o.User, Consoles: slices.Clone(o.Consoles), Image: o.Image, Err: err,
	}); failed != nil {
		return failed
	}
	k.out.show()
	k.errOut.show()
	return err
}

// ask shows a prompt, and what was said before it, and returns the answer.
func (c *call) ask(prompt string) (string, error) {
	if c.kept == nil {
		return c.session.options.Ask(prompt)
	}
	c.kept.out.show()
	c.kept.errOut.show()
	answer, err := c.session.options.Ask(prompt)
	switch given := answer; {
	case errors.Is(err, ErrInterrupt):
		given = "n"
		c.kept.answers = append(c.kept.answers, &given)
	case err != nil:
		c.kept.answers = append(c.kept.answers, nil)
	default:
		c.kept.answers = append(c.kept.answers, &given)
	}
	return answer, err
}

// Again runs a command that was kept on the facility that lab gives, and shows nothing. readFile is that
// of Options.
func Again(k Kept, lab func() *raslab.Lab, readFile func(name string) ([]byte, error)) error {
	answers := k.Answers
	s := NewSession(Options{
		Lab: lab, ReadFile: readFile, Strict: k.Strict, User: k.User, Consoles: k.Consoles, Image: k.Image,
		Ask: func(string) (string, error) {
			if len(answers) == 0 || answers[0] == nil {
				answers = answers[min(1, len(answers)):]
				return "", errNobody
			}
			answer := *answers[0]
			answers = answers[1:]
			return answer, nil
		},
	})
	return s.Run(k.Line, io.Discard, io.Discard)
}

// join is the line of which split makes these words.
func join(words []word) string {
	var texts []string
	for _, w := range words {
		if w.quoted || w.text == "" || strings.ContainsAny(w.text, " \t\r\"#") {
			w.text = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(w.text) + `"`
		}
		texts = append(texts, w.text)
	}
	return strings.Join(texts, " ")
}

var errNobody = errors.New("nobody answered")
