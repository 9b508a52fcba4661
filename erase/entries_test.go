package erase

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
	"github.com/seed-9d983aeb/fdelab/internal/journal"
)

// memory is a journal in memory: its entries never went through a parser.
type memory struct{ entries []Entry }

func (m *memory) Entries() ([]Entry, error) { return append([]Entry(nil), m.entries...), nil }

func (m *memory) Append(e Entry) error {
	m.entries = append(m.entries, e)
	return nil
}

func canary(n int) Canary { return Canary{LBA: 7, Plain: make([]byte, n), Cipher: make([]byte, n)} }

func TestAJournalWithAnEntryThatNobodyWroteIsRefused(t *testing.T) {
	result := func(change func(*Result)) *Result {
		r := &Result{Serial: "N1", Method: DriveErase, Outcome: Passed, Checks: []Check{}}
		change(r)
		return r
	}
	for _, c := range []struct {
		name  string
		entry Entry
		want  string
		fits  bool // wrong for this drive only
	}{
		{"an odd canary", Entry{Event: eventBegin, Canaries: []Canary{canary(32), {Plain: []byte{1}, Cipher: []byte{2}}}}, "canary 2 has 1 bytes of plaintext and 1 of ciphertext, need 32 of both", false},
		{"an empty canary", Entry{Event: eventBegin, Canaries: []Canary{{}}}, "canary 1 has 0 bytes of plaintext and 0 of ciphertext, need 32 of both", false},
		{"a canary of 16 bytes", Entry{Event: eventBegin, Canaries: []Canary{canary(16)}}, "canary 1 has 16 bytes", false},
		{"a canary longer than a sector", Entry{Event: eventBegin, Canaries: []Canary{canary(1 << 10)}}, "canary 1 has 1024 bytes", false},
		{"a canary of two lengths", Entry{Event: eventBegin, Canaries: []Canary{{Plain: make([]byte, 32), Cipher: make([]byte, 48)}}}, "canary 1 has 32 bytes of plaintext and 48", false},
		{"a canary beyond the drive", Entry{Event: eventBegin, Canaries: []Canary{{LBA: 4096, Plain: make([]byte, 32), Cipher: make([]byte, 32)}}}, "a canary at LBA 4096 of drive N1, which has 4096 sectors: the journal is of another drive", true},
		{"a range beyond the drive", Entry{Event: eventBegin, Method: RangeErase, Range: 3}, "range 3 of drive N1, whose last is 2", true},
		{"locks beyond the drive", Entry{Event: eventLook, Locks: []LockSetting{{Range: 3}}}, "locks of range 3 of drive N1, whose last is 2", true},
		{"a negative range", Entry{Event: eventBegin, Range: -1}, "range -1, need 0 or more", false},
		{"no resets", Entry{Event: eventLook, Locks: []LockSetting{{LockOnReset: 8}}}, "lock setting 0x8 of range 0", false},
		{"an unknown event", Entry{Event: "pause"}, "need an event look, begin, or end with a result", false},
		{"an unknown method", Entry{Event: eventBegin, Method: "burn"}, `method "burn", need "range erase"`, false},
		{"an end without a result", Entry{Event: eventEnd}, "end with a result", false},
		{"a begin with a result", Entry{Event: eventBegin, Result: result(func(*Result) {})}, "end with a result", false},
		{"an end with canaries", Entry{Event: eventEnd, Result: result(func(*Result) {}), Canaries: []Canary{canary(32)}}, "canaries or prints with the event end", false},
		{"the result of another drive", Entry{Event: eventEnd, Result: result(func(r *Result) { r.Serial = "N2" })}, `the result is of drive "N2"`, false},
		{"an unknown outcome", Entry{Event: eventEnd, Result: result(func(r *Result) { r.Outcome = "fine" })}, `the result is "fine"`, false},
		{"an unknown verdict", Entry{Event: eventEnd, Result: result(func(r *Result) { r.Checks = []Check{{Name: "state", Verdict: "?"}} })}, `the verdict of check "state" is "?"`, false},
		{"passed with a failed check", Entry{Event: eventEnd, Result: result(func(r *Result) { r.Checks = []Check{{Name: "state", Verdict: Fail}} })}, `the result is passed, and its check "state" failed`, false},
		{"a media sum", Entry{Event: eventEnd, Result: result(func(*Result) {}), Media: "abc"}, "the media sum is not", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, job := locked(t, "N1", nil)
			before := b.Status()
			c.entry.Serial = "N1"
			if c.entry.Method == "" {
				c.entry.Method = DriveErase
			}
			m := &memory{entries: []Entry{{Event: eventBegin, Serial: "OTHER", Method: DriveErase}, c.entry}}
			_, err := withJournal(t, m).Run(context.Background(), []Job{job})
			require.ErrorContains(t, err, "erase: journal: entry 2: ")
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "\n")
			require.Equal(t, before, b.Status(), "the drive is as it was")
			require.Len(t, m.entries, 2, "and the journal, too")
			if c.fits {
				return
			}
			// The same in a file, with a checksum that holds: nothing tore this line.
			path := filepath.Join(t.TempDir(), "journal")
			line, err := encodeLine(c.entry)
			require.NoError(t, err)
			data := append([]byte(journalHeader), line...)
			require.NoError(t, os.WriteFile(path, data, 0o600))
			_, err = OpenJournal(path)
			require.ErrorContains(t, err, "erase: journal "+path+": line 2: ")
			require.ErrorContains(t, err, c.want)
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, data, after, "a file that is refused is not changed")
			j := openJournal(t, filepath.Join(t.TempDir(), "new"))
			require.Error(t, j.Append(c.entry), "nor is such a line ever written")
			require.NoError(t, j.Append(Entry{Event: eventBegin, Serial: "N1", Method: DriveErase}), "and the journal goes on")
		})
	}
}

// The entries of a drive may name its last range and its last sector.
func TestAnEntryFitsUpToTheEndOfItsDrive(t *testing.T) {
	cfg := drive.Config{Serial: "N1", Ranges: 2, Sectors: 100}
	end := func(lba uint64) Entry { return Entry{Canaries: []Canary{{LBA: lba}}} }
	for _, c := range []struct {
		e  Entry
		ok bool
	}{
		{Entry{Range: 2}, true},
		{Entry{Range: 3}, false},
		{Entry{Locks: []LockSetting{{Range: 2}}}, true},
		{Entry{Locks: []LockSetting{{Range: 3}}}, false},
		{end(99), true},
		{end(100), false},
	} {
		require.Equal(t, c.ok, c.e.fits(cfg) == nil, "%+v", c.e)
	}
	sum := strings.Repeat("0a", 32)
	res := Result{Serial: "N1", Method: DriveErase, Outcome: Passed}
	for _, c := range []struct {
		e  Entry
		ok bool
	}{
		{Entry{Event: eventEnd, Result: &res, Media: sum}, true},
		{Entry{Event: eventEnd, Result: &res, Media: sum[:62]}, false},
		{Entry{Event: eventEnd, Result: &res, Media: "x" + sum[1:]}, false},
		{Entry{Event: eventBegin, Media: sum}, false},
		{Entry{Event: eventBegin, Generation: 1}, false},
		{Entry{Event: eventLook, Locks: []LockSetting{{LockOnReset: drive.OnPowerCycle | drive.OnHardware | drive.OnHotPlug}}}, true},
		{Entry{Event: eventLook, Prints: forensic.Prints{1}}, false},
		{Entry{Event: eventEnd, Result: &res, Locks: []LockSetting{{}}}, false},
	} {
		c.e.Serial, c.e.Method = "N1", DriveErase
		require.Equal(t, c.ok, c.e.check() == nil, "%+v: %v", c.e, c.e.check())
	}
	res.Validation = []Check{{Name: PointMedium, Verdict: Fail}}
	e := Entry{Event: eventEnd, Serial: "N1", Method: DriveErase, Result: &res}
	require.EqualError(t, e.check(), `the result is passed, and its validation does not hold for "medium"`)
	res.Outcome = NotAccepted
	require.NoError(t, e.check())
	res.Range = 1
	require.ErrorContains(t, e.check(), "the result is of drive")
}

// FuzzRunFromJournal: no journal makes the engine panic, or call a drive erased
// that it did not erase.
func FuzzRunFromJournal(f *testing.F) {
	for _, e := range []Entry{
		{Event: eventBegin, Serial: "F1", Method: DriveErase, Canaries: []Canary{canary(32)}, Prints: []uint64{1, 2}},
		{Event: eventLook, Serial: "F1", Method: DriveErase, Locks: []LockSetting{{Range: 0}}},
		{Event: eventEnd, Serial: "F1", Method: DriveErase, Generation: 3, Result: &Result{Serial: "F1", Method: DriveErase, Outcome: Passed, Checks: []Check{}}},
		{Event: eventEnd, Serial: "F1", Method: PSIDRevert, Result: &Result{Serial: "F1", Method: PSIDRevert, Outcome: Failed, Checks: []Check{{Name: CheckCommand, Verdict: Fail}}}},
	} {
		b, err := json.Marshal(e)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add([]byte(`{"event":"begin","serial":"F1","method":"drive erase","range":0,"time":"2026-01-01T00:00:00Z","canaries":[{"lba":1,"plain":"AQ==","cipher":"Ag=="}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, entry []byte) {
		var compact bytes.Buffer
		if json.Compact(&compact, entry) != nil {
			return // not JSON: FuzzParseJournal has those
		}
		past, _, err := parseJournal(append([]byte(journalHeader), journal.Line(compact.Bytes())...))
		raw := Entry{}
		if err != nil {
			// What the parser refuses the engine refuses, too.
			if json.Unmarshal(entry, &raw) != nil {
				return
			}
			past = []Entry{raw}
		}
		b, job := locked(t, "F1", nil)
		rep, err := withJournal(t, &memory{entries: past}).Run(context.Background(), []Job{job})
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			require.Equal(t, drive.Configured, b.Status().State, "refused before anything was touched")
			return
		}
		if o := rep.Results[0].Outcome; o == Passed || o == AlreadyErased {
			require.Equal(t, drive.Erased, b.Status().State)
			require.NotEqual(t, customer, b.read(100))
		}
	})
}

// holes is a drive some of whose sectors cannot be read once it is erased.
type holes struct {
	*drive.Drive
	bad func(lba uint64) bool
}

func (h holes) Read(lba uint64, dst []byte) error {
	if h.Status().State == drive.Erased && h.bad(lba) {
		return &drive.StatusError{Op: "read", Code: drive.MediaFailure, Err: errors.New("a hole")}
	}
	return h.Drive.Read(lba, dst)
}

func TestASectorThatCannotBeReadProvesNothing(t *testing.T) {
	bands := func(t *testing.T) (*bench, Job) {
		b := newBench(t, "H1", nil, nil)
		job := Job{Target: b.Drive, Method: DriveErase}
		for n := range 3 {
			b.configure(n, pin(byte(10*n+1)))
			job.Owner = append(job.Owner, Credential{Range: n, PIN: pin(byte(10*n + 1))})
		}
		return b, job
	}
	for _, c := range []struct {
		name        string
		bad         func(lba uint64) bool
		verdict     Verdict
		why, signed string
	}{
		{"none", func(uint64) bool { return false }, Pass, "3 known sectors read differently", "plaintext,"},
		{"one", func(lba uint64) bool { return lba == 1000 }, Pass, "2 of 3 known sectors read differently; nothing is proved of 1 that cannot be read: LBA 1000", "plaintext (2 of 3 sectors; the others cannot be read),"},
		{"all but one", func(lba uint64) bool { return lba != 100 }, Pass, "1 of 3 known sectors read differently; nothing is proved of 2 that cannot be read: LBA 1000, LBA 2000", "plaintext (1 of 3 sectors; the others cannot be read),"},
		{"all", func(uint64) bool { return true }, NotPossible, "none of 3 known sectors can be read, so this check proves nothing: LBA 100, LBA 1000, LBA 2000", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, job := bands(t)
			job.Target = holes{b.Drive, c.bad}
			r := run1(t, job)
			require.Equal(t, Passed, r.Outcome, "the flash gives the evidence: %s", text(r))
			verdict(t, r, CheckPlaintext, c.verdict)
			check, _ := r.Check(CheckPlaintext)
			require.Equal(t, c.why, check.Why)
			require.Contains(t, text(r), c.why, "the report says so")
			if c.signed == "" {
				require.NotContains(t, r.Certificate.Statement.Verification.Checks, "plaintext", "the certificate claims nothing of it")
				return
			}
			require.Contains(t, r.Certificate.Statement.Verification.Checks, c.signed)
		})
	}
}
