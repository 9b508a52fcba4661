package console

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// verbTranscripts are the transcripts of testdata: together they run every command.
func verbTranscripts(t *testing.T) []*Transcript {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	var all []*Transcript
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		tr, err := ParseTranscript(name, string(text))
		require.NoError(t, err)
		all = append(all, tr)
	}
	return all
}

func TestVerbs(t *testing.T) {
	for _, tr := range verbTranscripts(t) {
		t.Run(filepath.Base(tr.File), func(t *testing.T) {
			if *update {
				Rewrite(tr)
				require.NoError(t, os.WriteFile(tr.File, []byte(tr.String()), 0o644))
			}
			var first, second strings.Builder
			r := Play(tr, &first)
			require.True(t, r.Passed(), "%v", r.Difference)
			Play(tr, &second)
			require.Equal(t, first.String(), second.String(), "a second run prints the same, byte for byte")
		})
	}
}

func TestEveryVerbIsRun(t *testing.T) {
	run := map[*Command]bool{}
	for _, tr := range verbTranscripts(t) {
		for _, step := range tr.Steps {
			for _, c := range step.Commands {
				args, wrong := bindAll(c.Text)
				require.Empty(t, wrong)
				for _, a := range args {
					run[a.Command] = true
				}
			}
		}
	}
	for _, c := range Commands() {
		require.True(t, run[c], "a transcript of testdata runs %s", c.Name)
	}
}

func TestNoCommandPrintsAnEmptyLineOrAVeryLongOne(t *testing.T) {
	for _, tr := range verbTranscripts(t) {
		for _, step := range tr.Steps {
			for _, line := range outputLines(step.Output) {
				require.NotEmpty(t, strings.TrimSpace(line), "%s:%d", tr.File, step.Commands[0].Line)
				if !strings.HasPrefix(line, "error: ") {
					require.LessOrEqual(t, len([]rune(line)), 150, "%s:%d: %s", tr.File, step.Commands[0].Line, line)
				}
			}
		}
	}
}

// TestNoOutputHoldsASecret plays everything with the real drives at hand and looks for their
// secrets, raw and in hexadecimal, in what was printed and in the facility's log.
func TestNoOutputHoldsASecret(t *testing.T) {
	for _, tr := range verbTranscripts(t) {
		var out bytes.Buffer
		s := NewSession(Options{})
		for _, step := range tr.Steps {
			for _, c := range step.Commands {
				RunLine(s, c.Text, &out)
			}
		}
		for _, lab := range s.labs {
			out.WriteString(lab.TraceText())
		}
		parts := s.shelf.Parts()
		for _, d := range s.lab.Drives() {
			if d.Serial != "" {
				p, err := s.lab.Part(d.Slot)
				require.NoError(t, err)
				parts = append(parts, p)
			}
		}
		require.Greater(t, len(parts), 10)
		for _, p := range parts {
			root := p.Drive.Fuses().Root
			for _, secret := range [][]byte{p.Label.MSID.Bytes(), p.Label.PSID.Bytes(), root[:]} {
				require.NotContains(t, out.String(), string(secret), "a secret of %s is printed", p.Serial())
				require.NotContains(t, strings.ToLower(out.String()), hex.EncodeToString(secret), "a secret of %s is printed in hexadecimal", p.Serial())
			}
		}
	}
}

func TestFilesAreWrittenOnceAndHoldTheCertificate(t *testing.T) {
	var out strings.Builder
	s := NewSession(Options{Start: true})
	const file = "d01.cert"
	for _, line := range []string{
		"keygrp configure; array create site=S1; rank create array=A0 keygrp=1; rank remove rank=R0",
		"erase certificate drive=R1-I1-D01 file=" + file,
	} {
		require.NoError(t, s.Run(line, &out))
	}
	text, err := s.readFile(file)
	require.NoError(t, err)
	require.Contains(t, string(text), "-----BEGIN FDELAB CERTIFICATE-----", "the file has the armoured form too")
	require.Regexp(t, regexp.MustCompile(`written: d01.cert, \d+ bytes\n$`), out.String())
	require.ErrorIs(t, s.Run("erase certificate drive=R1-I1-D01 file="+file, &out), os.ErrExist, "a file is never overwritten")
}

func TestADriveFileLivesOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.drive")
	first := NewSession(Options{Entropy: rand.Reader})
	var out strings.Builder
	require.NoError(t, first.Run(`shelf create file=`+file+` serial=bench1; host power drive=bench1 to=on; host write drive=bench1 text="kept"; host migrate drive=bench1 pin="mine"`, &out))
	require.NoError(t, first.Close())

	second := NewSession(Options{Entropy: rand.Reader})
	defer second.Close()
	require.NoError(t, second.Run(`shelf open file=`+file+`; host power drive=bench1 to=on`, &out))
	require.ErrorContains(t, second.Run("host read drive=bench1", &out), "locked", "its power was gone, so it is locked")
	require.Error(t, second.Run(`host unlock drive=bench1 pin="not mine"`, &out), "another credential does not open it")
	out.Reset()
	require.NoError(t, second.Run(`host unlock drive=bench1 pin="mine"; host read drive=bench1`, &out))
	require.Contains(t, out.String(), `sector 0: "kept, sector 0"`, "its own does, and the data is there")
	require.ErrorContains(t, second.Run("host revert drive=bench1", &out), "the label of bench1 (on the shelf) is not at hand")
	for _, again := range []string{file, filepath.Join(filepath.Dir(file), ".", "a.drive")} {
		require.EqualError(t, second.Run("shelf open file="+again, &out), "the file "+again+" is open in this session already, as drive bench1: shelf list and drive list show it")
	}
	require.NoError(t, second.Close())
	third := NewSession(Options{Entropy: rand.Reader})
	defer third.Close()
	require.NoError(t, third.Run("shelf open file="+file, &out))
	fourth := NewSession(Options{Entropy: rand.Reader})
	defer fourth.Close()
	err := fourth.Run("shelf open file="+file, &out)
	require.Error(t, err, "another session cannot open it meanwhile")
	require.NotContains(t, err.Error(), "in this session", "and is not told that it was itself")
}

// The label is not part of the drive's file. A label that was kept reverts the drive later.
func TestALabelThatIsKeptRevertsTheDrive(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.drive")
	kept := map[string][]byte{}
	options := Options{
		Entropy: rand.Reader, WriteSecret: func(name string, data func() ([]byte, error)) (err error) {
			if kept[name] != nil {
				return os.ErrExist
			}
			kept[name], err = data()
			return err
		},
		ReadFile: func(name string) ([]byte, error) {
			if data, ok := kept[name]; ok {
				return data, nil
			}
			return nil, os.ErrNotExist
		},
	}
	open := func() *Session {
		s := NewSession(options)
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	var out strings.Builder
	first := open()
	require.NoError(t, first.Run(`shelf create file=`+file+` serial="bench 1" label=a.label; host power drive="bench 1" to=on; host migrate drive="bench 1" pin="mine"`, &out))
	require.Contains(t, out.String(), "its label with the PSID is kept in a.label")
	psid := first.shelf.Parts()[0].Label.PSID
	require.NotContains(t, out.String(), string(psid.Bytes()), "what is kept is not shown")
	require.NoError(t, first.Run(`shelf create file=`+file+`2 serial=other label=other.label`, &out))
	err := first.Run(`shelf create file=`+file+`3 serial=third label=a.label`, &out)
	require.EqualError(t, err, "label: file already exists: need the name of a new file; no drive was made")
	require.NoFileExists(t, file+"3")
	require.Len(t, first.shelf.Parts(), 2)
	require.NoError(t, first.Close())

	for name, bad := range map[string]string{
		"absent": "", "empty": "\n", "cut": string(kept["a.label"][:60]), "changed": strings.Replace(string(kept["a.label"]), "psid: ", "psid: x", 1),
	} {
		if name != "absent" {
			kept[name] = []byte(bad)
		}
		s := open()
		err := s.Run("shelf open file="+file+" label="+name, &out)
		require.Error(t, err, name)
		require.NotContains(t, strings.ToLower(err.Error()), hex.EncodeToString(psid.Bytes()[:4]), "no error shows a PIN")
		require.Empty(t, s.shelf.Parts(), "nothing was changed: %s", name)
		require.NoError(t, s.Close())
	}
	s := open()
	kept["half.label"] = []byte(strings.Replace(string(kept["a.label"]), string(psid.Bytes()[16:]), "", 1))
	require.EqualError(t, s.Run("shelf open file="+file+" label=half.label", &out), `half.label is not the label of a drive: the line "psid: " of the label: a PIN of a label has 32 characters, or 64 hexadecimal digits`)
	require.ErrorContains(t, s.Run("shelf open file="+file+" label=other.label", &out), `the label is of drive "other", and this is drive "bench 1"`)
	require.Empty(t, s.shelf.Parts(), "nothing was changed")
	require.NoError(t, s.Close())

	label, err := drive.ParseLabel(kept["a.label"])
	require.NoError(t, err)
	require.Equal(t, kept["a.label"], label.File(), "the form of fdelab drive create")
	kept["old.label"] = fmt.Appendf(nil, "fdelab label of a drive\nserial \"bench 1\"\nMSID %X\nPSID %s\n", label.MSID.Bytes(), psid.Bytes())
	typist := open()
	require.NoError(t, typist.Run(`shelf open file=`+file+` label=old.label`, &out), "a label as the shell once wrote it")
	require.True(t, psid.Equal(typist.shelf.Parts()[0].Label.PSID))
	require.NoError(t, typist.Close())

	second := open()
	require.NoError(t, second.Run(`shelf open file=`+file+` label=a.label; host power drive="bench 1" to=on; host revert drive="bench 1"`, &out))
}

// psid= takes what the screen shows and what the file of the label says.
func TestAPSIDIsTypedInEitherForm(t *testing.T) {
	s := NewSession(Options{Start: true})
	var out strings.Builder
	require.NoError(t, s.Run("shelf order; host power drive=FRU00001 to=on", &out))
	psid := s.shelf.Parts()[0].Label.PSID.Bytes()
	for n, form := range []string{string(psid), fmt.Sprintf("%X", psid), fmt.Sprintf("%x", psid)} {
		require.NoError(t, s.Run(fmt.Sprintf(`host migrate drive=FRU00001 pin="mine %d"; host revert drive=FRU00001 psid="%s"`, n, form), &out), out.String())
	}
	for bad, why := range map[string]string{
		string(psid[1:]):               "a PIN of a label has 32 characters, or 64 hexadecimal digits",
		fmt.Sprintf("%Xg0", psid[1:]):  "a PIN of a label has 32 characters, or 64 hexadecimal digits",
		fmt.Sprintf("%X", psid[1:]):    "62 hexadecimal digits, where 64 are right",
		fmt.Sprintf("%X", psid[:16]):   "32 hexadecimal digits, where 64 are right", // as many as a PSID has characters
		fmt.Sprintf("%X", psid)[1:]:    "63 hexadecimal digits, where 64 are right",
		fmt.Sprintf("%X41", psid):      "66 hexadecimal digits, where 64 are right",
		strings.Repeat("no PSID ", 50): "a PIN of a label has 32 characters, or 64 hexadecimal digits",
	} {
		err := s.Run(fmt.Sprintf(`host revert drive=FRU00001 psid="%s"`, bad), &out)
		require.EqualError(t, err, "psid: "+why+": type what the label says")
	}
	part, _, err := s.part("R1-I1-D16")
	require.NoError(t, err)
	for _, form := range []string{"%s", "%X"} {
		require.NoError(t, s.Run(fmt.Sprintf(`erase revert drive=R1-I1-D16 psid="`+form+`"`, part.Label.PSID.Bytes()), &out), out.String())
	}
}

func TestPicturesInASCIIHaveOnlyASCII(t *testing.T) {
	s := NewSession(Options{ASCII: true, Start: true})
	var out strings.Builder
	require.NoError(t, s.Run("enclosure show; drive keys drive=R1-I1-D01; drive dump drive=R1-I1-D01; event timeline", &out))
	for _, r := range out.String() {
		require.Less(t, r, rune(0x80), "only ASCII in %q", out.String())
	}
}

func TestColourOnlyRepeatsWhatTheWordSays(t *testing.T) {
	plainOut, coloured := &strings.Builder{}, &strings.Builder{}
	line := "keygrp configure; array create site=S1; rank create array=A0 keygrp=1; enclosure show; keygrp list; lab show"
	require.NoError(t, NewSession(Options{Start: true}).Run(line, plainOut))
	require.NoError(t, NewSession(Options{Start: true, Color: true}).Run(line, coloured))
	require.Contains(t, coloured.String(), "\x1b[", "there is colour")
	stripped := regexp.MustCompile("\x1b\\[[0-9]*m").ReplaceAllString(coloured.String(), "")
	require.Equal(t, plainOut.String(), stripped, "without it the text is the same")
}

func TestALineWithAnErrorRunsNothing(t *testing.T) {
	s := NewSession(Options{Start: true})
	var out strings.Builder
	before := s.Lab().TraceText()
	err := s.Run("keygrp configure; rank crate array=A0", &out)
	require.EqualError(t, err, `column 24: rank has no verb "crate": did you mean create? (nothing of the line was run)`)
	require.Empty(t, out.String())
	require.Equal(t, before, s.Lab().TraceText(), "the first command of the line did not run either")
}

const encrypted = "keygrp configure; array create site=S1; rank create array=A0 keygrp=1; rank write rank=R0 count=8"

func TestRankCheckTellsWrongFromUnreadable(t *testing.T) {
	s := NewSession(Options{Start: true})
	var out strings.Builder
	require.NoError(t, s.Run(encrypted, &out))
	s.ledger[s.lab].wrote("R0", 2, "something else")
	s.ledger[s.lab].wrote("R0", 3, "something else")
	out.Reset()
	var failed *FailedError
	require.ErrorAs(t, s.Run("rank check rank=R0", &out), &failed, "data that is not what was written is a failure")
	require.Equal(t, "8 sectors of R0 read\n  not what was written: 2 to 3\n", out.String())

	require.ErrorAs(t, s.Run("keyserver stop keyserver=1; keyserver stop keyserver=2; power cycle", &out), &failed)
	out.Reset()
	require.ErrorAs(t, s.Run("rank check rank=R0", &out), &failed, "data that cannot be read is a failure")
	require.Contains(t, out.String(), "no sectors of R0 read\n  unreadable: 0 to 7: ", "and is told apart")
}

func TestWhatDoesNotReachItsAimIsAFailure(t *testing.T) {
	for _, line := range []string{
		"keyserver stop keyserver=1; keygrp testaccess",
		"keyserver stop keyserver=1; keyserver stop keyserver=2; power cycle",
		`fault arm drive=R1-I1-D02 plan="(flash.program.refused)"; keygrp rekey drive=R1-I1-D02`,
		`host authenticate drive=R1-I1-D02 pin="guess"`,
		`rank remove rank=R0; fault arm drive=R1-I1-D02 plan="(flash.erase.refused) (flash.zero.refused)"; erase run drive=R1-I1-D02`,
	} {
		s := NewSession(Options{Start: true})
		var out strings.Builder
		require.NoError(t, s.Run(encrypted, &out))
		out.Reset()
		var failed *FailedError
		require.ErrorAs(t, s.Run(line, &out), &failed, "%s", line)
		require.NotEmpty(t, out.String(), "what happened is printed")
		var told strings.Builder
		RunLine(s, "time now", &told)
		require.NotContains(t, told.String(), "error", "the session goes on")
	}
}

func TestEventsThatComeUpAreAnnouncedWhateverTheCommandWas(t *testing.T) {
	s := NewSession(Options{Start: true})
	var out strings.Builder
	require.NoError(t, s.Run(encrypted+"; host erase drive=R1-I1-D02", &out))
	out.Reset()
	require.NoError(t, s.Run("time advance by=3h", &out))
	require.Contains(t, out.String(), "serviceable event 1: BE3400B3, R1-I1-D02 (U5791.S10.0001-P1-D2)")
	out.Reset()
	require.NoError(t, s.Run("time advance by=1h", &out))
	require.Contains(t, out.String(), "BE3400B3 found again, 4 times by now", "a repeat is announced as a repeat")
}
