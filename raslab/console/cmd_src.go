package console

import (
	"fmt"
	"regexp"

	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

var srcCommands = []*Command{
	{
		Name: "src", Summary: "explain a service reference code, or list them all",
		Params: []Param{
			{Name: "code", Kind: nameKind("code", "eight hexadecimal digits such as BE3400B3"), Bare: true, Help: "the code", Complete: codes},
			{Name: "part", Kind: textKind, Values: []string{"all", "cause", "check", "action"}, Default: "all", Help: "only what is the cause, what to check, or what to do"},
		},
		Example: "src BE3400B3",
		Run:     (*Session).explainSRC,
	},
}

func codes(*Session) []string {
	var names []string
	for _, e := range src.All() {
		names = append(names, string(e.Code))
	}
	return names
}

func (s *Session) explainSRC(a Args) error {
	if !a.Has("code") {
		for _, e := range src.All() {
			s.printf("%s  %s\n", e.Code, e.Title)
		}
		return nil
	}
	code := arg[string](a, "code")
	e, ok := src.Lookup(code)
	if !ok {
		near, similar := src.Suggest(code)
		want := "need eight hexadecimal digits"
		if similar {
			want = "did you mean " + string(near) + "?"
		}
		if !codeForm.MatchString(code) {
			return usage(a.Col("code"), want, "%s is not a service reference code", code)
		}
		e = src.Other(code)
	}
	switch arg[string](a, "part") {
	case "cause":
		s.paragraph("cause", e.Cause)
	case "check":
		s.steps("check", e.Check)
	case "action":
		s.steps("action", e.Action)
	default:
		s.printf("%s", withoutBlankLines(src.TextIn(e, s.textWidth())))
	}
	return nil
}

func (s *Session) steps(label string, steps []string) {
	for i, step := range steps {
		s.paragraph(fmt.Sprintf("%s %d", label, i+1), step)
	}
}

var codeForm = regexp.MustCompile("^[0-9A-F]{8}$")
