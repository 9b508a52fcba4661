package layout

import (
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/require"
)

func render(width int, text string) string {
	var b strings.Builder
	t := NewTable(&b, width)
	if head, rows, ok := strings.Cut(text, "\n"); ok && strings.HasPrefix(head, "slot") {
		t.Head(head)
		text = rows
	}
	fmt.Fprint(t, text)
	if err := t.Flush(); err != nil {
		return err.Error()
	}
	return b.String()
}

const sample = "slot\tstate\twhere\nR1-I1-D01\tNormal\tin the first enclosure, on the left\nR1-I1-D02\tFailed\there\n"

func TestTableThatFitsIsAsTabwriterMakesIt(t *testing.T) {
	var want strings.Builder
	w := tabwriter.NewWriter(&want, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, sample)
	require.NoError(t, w.Flush())
	for _, width := range []int{0, 55, 200} {
		require.Equal(t, want.String(), render(width, sample), "width %d", width)
	}
}

func TestTableShrinks(t *testing.T) {
	require.Equal(t, "slot       state   where\n"+
		"R1-I1-D01  Normal  in the first\n"+
		"                   enclosure, on\n"+
		"                   the left\n"+
		"R1-I1-D02  Failed  here\n", render(34, sample))
	require.Equal(t, "slot: R1-I1-D01\n  state: Normal\n  where: in the first\n    enclosure, on the\n    left\nslot: R1-I1-D02\n  state: Failed\n  where: here\n",
		render(21, sample), "what cannot shrink so far without a broken word is a list")
	for width := 17; width < 80; width++ {
		out := render(width, sample)
		for _, line := range strings.Split(out, "\n") {
			require.LessOrEqual(t, Width(line), width, "%q", line)
		}
		for _, word := range strings.Fields(sample) {
			require.Contains(t, strings.Fields(strings.ReplaceAll(out, ":", "")), word, "no word is broken or left out at width %d:\n%s", width, out)
		}
	}
}

func TestHeadingTakesTheRoomOfItsRow(t *testing.T) {
	require.Equal(t, "a heading:\n  x  one\n  y  two\n", render(0, "a heading:\n  x\tone\n  y\ttwo\n"))
}

func TestWrapAndFold(t *testing.T) {
	require.Equal(t, []string{"one two", "three"}, Wrap("one  two three", 8))
	require.Nil(t, Wrap(" ", 8))
	require.Equal(t, 5, Width("\x1b[31malarm\x1b[0m"), "colour takes no room")
	require.Equal(t, []string{"  a sentence that is", "    longer than the", "    line"}, Fold("  a sentence that is longer than the line", 22))
	require.Equal(t, []string{"┌────────────────────────────┐"}, Fold("┌────────────────────────────┐", 22), "one long word is not broken")
	require.Equal(t, []string{"  key      a sentence that is", "           longer"}, Fold("  key      a sentence that is longer", 30), "a text with a label goes on under itself")
	require.Equal(t, []string{"  key      a", "    sentence-without-a-blank"}, Fold("  key      a sentence-without-a-blank", 30), "or further out, where a word needs the room")
	require.Equal(t, []string{"  word", "a-word-that-just-fits-alone-30"}, Fold("  word a-word-that-just-fits-alone-30", 30), "as far as it needs")
	require.Equal(t, []string{"label", "  a-word-as-wide-as-this", "  here"}, Hang("label  ", "a-word-as-wide-as-this here", 25))
	var b strings.Builder
	f := &Folder{W: &b, Width: func() int { return 22 }}
	fmt.Fprint(f, "a sentence that is ")
	fmt.Fprint(f, "longer than this\nprompt> ")
	require.NoError(t, f.Flush())
	require.Equal(t, "a sentence that is\n  longer than this\nprompt> ", b.String())
}

func TestBoxesThatAreTooWide(t *testing.T) {
	var b strings.Builder
	f := &Folder{W: &b, Width: func() int { return 40 }}
	row := strings.Repeat("│D01 R0  ", 8) + "│\n"
	fmt.Fprint(f, "before\n"+"┌"+strings.Repeat("─", 71)+"┐\n"+row+row+"after\n│one │two │\n")
	require.Equal(t, "before\n(a picture that needs 73 columns: make\n  the terminal wider to see it)\nafter\n│one │two │\n", b.String())
}
