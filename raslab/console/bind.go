package console

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/suggest"
	"github.com/seed-9d983aeb/fdelab/raslab/command"
)

// lookup finds a command by its noun and verb, and says which words it used.
func lookup(l Line) (*Command, int, error) {
	noun := l[0]
	if noun.Key != "" {
		return nil, 0, usage(noun.Col, "begin with what the command is about, as in: rank create array=A0", "the line begins with an argument")
	}
	if c := language.Find(noun.Value); c != nil && verbOf(c) == "" {
		return c, 1, nil
	}
	if len(l) > 1 && l[1].Key == "" && !strings.Contains(noun.Value, " ") {
		if c := language.Find(noun.Value + " " + l[1].Value); c != nil {
			return c, 2, nil
		}
	}
	verbs := verbsOf(noun.Value)
	if verbs == nil {
		return nil, 0, usage(noun.Col, suggest.Guess(noun.Value, Nouns(), "type help for the list"), "unknown command %q", noun.Value)
	}
	if len(l) < 2 || l[1].Key != "" {
		col := noun.Col + len([]rune(noun.Value))
		return nil, 0, usage(col, "one of "+strings.Join(verbs, ", "), "%s needs a verb", noun.Value)
	}
	verb := l[1]
	return nil, 0, usage(verb.Col, suggest.DidYouMean(verb.Value, verbs), "%s has no verb %q", noun.Value, verb.Value)
}

// bind looks a line up and checks every argument. Nothing is changed.
func bind(l Line) (Args, error) {
	c, used, err := lookup(l)
	if err != nil {
		return Args{}, err
	}
	b := language.Start(c, "")
	for _, w := range l[used:] {
		p, err := paramFor(c, b, w)
		if err == nil {
			err = worded(c, b.Set(p, w.Value, w.Col))
		}
		if err != nil {
			return Args{}, err
		}
	}
	a, err := b.Done()
	return a, worded(c, err)
}

// bindAll binds every command of a line. If some are not understood, it returns an error for each
// of them, from left to right, and no commands.
func bindAll(text string) ([]Args, []*UsageError) {
	lines, wrong := parse(text)
	commands := len(lines) + len(wrong)
	at := map[*UsageError]int{} // column of the command
	for _, e := range wrong {
		at[e] = e.Col
	}
	var all []Args
	for _, l := range lines {
		a, err := bind(l)
		all = append(all, a)
		if err == nil {
			continue
		}
		var e *UsageError
		if !errors.As(err, &e) {
			e = usage(0, "", "%v", err)
		}
		wrong, at[e] = append(wrong, e), l[0].Col
	}
	if len(wrong) == 0 {
		return all, nil
	}
	slices.SortStableFunc(wrong, func(a, b *UsageError) int { return at[a] - at[b] })
	wrong[0].Rest = commands > 1
	return nil, wrong
}

// worded says in the words of this language what is wrong with an argument.
func worded(c *Command, err error) error {
	var e *command.BindError[*Session]
	if !errors.As(err, &e) {
		return err
	}
	value := e.Param.Name + "=" + quote(e.Text)
	switch {
	case errors.Is(err, command.ErrTwice):
		return usage(e.Col, fmt.Sprintf("leave one of them out (the first is in column %d)", e.First), "%s is given twice", e.Param.Name)
	case errors.Is(err, command.ErrMissing):
		return usage(0, "as in: "+c.Example, "%s needs %s", c.Name, form(e.Param))
	case errors.Is(err, command.ErrKind):
		return usage(e.Col, "need "+e.Param.Kind.Help, "%s", value)
	}
	return usage(e.Col, e.Err.Error(), "%s", value)
}

// paramFor finds the argument a word belongs to.
func paramFor(c *Command, b *command.Binding[*Session], w Word) (*Param, error) {
	if w.Key == "" {
		if p := b.Bare(); p != nil {
			return p, nil
		}
		want := "leave it out"
		if len(c.Params) > 0 {
			want = "arguments are written key=value, as in: " + c.Example
		}
		return nil, usage(w.Col, want, "%s does not know what %q is", c.Name, w.Value)
	}
	var names []string
	for i := range c.Params {
		switch p := &c.Params[i]; {
		case p.Bare:
		case p.Name == w.Key:
			return p, nil
		default:
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return nil, usage(w.Col, "leave it out", "%s takes no argument %s=", c.Name, w.Key)
	}
	slices.Sort(names)
	return nil, usage(w.Col, suggest.DidYouMean(w.Key, names), "%s has no argument %q", c.Name, w.Key)
}
