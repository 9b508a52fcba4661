package console

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the documents and transcripts that tests compare")

func TestEveryCommandIsDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Commands() {
		require.False(t, seen[c.Name], "%s is registered once", c.Name)
		seen[c.Name] = true
		require.NotEmpty(t, c.Summary, "%s has a summary", c.Name)
		require.False(t, strings.HasSuffix(c.Summary, "."), "the summary of %s is a clause", c.Name)
		require.NotNil(t, c.Run, "%s does something", c.Name)
		require.Equal(t, strings.ToLower(c.Name), c.Name, "names are lower case")
		args, wrong := bindAll(c.Example)
		require.Empty(t, wrong, "the example of %s is a complete line", c.Name)
		require.Len(t, args, 1)
		require.Same(t, c, args[0].Command, "the example of %s is one of %s", c.Name, c.Name)
		rest := false
		for _, p := range c.Params {
			require.False(t, rest, "%s takes nothing after the rest of the line", c.Name)
			rest = p.Rest
			require.NotEmpty(t, p.Help, "%s %s is explained", c.Name, p.Name)
			require.True(t, isName(p.Name), "%s is a name", p.Name)
			require.False(t, p.Required && p.Default != "", "%s %s is required or has a default, not both", c.Name, p.Name)
			if p.Default != "" {
				_, err := p.Parse("", p.Default)
				require.NoError(t, err, "the default of %s %s is allowed", c.Name, p.Name)
			}
		}
	}
}

func TestANounIsOneCommandOrHasVerbs(t *testing.T) {
	for _, noun := range Nouns() {
		verbs := verbsOf(noun)
		if language.Find(noun) != nil {
			require.Len(t, verbs, 1, "%s is a command by itself and has no verbs beside", noun)
		}
	}
}

func TestReferenceDocumentIsTheRegistry(t *testing.T) {
	if *update {
		require.NoError(t, os.WriteFile("COMMANDS.md", []byte(Reference()), 0o644))
	}
	doc, err := os.ReadFile("COMMANDS.md")
	require.NoError(t, err)
	require.Equal(t, Reference(), string(doc), "COMMANDS.md is rendered from the registry: go test ./raslab/console -update rewrites it")
}

func TestHelpExplainsEverything(t *testing.T) {
	help := func(w *strings.Builder, topic string) error {
		s := NewSession(Options{})
		s.out = w
		return s.writeHelp(topic)
	}
	var b strings.Builder
	require.NoError(t, help(&b, ""))
	for _, c := range Commands() {
		require.Contains(t, b.String(), "  "+c.Name+" ", "help lists %s", c.Name)
		var one strings.Builder
		require.NoError(t, help(&one, c.Name))
		require.Contains(t, one.String(), language.Line(c), "help %s shows its arguments", c.Name)
		require.Contains(t, one.String(), "example: "+c.Example, "help %s shows its example", c.Name)
		for _, p := range c.Params {
			require.Contains(t, one.String(), p.Help, "help %s explains %s", c.Name, p.Name)
		}
		require.NotContains(t, one.String(), "\n\n", "no command prints an empty line")
	}
	var noun strings.Builder
	require.NoError(t, help(&noun, "rank"))
	require.Contains(t, noun.String(), "rank create array=ARRAY [keygrp=NUMBER]\n", "help on a noun lists its verbs with arguments")
	require.EqualError(t, help(&b, "rnak"), `no help on "rnak": did you mean rank?`)
	require.EqualError(t, help(&b, "rank crate"), `rank has no verb "crate": did you mean create?`)
}

func TestANounStandsInOnePlace(t *testing.T) {
	seen := map[string]bool{}
	for _, noun := range Nouns() {
		require.False(t, seen[noun], "the commands of %s stand together", noun)
		seen[noun] = true
	}
}

func TestCompletionComesFromTheRegistry(t *testing.T) {
	s := NewSession(Options{})
	texts := func(line string) []string {
		var out []string
		for _, c := range Complete(s, line) {
			out = append(out, c.Text)
		}
		return out
	}
	require.Equal(t, Nouns(), texts(""), "an empty line goes on with every noun")
	require.ElementsMatch(t, []string{"rank", "raid"}, texts("ra"), "raid and rank begin with ra")
	require.Equal(t, []string{"create", "check"}, texts("rank c"), "verbs of rank that begin with c")
	require.Equal(t, []string{"array=", "keygrp="}, texts("rank create "), "arguments of rank create")
	require.Equal(t, []string{"keygrp="}, texts("rank create array=A0 "), "an argument that is there is not offered again")
	require.Equal(t, []string{"raid=6+P+S"}, texts("array create site=S1 raid=6"), "allowed values")
	require.Equal(t, []string{"create"}, texts("time now; rank cr"), "after a semicolon a new command begins")
	require.Equal(t, []string{"src"}, texts("help sr"), "help goes on with nouns")
	require.Contains(t, texts("src BE3400B"), "BE3400B3", "positional values complete too")
	require.Empty(t, texts("no such "), "nothing to offer on an unknown command")
}
