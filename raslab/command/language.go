package command

import (
	"slices"
	"strings"
)

// Language is a command language: its commands, and how it writes their parameters.
type Language[S any] struct {
	Topics []Topic[S]
	Common []Param[S] // what every command takes that is not Alone
	// Form is how a parameter is written in a usage, without the brackets of an optional one:
	// rank=RANK, or -rank rank.
	Form func(*Param[S]) string
	// Label is how a parameter is named in a help: rank, or -rank.
	Label func(*Param[S]) string
	// Spell writes a parameter with one value, which is empty for a flag.
	Spell func(p *Param[S], value string) string
}

// Topic is a group of commands in a help.
type Topic[S any] struct {
	Title    string
	Commands []*Command[S]
}

// Commands lists all commands, in the order of the help.
func (l *Language[S]) Commands() []*Command[S] {
	var all []*Command[S]
	for _, t := range l.Topics {
		all = append(all, t.Commands...)
	}
	return all
}

// Names lists the names of all commands, in the order of the help.
func (l *Language[S]) Names() []string {
	var all []string
	for _, c := range l.Commands() {
		all = append(all, c.Name)
	}
	return all
}

// Find gives the command of that very name; nil if there is none.
func (l *Language[S]) Find(name string) *Command[S] {
	for _, t := range l.Topics {
		for _, c := range t.Commands {
			if c.Name == name {
				return c
			}
		}
	}
	return nil
}

// Match lists the commands that a name may mean, in any case: the one of that name, else all that
// begin with it. A beginning must have at least least characters.
func (l *Language[S]) Match(name string, least int) []*Command[S] {
	return match(l.Commands(), func(c *Command[S]) string { return c.Name }, name, least)
}

// MatchParam is Match for the parameters of a command that are given by their names.
func (l *Language[S]) MatchParam(c *Command[S], name string) []*Param[S] {
	return match(l.Named(c), func(p *Param[S]) string { return p.Name }, name, 1)
}

// Named lists the parameters of a command that are given by their names.
func (l *Language[S]) Named(c *Command[S]) []*Param[S] {
	return slices.DeleteFunc(l.Params(c), func(p *Param[S]) bool { return p.Bare })
}

func match[T any](all []T, name func(T) string, word string, least int) (fit []T) {
	for _, x := range all {
		n := name(x)
		switch {
		case strings.EqualFold(n, word):
			return []T{x}
		case len(word) >= least && begins(n, word):
			fit = append(fit, x)
		}
	}
	return fit
}

// begins says whether s begins with a word, in any case.
func begins(s, word string) bool {
	return len(word) <= len(s) && strings.EqualFold(s[:len(word)], word)
}

// Params lists what a command takes: its own parameters, then those that commands have in common.
func (l *Language[S]) Params(c *Command[S]) []*Param[S] {
	var all []*Param[S]
	for i := range c.Params {
		all = append(all, &c.Params[i])
	}
	for i := range l.Common {
		if !c.Alone {
			all = append(all, &l.Common[i])
		}
	}
	return all
}

// Usage is how a parameter is written; an optional one stands in brackets.
func (l *Language[S]) Usage(p *Param[S]) string {
	s := l.Form(p)
	if p.Repeat {
		s += "..."
	}
	if !p.Required {
		s = "[" + s + "]"
	}
	return s
}

// Line is the one-line form of a command with its own parameters.
func (l *Language[S]) Line(c *Command[S]) string {
	parts := []string{c.Name}
	for i := range c.Params {
		parts = append(parts, l.Usage(&c.Params[i]))
	}
	return strings.Join(parts, " ")
}
