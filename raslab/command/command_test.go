package command

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// town is what the commands of these tests run in.
type town struct{ streets []string }

func streets(t *town) []string { return t.streets }

var words = Kind{Name: "words", Parse: func(_, s string) (any, error) { return strings.Split(s, ","), nil }}

// owned is a kind whose values may name the town.
var owned = Kind{Name: "house", Help: "a house of this town", Parse: func(facility, s string) (any, error) {
	if where, house, ok := strings.Cut(s, "/"); ok {
		if facility != "" && where != facility {
			return nil, ErrKind
		}
		return house, nil
	}
	return s, nil
}}

func language() *Language[*town] {
	return &Language[*town]{
		Form: func(p *Param[*town]) string {
			if p.Bare {
				return p.Name
			}
			return p.Name + "=" + p.Kind.Name
		},
		Label: func(p *Param[*town]) string { return p.Name },
		Spell: func(p *Param[*town], v string) string { return p.Name + "=" + v },
		Common: []Param[*town]{
			{Name: "loud", Flag: true, Help: "so that all hear it"},
		},
		Topics: []Topic[*town]{
			{"Streets", []*Command[*town]{
				{
					Name: "street walk", Summary: "walk", Detail: "Slowly.", Window: "the gate", Example: "street walk to=Main",
					Params: []Param[*town]{
						{Name: "to", Kind: Text("any street"), Required: true, Help: "where to", Complete: streets},
						{Name: "steps", Kind: Number(1, 9), Default: "3", Help: "how many"},
						{Name: "pace", Kind: Text(""), Values: []string{"Slow", "Fast"}, Help: "how"},
						{Name: "house", Kind: owned, Help: "which"},
					},
					Check: func(a Args[*town]) error {
						if Get[string](a, "pace") == "Fast" && Get[int](a, "steps") > 5 {
							return errors.New("too many fast steps")
						}
						return nil
					},
				},
				{Name: "street", Summary: "look", Params: []Param[*town]{{Name: "at", Kind: words, Bare: true, Repeat: true, Help: "what"}}},
			}},
			{"Talk", []*Command[*town]{
				{Name: "say", Summary: "speak", Alone: true, Params: []Param[*town]{{Name: "text", Kind: Text(""), Bare: true, Rest: true, Help: "what"}}},
			}},
		},
	}
}

func names(all []*Command[*town]) (out []string) {
	for _, c := range all {
		out = append(out, c.Name)
	}
	return out
}

func TestLookup(t *testing.T) {
	l := language()
	require.Equal(t, []string{"street walk", "street", "say"}, l.Names(), "in the order of the topics")
	require.Equal(t, "street", l.Find("street").Name)
	require.Nil(t, l.Find("STREET"), "Find takes the very name")
	require.Equal(t, []string{"street"}, names(l.Match("STREET", 2)), "a whole name is itself, though another begins so")
	require.Equal(t, []string{"street walk", "street"}, names(l.Match("str", 2)))
	require.Equal(t, []string{"say"}, names(l.Match("sa", 2)))
	require.Empty(t, l.Match("s", 2), "a beginning has two letters or more")

	walk := l.Find("street walk")
	require.Len(t, l.MatchParam(walk, "ST"), 1)
	require.Equal(t, "loud", l.MatchParam(walk, "l")[0].Name, "common parameters are parameters, too")
	require.Empty(t, l.MatchParam(l.Find("say"), "l"), "a command that stands alone has none of them")
	require.Empty(t, l.MatchParam(l.Find("say"), "text"), "a bare one is not given by its name")
}

// set binds name=value and bare words.
func set(c *Command[*town], facility string, given ...string) (Args[*town], error) {
	l := language()
	b := l.Start(c, facility)
	for i, g := range given {
		name, value, named := strings.Cut(g, "=")
		p := b.Bare()
		if named {
			p = l.MatchParam(c, name)[0]
		} else {
			value = g
		}
		if err := b.Set(p, value, i+1); err != nil {
			return Args[*town]{}, err
		}
	}
	return b.Done()
}

func TestBind(t *testing.T) {
	l := language()
	walk := l.Find("street walk")
	a, err := set(walk, "T1", "to=Main", "pace=fast", "house=T1/4", "loud=")
	require.NoError(t, err)
	require.Equal(t, "Main", Get[string](a, "to"))
	require.Equal(t, 3, Get[int](a, "steps"), "a default is read as if it was typed")
	require.Equal(t, "Fast", Get[string](a, "pace"), "one of the values, in any case, as it is written in the table")
	require.Equal(t, "4", Get[string](a, "house"))
	require.True(t, Get[bool](a, "loud"))
	require.Equal(t, 1, a.Col("to"))
	require.Equal(t, 0, a.Col("steps"))
	require.True(t, a.Takes("loud") && !a.Takes("text"))
	require.PanicsWithValue(t, "BUG: street walk has no parameter text", func() { a.Has("text") })

	again, err := set(walk, "T1", "loud=", "steps=3", "house=4", "pace=Fast", "to=Main")
	require.NoError(t, err)
	require.Equal(t, "street walk to=Main steps=3 pace=Fast house=4 loud=", l.Written(a))
	require.Equal(t, l.Written(a), l.Written(again), "what means the same is written the same")

	look, err := set(l.Find("street"), "", "a,b", "b,c")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, Get[[]string](look, "at"), "what is named twice counts once")
	require.Equal(t, "street at=a at=b at=c", l.Written(look))
	said, err := set(l.Find("say"), "", "a", "b", "a")
	require.NoError(t, err)
	require.Equal(t, "a b a", Get[string](said, "text"), "the rest is one text")
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	walk := language().Find("street walk")
	for _, c := range []struct {
		given []string
		param string
		why   error
		text  string
	}{
		{[]string{"steps=3"}, "to", ErrMissing, ""},
		{[]string{"to=a", "to=b"}, "to", ErrTwice, ""},
		{[]string{"to=a", "steps=10"}, "steps", ErrKind, ""},
		{[]string{"to= "}, "to", nil, "it must not be empty"},
		{[]string{"to=a", "pace=fst"}, "pace", nil, "did you mean Fast?"},
		{[]string{"to=a", "house=T2/4"}, "house", ErrKind, ""},
	} {
		_, err := set(walk, "T1", c.given...)
		var e *BindError[*town]
		require.ErrorAs(t, err, &e, "%v", c.given)
		require.Equal(t, c.param, e.Param.Name, "%v", c.given)
		if c.why != nil {
			require.ErrorIs(t, err, c.why, "%v", c.given)
		} else {
			require.EqualError(t, e.Err, c.text, "%v", c.given)
		}
		if errors.Is(err, ErrTwice) {
			require.Equal(t, [2]int{2, 1}, [2]int{e.Col, e.First})
		}
	}
	_, err := set(walk, "", "to=a", "house=T2/4")
	require.NoError(t, err, "where no facility is at hand, any is taken")
	_, err = set(walk, "", "to=a", "steps=6", "pace=fast")
	require.EqualError(t, err, "too many fast steps", "what the values mean together is checked last")
}

func TestHelp(t *testing.T) {
	l := language()
	var b strings.Builder
	require.NoError(t, l.Overview(Page{Out: &b}, false))
	require.Equal(t, "Streets:\n  street walk  walk\n  street       look\nTalk:\n  say          speak\n", b.String())
	b.Reset()
	require.NoError(t, l.Explain(Page{Out: &b, Text: 60, Indent: 2}, l.Find("street walk")))
	require.Equal(t, `street walk to=text [steps=number] [pace=text] [house=house]
  walk
  Slowly.
  window: the gate
  to     where to; any street (required)
  steps  how many; a whole number from 1 to 9 (default 3)
  pace   how; one of Slow, Fast
  house  which; a house of this town
  loud   so that all hear it
example: street walk to=Main
`, b.String())
	require.Equal(t, "street [at...]", l.Line(l.Find("street")))
	require.Contains(t, l.Reference(l.Find("street walk")), "| `steps` | how many; a whole number from 1 to 9 (default 3) |\n")
}

func TestCompletion(t *testing.T) {
	for text, want := range map[string][]string{
		"":              {""},
		"a b":           {"a", "b"},
		"a b ":          {"a", "b", ""},
		`a "b c" d`:     {"a", `"b c"`, "d"},
		`x; a "b; \" c`: {"a", `"b; \" c`},
	} {
		words, word := Unfinished(text, ';')
		require.Equal(t, want, append(words, word), "%q", text)
	}
	words, _ := Unfinished("a; b ", 0)
	require.Equal(t, []string{"a;", "b"}, words, "where nothing ends a command")

	walk := language().Find("street walk")
	itself := func(s string) string { return s }
	require.Equal(t, []Candidate{{"Main", "where to"}}, Fitting(Values(&walk.Params[0], &town{[]string{"Main", "Side"}}, itself), "ma"))
	require.Equal(t, []Candidate{{"3", "how many"}}, Values(&walk.Params[1], nil, itself), "a default is a candidate")
	require.Len(t, Values(&walk.Params[2], nil, itself), 2)
	require.Empty(t, Values(&walk.Params[3], nil, itself))
}
