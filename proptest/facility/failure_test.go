package facility

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/proptest"
)

// spy is a test that keeps the text of its failure.
type spy struct {
	rapid.TB
	text string
}

func (s *spy) Helper()                           {}
func (s *spy) Fatalf(format string, args ...any) { s.text = fmt.Sprintf(format, args...) }

// TestAFailureOfOnesOwn: a failure of a user's property prints what the checks of the package
// print, and its line gives the facility back.
func TestAFailureOfOnesOwn(t *testing.T) {
	m := prepared(t, Options{Seed: 7, Drives: 8, Keys: "ipp", ForensicEvery: 4})
	for _, step := range []string{"arm R1-I1-D01 (flash.erase.refused)", "arm-net 1 (net.session.reset (OnIndex 3))", "arm-link 1 2 (link.command.lost (OnIndex 9))", "arm-memory 1 (memory.signature.flipped (OnIndex 9))"} {
		require.NoError(t, m.Do(step))
	}
	s := &spy{TB: t}
	m.Check(s, true, "not said")
	require.Empty(t, s.text, "what holds is not spoken of")
	m.Check(s, false, "group %d is what I do not want", 1)
	require.Contains(t, s.text, "group 1 is what I do not want\n  seed    7\n")
	require.Contains(t, s.text, "faults  arm R1-I1-D01 (flash.erase.refused); arm-net 1 (net.session.reset (OnIndex 3)); arm-link 1 2 (link.command.lost (OnIndex 9)); arm-memory 1 (memory.signature")

	var f *proptest.Failure
	require.ErrorAs(t, m.Fail("no"), &f)
	require.NotEmpty(t, f.Trace)
	require.LessOrEqual(t, len(f.Trace), proptest.TraceTail)
	require.Equal(t, fmt.Sprintf("m, err := facility.Replay(%q)", m.Script()), f.Replay)
	again, err := Replay(m.Script())
	require.NoError(t, err)
	require.Equal(t, m.Lab.TraceText(), again.Lab.TraceText(), "the script is the run")
	require.Equal(t, m.Script(), again.Script())
	require.Equal(t, 4, again.options.ForensicEvery)
}

// TestScriptsThatAreNone: a script with a mistake is an error that says what is right.
func TestScriptsThatAreNone(t *testing.T) {
	for script, says := range map[string]string{
		"seed=1 drives=8 iml":      "no | in the script",
		"seed=1 drives=8 |":        "no step after |",
		"seed=1 drives=8 | ; ;":    "no step after |",
		"seed=x | iml":             `option "seed=x" of the script, want seed=NUMBER`,
		"seed=1 drive=8 | iml":     `option "drive=8"`,
		"drives=8 forensic=| iml":  `option "forensic="`,
		"drives=8 | iml; imll":     `step 2: proptest: unknown step "imll": did you mean iml?`,
		"drives=8 drives=16 | iml": `option "drives=16" of the script: drives is given twice, want it once`,
	} {
		_, err := Replay(script)
		require.ErrorContains(t, err, says, "%q", script)
	}
}

// A fault plan for a drive on a bench is refused if its point belongs to a facility.
func TestADriveAloneHasNoLinks(t *testing.T) {
	_, err := proptest.Replay("seed=7 | power-off; arm (link.command.lost)")
	require.EqualError(t, err, "command 2: proptest: arm: link.command.lost never fires in a drive alone: use a point of the flash or the media")
}
