package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

func TestScriptsAreReadAsTheyAreWritten(t *testing.T) {
	text := "seed=7 sector-size=4096 ranges=3 | try SID p2/pad0; set-range 1 p1 8 8 r- 3; set-locks 1 p1 -w; migrate 0 msid p1; genkey 0 p1; " +
		"erase 1 msid; erase-all msid; revert psid; read 3 2; write 3 2 9; flush; reset warm; reset hot; open BandMaster0 p1; use; close; " +
		"break power-torn@3 erase-refused; power-off; power-on; mend; heal; feed few=16; feed own; thief; deep; secrets; ram"
	w, commands, err := conformance.ParseScript(text)
	require.NoError(t, err)
	require.Equal(t, text, conformance.FormatScript(w, commands))
}

func TestScriptsThatAreWrong(t *testing.T) {
	for text, want := range map[string]string{
		"seed=1":                        "no |",
		"seed=1 |":                      "no command",
		"seed=x | flush":                `"seed=x"`,
		"ranges=65 | flush":             `"ranges=65"`,
		"seed=1 seed=2 | flush":         "given twice",
		"seed=1 | flsh":                 `no command "flsh": did you mean flush?`,
		"seed=1 | flush now":            `"now" is too much; want flush`,
		"seed=1 | try Owner p1":         `no authority "Owner"`,
		"seed=1 | try SID q1":           `no PIN "q1"`,
		"seed=1 | try SID p1/round":     "no such change of a PIN",
		"seed=1 | read 1":               "an argument is missing; want read LBA SECTORS",
		"seed=1 | read 1 0":             "no sector at all",
		"seed=1 | reset cold":           `no reset "cold"`,
		"seed=1 | break lightning":      `no kind of fault "lightning"`,
		"seed=1 | break power-torn@-1":  "no number of an operation",
		"seed=1 | feed sand":            `no feed "sand"`,
		"seed=1 | set-locks 0 p1 xx":    "are no locks",
		"seed=1 | write 1 1 4294967296": "no number up to 4294967295",
	} {
		_, _, err := conformance.ParseScript(text)
		require.ErrorContains(t, err, want, text)
	}
}

func TestReplayFindsWhatTheSuiteFound(t *testing.T) {
	r, err := conformance.Replay(conformance.Simulated, "seed=1 | migrate 0 msid p1; write 0 2 1; power-off; power-on; read 0 1; thief", conformance.Options{})
	require.NoError(t, err)
	require.Equal(t, conformance.Passed, r.Verdict, r.Why)
	require.Equal(t, "read 0 1 -> locked", r.Trace[4])
	r, err = conformance.Replay(newForeign, "seed=1 | ram", conformance.Options{})
	require.NoError(t, err)
	require.Equal(t, conformance.NotJudged, r.Verdict)
	require.Equal(t, []conformance.Capability{conformance.HasRAM}, r.Needs)
}
