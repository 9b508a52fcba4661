package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Args are the values of one command, each checked against its kind.
type Args[S any] struct {
	Command *Command[S]
	params  []*Param[S]
	values  map[string]any
	cols    map[string]int
}

// Has says whether the parameter was given or has a default.
func (a Args[S]) Has(name string) bool { return a.value(name) != nil }

// Col is the column at which the value was typed, 0 if it was not.
func (a Args[S]) Col(name string) int { return a.cols[name] }

// Takes says whether the command has a parameter.
func (a Args[S]) Takes(name string) bool {
	return slices.ContainsFunc(a.params, func(p *Param[S]) bool { return p.Name == name })
}

func (a Args[S]) value(name string) any {
	if !a.Takes(name) {
		panic(fmt.Sprintf("BUG: %s has no parameter %s", a.Command.Name, name))
	}
	return a.values[name]
}

// Get gives the value of a parameter, or the zero value when it is absent.
func Get[T, S any](a Args[S], name string) T {
	t, _ := a.value(name).(T)
	return t
}

// Written is the command with all values, defaults included, in the order of its parameters. Two
// lines that mean the same are written the same, and binding the text again gives the same values.
func (l *Language[S]) Written(a Args[S]) string { return l.written(a, false) }

// Hidden stands for a secret in a line that is shown.
const Hidden = "(hidden)"

// Shown is the command as it was given, for other eyes than those of whoever gave it: without the values
// that only repeat a default, and with Hidden for secrets. It is no line to run again.
func (l *Language[S]) Shown(a Args[S]) string { return l.written(a, true) }

func (l *Language[S]) written(a Args[S], shown bool) string {
	parts := []string{a.Command.Name}
	for _, p := range a.params {
		v, ok := a.values[p.Name]
		if !ok || shown && p.Default != "" && fmt.Sprint(v) == p.Default {
			continue
		}
		texts := []string{fmt.Sprint(v)}
		if list, several := v.([]string); several {
			texts = list
			if !p.Repeat {
				texts = []string{strings.Join(list, ",")}
			}
		}
		if p.Flag {
			texts = []string{""}
		}
		if shown && p.Secret {
			parts = append(parts, l.Spell(p, Hidden))
			continue
		}
		for _, t := range texts {
			parts = append(parts, l.Spell(p, t))
		}
	}
	return strings.Join(parts, " ")
}

// The reasons of a BindError, besides the clause of a value.
var (
	ErrTwice   = errors.New("given twice")
	ErrMissing = errors.New("missing")
)

// BindError says which value of a command is not right, and why. Each language words it.
type BindError[S any] struct {
	Param *Param[S]
	Text  string // the value as it was typed
	Col   int    // where, 0 if it was not typed
	First int    // ErrTwice: where it was typed before
	Err   error  // ErrTwice, ErrMissing, ErrKind, or the clause that says what would be right
}

func (e *BindError[S]) Error() string { return e.Param.Name + ": " + e.Err.Error() }

// Unwrap gives the reason.
func (e *BindError[S]) Unwrap() error { return e.Err }

// Binding is a command whose values are being read.
type Binding[S any] struct {
	args     Args[S]
	facility string
	texts    map[string]string
}

// Start begins with the values of a command. facility is that of Kind.Parse.
func (l *Language[S]) Start(c *Command[S], facility string) *Binding[S] {
	return &Binding[S]{
		args:     Args[S]{Command: c, params: l.Params(c), values: map[string]any{}, cols: map[string]int{}},
		facility: facility, texts: map[string]string{},
	}
}

// Bare is the parameter that the next bare word belongs to; nil if none takes it.
func (b *Binding[S]) Bare() *Param[S] {
	for _, p := range b.args.params {
		if _, taken := b.texts[p.Name]; p.Bare && (!taken || p.Repeat || p.Rest) {
			return p
		}
	}
	return nil
}

// Given says whether a parameter was set.
func (b *Binding[S]) Given(p *Param[S]) bool { _, given := b.texts[p.Name]; return given }

// Set reads a value that was typed at a column. It ignores the value of a flag. The error is a
// *BindError.
func (b *Binding[S]) Set(p *Param[S], text string, col int) error {
	old, again := b.texts[p.Name]
	switch {
	case !again:
		b.args.cols[p.Name] = col
	case p.Rest:
		text = old + " " + text
	case !p.Repeat:
		return &BindError[S]{Param: p, Text: text, Col: col, First: b.args.cols[p.Name], Err: ErrTwice}
	}
	b.texts[p.Name] = text
	return b.set(p, text, col)
}

func (b *Binding[S]) set(p *Param[S], text string, col int) error {
	if p.Flag {
		b.args.values[p.Name] = true
		return nil
	}
	v, err := p.Parse(b.facility, text)
	if err != nil {
		return &BindError[S]{Param: p, Text: text, Col: col, Err: err}
	}
	if more, ok := v.([]string); ok {
		v = appendNew(Get[[]string](b.args, p.Name), more)
	}
	b.args.values[p.Name] = v
	return nil
}

// appendNew appends what list does not hold yet.
func appendNew(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// Done gives the values, defaults included. The error is a *BindError, or that of the command's
// Check.
func (b *Binding[S]) Done() (Args[S], error) {
	for _, p := range b.args.params {
		switch {
		case b.Given(p):
		case p.Required:
			return b.args, &BindError[S]{Param: p, Err: ErrMissing}
		case p.Default != "":
			if err := b.set(p, p.Default, 0); err != nil {
				panic(fmt.Sprintf("BUG: the default of %s: %v", p.Name, err))
			}
		}
	}
	if b.args.Command.Check != nil {
		return b.args, b.args.Command.Check(b.args)
	}
	return b.args, nil
}
