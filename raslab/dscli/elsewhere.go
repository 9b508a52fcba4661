package dscli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// Call is a command for a facility of another process, with all that decides its answer. [Serve] runs it there.
type Call struct {
	Line     string   `json:"line"`               // the command
	Strict   bool     `json:"strict,omitempty"`   // as in Options
	User     string   `json:"user"`               // as in Options
	Consoles []int    `json:"consoles,omitempty"` // as in Options
	Image    string   `json:"image,omitempty"`    // as in Options
	Output   Settings `json:"output"`             // as in Options
	Zone     string   `json:"zone,omitempty"`     // a name of the time zone database; "" is UTC
	Version  string   `json:"version,omitempty"`  // as in Options
	Width    int      `json:"width,omitempty"`    // of the terminal, in columns; 0 for none
}

// Said is what a [Call] came to, or what it said up to a question.
type Said struct {
	Out      string `json:"out,omitempty"` // since the last question
	ErrOut   string `json:"err_out,omitempty"`
	Question string `json:"question,omitempty"` // that waits for an answer
	Error    *Error `json:"error,omitempty"`    // it was not printed
	Wrong    bool   `json:"wrong,omitempty"`    // the error is of the last answer, and not of the command
}

// Serve runs a call in a session that begin makes on the facility at hand. Of its options begin sets Lab, and may
// set Keep and ReadFile. ask is called with each question, and with what was said before it; its error is as
// that of Options.Ask. The error is one of the call, which is none, or of a facility that could not keep the command.
func Serve(c Call, begin func(Options) *Session, ask func(Said) (string, error)) (Said, error) {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return Said{}, fmt.Errorf("dscli: there is no time zone %q", c.Zone)
	}
	words, err := split(c.Line)
	if err != nil || len(words) == 0 {
		return Said{}, errors.New("dscli: the call is no command")
	}
	var out, errOut bytes.Buffer
	said := func(question string) Said {
		defer out.Reset()
		defer errOut.Reset()
		return Said{Out: out.String(), ErrOut: errOut.String(), Question: question}
	}
	s := begin(Options{
		Strict: c.Strict, Zone: zone, Consoles: c.Consoles, User: c.User, Output: c.Output, Image: c.Image, Version: c.Version,
		Width: func() int { return c.Width },
		Ask:   func(prompt string) (string, error) { return ask(said(prompt)) },
	})
	if s.options.Elsewhere != nil {
		panic("BUG: dscli: a call is served by a session that calls elsewhere")
	}
	err = s.runWords(words, &out, &errOut)
	a := said("")
	if errors.As(err, &a.Error) {
		a.Wrong, err = a.Error.answer, nil
	}
	return a, err
}

// elsewhere runs a command on a facility of another process, and asks here what it asks there.
func (s *Session) elsewhere(words []word, out, errOut io.Writer) error {
	o := &s.options
	show := func(a Said) {
		_, _ = io.WriteString(out, a.Out) // as Fprint elsewhere: who reads it is not our concern
		_, _ = io.WriteString(errOut, a.ErrOut)
	}
	a, err := o.Elsewhere(Call{
		Line: join(words), Strict: o.Strict, User: o.User, Consoles: o.Consoles, Image: o.Image,
		Output: o.Output, Zone: o.Zone.String(), Version: o.Version, Width: s.width(),
	}, func(a Said) *string {
		show(a)
		return s.answer(a.Question)
	})
	if err != nil {
		return fail(ExitConnection, msgConnection, words[0].text, err.Error())
	}
	show(a)
	if a.Error == nil {
		return nil
	}
	a.Error.answer = a.Wrong
	return a.Error
}

// answer asks here; nil means that nobody answers.
func (s *Session) answer(prompt string) *string {
	if s.options.Ask == nil {
		return nil
	}
	answer, err := s.options.Ask(prompt)
	switch {
	case errors.Is(err, ErrInterrupt):
		answer = "n"
	case err != nil:
		return nil
	}
	return &answer
}
