package labfile_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/internal/journal"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/dscli"
	"github.com/seed-9d983aeb/fdelab/raslab/labfile"
	"github.com/seed-9d983aeb/fdelab/raslab/rehearsals"
)

var small = []string{"lab new drives=16 seed=7", "keygrp configure", "array create site=S1", "rank create array=A0 keygrp=1"}

func create(t *testing.T, o labfile.Options, lines ...string) (string, *labfile.Lab) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "lab")
	l, err := labfile.Create(dir, o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	for _, line := range lines {
		require.NoError(t, l.Session().Run(line, io.Discard), line)
	}
	return dir, l
}

// state is all that a lab shows of its facilities.
func state(t *testing.T, l *labfile.Lab) string {
	t.Helper()
	b, err := json.Marshal(console.Snapshots(l.Session()))
	require.NoError(t, err)
	for _, lab := range l.Session().Labs() {
		b = append(b, lab.TraceText()...)
	}
	return string(b)
}

func journalOf(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "journal"))
	require.NoError(t, err)
	return b
}

var every = flag.Int("every", 6, "TestARehearsalIsThereAgain plays each so many-th rehearsal")

// TestARehearsalIsThereAgain: the commands of a rehearsal make a lab that is the same when it is opened again, and
// plays on as one that was never closed.
func TestARehearsalIsThereAgain(t *testing.T) {
	t.Parallel()
	for i, r := range rehearsals.All() {
		if i%*every != 0 {
			continue
		}
		dir, l := create(t, labfile.Options{})
		var half string
		commands := 0
		for _, step := range r.Steps {
			for _, c := range step.Commands {
				console.RunLine(l.Session(), c.Text, io.Discard)
				commands++
			}
			if half == "" { // in the middle of the story the lab is closed and opened
				half = state(t, l)
				require.NoError(t, l.Close())
				var err error
				l, err = labfile.Open(dir, labfile.Options{})
				require.NoError(t, err, r.Name)
				require.Equal(t, half, state(t, l), r.Name)
			}
		}
		require.Greater(t, commands, 3)
		end, file := state(t, l), journalOf(t, dir)
		require.NoError(t, l.Close())
		l, err := labfile.Open(dir, labfile.Options{})
		require.NoError(t, err, r.Name)
		require.Equal(t, end, state(t, l), r.Name)
		require.Equal(t, string(file), string(journalOf(t, dir)), "who opens a lab writes nothing")
		require.NoError(t, l.Close())

		s := console.NewSession(console.Options{})
		for _, step := range r.Steps {
			for _, c := range step.Commands {
				console.RunLine(s, c.Text, io.Discard)
			}
		}
		b, err := json.Marshal(console.Snapshots(s))
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(end, string(b)), "%s: a lab that is kept is the same as one that is not", r.Name)
	}
}

// TestDSCLIIsKept, with the answers to its questions.
func TestDSCLIIsKept(t *testing.T) {
	t.Parallel()
	dir, l := create(t, labfile.Options{}, small[:3]...)
	answers := []string{"perhaps", "n"}
	var out, errs bytes.Buffer
	o := dscli.Options{Output: dscli.Settings{Banner: "off"}, Ask: func(prompt string) (string, error) {
		fmt.Fprint(&out, prompt)
		if len(answers) == 0 {
			return "", dscli.ErrInterrupt
		}
		a := answers[0]
		answers = answers[1:]
		out.WriteString(a + "\n")
		return a, nil
	}}
	s := l.DSCLI(o)
	arrays := func() int { return len(l.Session().Lab().Arrays()) }
	require.NoError(t, s.Run("rmarray A0", &out, &errs))
	require.Equal(t, 1, arrays())
	require.Equal(t, 2, strings.Count(out.String(), "A0?"), "asked twice: %s", out.String())
	require.NoError(t, s.Run("rmarray A0", &out, &errs), "Ctrl-C")
	require.Equal(t, 1, arrays())
	require.NoError(t, s.Run("help rmarray", &out, &errs))
	require.Error(t, s.Run("rmarray A7", &out, &errs))
	answers = []string{"y"}
	require.NoError(t, s.Run("rmarray A0", &out, &errs))
	require.Zero(t, arrays())

	entries := l.Entries()
	require.Len(t, entries, 4+4, "help has to do with no facility")
	require.Equal(t, "dscli rmarray A0", entries[4].Command())
	require.Equal(t, console.Refused, entries[6].Verdict)
	was := state(t, l)
	require.NoError(t, l.Close())
	l, err := labfile.Open(dir, labfile.Options{})
	require.NoError(t, err)
	require.Zero(t, arrays())
	require.Equal(t, was, state(t, l))
	require.NoError(t, l.Close())
}

// TestFilesAreReadAndWrittenOnce.
func TestFilesAreReadAndWrittenOnce(t *testing.T) {
	t.Parallel()
	host := map[string][]byte{}
	writes := 0
	o := labfile.Options{
		ReadFile: func(name string) ([]byte, error) {
			if b, ok := host[name]; ok {
				return b, nil
			}
			return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
		},
		WriteFile: func(name string, data []byte) error {
			if _, ok := host[name]; ok {
				return os.ErrExist
			}
			writes++
			host[name] = data
			return nil
		},
	}
	dir, l := create(t, o, small...)
	require.NoError(t, l.Session().Run("certificate authority file=mine.pem", io.Discard))
	require.Error(t, l.Session().Run("certificate authority file=mine.pem", io.Discard), "it is there")
	require.Error(t, l.Session().Run("certificate import file=none.pem", io.Discard))
	require.Equal(t, 1, writes)
	host["own.pem"] = []byte("no certificate")
	require.Error(t, l.Session().Run("certificate import file=own.pem", io.Discard))
	entries := l.Entries()
	require.Equal(t, []labfile.File{{Do: "read", Name: "own.pem", Data: host["own.pem"]}}, entries[len(entries)-1].Files)
	was := state(t, l)
	require.NoError(t, l.Close())
	clear(host)
	l, err := labfile.Open(dir, o)
	require.NoError(t, err)
	require.Equal(t, was, state(t, l))
	require.Equal(t, 1, writes, "nothing is written while a lab is played")
	require.Empty(t, host)
	require.NoError(t, l.Close())
}

// TestAJournalThatIsTornOrAlteredIsRefused: cut at each byte and with each byte altered, it is refused with the
// entry and the byte, and left as it is. Cut at the end of an entry it is an older lab.
func TestAJournalThatIsTornOrAlteredIsRefused(t *testing.T) {
	t.Parallel()
	dir, l := create(t, labfile.Options{}, "lab new drives=8", "time now")
	require.NoError(t, l.Close())
	whole := journalOf(t, dir)
	starts := []int{}
	for i, b := range whole[:len(whole)-1] {
		if b == '\n' {
			starts = append(starts, i+1)
		}
	}
	entryAt := func(at int) (n int) {
		for n < len(starts) && starts[n] <= at {
			n++
		}
		return n
	}
	file := filepath.Join(dir, "journal")
	for at := range whole {
		require.NoError(t, os.WriteFile(file, whole[:at], 0o600))
		entries, err := labfile.Read(dir)
		require.Equal(t, whole[:at], journalOf(t, dir))
		var torn *labfile.JournalError
		switch n := entryAt(at); {
		case n == 0:
			require.ErrorContains(t, err, "not a lab: line 1 is not", "cut at %d", at)
		case at == starts[n-1]:
			require.NoError(t, err, "cut at %d", at)
			require.Len(t, entries, n-1)
		default:
			require.ErrorAs(t, err, &torn, "cut at %d", at)
			require.True(t, torn.Torn())
			require.Equal(t, [2]int{n, starts[n-1]}, [2]int{torn.Entry, torn.At})
			require.Len(t, entries, n-1)
		}
		altered := bytes.Clone(whole)
		altered[at] ^= 1
		require.NoError(t, os.WriteFile(file, altered, 0o600))
		_, err = labfile.Open(dir, labfile.Options{})
		require.Error(t, err, "altered at %d", at)
		require.Equal(t, altered, journalOf(t, dir))
		if n := entryAt(at); n > 0 && whole[at] != '\n' {
			var wrong *labfile.JournalError
			require.ErrorAs(t, err, &wrong, "altered at %d", at)
			require.Equal(t, [2]int{n, starts[n-1]}, [2]int{wrong.Entry, wrong.At}, "altered at %d", at)
		}
	}
}

// rewrite alters entry n, with a check sum that fits.
func rewrite(t *testing.T, dir string, n int, alter func(*labfile.Entry)) {
	t.Helper()
	lines := bytes.SplitAfter(journalOf(t, dir), []byte("\n"))
	var line struct {
		Sum   uint32          `json:"crc32c"`
		Entry json.RawMessage `json:"entry"`
	}
	require.NoError(t, json.Unmarshal(lines[n], &line))
	var e labfile.Entry
	require.NoError(t, json.Unmarshal(line.Entry, &e))
	alter(&e)
	b, err := json.Marshal(e)
	require.NoError(t, err)
	lines[n] = journal.Line(b)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "journal"), bytes.Join(lines, nil), 0o600))
}

// TestAVersionThatPlaysOtherwiseSaysSo, from which entry on, and leaves the lab as it is.
func TestAVersionThatPlaysOtherwiseSaysSo(t *testing.T) {
	t.Parallel()
	for want, alter := range map[string]func(*labfile.Entry){
		"the log of the facility says something else":                          func(e *labfile.Entry) { e.Trace = strings.Repeat("0", 64) },
		"it is done, and was refused":                                          func(e *labfile.Entry) { e.Verdict = console.Refused },
		"it is understood as keygrp configure ":                                func(e *labfile.Entry) { e.Line = "keygrp configure" },
		"it is not understood: ":                                               func(e *labfile.Entry) { e.Line = "keygrp conjure" },
		"it does not read the file a":                                          func(e *labfile.Entry) { e.Files = []labfile.File{{Do: "read", Name: "a"}} },
		"it ends at 2026-01-05 08:00:00, and ended at 2026-01-05 09:00:00; it": func(e *labfile.Entry) { e.Time = e.Time.Add(3600e9) },
	} {
		dir, l := create(t, labfile.Options{Release: "v1.2.3"}, small[:2]...)
		require.NoError(t, l.Close())
		rewrite(t, dir, 3, alter)
		before := journalOf(t, dir)
		_, err := labfile.Open(dir, labfile.Options{})
		var played *labfile.PlayError
		require.ErrorAs(t, err, &played, want)
		t.Log(err)
		require.Equal(t, 3, played.Entry)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "it was made by fdelab v1.2.3, and is as it was")
		require.Equal(t, before, journalOf(t, dir))

		to := filepath.Join(t.TempDir(), "copy")
		n, err := labfile.Copy(dir, to, 2)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		l, err = labfile.Open(to, labfile.Options{})
		require.NoError(t, err, "the entries before are a lab")
		require.NoError(t, l.Close())
	}
}

// TestOneProcessAtATime.
func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	dir, l := create(t, labfile.Options{})
	for range 2 {
		_, err := labfile.Open(dir, labfile.Options{})
		require.ErrorIs(t, err, labfile.ErrInUse)
		_, err = labfile.Read(dir)
		require.ErrorIs(t, err, labfile.ErrInUse)
	}
	require.NoError(t, l.Close())
	require.ErrorContains(t, l.Session().Run("lab new drives=8", io.Discard), "it is closed")
	l, err := labfile.Open(dir, labfile.Options{})
	require.NoError(t, err)
	require.Len(t, l.Entries(), 1)
	require.NoError(t, l.Close())
}

func TestWhatIsNoLab(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := labfile.Open(filepath.Join(dir, "none"), labfile.Options{})
	require.ErrorContains(t, err, "is no lab: it has no file journal")
	_, err = labfile.Create(dir, labfile.Options{})
	require.ErrorContains(t, err, "there is such a file or folder already")
	_, err = labfile.Create(filepath.Join(dir, "a", "b"), labfile.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "journal"), []byte("{\"journal\":\"fdelab erase 1\"}\n"), 0o600))
	_, err = labfile.Open(dir, labfile.Options{})
	require.ErrorContains(t, err, `not a lab: line 1 is not {"journal":"fdelab lab 1"}`)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "journal"), []byte("{\"journal\":\"fdelab lab 1\"}\n"), 0o600))
	_, err = labfile.Open(dir, labfile.Options{})
	require.ErrorContains(t, err, "does not say how it was made")
	_, err = labfile.Copy(dir, filepath.Join(dir, "copy"), 1)
	require.ErrorContains(t, err, "it has no entry 1")
}

// TestALabIsATranscript that plays as the lab did.
func TestALabIsATranscript(t *testing.T) {
	t.Parallel()
	dir, l := create(t, labfile.Options{}, small...)
	require.NoError(t, l.DSCLI(dscli.Options{User: "admin", Ask: func(string) (string, error) { return "yes", nil }}).Run("lsarray", io.Discard, io.Discard))
	require.Error(t, l.Session().Run("rank create array=A7", io.Discard))
	require.NoError(t, l.Session().Run("time advance by=1h", io.Discard))
	require.NoError(t, l.Close())
	transcript, err := labfile.Export(dir)
	require.NoError(t, err)
	require.Len(t, transcript.Steps, 7)
	read, err := console.ParseTranscript("lab.txt", transcript.String())
	require.NoError(t, err, transcript.String())
	result := console.Play(read, nil)
	require.True(t, result.Passed(), "%v", result.Difference)
	require.Equal(t, 7, result.Commands)
}

// TestALabThatReadAFileIsNoTranscript: a transcript has no files of the host.
func TestALabThatReadAFileIsNoTranscript(t *testing.T) {
	t.Parallel()
	_, maker := create(t, labfile.Options{}, small...)
	pem, err := maker.Session().Lab().Customer().Authority("customer")
	require.NoError(t, err)
	dir, l := create(t, labfile.Options{ReadFile: func(string) ([]byte, error) { return pem, nil }}, small...)
	require.NoError(t, l.Session().Run("keymgr make addr=192.0.2.9 certificate=own.pem", io.Discard))
	require.NoError(t, l.Close())
	_, err = labfile.Export(dir)
	require.ErrorContains(t, err, "entry 6 (keymgr make")
}
