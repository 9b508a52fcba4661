package console

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func script(t *testing.T, text string, stop bool) (out string, tally Tally) {
	t.Helper()
	var b strings.Builder
	tally, err := RunScript(NewSession(Options{}), strings.NewReader(text), &b, stop, func(line int, _ Verdict, err error) {
		if err == nil {
			return
		}
		fmt.Fprintf(&b, "! line %d: %v\n", line, err)
	})
	require.NoError(t, err)
	return b.String(), tally
}

func TestScriptGoesOnAfterAnErrorAndCounts(t *testing.T) {
	out, tally := script(t, "shelf list\n\n# a comment\nshelf lits\nrank list\nshelf list", false)
	require.Equal(t, "the shelf is empty\n"+
		"! line 4: column 7: shelf has no verb \"lits\": did you mean list?\n"+
		"! line 5: there is no facility yet: begin with lab new\n"+
		"the shelf is empty\n", out, "errors carry the number of the line, and the last line needs no end")
	require.Equal(t, Tally{Refused: 1, NotUnderstood: 1}, tally)
}

func TestSemicolonIsAsGoodAsANewLine(t *testing.T) {
	out, tally := script(t, "shelf list; rank list; shelf list; rank list\nshelf list", false)
	refused := "! line 1: there is no facility yet: begin with lab new\n"
	require.Equal(t, "the shelf is empty\n"+refused+"the shelf is empty\n"+refused+"the shelf is empty\n", out, "what goes wrong does not stop what follows")
	require.Equal(t, Tally{Refused: 2}, tally)
	out, tally = script(t, "rank list; shelf list", true)
	require.Equal(t, refused, out, "with stop the first error ends the line, too")
	require.Equal(t, Tally{Refused: 1}, tally)
	out, _ = script(t, "shelf list; exit; shelf list\nshelf list", false)
	require.Equal(t, "the shelf is empty\n", out, "exit ends the line and the script")
	out, tally = script(t, "shelf list; shelf lits", false)
	require.NotContains(t, out, "empty", "a line that is not understood is not run at all")
	require.Equal(t, Tally{NotUnderstood: 1}, tally)
}

func TestScriptStops(t *testing.T) {
	out, _ := script(t, "quit\nshelf list\n", false)
	require.Empty(t, out, "quit ends the script")
	out, tally := script(t, "rank list\nshelf list\n", true)
	require.NotContains(t, out, "shelf", "with stop the first error ends it")
	require.Equal(t, Tally{Refused: 1}, tally)
}

func TestScriptTellsFailedFromRefused(t *testing.T) {
	const begin = "lab new drives=16 seed=7\nkeygrp configure\narray create site=S1\nrank create array=A0 keygrp=1\n"
	for line, want := range map[string]Tally{
		"drive show drive=R9-I9-D99": {Refused: 1}, // no such slot
		"rank remove rank=R3":        {Refused: 1},
		"erase run drive=R1-I1-D01":  {Refused: 1}, // a member that serves
		"keyserver stop keyserver=1\nkeyserver stop keyserver=2\npower cycle": {Failed: 1},
		"host unlock drive=R1-I1-D09 pin=\"no\"":                              {Failed: 1}, // the drive says no
		"drive show":                                                          {NotUnderstood: 1},
	} {
		_, tally := script(t, begin+line, false)
		require.Equal(t, want, tally, "%s", line)
	}
}

func TestScriptSkipsALineThatIsTooLong(t *testing.T) {
	out, tally := script(t, strings.Repeat("x", 3*MaxLine)+"\nshelf list\n", false)
	require.Equal(t, "! line 1: a line of 12289 bytes: at most 4096 are taken\nthe shelf is empty\n", out)
	require.Equal(t, Tally{NotUnderstood: 1}, tally)
}

func TestScriptReportsAReadError(t *testing.T) {
	broken := errors.New("broken pipe")
	_, err := RunScript(NewSession(Options{}), iotest.ErrReader(broken), nil, false, nil)
	require.ErrorIs(t, err, broken)
}
