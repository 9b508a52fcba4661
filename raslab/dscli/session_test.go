package dscli

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

func TestExitCodes(t *testing.T) {
	b := newBench(t)
	for line, want := range map[string]int{
		"lsarraysite":         ExitSuccess,
		"":                    ExitSuccess,
		"   # a comment":      ExitSuccess,
		"help":                ExitSuccess,
		"lsarraysiet":         ExitSyntax,
		"lsarraysite -fmt x":  ExitSyntax,
		"!lab show":           ExitSyntax,
		"lsrank R5":           ExitApplication,
		"mkrank -array A0":    ExitApplication,
		"mkreckey -quiet 1":   ExitApplication, // there is no such group
		"managekeygrp 1":      ExitSyntax,
		"rmarray -quiet A0":   ExitApplication,
		"mkarray -arsite S99": ExitApplication,
	} {
		_, message, exit := b.run(line)
		require.Equal(t, want, exit, "%s: %s", line, message)
	}

	b.must("mkkeygrp 1")
	_, _, exit := b.run("mkreckey -quiet 1")
	require.Equal(t, ExitAuthentication, exit, "a storage administrator may not draw a recovery key")
	b.options.User = "nobody"
	_, message, exit := b.run("lsrank")
	require.Equal(t, ExitAuthentication, exit, message)
	b.options.User = "admin"

	for id := 1; id <= 2; id++ {
		require.NoError(t, b.lab.HangConsole(id, true))
	}
	_, message, exit = b.run("lsrank")
	require.Equal(t, ExitConnection, exit, "no console answers")
	require.Contains(t, message, "HMC1 does not answer in time, HMC2 does not answer in time")
	require.NoError(t, b.lab.HangConsole(2, false))
	b.must("lsrank")
	b.options.Consoles = []int{1}
	_, _, exit = b.run("lsrank")
	require.Equal(t, ExitConnection, exit, "only the console that was named is tried")
	b.options.Consoles = nil

	require.NoError(t, b.lab.SetLink(0, 2, raslab.LinkCut))
	b.must("lsrank")
	require.NoError(t, b.lab.SetLink(1, 2, raslab.LinkStalled))
	_, message, exit = b.run("lsrank")
	require.Equal(t, ExitConnection, exit, "a console without a partition is no way in")
	require.Contains(t, message, "HMC2 reaches no partition")

	b.lab = nil
	_, message, exit = b.run("lsrank")
	require.Equal(t, ExitConnection, exit, "without a facility there is nobody to connect to: %s", message)
}

// An error of the facility that is no refusal is a failure of its software.
func TestFailureOfTheFacilityIsExitCodeFour(t *testing.T) {
	e := refusal("lsrank", errors.New("raslab: something broke"))
	require.Equal(t, ExitServer, e.Exit)
	require.Equal(t, "CMUC90040E lsrank: something broke.", e.Error())
}

// A command that is not understood, or is refused before it begins, leaves no trace.
func TestBadInputChangesNothing(t *testing.T) {
	b := newBench(t)
	b.must("mkkeygrp 1", "mkarray -arsite S1", "mkrank -array A0 -keygrp 1")
	before := b.lab.TraceText()
	for _, line := range []string{
		"mkarray -arsite S2 -arsite S1", "mkarray -arsite S2 extra", `mkarray -arsite "S2`, "mkarray -arsite S2 -fmt none",
		"rmrank -quiet R0 R1", "rmrank -quiet R0,", "rmrank -quiet R1-R0", "rmkeymgr -quiet 1 2 3", "rmrank R0-R999999",
		"managekeygrp -action importcert -loc nosuch.pem -quiet 1", "managekeygrp -action importcert 1",
		"mkkeymgr -addr x -port 70000", "chkeymgr 1", "closeserviceableevent -quiet 1", "mkarray\x00", "mkarray -arsite \xff",
		"mkarray -arsite S2 #" + strings.Repeat("x", MaxLine),
	} {
		_, _, exit := b.run(line)
		require.NotEqual(t, ExitSuccess, exit, line)
		require.Equal(t, before, b.lab.TraceText(), "%q changed something", line)
	}
	_, _, exit := b.run("rmrank R0")
	require.Equal(t, ExitApplication, exit, "a question that nobody answers is not done")
	require.Equal(t, before, b.lab.TraceText(), "and nothing was changed")
}

func TestQuestions(t *testing.T) {
	b := newBench(t)
	b.must("mkarray -arsite S1")
	b.answers = []string{"perhaps", " YES "}
	require.Equal(t, "CMUC90001I rmarray: Array A0 is removed.\n", b.must("rmarray A0"))
	require.Equal(t, []string{"CMUC90001W rmarray: Remove array A0? [y/n]: ", "CMUC90001W rmarray: Remove array A0? [y/n]: "}, b.asked, "what is neither yes nor no is asked again")

	b.must("mkarray -arsite S1", "mkarray -arsite S2")
	b.answers = []string{"n", "y"}
	require.Equal(t, "CMUC90019I rmarray: Nothing was changed.\nCMUC90001I rmarray: Array A1 is removed.\n", b.must("rmarray A0-A1"), "each object is asked about")

	b.asked, b.answers = nil, []string{"a", "b", "c", "y"}
	_, message, exit := b.run("rmarray A0")
	require.Len(t, b.asked, answersMax, "it is not asked for ever")
	require.Equal(t, ExitApplication, exit, message)
	require.Len(t, b.lab.Arrays(), 1, "and then nothing was done")

	b.options.Ask = func(string) (string, error) { return "", ErrInterrupt }
	require.Equal(t, "CMUC90019I rmarray: Nothing was changed.\n", b.must("rmarray A0"), "Ctrl-C is no")

	b.options.Ask = nil
	out, message, exit := b.run("rmarray A0")
	require.Contains(t, out, "Remove array A0?", "the question is shown")
	require.Equal(t, ExitApplication, exit, "without anyone to ask nothing is done")
	require.Contains(t, message, "CMUC90066E rmarray: the question was not answered")
	require.Len(t, b.lab.Arrays(), 1)
	b.must("rmarray -quiet A0")
	require.Empty(t, b.lab.Arrays())
}

func TestPaging(t *testing.T) {
	lab, err := raslab.New(raslab.Options{Drives: 48})
	require.NoError(t, err)
	b := newBench(t)
	b.lab = lab
	b.answers = []string{"", ""}
	out := b.must("lsddm -p on")
	require.Equal(t, []string{"Press Enter To Continue...", "Press Enter To Continue..."}, b.asked, "50 lines are three pages")
	require.Equal(t, b.must("lsddm"), out, "nothing is lost between pages")
	b.asked = nil
	require.Len(t, strings.Split(strings.TrimSpace(b.must("lsddm -p on")), "\n"), pageLines, "nobody presses Enter any more")
	b.answers = []string{"", " Q "}
	require.Len(t, strings.Split(strings.TrimSpace(b.must("lsddm -p on")), "\n"), 2*pageLines, "q leaves the rest out")
	require.Empty(t, b.answers)
	b.options.Strict, b.answers = true, []string{"lsrank"}
	_, message, exit := b.run("lsddm -p on")
	require.Equal(t, ExitSyntax, exit, "a command is not taken for Enter")
	require.Contains(t, message, `"lsrank" is no answer; an empty line is right`)
}

func TestTimesAreVirtualAndInTheZone(t *testing.T) {
	b := newBench(t)
	b.options.Zone = time.FixedZone("PDT", -7*3600)
	b.options.Output.Banner = "on"
	require.Equal(t, "Date/Time: January 5, 2026 1:00:00 AM PDT IBM DSCLI Version: devel DS: -\n", strings.SplitAfter(b.must("lskeymgr"), "\n")[0])
	b.must("mkkeygrp 1", "managekeygrp -quiet -action testaccess 1")
	require.NoError(t, b.lab.Advance(time.Hour))
	out := b.must("showkeygrp 1", "showkeygrp -access 1")
	require.Contains(t, out, "Date/Time: January 5, 2026 2:00:00 AM PDT IBM DSCLI Version: devel DS: IBM.2107-75NR641\n")
	require.Contains(t, out, "datakeydate       01/05/2026 01:00:00 PDT\n")
	require.Contains(t, out, "2026-01-05T01:00:11-0700")
}

func TestScriptEndsAtItsFirstError(t *testing.T) {
	b := newBench(t)
	var out, errOut strings.Builder
	l := NewLines(strings.NewReader("mkarray -arsite S1\r\n\n# no\nlsrank R9\nmkarray -arsite S2\n"))
	err := NewSession(b.options).Script(l, &out, &errOut)
	require.Equal(t, ExitApplication, err.(*Error).Exit)
	require.Len(t, b.lab.Arrays(), 1, "what stands behind the error is not run")
	require.Equal(t, "CMUC90060E lsrank: line 4: there is no rank R9.\n", errOut.String(), "the line is named")
	require.NoError(t, NewSession(b.options).Script(NewLines(strings.NewReader("quit\nlsrank R9")), io.Discard, io.Discard), "quit ends it")
	err = NewSession(b.options).Script(NewLines(strings.NewReader(strings.Repeat("x", 3*MaxLine)+"\n")), io.Discard, &errOut)
	require.Equal(t, ExitSyntax, err.(*Error).Exit, "a line that is too long is a line that is not understood")
}

// A command is never taken for an answer: it would be lost in silence.
func TestScriptWithoutAnAnswerEndsThere(t *testing.T) {
	b := newBench(t)
	b.options.Strict = true
	var out, errOut strings.Builder
	l := NewLines(strings.NewReader("lskeymgr -s\n\nrmkeymgr 1\nlskeymgr -s\nlsarray\n"))
	b.options.Ask = l.Answers(&out)
	before := b.lab.TraceText()
	err := NewSession(b.options).Script(l, &out, &errOut)
	require.Equal(t, ExitSyntax, err.(*Error).Exit)
	require.Equal(t, "CMUC90020E rmkeymgr: line 4: \"lskeymgr -s\" is no answer; y or n is right, or rmkeymgr with -quiet, which asks nothing.\n", errOut.String())
	require.Equal(t, before, b.lab.TraceText(), "nothing was changed")
}

func TestLocalLineThatFailsEndsTheScript(t *testing.T) {
	for understood, exit := range map[bool]int{true: ExitApplication, false: ExitSyntax} {
		b := newBench(t)
		b.options.Local = func(string, io.Writer) error { return LocalError(understood, "there is no array site S9") }
		var errOut strings.Builder
		err := NewSession(b.options).Script(NewLines(strings.NewReader("\n!array create site=S9\nmkarray -arsite S1\n")), io.Discard, &errOut)
		require.Equal(t, exit, err.(*Error).Exit, "understood: %v", understood)
		require.Contains(t, errOut.String(), " !: line 2: there is no array site S9.\n")
		require.Empty(t, b.lab.Arrays(), "what stands behind it is not run")
	}
}

func TestACommandExplainsItself(t *testing.T) {
	b := newBench(t)
	want := b.must("help lskeymgr")
	for _, line := range []string{"lskeymgr -help", "lskeymgr --help", "lskeym -h"} {
		require.Equal(t, want, b.must(line), line)
	}
	p, err := ParseProgram([]string{"-h"})
	require.NoError(t, err)
	require.True(t, p.Help, "-h is help, though other options begin with it")
	_, err = ParseProgram([]string{"--json", "lskeymgr"})
	require.EqualError(t, err, "there is no --json here; -fmt xml or -fmt delim is for programs")
}

// A step that is not possible is refused before the question.
func TestRecoveryKeyIsCheckedBeforeTheQuestion(t *testing.T) {
	b := newBench(t)
	b.must("mkkeygrp 1")
	_, message, exit := b.run("mkreckey 1")
	require.Equal(t, ExitAuthentication, exit)
	require.Equal(t, "CMUC90050E mkreckey: this takes another role: security administrator, not storage administrator.\n", message)
	b.options.User = "secadmin"
	_, message, exit = b.run("managereckey -action verify -key x 1")
	require.Equal(t, ExitSyntax, exit)
	require.Contains(t, message, "managereckey: -key: it has 1 characters, need 64")
	_, message, exit = b.run("mkreckey 2")
	require.Equal(t, ExitApplication, exit, message)
	require.Empty(t, b.asked, "no question was asked")
	_, message, _ = b.run("managereckey -quiet -action disable 1")
	require.Empty(t, message)
	_, message, exit = b.run("managereckey -quiet -action rekey 1")
	require.Equal(t, ExitApplication, exit)
	require.Contains(t, message, "managereckey: the recovery key is in another state", "the step is not said twice")
}

func TestLocalLinesGoToTheLaboratory(t *testing.T) {
	b := newBench(t)
	var got string
	b.options.Local = func(line string, _ io.Writer) error { got = line; return nil }
	b.must(" !time advance by=1h")
	require.Equal(t, "time advance by=1h", got)
}

// A certificate that is read from a file is looked at before the question, installed after it.
func TestImportOfACertificate(t *testing.T) {
	b := newBench(t)
	b.must("mkkeygrp 1")
	pem, err := b.lab.Customer().ClientCertificate(24 * time.Hour)
	require.NoError(t, err)
	b.options.ReadFile = func(name string) ([]byte, error) {
		if name == "mine.pem" {
			return pem, nil
		}
		return []byte("nothing"), nil
	}
	require.Contains(t, b.must("managekeygrp -quiet -action importcert -loc mine.pem 1"), "it expires 01/06/2026 08:00:00 UTC.")
	require.Equal(t, "CUSTOMER", b.lab.FacilityCertificate().Kind)
	_, message, exit := b.run("managekeygrp -quiet -action importcert -loc other 1")
	require.Equal(t, ExitApplication, exit)
	require.Equal(t, "CMUC90061E managekeygrp: the file holds no certificate; PEM with a block CERTIFICATE is right.\n", message)

	before := b.must("showkeymgr 2")
	for _, line := range []string{"chkeymgr -certificate other 2", "mkkeymgr -addr x -certificate other"} {
		_, message, exit = b.run(line)
		require.Equal(t, ExitApplication, exit)
		require.Contains(t, message, "keymgr: the file holds no certificate that can be read; PEM with a block CERTIFICATE for each authority is right.\n")
	}
	require.Equal(t, before, b.must("showkeymgr 2"), "nothing was changed")
}

// The whole way of a recovery key: drawn, entered again, authorised by the other.
func TestRecoveryKeyOfTwoPeople(t *testing.T) {
	b := newBench(t)
	b.must("mkkeygrp 1")
	b.options.User = "secadmin"
	out := strings.Split(strings.TrimSpace(b.must("mkreckey -quiet 1")), "\n")
	require.Len(t, out, 2)
	key := out[1]
	b.must("managereckey -quiet -action verify -key " + key + " 1")
	_, _, exit := b.run("managereckey -quiet -action authorize 1")
	require.Equal(t, ExitAuthentication, exit, "who asks does not authorise")
	b.options.User = "admin"
	require.Equal(t, "CMUC90012I managereckey: The recovery key of key group 1 is configured.\n", b.must("managereckey -quiet -action authorize 1"))
	require.Contains(t, b.must("lskeygrp"), "configured")
	require.NotContains(t, b.lab.TraceText(), key, "the key is in no log")
}
