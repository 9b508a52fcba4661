package console_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// aSecret finds, in the help of a parameter, that its value is a secret.
var aSecret = regexp.MustCompile(`msid for the factory PIN|the PSID as it stands|the recovery key, as`)

func TestEveryParameterThatIsASecretSaysSo(t *testing.T) {
	secrets := 0
	for _, c := range console.Commands() {
		for _, p := range c.Params {
			require.Equal(t, aSecret.MatchString(p.Help), p.Secret, "%s %s is marked as a secret if its help says that it is one", c.Name, p.Name)
			if p.Secret {
				secrets++
			}
		}
	}
	require.Greater(t, secrets, 10, "the commands with secrets were found")
}

func TestShownLinesHoldNoSecret(t *testing.T) {
	for _, text := range []string{
		`host authenticate drive=R1-I1-D01 pin="open sesame"`, `erase revert drive=R1-I1-D01 psid=sesame`, `reckey verify keygrp=1 key=sesame`,
		`dscli "managereckey -action verify -key sesame 1"`, `time now; host pin drive=R1-I1-D01 old=sesame1 new=sesame2`,
	} {
		lines, err := console.Shown(text)
		require.NoError(t, err, "%s is understood", text)
		require.NotContains(t, strings.Join(lines, " "), "sesame", "%s is shown without its secret", text)
		require.Contains(t, strings.Join(lines, " "), "(hidden)", "%s says that something is left out", text)
	}
}

func TestShownLinesSayTheRest(t *testing.T) {
	lines, err := console.Shown(`event close event=1 why="it is done" ; time  advance by=5m;dscli lsrank`)
	require.NoError(t, err)
	require.Equal(t, []string{`event close event=1 why="it is done"`, `time advance by=5m0s`, `dscli lsrank`}, lines, "commands are shown as they were given, without defaults")
	_, err = console.Shown("time fly")
	require.Error(t, err, "a line that is not understood is not shown: a secret may stand anywhere in it")
}

func TestLineThatIsNotUnderstoodIsShownBriefly(t *testing.T) {
	for text, want := range map[string]string{
		"host authenticat drive=R1-I1-D01 pin=sesame":  "host ...",
		"host authenticate drive=R1-I1-D01 pim=sesame": "host authenticate ...",
		"dscli \"sesame":           "dscli ...",
		"sesame host authenticate": "...",
		"pin=sesame":               "...",
		"":                         "...",
	} {
		require.Equal(t, want, console.Briefly(text), text)
	}
}
