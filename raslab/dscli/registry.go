package dscli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/suggest"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// Command is one entry of the registry: everything that parsing, abbreviation, help
// and completion need to know.
type Command struct {
	Name     string
	Summary  string // what it does, one clause
	Detail   string // what is worth knowing beyond that; may be empty
	Params   []Param
	Example  string           // a complete line; a test binds it
	Facility bool             // the banner names the facility; else it shows a dash
	Alone    bool             // it needs no facility and has no banner
	Check    func(args) error // what the parameters mean together, before anything runs; may be nil
	Run      func(*call) error
}

// Param is one parameter of a command.
type Param struct {
	Name     string
	Kind     Kind
	Flag     bool     // given without a value
	Operand  bool     // given as a bare word
	Repeat   bool     // an operand that may be given several times; its kind gives []string
	Required bool     //
	Default  string   // how a missing one is read; empty for absent
	Values   []string // the only values, if not nil
	Help     string
	Complete func(*raslab.Lab) []string
}

// Usage is how the parameter is written; an optional one in brackets.
func (p *Param) Usage() string {
	value := p.Kind.Name
	if p.Values != nil {
		value = strings.Join(p.Values, "|")
	}
	s := "-" + p.Name + " " + value
	switch {
	case p.Flag:
		s = "-" + p.Name
	case p.Operand:
		s = p.Name
	}
	if p.Repeat {
		s += "..."
	}
	if !p.Required {
		s = "[" + s + "]"
	}
	return s
}

// Usage is the one-line form of a command, without the parameters that all have.
func (c *Command) Usage() string {
	parts := []string{c.Name}
	for i := range c.Params {
		parts = append(parts, c.Params[i].Usage())
	}
	return strings.Join(parts, " ")
}

// topics are the groups in which help lists the commands. They are filled in init, because
// help reads them.
var topics []topic

type topic struct {
	title    string
	commands []*Command
}

var registered []*Command

func init() {
	topics = []topic{
		{"The facility", systemCommands()},
		{"Drives, arrays and ranks", append(storageCommands(), rankCommands()...)},
		{"Key managers", managerCommands()},
		{"Key groups", groupCommands()},
		{"Recovery keys", recoveryCommands()},
		{"Serviceable events", eventCommands()},
		{"This program", generalCommands()},
	}
	for _, t := range topics {
		registered = append(registered, t.commands...)
	}
}

// Commands is the registry, in the order in which help lists it.
func Commands() []*Command { return slices.Clone(registered) }

func names() []string {
	out := make([]string, len(registered))
	for i, c := range registered {
		out[i] = c.Name
	}
	return out
}

// lookup finds a command by its name in any case, or by a beginning that only one has.
func lookup(name string) (*Command, error) {
	var fit []*Command
	for _, c := range registered {
		if strings.EqualFold(c.Name, name) {
			return c, nil
		}
		if len(name) >= 2 && len(name) < len(c.Name) && strings.EqualFold(c.Name[:len(name)], name) {
			fit = append(fit, c)
		}
	}
	switch len(fit) {
	case 1:
		return fit[0], nil
	case 0:
		return nil, fmt.Errorf("there is no command %q; %s", name, suggest.Guess(name, names(), "help lists them"))
	}
	all := make([]string, len(fit))
	for i, c := range fit {
		all[i] = c.Name
	}
	return nil, fmt.Errorf("%q may be %s; write more of it", name, strings.Join(all, " or "))
}

// parameter finds a parameter by its name without the dash, or by a beginning that only
// one has.
func (c *Command) parameter(name string) (*Param, error) {
	var all []string
	var fit []*Param
	for _, list := range [][]Param{c.Params, c.common()} {
		for i := range list {
			p := &list[i]
			if p.Operand {
				continue
			}
			if strings.EqualFold(p.Name, name) {
				return p, nil
			}
			all = append(all, "-"+p.Name)
			if len(name) < len(p.Name) && strings.EqualFold(p.Name[:len(name)], name) {
				fit = append(fit, p)
			}
		}
	}
	switch {
	case len(fit) == 1:
		return fit[0], nil
	case len(fit) > 1:
		both := make([]string, len(fit))
		for i, p := range fit {
			both[i] = "-" + p.Name
		}
		return nil, fmt.Errorf("%q may be %s; write more of it", "-"+name, strings.Join(both, " or "))
	case len(all) == 0:
		return nil, fmt.Errorf("no parameter %q is taken; leave it out", "-"+name)
	}
	return nil, fmt.Errorf("there is no parameter %q; %s", "-"+name, suggest.DidYouMean("-"+name, all))
}

func (c *Command) common() []Param {
	if c.Alone {
		return nil
	}
	return commonParams
}

// args are the bound arguments of a command, each checked against its kind.
type args struct {
	command *Command
	values  map[string]any
}

func arg[T any](a args, name string) T {
	if !slices.ContainsFunc(a.command.Params, func(p Param) bool { return p.Name == name }) {
		panic("BUG: " + a.command.Name + " has no parameter " + name)
	}
	v, _ := a.values[name].(T)
	return v
}

func (a args) has(name string) bool { return a.values[name] != nil }

// String is the command with all it was bound with, in the order of the registry: what
// means the same is equal, and reads the same when it is bound again.
func (a args) String() string {
	parts := []string{a.command.Name}
	for _, list := range [][]Param{a.command.common(), a.command.Params} {
		for i := range list {
			p := &list[i]
			v, ok := a.values[p.Name]
			if !ok {
				continue
			}
			var texts []string
			switch v := v.(type) {
			case []string:
				texts = v
			case string:
				texts = []string{v}
			case int:
				texts = []string{strconv.Itoa(v)}
			}
			switch {
			case p.Flag:
				parts = append(parts, "-"+p.Name)
			case !p.Operand:
				parts = append(parts, "-"+p.Name, quote(strings.Join(texts, ",")))
			default:
				for _, t := range texts {
					parts = append(parts, quote(t))
				}
			}
		}
	}
	return strings.Join(parts, " ")
}

// bind checks the words behind the command's name. Nothing is changed.
func (c *Command) bind(serial string, words []word) (args, error) {
	a := args{command: c, values: map[string]any{}}
	operand := 0
	for i := 0; i < len(words); i++ {
		w := words[i]
		if !w.parameter() {
			p := c.operand(operand)
			if p == nil {
				return a, fmt.Errorf("%q is too much; the form is %s", w.text, c.Usage())
			}
			if err := a.set(serial, p, w.text); err != nil {
				return a, err
			}
			if !p.Repeat {
				operand++
			}
			continue
		}
		p, err := c.parameter(w.text[1:])
		if err != nil {
			return a, err
		}
		if a.has(p.Name) {
			return a, fmt.Errorf("-%s is given twice; leave one out", p.Name)
		}
		if p.Flag {
			a.values[p.Name] = true
			continue
		}
		if i++; i == len(words) || words[i].parameter() {
			return a, fmt.Errorf("-%s has no value; %s", p.Name, p.right())
		}
		if err := a.set(serial, p, words[i].text); err != nil {
			return a, err
		}
	}
	for _, list := range [][]Param{c.Params, c.common()} {
		for i := range list {
			p := &list[i]
			switch {
			case a.has(p.Name):
			case p.Required:
				return a, fmt.Errorf("%s is missing; as in: %s", strings.Trim(p.Usage(), "[]"), c.Example)
			case p.Default != "":
				if err := a.set(serial, p, p.Default); err != nil {
					panic("BUG: the default of -" + p.Name + ": " + err.Error())
				}
			}
		}
	}
	if a.has("s") && a.has("l") {
		return a, fmt.Errorf("-s and -l are given; leave one out")
	}
	if c.Check != nil {
		return a, c.Check(a)
	}
	return a, nil
}

func (c *Command) operand(n int) *Param {
	for i := range c.Params {
		if p := &c.Params[i]; p.Operand {
			if n == 0 {
				return p
			}
			n--
		}
	}
	return nil
}

func (a args) set(serial string, p *Param, text string) error {
	v, err := p.parse(serial, text)
	if err != nil {
		name := "-" + p.Name
		if p.Operand {
			name = p.Name
		}
		return fmt.Errorf("%q is not %s; %w", text, p.what(name), err)
	}
	if more, ok := v.([]string); ok {
		old, _ := a.values[p.Name].([]string)
		for _, id := range more {
			if !slices.Contains(old, id) {
				old = append(old, id)
			}
		}
		v = old
	}
	a.values[p.Name] = v
	return nil
}

func (p *Param) parse(serial, text string) (any, error) {
	if p.Values == nil {
		return p.Kind.Parse(serial, text)
	}
	for _, v := range p.Values {
		if strings.EqualFold(v, text) {
			return v, nil
		}
	}
	return nil, fmt.Errorf("%s", suggest.DidYouMean(text, p.Values))
}

// what says what a value of the parameter is.
func (p *Param) what(name string) string {
	if p.Name == "fmt" {
		return "a format"
	}
	return "right for " + name
}

// right says what values are right.
func (p *Param) right() string {
	if p.Values != nil {
		return "one of " + strings.Join(p.Values, ", ")
	}
	if p.Kind.Help == "" {
		return "write it behind the name"
	}
	return p.Kind.Help + " is right"
}
