package dscli

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

func TestSplit(t *testing.T) {
	texts := func(line string) (out []string) {
		words, err := split(line)
		require.NoError(t, err, line)
		for _, w := range words {
			out = append(out, w.text)
		}
		return out
	}
	require.Equal(t, []string{"a", "b c", `d"e`, `f\g`}, texts(`a  "b c" "d\"e" "f\g" `))
	require.Equal(t, []string{"a", "", "#b"}, texts(`a "" #b`), "an empty value can be written; only the first word makes a comment")
	require.Nil(t, texts("# a comment \"with a quote"))
	words, err := split(`-a "-a" - -"b"`)
	require.NoError(t, err)
	require.True(t, words[0].parameter())
	for _, w := range words[1:] {
		require.False(t, w.parameter(), "%q is a value", w.text)
	}
	for _, line := range []string{`"a`, "a\x07", "\xff", strings.Repeat("a", MaxLine+1)} {
		_, err := split(line)
		require.Error(t, err, "%q", line)
	}
}

func TestParseProgram(t *testing.T) {
	p, err := ParseProgram([]string{"-hmc1", "HMC2", "--user", "secadmin", "-bnr", "off", "-tz", "UTC", "-setup", "a b", "lsrank", "-l", "-fmt", "xml"})
	require.NoError(t, err)
	require.Equal(t, []int{2}, p.Consoles)
	require.Equal(t, "secadmin", p.User)
	require.Equal(t, "off", p.Output.Banner)
	require.Equal(t, "a b", p.Setup)
	require.Equal(t, []string{"lsrank", "-l", "-fmt", "xml"}, p.Command, "what stands behind the command is the command's")
	p, err = ParseProgram(nil)
	require.NoError(t, err)
	require.Nil(t, p.Command)
	for _, bad := range []string{"-hmc1 HMC3", "-hmc1", "-foo x", "-script a lsrank", "-setup a -setup-command b", "-seed 7 -setup a", "-tz Nowhere/Land", "-fmt json", "-user a -user b"} {
		_, err := ParseProgram(strings.Fields(bad))
		require.Error(t, err, bad)
	}
}

// Every line is understood, or refused with one line. A line that is understood reads the same when
// it is written back. The facility goes on.
func FuzzLine(f *testing.F) {
	for _, c := range Commands() {
		f.Add(c.Example)
	}
	for _, seed := range []string{
		`mkarray -arsite "S1"`, "rmrank -quiet R0-R3,R5", `lsrank -fmt delim -delim ";" -hdr off`, "managekeygrp -action testaccess 1", "!lab show",
		"mkkeymgr -addr a -port 1 -protocol none -keyprotocol IPP -keygrp 4 -type TCT 8", "# x", `"`, "lsddm -p on", "managereckey -action recover -key x 1",
	} {
		f.Add(seed)
	}
	idle := newLab(f)
	f.Fuzz(func(t *testing.T, line string) {
		lab := idle
		s := NewSession(Options{Lab: func() *raslab.Lab { return lab }})
		words, err := split(line)
		if err == nil && len(words) > 0 {
			if c, err := s.bind(words); err == nil {
				written := language.Written(c.args)
				again, err := split(written)
				require.NoError(t, err, "%q of %q", written, line)
				d, err := s.bind(again)
				require.NoError(t, err, "%q of %q", written, line)
				require.Equal(t, written, language.Written(d.args))
				lab = newLab(t) // of its own: what a line does depends on no other
			}
		}
		before := len(lab.Trace())
		var errOut strings.Builder
		if err := s.Run(line, io.Discard, &errOut); err != nil && err != ErrQuit {
			require.Equal(t, 1, strings.Count(errOut.String(), "\n"), "one line of error: %q", errOut.String())
			require.Less(t, len(errOut.String()), MaxLine+1000, "of a length that can be read")
		}
		if lab == idle {
			require.Len(t, lab.Trace(), before, "what is not understood changes nothing")
		}
	})
}
