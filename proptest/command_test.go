package proptest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive"
)

func TestCommandsRoundTrip(t *testing.T) {
	for _, text := range []string{
		"authenticate BandMaster0 1", "authenticate SID 4", "authenticate PSID 2", "authenticate EraseMaster 0", "close", "set-pin 5",
		"migrate 4", "genkey", "set-range 8 16 rw 1", "set-range 0 0 -- 7", "set-locks r-", "set-locks -w", "erase 1", "erase-all",
		"revert-psid 2", "restore", "read 3 2", "write 3 1 77", "self-test", "power-on", "power-off", "reset 2",
		"arm (flash.erase.refused (OnIndex 3))", "disarm", "tamper Erased",
	} {
		c, err := ParseCommand(text)
		require.NoError(t, err)
		require.Equal(t, text, c.String(), "a command reads as it prints")
	}
	rapid.Check(t, func(t *rapid.T) {
		m, err := NewMachine(Options{})
		require.NoError(t, err)
		c := rapid.OneOf(
			rapid.Custom(m.DrawAuthenticate), rapid.Custom(m.DrawRead), rapid.Custom(m.DrawWrite),
			rapid.Custom(func(t *rapid.T) Command { return m.DrawInSession(t, m.DrawAuthority(t)) }),
			rapid.Custom(func(t *rapid.T) Command { return Command{Verb: Arm, Plan: DrawPlan(t)} }),
		).Draw(t, "command")
		back, err := ParseCommand(c.String())
		require.NoError(t, err)
		require.Equal(t, c.String(), back.String())
	})
}

func TestBadCommandsAreRefusedInOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "empty command",
		"fly":                         `unknown command "fly"`,
		"migrate":                     "want migrate PIN",
		"migrate x":                   "want migrate PIN",
		"genkey 1":                    "want genkey alone",
		"authenticate BandMaster99 1": "such as authenticate BandMaster0 1",
		"read 0 0":                    "read of 0 sectors: use 1 to 1024",
		"read 0":                      "want read LBA SECTORS",
		"set-locks wr":                "--|r-|-w|rw",
		"tamper Broken":               "tamper STATE",
		"arm (flash.none)":            "unknown point",
	} {
		_, err := ParseCommand(text)
		require.ErrorContains(t, err, want, "%q", text)
		require.NotContains(t, err.Error(), "\n")
	}
	_, _, err := ParseScript("seed=1 migrate 4")
	require.ErrorContains(t, err, "no |")
	_, _, err = ParseScript("sheep=1 | close")
	require.ErrorContains(t, err, "sheep")
}

func FuzzParseScript(f *testing.F) {
	f.Add("seed=7 ranges=2 | authenticate BandMaster0 1; migrate 4; set-range 0 8 rw 7; arm (flash.erase.refused (OnIndex 3)); tamper Erased")
	f.Add("| ;;")
	f.Fuzz(func(t *testing.T, text string) {
		o, commands, err := ParseScript(text)
		if err != nil {
			return
		}
		again := FormatScript(o, commands)
		o2, commands2, err := ParseScript(again)
		require.NoError(t, err, "what is printed can be read")
		require.Equal(t, again, FormatScript(o2, commands2))
	})
}

// TestFailureTellsAll: a failure prints seed, version, plan, trace and a line that replays it.
func TestFailureTellsAll(t *testing.T) {
	m, err := NewMachine(Options{Seed: 9})
	require.NoError(t, err)
	require.NoError(t, m.Do(Command{Verb: Authenticate, Authority: drive.SID, PIN: PINMSID}))
	require.NoError(t, m.Do(Command{Verb: Arm, Plan: "(flash.erase.refused (OnIndex 7))"}))
	m.candidates[0].slots[0].pin = PINFirst // now the model is wrong
	m.Do(Command{Verb: Close})
	err = m.Do(Command{Verb: Authenticate, Authority: drive.SID, PIN: PINMSID})
	var f *Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, uint64(9), f.Seed)
	require.Equal(t, "(flash.erase.refused (OnIndex 7))", f.Plan)
	require.NotEmpty(t, f.Version)
	require.Contains(t, f.Replay, "'seed=9 | authenticate SID 1; arm (flash.erase.refused (OnIndex 7))")
	require.Contains(t, f.Error(), "authenticate SID 1 -> done")
}
