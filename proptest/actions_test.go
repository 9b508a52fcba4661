package proptest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// teller is a test that keeps the text of its first failure, and goes on.
type teller struct {
	testing.TB
	told string
}

func (t *teller) Helper() {}
func (t *teller) Fatalf(format string, args ...any) {
	if t.told == "" {
		t.told = fmt.Sprintf(format, args...)
	}
}

// unrunnable are commands that no new machine can run, with the error of each. skipped marks those
// that Actions skip.
var unrunnable = []struct {
	command Command
	told    string
	skipped bool
}{
	{Command{Verb: GenKey}, "proptest: genkey needs a session, and no Authenticate was accepted before it", true},
	{Command{Verb: Close}, "proptest: close needs a session, and no Authenticate was accepted before it", true},
	{Command{Verb: Tamper, State: drive.Erased}, "proptest: tamper needs a drive without power whose key record the model is sure of", true},
	{Command{Verb: Read}, "proptest: read of 0 sectors: use 1 to 1024", false},
	{Command{Verb: Write, Sectors: -1}, "proptest: write of -1 sectors: use 1 to 1024", false},
	{Command{Verb: Write, Sectors: 1025}, "proptest: write of 1025 sectors: use 1 to 1024", false},
	{Command{Verb: Read, LBA: 1 << 63, Sectors: 1}, "proptest: read at sector 9223372036854775808: use 0 to 4611686018427387904", false},
	{Command{Verb: Reset, Reset: 3}, "proptest: reset of kind 3: use 1 (hardware) or 2 (hot plug)", false},
	{Command{Verb: Reset}, "proptest: reset of kind 0: use 1 (hardware) or 2 (hot plug)", false},
	{Command{Verb: Authenticate, Authority: drive.SID, PIN: -1}, "proptest: authenticate with PIN -1: use 0 to 65536", false},
	{Command{Verb: Arm}, `proptest: arm: `, false},
	{Command{}, "proptest: verb 0 is unknown: use one of the verbs from Authenticate to Tamper", false},
	{Command{Verb: Tamper + 1}, "proptest: verb 21 is unknown: use one of the verbs from Authenticate to Tamper", false},
}

// Do and Must say at once why a command is not run. Only a command that was drawn is skipped.
func TestWhoNamesACommandIsToldThatItIsNotRun(t *testing.T) {
	for _, c := range unrunnable {
		m, err := NewMachine(Options{})
		require.NoError(t, err)
		test := &teller{TB: t}
		m.Must(test, c.command)
		require.Contains(t, test.told, c.told)
		require.NotContains(t, test.told, "\n")
		require.EqualError(t, m.Do(c.command), test.told)
		require.Empty(t, m.commands, "nothing was done")
		drawn := &teller{TB: t}
		m.attempt(drawn, c.command)
		require.Equal(t, c.skipped, drawn.told == "", "%v: only a command that is not Applicable is skipped", c.command)
		require.Empty(t, m.commands, "nothing was done")
	}
	m, err := NewMachine(Options{})
	require.NoError(t, err)
	test := &teller{TB: t}
	m.Must(test, Command{Verb: Authenticate, Authority: drive.SID, PIN: PINMSID})
	m.Must(test, Command{Verb: Close})
	m.Must(test, Command{Verb: GenKey})
	require.Empty(t, test.told, "once there was a session it is run: the drive has to refuse it")
	require.Len(t, m.commands, 3)
	m.lost = true
	require.ErrorContains(t, m.Do(Command{Verb: PowerOff}), "power-off comes after the end of the run")
	m.attempt(test, Command{Verb: PowerOff})
	require.Empty(t, test.told)
	require.Len(t, m.commands, 3)
}

// A script is refused at the command that is wrong.
func TestReplayRefusesWhatItCannotRun(t *testing.T) {
	for script, told := range map[string]string{
		"seed=7 | genkey": "command 1: proptest: genkey needs a session, and no Authenticate was accepted before it",
		"seed=7 | write 0 1 1; authenticate SID 4; ; set-pin 5": "command 3: proptest: set-pin needs a session, and no Authenticate was accepted before it",
		"seed=7 | power-off; read 0 0":                          "command 2: proptest: read of 0 sectors: use 1 to 1024",
		"seed=7 | write 0 2000 1":                               "command 1: proptest: write of 2000 sectors: use 1 to 1024",
		"seed=7 | power-off; fly":                               `command 2: proptest: unknown command "fly": use authenticate, close`,
		"seed=7 | power-off; set-lock rw":                       `command 2: proptest: unknown command "set-lock": did you mean set-locks?`,
		"seed=7 |":                                              "proptest: no command after |, want OPTIONS | COMMAND",
		"seed=7 | ; ;":                                          "proptest: no command after |, want OPTIONS | COMMAND",
		"seed=7 | power-off; reset 3":                           "command 2: proptest: reset of kind 3: use 1 (hardware) or 2 (hot plug)",
		"seed=7 | authenticate SID 1; set-range 0 0 -- 8":       "command 2: proptest: set-range with LockOnReset 8: use 0 to 7",
		"seed=7 | tamper Erased":                                "command 1: proptest: tamper needs a drive without power",
		"seed=7 | erase x":                                      `command 1: proptest: "erase x", want erase RANGE`,
		"seed=7 seed=8 | power-off":                             `proptest: option "seed=8": seed is given twice, want it once`,
		"seed=7 ranges=65 | power-off":                          `proptest: option "ranges=65", want seed=N, ranges=0..64`,
	} {
		_, err := Replay(script)
		require.ErrorContains(t, err, told, "%q", script)
		require.NotContains(t, err.Error(), "\n", "one line")
		var f *Failure
		require.False(t, errors.As(err, &f), "%q is no failure of the drive", script)
	}
	_, err := Replay("seed=7 | authenticate SID 1; close; set-pin 5; erase 9; authenticate BandMaster9 1; read 9999 1")
	require.NoError(t, err, "what the drive refuses is run")
}
