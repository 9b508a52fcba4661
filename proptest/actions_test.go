package proptest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// teller is a test that notes what it is told, and goes on.
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

// A test that names a command means to have it run: it is told at once that it is not.
func TestMustFailsOnWhatDoSkips(t *testing.T) {
	for _, c := range []struct {
		command Command
		told    string
		skipped bool // by Do, without an error
	}{
		{Command{Verb: GenKey}, "proptest: genkey needs a session, and no Authenticate was accepted before it", true},
		{Command{Verb: Close}, "proptest: close needs a session, and no Authenticate was accepted before it", true},
		{Command{Verb: Tamper, State: drive.Erased}, "proptest: tamper needs a drive without power whose key record the model is sure of", true},
		{Command{Verb: Read}, "proptest: read of 0 sectors: use at least 1", false},
		{Command{Verb: Write, Sectors: -1}, "proptest: write of -1 sectors: use at least 1", false},
		{Command{}, "proptest: verb 0 is unknown: use one of the verbs from Authenticate to Tamper", false},
		{Command{Verb: Tamper + 1}, "proptest: verb 21 is unknown: use one of the verbs from Authenticate to Tamper", false},
	} {
		m, err := NewMachine(Options{})
		require.NoError(t, err)
		test := &teller{TB: t}
		m.Must(test, c.command)
		require.Equal(t, c.told, test.told)
		require.Empty(t, m.commands, "nothing was done")
		if c.skipped {
			require.NoError(t, m.Do(c.command), "a command that was drawn may be none for the drive as it is")
		} else {
			require.EqualError(t, m.Do(c.command), c.told)
		}
	}
	m, err := NewMachine(Options{})
	require.NoError(t, err)
	test := &teller{TB: t}
	m.Must(test, Command{Verb: Authenticate, Authority: drive.SID, PIN: PINMSID})
	m.Must(test, Command{Verb: Close})
	require.Empty(t, test.told, "with a session it is run")
}
