package console

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseReadsWordsAndColumns(t *testing.T) {
	lines, err := Parse(`fault arm  drive=R1-I1-D05 plan="(flash.erase.refused (OnIndex 0))" # break it`)
	require.NoError(t, err)
	require.Equal(t, []Line{{
		{Value: "fault", Col: 1},
		{Value: "arm", Col: 7},
		{Key: "drive", Value: "R1-I1-D05", Col: 12},
		{Key: "plan", Value: "(flash.erase.refused (OnIndex 0))", Col: 28},
	}}, lines, "a line is words with their columns, quotes and comment gone")

	lines, err = Parse(`time now; ;event close event=1 why="a \"b\"; \\ \n\t#c"`)
	require.NoError(t, err)
	require.Len(t, lines, 2, "a semicolon separates commands, an empty command is none")
	require.Equal(t, "a \"b\"; \\ \n\t#c", lines[1][3].Value, "the escapes are read, and a semicolon or # in quotes is text")

	for _, empty := range []string{"", "   ", "# only a comment", " ; ; # nothing", "\t\r"} {
		lines, err = Parse(empty)
		require.NoError(t, err)
		require.Empty(t, lines, "%q holds no command", empty)
	}
}

func TestParseErrorsSayWhatWhereAndWhatWouldBeRight(t *testing.T) {
	for line, want := range map[string]string{
		`fault arm plan="(flash`:                    `column 16: the quote that opens here is never closed: add a closing "`,
		`fault arm plan="a\q"`:                      `column 18: unknown escape \q: the escapes are \" \\ \n \t`,
		`fault arm plan="a"b`:                       `column 19: text right after a quoted value: put a blank after the closing quote`,
		`fault arm pl"an`:                           `column 13: a quote in the middle of a word: quote the whole value, as in plan="(flash.erase.refused)"`,
		`rank create array= A0`:                     `column 19: array= has no value: write array=VALUE without blanks, or array="" for an empty value`,
		`rank create Array=A0`:                      `column 13: "Array=" is no argument name: a name is lower-case letters, digits and dashes, as in drive=`,
		"rank\x01":                                  `column 5: control character 0x1: commands are printable text`,
		"rank \xff":                                 `the line is not valid UTF-8: write it as UTF-8`,
		"time now " + string(make([]byte, MaxLine)): `a line of 4105 bytes: at most 4096 are taken`,
	} {
		lines, err := Parse(line)
		require.EqualError(t, err, want)
		require.Nil(t, lines, "nothing of a line is taken that is not understood")
		var usageError *UsageError
		require.True(t, errors.As(err, &usageError), "it is a usage error")
	}
}

func TestBindErrorsSayWhatWhereAndWhatWouldBeRight(t *testing.T) {
	for line, want := range map[string]string{
		`rnak create array=A0`:            `column 1: unknown command "rnak": did you mean rank?`,
		`xyzzy`:                           `column 1: unknown command "xyzzy": type help for the list`,
		`drive=R1`:                        `column 1: the line begins with an argument: begin with what the command is about, as in: rank create array=A0`,
		`rank`:                            `column 5: rank needs a verb: one of create, remove, list, show, write, read, check`,
		`rank crate array=A0`:             `column 6: rank has no verb "crate": did you mean create?`,
		`rank create aray=A0`:             `column 13: rank create has no argument "aray": did you mean array?`,
		`rank create array=A0 array=A1`:   `column 22: array is given twice: leave one of them out (the first is in column 13)`,
		`rank create keygrp=1`:            `rank create needs array=ARRAY: as in: rank create array=A0 keygrp=1`,
		`rank create array=A0 keygrp=one`: `column 22: keygrp=one: need a whole number from 0 to 4`,
		`rank create array=A0 keygrp=5`:   `column 22: keygrp=5: need a whole number from 0 to 4`,
		`rank create A0`:                  `column 13: rank create does not know what "A0" is: arguments are written key=value, as in: rank create array=A0 keygrp=1`,
		`rank create array=""`:            `column 13: array="": need an array such as A0`,
		`lab new seed=seven`:              `column 9: seed=seven: a seed is a whole number from 0 to 18446744073709551615, such as 7`,
		`time advance by=6`:               `column 14: by=6: need a time such as 90m, 6h, 30d or 2y`,
		`time advance by=0h`:              `column 14: by=0h: need more than 0, such as 90m, 6h, 30d or 2y`,
		`time advance by=0s`:              `column 14: by=0s: need more than 0, such as 90m, 6h, 30d or 2y`,
		`time advance by=9999999h`:        `column 14: by=9999999h: at most 100y at a time`,
		`time advance by=99999999999999s`: `column 14: by=99999999999999s: at most 100y at a time`,
		`time advance by=60y60y`:          `column 14: by=60y60y: at most 100y at a time`,
		`keygrp configure keygrp=0`:       `column 18: keygrp=0: need a whole number from 1 to 4`,
		`keygrp configure keygrp=9`:       `column 18: keygrp=9: need a whole number from 1 to 4`,
		`hmc power hmc=1 to=of`:           `column 17: to=of: did you mean on or off?`,
		`time advance by=101y`:            `column 14: by=101y: at most 100y at a time`,
		`time advance by=-1h`:             `column 14: by=-1h: need a time such as 90m, 6h, 30d or 2y`,
		`array create site=S1 raid=6+P`:   `column 22: raid=6+P: did you mean 6+P+S or 7+P?`,
		`quit now`:                        `column 6: quit does not know what "now" is: leave it out`,
		`quit now=1`:                      `column 6: quit takes no argument now=: leave it out`,
		`event close event=1 why=" "`:     `column 21: why=" ": it must not be empty`,
	} {
		lines, err := Parse(line)
		require.NoError(t, err)
		_, err = bind(lines[0])
		require.EqualError(t, err, want)
	}
}

func TestFaultPlanIsCheckedBeforeAnythingRuns(t *testing.T) {
	_, wrong := bindAll(`fault arm drive=R1-I1-D05 plan="(flash.erase.refusd)"`)
	require.Len(t, wrong, 1)
	require.ErrorContains(t, wrong[0], "column 27: plan=", "the message says which argument is wrong")
	require.ErrorContains(t, wrong[0], "flash.erase.refused", "and the plan's own message says what was meant")
}

// All errors of a line are reported at once, command by command, and nothing of the line is run.
func TestEveryErrorOfALineIsTold(t *testing.T) {
	const rest = " (nothing of the line was run)"
	for line, want := range map[string][]string{
		`rnak list`: {`column 1: unknown command "rnak": did you mean rank?`},
		`lab new; rnak list; hmc power to=of; event list`: {
			`column 10: unknown command "rnak": did you mean rank?` + rest, `column 31: to=of: did you mean on or off?`,
		},
		`host a"b;c" x; rank create; site list x= # ; rnak`: {
			`column 7: a quote in the middle of a word: quote the whole value, as in plan="(flash.erase.refused)"` + rest,
			`rank create needs array=ARRAY: as in: rank create array=A0 keygrp=1`,
			`column 41: x= has no value: write x=VALUE without blanks, or x="" for an empty value`,
		},
		`src "a\q;b" ; rnak`: {`column 7: unknown escape \q: the escapes are \" \\ \n \t` + rest, `column 15: unknown command "rnak": did you mean rank?`},
		`lab new; src "a`:    {`column 14: the quote that opens here is never closed: add a closing "` + rest},
		`src a"b # x; rnak`:  {`column 6: a quote in the middle of a word: quote the whole value, as in plan="(flash.erase.refused)"`},
	} {
		s := NewSession(Options{})
		var have []string
		s.Each(line, io.Discard, func(err error) bool {
			have = append(have, err.Error())
			return true
		})
		require.Nil(t, s.Lab(), "nothing was run: %s", line)
		require.Equal(t, want, have, line)
	}
}

func TestDurations(t *testing.T) {
	for text, hours := range map[string]float64{"90m": 1.5, "6h": 6, "30d": 720, "2y": 17520, "1d12h": 36, "3600s": 1} {
		d, err := parseDuration(text)
		require.NoError(t, err)
		require.InDelta(t, hours, d.Hours(), 1e-9, text)
	}
}

func TestNamesAreReadInAnyCase(t *testing.T) {
	require.True(t, same("rank create array=a0 keygrp=1", `rank create keygrp=1 array="A0"`),
		"order, quotes and the case of a name do not matter")
	require.True(t, same("rank create array=A0", "rank create array=A0 keygrp=0"), "a default is as good as typed")
	require.False(t, same("rank create array=A0", "rank create array=A1"), "another array is another command")
}

// FuzzParse checks that the parser never panics, that it reads its own spelling of a line as the
// same line, and that an error is one line.
func FuzzParse(f *testing.F) {
	for _, c := range Commands() {
		f.Add(c.Example)
	}
	f.Add(`a "b c" d="\"\\\n\t" e=f=g ; h # i`)
	f.Add(`"=" "#" k="" x=#`)
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := Parse(text)
		if err != nil {
			require.NotContains(t, err.Error(), "\n", "an error is one line")
			return
		}
		for _, l := range lines {
			again, err := Parse(l.String())
			if len(l.String()) > MaxLine {
				return
			}
			require.NoError(t, err, "the canonical spelling %q parses", l.String())
			require.Len(t, again, 1)
			require.Len(t, again[0], len(l))
			for i := range l {
				require.Equal(t, l[i].Key, again[0][i].Key)
				require.Equal(t, l[i].Value, again[0][i].Value)
			}
			if _, err := bind(l); err != nil {
				require.NotContains(t, err.Error(), "\n", "an error is one line")
			}
		}
	})
}
