package console

import (
	"fmt"
	"sort"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/suggest"
)

// Command is one entry of the registry: everything that parsing, help,
// completion and the reference document need to know.
type Command struct {
	Noun    string
	Verb    string // empty for a command that is a noun alone
	Summary string // what it does, one clause, lower case
	Detail  string // what is worth knowing beyond that; may be empty
	Window  string // what it stands for at a real machine: window and button of MAP4980, or a command of the DS CLI; may be empty
	Params  []Param
	Example string // a complete line; a test parses and binds it
	Run     func(*Session, Args) error
}

// Name is the noun and the verb.
func (c *Command) Name() string {
	if c.Verb == "" {
		return c.Noun
	}
	return c.Noun + " " + c.Verb
}

// Usage is the one-line form with its arguments; optional ones in brackets.
func (c *Command) Usage() string {
	parts := []string{c.Name()}
	for i := range c.Params {
		parts = append(parts, c.Params[i].Usage())
	}
	return strings.Join(parts, " ")
}

func (c *Command) param(name string) *Param {
	for i := range c.Params {
		if c.Params[i].Name == name {
			return &c.Params[i]
		}
	}
	return nil
}

func (c *Command) paramNames() []string {
	var names []string
	for i := range c.Params {
		if !c.Params[i].Positional {
			names = append(names, c.Params[i].Name)
		}
	}
	return names
}

// Param is one argument of a command.
type Param struct {
	Name       string
	Kind       Kind
	Required   bool
	Default    string   // how a missing optional argument is read; empty for "absent"
	Values     []string // the only values allowed, if not nil
	Positional bool     // given as a bare word, not as key=value; always after the verb
	Rest       bool     // positional: takes all remaining bare words, joined with a blank
	Help       string
	Complete   func(*Session) []string // live values, such as the drives of the facility
}

// Usage is how the argument is written.
func (p *Param) Usage() string {
	what := strings.ToUpper(p.Kind.Name)
	if p.Values != nil {
		what = strings.Join(p.Values, "|")
	}
	s := p.Name + "=" + what
	if p.Positional {
		s = what
		if p.Values == nil {
			s = strings.ToUpper(p.Name)
		}
	}
	if !p.Required {
		return "[" + s + "]"
	}
	return s
}

// lookup finds a command by its noun and verb, and says which words it used.
func lookup(l Line) (*Command, int, error) {
	noun := l[0]
	if noun.Key != "" {
		return nil, 0, usage(noun.Col, "begin with what the command is about, as in: rank create array=A0", "the line begins with an argument")
	}
	verbs := verbsOf(noun.Value)
	if verbs == nil {
		return nil, 0, usage(noun.Col, suggest.Guess(noun.Value, Nouns(), "type help for the list"), "unknown command %q", noun.Value)
	}
	if c := find(noun.Value, ""); c != nil && len(verbs) == 1 {
		return c, 1, nil
	}
	if len(l) < 2 || l[1].Key != "" {
		if c := find(noun.Value, ""); c != nil {
			return c, 1, nil
		}
		col := noun.Col + len([]rune(noun.Value))
		return nil, 0, usage(col, "one of "+strings.Join(verbs, ", "), "%s needs a verb", noun.Value)
	}
	verb := l[1]
	c := find(noun.Value, verb.Value)
	if c == nil || verb.Value == "" {
		return nil, 0, usage(verb.Col, suggest.DidYouMean(verb.Value, verbs), "%s has no verb %q", noun.Value, verb.Value)
	}
	return c, 2, nil
}

func find(noun, verb string) *Command {
	for _, c := range registry() {
		if c.Noun == noun && c.Verb == verb {
			return c
		}
	}
	return nil
}

// verbsOf lists the verbs of a noun in the order of the registry; nil when there is no such
// noun, a single empty verb when the noun is a command by itself.
func verbsOf(noun string) []string {
	var verbs []string
	for _, c := range registry() {
		if c.Noun == noun {
			verbs = append(verbs, c.Verb)
		}
	}
	return verbs
}

// Nouns lists what commands are about, in the order of the registry.
func Nouns() []string {
	var nouns []string
	for _, c := range registry() {
		if len(nouns) == 0 || nouns[len(nouns)-1] != c.Noun {
			nouns = append(nouns, c.Noun)
		}
	}
	return nouns
}

// Commands is the registry, in the order in which help lists it.
func Commands() []*Command { return append([]*Command(nil), registry()...) }

// Args are the bound arguments of one command: every one was checked against its
// kind and its allowed values.
type Args struct {
	command *Command
	values  map[string]any
	typed   map[string]Word
}

// Has says whether the argument was given or has a default.
func (a Args) Has(name string) bool { _, ok := a.value(name); return ok }

func (a Args) value(name string) (any, bool) {
	if a.command.param(name) == nil {
		panic(fmt.Sprintf("BUG: %s has no argument %s", a.command.Name(), name))
	}
	v, ok := a.values[name]
	return v, ok
}

// arg gives the value of an argument, or the zero value when it is absent.
func arg[T any](a Args, name string) T {
	v, _ := a.value(name)
	t, _ := v.(T)
	return t
}

// Col is the column at which the argument was typed, 0 if it was not.
func (a Args) Col(name string) int { return a.typed[name].Col }

// String is the command with all arguments it was bound with, in the order of
// the registry, defaults included: two lines that mean the same are equal.
func (a Args) String() string {
	parts := []string{a.command.Name()}
	for i := range a.command.Params {
		p := &a.command.Params[i]
		if v, ok := a.values[p.Name]; ok {
			parts = append(parts, p.Name+"="+quote(fmt.Sprint(v)))
		}
	}
	return strings.Join(parts, " ")
}

// bind looks a line up and checks every argument. Nothing is changed.
func bind(l Line) (Args, error) {
	c, used, err := lookup(l)
	if err != nil {
		return Args{}, err
	}
	a := Args{command: c, values: map[string]any{}, typed: map[string]Word{}}
	for _, w := range l[used:] {
		p, err := a.paramFor(w)
		if err != nil {
			return Args{}, err
		}
		if old, dup := a.typed[p.Name]; dup {
			if !p.Rest {
				return Args{}, usage(w.Col, fmt.Sprintf("leave one of them out (the first is in column %d)", old.Col), "%s is given twice", p.Name)
			}
			w.Value, w.Col = old.Value+" "+w.Value, old.Col
		}
		a.typed[p.Name] = w
	}
	for i := range c.Params {
		p := &c.Params[i]
		w, ok := a.typed[p.Name]
		switch {
		case !ok && p.Required:
			return Args{}, usage(0, "as in: "+c.Example, "%s needs %s", c.Name(), p.Usage())
		case !ok && p.Default == "":
			continue
		case !ok:
			w.Value = p.Default
		}
		v, err := p.parse(w.Value)
		if err != nil {
			return Args{}, usage(w.Col, err.Error(), "%s=%s", p.Name, quote(w.Value))
		}
		a.values[p.Name] = v
	}
	return a, nil
}

// paramFor finds the argument a word belongs to.
func (a Args) paramFor(w Word) (*Param, error) {
	c := a.command
	if w.Key != "" {
		if p := c.param(w.Key); p != nil && !p.Positional {
			return p, nil
		}
		names := c.paramNames()
		if len(names) == 0 {
			return nil, usage(w.Col, "leave it out", "%s takes no argument %s=", c.Name(), w.Key)
		}
		sort.Strings(names)
		return nil, usage(w.Col, suggest.DidYouMean(w.Key, names), "%s has no argument %q", c.Name(), w.Key)
	}
	for i := range c.Params {
		p := &c.Params[i]
		if _, taken := a.typed[p.Name]; p.Positional && (!taken || p.Rest) {
			return p, nil
		}
	}
	want := "leave it out"
	if len(c.Params) > 0 {
		want = "arguments are written key=value, as in: " + c.Example
	}
	return nil, usage(w.Col, want, "%s does not know what %q is", c.Name(), w.Value)
}

func (p *Param) parse(s string) (any, error) {
	if p.Values != nil {
		for _, v := range p.Values {
			if strings.EqualFold(v, s) {
				return v, nil
			}
		}
		return nil, fmt.Errorf("%s", suggest.DidYouMean(s, p.Values))
	}
	return p.Kind.Parse(s)
}
