package dscli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/suggest"
	"github.com/seed-9d983aeb/fdelab/raslab/command"
)

// lookup finds a command by its name in any case, or by a beginning that only one has.
func lookup(name string) (*Command, error) {
	switch fit := language.Match(name, 2); len(fit) {
	case 1:
		return fit[0], nil
	case 0:
		return nil, fmt.Errorf("there is no command %q; %s", name, suggest.Guess(name, language.Names(), "help lists them"))
	default:
		all := make([]string, len(fit))
		for i, c := range fit {
			all[i] = c.Name
		}
		return nil, ambiguous(name, all)
	}
}

// parameter finds a parameter by its name without the dash, or by a beginning that only
// one has.
func parameter(c *Command, name string) (*Param, error) {
	fit := language.MatchParam(c, name)
	if len(fit) == 1 {
		return fit[0], nil
	}
	if len(fit) > 1 {
		return nil, ambiguous("-"+name, labels(fit))
	}
	all := labels(language.Named(c))
	if len(all) == 0 {
		return nil, fmt.Errorf("no parameter %q is taken; leave it out", "-"+name)
	}
	return nil, fmt.Errorf("there is no parameter %q; %s", "-"+name, suggest.DidYouMean("-"+name, all))
}

func labels(params []*Param) []string {
	all := make([]string, len(params))
	for i, p := range params {
		all[i] = label(p)
	}
	return all
}

func ambiguous(name string, fit []string) error {
	return fmt.Errorf("%q may be %s; write more of it", name, strings.Join(fit, " or "))
}

// bind checks the words behind the name of a command. Nothing is changed.
// image is the value of -dev if it is not given; empty for none.
func bind(c *Command, serial, image string, words []word) (Args, error) {
	b := language.Start(c, serial)
	for i := 0; i < len(words); i++ {
		w := words[i]
		if !w.parameter() {
			p := b.Bare()
			if p == nil {
				return Args{}, fmt.Errorf("%q is too much; the form is %s", w.text, language.Line(c))
			}
			if err := b.Set(p, w.text, i+1); err != nil {
				return Args{}, worded(c, err)
			}
			continue
		}
		p, err := parameter(c, w.text[1:])
		if err != nil {
			return Args{}, err
		}
		value := ""
		if !p.Flag {
			if i++; i == len(words) || words[i].parameter() {
				return Args{}, fmt.Errorf("-%s has no value; %s", p.Name, right(p))
			}
			value = words[i].text
		}
		if err := b.Set(p, value, i+1); err != nil {
			return Args{}, worded(c, err)
		}
	}
	if dev := &commonParams[0]; image != "" && !c.Alone && !b.Given(dev) {
		if err := b.Set(dev, image, 0); err != nil {
			return Args{}, worded(c, err)
		}
	}
	a, err := b.Done()
	if err != nil {
		return a, worded(c, err)
	}
	if a.Takes("s") && a.Takes("l") && a.Has("s") && a.Has("l") {
		return a, errors.New("-s and -l are given; leave one out")
	}
	return a, nil
}

// worded says in the words of this language what is wrong with a value.
func worded(c *Command, err error) error {
	var e *command.BindError[*call]
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case errors.Is(err, command.ErrTwice):
		return fmt.Errorf("-%s is given twice; leave one out", e.Param.Name)
	case errors.Is(err, command.ErrMissing):
		return fmt.Errorf("%s is missing; as in: %s", strings.Trim(language.Usage(e.Param), "[]"), c.Example)
	}
	what, clause := "right for "+label(e.Param), e.Err.Error()
	if e.Param.Name == "fmt" {
		what = "a format"
	}
	if errors.Is(err, command.ErrKind) {
		clause = right(e.Param)
	}
	return fmt.Errorf("%q is not %s; %s", e.Text, what, clause)
}

// right says what values are right.
func right(p *Param) string {
	switch {
	case p.Values != nil:
		return "one of " + strings.Join(p.Values, ", ")
	case p.Kind.Help == "":
		return "write it behind the name"
	}
	return p.Kind.Help + " is right"
}
