package console

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const story = `# BE31F004: a title
SRC: be31f004, BE34009E

A paragraph
of two lines.

Another.

time now
help quit
----
error: there is no facility yet: begin with lab new
quit
    leave
example: quit

Between.

quit
----

The end.
`

func TestTranscriptIsReadAndWrittenBack(t *testing.T) {
	tr, err := ParseTranscript("story.txt", story)
	require.NoError(t, err)
	require.Equal(t, "BE31F004: a title", tr.Title)
	require.Equal(t, []string{"BE31F004", "BE34009E"}, tr.SRCs, "codes are upper case")
	require.Len(t, tr.Steps, 2)
	require.Equal(t, []string{"A paragraph\nof two lines.", "Another."}, tr.Steps[0].Prose, "paragraphs keep their lines")
	require.Equal(t, []ScriptLine{{9, "time now"}, {10, "help quit"}}, tr.Steps[0].Commands, "commands know their line")
	require.Equal(t, "", tr.Steps[1].Output, "a command may print nothing")
	require.Equal(t, []string{"The end."}, tr.Epilogue)

	again, err := ParseTranscript("story.txt", tr.String())
	require.NoError(t, err)
	require.Equal(t, tr, again, "what is written back reads the same")
}

func TestTranscriptErrorsGiveFileAndLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     `f.txt:1: no title: a transcript begins with a line such as # BE31F004: the new drive refuses`,
		"lab new\n----\n":                      `f.txt:1: no title: a transcript begins with a line such as # BE31F004: the new drive refuses`,
		"# T\nprose\n":                         `f.txt:2: the head of a transcript ends with an empty line: put one before "prose"`,
		"# T\nSRC:\n":                          `f.txt:2: SRC: without a code: name one, as in SRC: BE31F004, or leave the line out`,
		"# T\n\nprose\n":                       `f.txt:3: no commands: write a command, a line ----, and what it prints`,
		"# T\n\ntime now\n":                    `f.txt:3: a command without its output: put a line ---- below it, then what it prints`,
		"# T\n\n----\nout\n":                   `f.txt:3: ---- without a command above it: write the command in the line before`,
		"# T\n\ntime now\ntime nwo\n----\n":    `f.txt:4: column 6: time has no verb "nwo": did you mean now?`,
		"# T\n\ntime now\n----\na\nquit\n----": `f.txt:7: a second ---- in one block: put an empty line between the output and the next command`,
		"# T\n\nfault arm drive=\"a\n----\n":   `f.txt:3: column 17: the quote that opens here is never closed: add a closing "`,
	} {
		_, err := ParseTranscript("f.txt", text)
		require.EqualError(t, err, want, "transcript %q", text)
	}
}

func TestDifferenceShowsOnlyWhatDiffers(t *testing.T) {
	d := &Difference{File: "f.txt", Line: 7, Want: "a\nb\nc\n", Got: "a\nx\nc\n"}
	require.Equal(t, "f.txt:7: the output differs (- the transcript says, + was printed)\n  a\n- b\n+ x\n  c\n", d.String())
	require.Equal(t, "+ x\n", diffLines("", "x\n"), "nothing expected, something printed")
	require.Equal(t, "- x\n", diffLines("x\n", ""), "something expected, nothing printed")
}

func FuzzTranscript(f *testing.F) {
	f.Add(story)
	f.Add("# T\n\nquit\n----\n----\n")
	f.Fuzz(func(t *testing.T, text string) {
		tr, err := ParseTranscript("f", text)
		if err != nil {
			require.NotContains(t, err.Error(), "\n", "an error is one line")
			return
		}
		again, err := ParseTranscript("f", tr.String())
		require.NoError(t, err, "what is written back parses: %q", tr.String())
		require.Equal(t, tr.String(), again.String(), "and is a fixed point")
	})
}
