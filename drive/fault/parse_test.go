package fault

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write testdata/golden.txt from what the parser answers")

// TestGolden plays testdata/golden.txt: a plan, "----", and its canonical
// spelling or the error.
func TestGolden(t *testing.T) {
	const name = "testdata/golden.txt"
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	var out strings.Builder
	for i, c := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n\n") {
		plan, want, ok := strings.Cut(c, "\n----\n")
		require.True(t, ok, "case %d of %s has no line ----", i, name)
		answer := ""
		if p, err := Parse(plan); err != nil {
			answer = "error: " + err.Error()
		} else {
			answer = p.String()
			again, err := Parse(answer)
			require.NoError(t, err, "what a plan prints parses")
			require.Equal(t, answer, again.String(), "and prints the same")
		}
		require.NotContains(t, answer, "\n", "plans and errors are one line")
		if !*update {
			require.Equal(t, want, answer, "the answer to %q; go test -run Golden -update writes the new ones: read the difference", plan)
		}
		if i > 0 {
			out.WriteString("\n")
		}
		fmt.Fprintf(&out, "%s\n----\n%s\n", plan, answer)
	}
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(out.String()), 0o666))
	}
}

func TestErrorHasAPosition(t *testing.T) {
	_, err := Parse("(flashlike.erase.refused)\n  (flashlike.erase.refused\n    (Blok 3))")
	var bad *SyntaxError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, SyntaxError{Line: 3, Column: 6, Problem: `unknown predicate "Blok"`, Want: "the closest is Block"}, *bad)
}

func TestPlansAreBounded(t *testing.T) {
	nested := func(n int) string {
		return "(flashlike.erase.refused " + strings.Repeat("(Not ", n-1) + "(Blank)" + strings.Repeat(")", n)
	}
	_, err := Parse(nested(MaxDepth))
	require.NoError(t, err)
	_, err = Parse(nested(MaxDepth + 1))
	require.EqualError(t, err, "fault plan: column 106: predicates nested too deep; at most 16 within one another")

	_, err = Parse(strings.Repeat("(flashlike.erase.refused)", MaxRules))
	require.NoError(t, err)
	_, err = Parse(strings.Repeat("(flashlike.erase.refused)", MaxRules+1))
	require.EqualError(t, err, "fault plan: column 6401: one rule too many; at most 256")

	_, err = Parse("(flashlike.erase.refused" + strings.Repeat(" ", MaxLength-25) + ")")
	require.NoError(t, err)
	_, err = Parse("(flashlike.erase.refused" + strings.Repeat(" ", MaxLength-24) + ")")
	require.EqualError(t, err, "fault plan: column 65537: the plan is 65537 bytes long; at most 65536")

	_, err = Parse("(" + strings.Repeat("é", 30000) + ")")
	require.Less(t, len(err.Error()), 200, "an error is short, whatever it quotes")
}

func TestErrorsQuoteWhatATerminalWouldObey(t *testing.T) {
	_, err := Parse("(flash\x1b[31m\u2028)")
	require.EqualError(t, err, `fault plan: column 2: unknown point "flash\x1b[31m\u2028"; the closest is flashlike.read.rot`)
}

func TestMustParse(t *testing.T) {
	require.Equal(t, "(flashlike.erase.refused)", MustParse(" ( flashlike.erase.refused ) ").String())
	require.Panics(t, func() { MustParse("") })
}

// predicateText draws a predicate for flashlike.program.torn, as text in its
// canonical spelling.
func predicateText(depth int) *rapid.Generator[string] {
	number := rapid.OneOf(rapid.Uint64Range(0, 20), rapid.Uint64())
	with := func(format string, g *rapid.Generator[uint64]) *rapid.Generator[string] {
		return rapid.Map(g, func(n uint64) string { return fmt.Sprintf(format, n) })
	}
	leaves := []*rapid.Generator[string]{
		rapid.Just("(Blank)"), rapid.Just("(Programmed)"),
		with("(OnIndex %d)", number), with("(After %d)", number), with("(Every %d)", rapid.Uint64Min(1)),
		with("(Block %d)", rapid.Uint64Max(maxAddress)), with("(Page %d)", rapid.Uint64Max(maxAddress)),
		rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("(Randomly %v %d)", rapid.Float64Range(1e-300, 1).Draw(t, "probability"), number.Draw(t, "seed"))
		}),
	}
	if depth > 1 {
		sub := rapid.Deferred(func() *rapid.Generator[string] { return predicateText(depth - 1) })
		many := rapid.SliceOfN(sub, 2, 4)
		leaves = append(leaves,
			rapid.Map(many, func(s []string) string { return "(And " + strings.Join(s, " ") + ")" }),
			rapid.Map(many, func(s []string) string { return "(Or " + strings.Join(s, " ") + ")" }),
			rapid.Map(sub, func(s string) string { return "(Not " + s + ")" }),
		)
	}
	return rapid.OneOf(leaves...)
}

func planText(t *rapid.T) string {
	var rules []string
	for range rapid.IntRange(1, 4).Draw(t, "rules") {
		rule := "(flashlike.program.torn)"
		if rapid.IntRange(0, 4).Draw(t, "predicate") > 0 {
			rule = "(flashlike.program.torn " + predicateText(4).Draw(t, "predicate") + ")"
		}
		rules = append(rules, rule)
	}
	return strings.Join(rules, " ")
}

func TestEveryPlanRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := planText(t)
		p, err := Parse(text)
		require.NoError(t, err)
		require.Equal(t, text, p.String(), "canonical text comes back as it is")
		loose := strings.NewReplacer("(", " (\t", ")", "\n)\r\n").Replace(text)
		p, err = Parse(loose)
		require.NoError(t, err)
		require.Equal(t, text, p.String(), "space has no meaning")
	})
}

// FuzzParse: no text makes Parse panic or answer with more than one line, and
// what it takes round trips and can be checked.
func FuzzParse(f *testing.F) {
	golden, err := os.ReadFile("testdata/golden.txt")
	require.NoError(f, err)
	for _, c := range strings.Split(string(golden), "\n\n") {
		plan, _, _ := strings.Cut(c, "\n----\n")
		f.Add(plan)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			require.Nil(t, p)
			require.NotContains(t, err.Error(), "\n")
			require.Less(t, len(err.Error()), 500)
			var bad *SyntaxError
			require.ErrorAs(t, err, &bad)
			require.Positive(t, bad.Line)
			require.Positive(t, bad.Column)
			return
		}
		again, err := Parse(p.String())
		require.NoError(t, err)
		require.Equal(t, p.String(), again.String())
		for i := range 5 {
			op := program(i, i)
			point, fires := p.Check(op)
			point2, fires2 := again.Check(op)
			require.Equal(t, fires, fires2, "a plan and its print do the same")
			require.Equal(t, point, point2)
		}
	})
}
