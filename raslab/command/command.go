package command

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/suggest"
)

// Command is one entry of a language: everything that parsing, help, completion and the
// reference need to know.
type Command[S any] struct {
	Name    string // what is typed: lsrank, or a noun and a verb as rank list
	Summary string // what it does, one clause, lower case
	Detail  string // what is worth knowing beyond that; may be empty
	Window  string // what it stands for at a real machine; may be empty
	Params  []Param[S]
	Example string              // a complete line; a test binds it
	Alone   bool                // it has to do with no facility, and takes none of the parameters that commands have in common
	Check   func(Args[S]) error // what the values mean together, before anything runs; may be nil
	Run     func(S, Args[S]) error
}

// Param is one parameter of a command.
type Param[S any] struct {
	Name     string
	Kind     Kind
	Flag     bool     // given without a value
	Bare     bool     // given as a bare word, without its name
	Repeat   bool     // bare: may be given several times; its kind gives []string, each once
	Rest     bool     // bare: takes all words that are left, joined with a blank
	Required bool     //
	Secret   bool     // its value is one: Language.Shown leaves it out
	Default  string   // how a missing one is read; empty for absent
	Values   []string // the only values, if not nil
	Help     string
	Complete func(S) []string // live values, such as the drives of the facility; may be nil
}

// Kind is the type of a value: its name in the usage, what is right, and how it is read.
type Kind struct {
	Name string
	Help string // such as "a whole number from 1 to 4"; may be empty
	// Parse reads a value. facility is the serial number of the facility at hand, because an
	// identifier may name it; it is empty if there is none. The error is ErrKind if Help explains
	// enough, else a clause that says what would be right.
	Parse func(facility, text string) (any, error)
}

// ErrKind says that a value is not what the help of its kind asks for. Each language words it.
var ErrKind = errors.New("not of this kind")

// Text is the kind of any text that is not blank.
func Text(help string) Kind {
	return Kind{Name: "text", Help: help, Parse: func(_, s string) (any, error) {
		if strings.TrimSpace(s) == "" {
			return nil, errors.New("it must not be empty")
		}
		return s, nil
	}}
}

// Number is the kind of a whole number from low to high.
func Number(low, high int) Kind {
	return Kind{Name: "number", Help: fmt.Sprintf("a whole number from %d to %d", low, high), Parse: func(_, s string) (any, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < low || n > high {
			return nil, ErrKind
		}
		return n, nil
	}}
}

// Parse reads a value of the parameter, as Kind.Parse does.
func (p *Param[S]) Parse(facility, text string) (any, error) {
	if p.Values == nil {
		return p.Kind.Parse(facility, text)
	}
	for _, v := range p.Values {
		if strings.EqualFold(v, text) {
			return v, nil
		}
	}
	return nil, errors.New(suggest.DidYouMean(text, p.Values))
}

// Describe is the help of the parameter, with what is allowed, required and assumed.
func (p *Param[S]) Describe() string {
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

// Candidates lists values with which the parameter may go on.
func (p *Param[S]) Candidates(in S) []string {
	switch {
	case p.Values != nil:
		return p.Values
	case p.Complete != nil:
		return p.Complete(in)
	case p.Default != "":
		return []string{p.Default}
	}
	return nil
}
