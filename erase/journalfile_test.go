package erase

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
	"github.com/seed-9d983aeb/fdelab/internal/filelock"
)

// disk is a file in memory whose k-th operation fails; a write then writes half.
type disk struct {
	data []byte
	at   int
	fail int // -1: none
	ops  []string
	read error // of the next read
}

var errDisk = errors.New("input/output error")

func (d *disk) op(name string) error {
	d.ops = append(d.ops, name)
	if len(d.ops)-1 == d.fail {
		return errDisk
	}
	return nil
}

func (d *disk) Read(p []byte) (int, error) {
	if d.read != nil {
		return 0, d.read
	}
	if d.at == len(d.data) {
		return 0, io.EOF
	}
	n := copy(p, d.data[d.at:])
	d.at += n
	return n, nil
}

func (d *disk) Write(p []byte) (int, error) {
	err := d.op("write")
	if err != nil {
		p = p[:len(p)/2]
	}
	d.data = append(d.data[:d.at], p...)
	d.at = len(d.data)
	return len(p), err
}

func (d *disk) Seek(offset int64, _ int) (int64, error) {
	d.at = int(offset)
	return offset, d.op("seek")
}

func (d *disk) Truncate(size int64) error {
	d.data = d.data[:size]
	return d.op("truncate")
}

func (d *disk) Sync() error { return d.op("sync") }

func (d *disk) Close() error { return d.op("close") }

func TestAnEntryIsSyncedBeforeAppendReturns(t *testing.T) {
	d := &disk{fail: -1}
	j := &FileJournal{f: d}
	_, err := j.load(journalMax)
	require.NoError(t, err)
	require.Equal(t, []string{"truncate", "seek", "write", "sync"}, d.ops, "the header of a new journal")
	d.ops = nil
	e := Entry{Event: eventBegin, Serial: "A", Method: DriveErase}
	require.NoError(t, j.Append(e))
	require.Equal(t, []string{"write", "sync"}, d.ops)
	line, err := encodeLine(e)
	require.NoError(t, err)
	require.Equal(t, journalHeader+string(line), string(d.data))

	d = &disk{fail: -1, data: d.data}
	j = &FileJournal{f: d}
	written, err := j.load(journalMax)
	require.NoError(t, err)
	require.False(t, written)
	require.Empty(t, d.ops, "a whole journal is not written to when it is opened")
	require.NoError(t, j.Append(e))
	require.Equal(t, journalHeader+string(line)+string(line), string(d.data), "and goes on at its end")
	require.NoError(t, j.Close())
	d.fail = len(d.ops)
	require.ErrorIs(t, j.Close(), errDisk)
}

func TestAJournalThatCouldNotBeWrittenIsNotOpened(t *testing.T) {
	for _, data := range []string{"", journalHeader[:5], journalHeader + "torn"} {
		for k := 0; ; k++ {
			d := &disk{fail: k, data: []byte(data)}
			j := &FileJournal{f: d}
			if _, err := j.load(journalMax); k < len(d.ops) {
				require.ErrorIs(t, err, errDisk, "%q: %v fails", data, d.ops)
				continue
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, "sync", d.ops[len(d.ops)-1])
			require.Equal(t, journalHeader, string(d.data))
			require.Greater(t, k, 2)
			break
		}
	}
}

// TestAJournalIsLockedThenReadThenItsNameIsMadeSafe, the latter where it was written only.
func TestAJournalIsLockedThenReadThenItsNameIsMadeSafe(t *testing.T) {
	errLock, errFolder := errors.New("no locks here"), errors.New("no folder")
	for name, c := range map[string]struct {
		data               string
		lock, read, folder error
		want               error
		synced             int
	}{
		"new":                          {synced: 1},
		"torn":                         {data: journalHeader + "torn", synced: 1},
		"whole":                        {data: journalHeader},
		"in use":                       {lock: fmt.Errorf("lock: %w", filelock.ErrHeld), want: ErrJournalInUse},
		"no lock to be had":            {lock: errLock, want: errLock},
		"cannot be read":               {read: errDisk, want: errDisk},
		"the folder cannot be written": {folder: errFolder, want: errFolder, synced: 1},
		"whole, whatever the folder":   {data: journalHeader, folder: errFolder},
	} {
		d := &disk{fail: -1, data: []byte(c.data), read: c.read}
		synced := 0
		err := (&FileJournal{f: d}).take(func() error { return c.lock }, func() error { synced++; return c.folder })
		require.ErrorIs(t, err, c.want, name)
		require.Equal(t, c.synced, synced, name)
		if c.lock != nil || c.read != nil {
			require.Empty(t, d.ops, name)
		}
	}
}

// TestAJournalThatIsTooLongIsRefused, before it is taken apart.
func TestAJournalThatIsTooLongIsRefused(t *testing.T) {
	load := func(most int) error {
		d := &disk{fail: -1, data: []byte(journalHeader)}
		_, err := (&FileJournal{f: d}).load(most)
		require.Empty(t, d.ops)
		return err
	}
	require.NoError(t, load(len(journalHeader)))
	require.EqualError(t, load(len(journalHeader)-1), fmt.Sprintf("longer than %d bytes", len(journalHeader)-1))
}

// After an append that failed, nobody knows where the file ends, and nothing is
// appended behind it.
func TestAJournalWhoseDiskFailsTakesNoMore(t *testing.T) {
	e := Entry{Event: eventBegin, Serial: "A", Method: DriveErase}
	for fail, name := range []string{"write", "sync"} {
		d := &disk{fail: -1}
		j := &FileJournal{f: d}
		_, err := j.load(journalMax)
		require.NoError(t, err)
		require.NoError(t, j.Append(e))
		d.fail = len(d.ops) + fail
		err = j.Append(Entry{Event: eventBegin, Serial: "B", Method: DriveErase})
		require.EqualError(t, err, "erase: append to journal: input/output error", name)
		require.ErrorIs(t, err, errDisk)
		require.Equal(t, name, d.ops[d.fail])
		data, ops := bytes.Clone(d.data), len(d.ops)
		require.EqualError(t, j.Append(e), err.Error(), "refused with the first error")
		require.Len(t, d.ops, ops, "and nothing is written")
		require.Equal(t, data, d.data)
		entries, err := j.Entries()
		require.NoError(t, err)
		require.Equal(t, []Entry{e}, entries, "what was not safe is no entry")
	}
}

func TestADriveIsNotErasedWithoutASafeLine(t *testing.T) {
	for fail, name := range []string{"write", "sync"} {
		b, job := locked(t, "F1", nil)
		d := &disk{fail: 4 + fail}
		j := &FileJournal{f: d}
		_, err := j.load(journalMax)
		require.NoError(t, err)
		_, err = withJournal(t, j).Run(context.Background(), []Job{job})
		require.ErrorIs(t, err, errDisk, name)
		require.Equal(t, drive.Configured, b.Status().State)
		b.as(drive.BandMaster(0), pin(1), func(s drive.Session) error { return s.Unlock() })
		require.Equal(t, customer, b.read(100), "its data is as it was")
	}
}

func TestAJournalThatCannotBeOpenedIsAClearError(t *testing.T) {
	dir := t.TempDir()
	_, err := OpenJournal(filepath.Join(dir, "none", "journal"))
	require.ErrorContains(t, err, "erase: open journal: ")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = OpenJournal(dir)
	require.ErrorContains(t, err, "erase: open journal: ")
}

// Entries are the caller's own: who changes them changes no journal.
func TestEntriesAreACopy(t *testing.T) {
	j := &FileJournal{f: &disk{fail: -1}}
	_, err := j.load(journalMax)
	require.NoError(t, err)
	require.NoError(t, j.Append(Entry{Event: eventBegin, Serial: "A", Method: DriveErase}))
	entries, _ := j.Entries()
	entries[0].Serial = "B"
	entries, _ = j.Entries()
	require.Equal(t, "A", entries[0].Serial)
}

// testdata/journal.jsonl holds an entry of each kind, with every field. Journals outlive
// the program that wrote them: it reads as these entries, and they are written so.
func TestAJournalIsWrittenAsItWas(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 500, time.UTC)
	result := &Result{
		Serial: "GOLD1", Model: "Test SED", Method: RangeErase, Range: 2, Outcome: Passed,
		Checks: []Check{{Name: CheckCommand, Verdict: Pass, Why: "accepted"}, {Name: CheckCredential, Verdict: NotPossible, Why: "no <credential> & none"}}, Validation: []Check{{Name: PointMedium, Verdict: Pass, Why: "it can be read"}},
		Attempts: 2, Started: at, Ended: at.Add(time.Second),
	}
	failed := *result
	failed.Outcome, failed.Why, failed.Checks, failed.Validation = Failed, "security degraded", []Check{{Name: CheckSearch, Verdict: Fail, Why: "found"}}, nil
	want := []Entry{
		{Event: eventLook, Time: at, Serial: "GOLD1", Method: RangeErase, Range: 2, Locks: []LockSetting{{Range: 2, LockOnReset: drive.OnHardware}}},
		{
			Event: eventBegin, Time: at, Serial: "GOLD1", Method: RangeErase, Range: 2, Prints: forensic.Prints{1, 1<<63 | 0xFE}, Locks: []LockSetting{{Range: 1}},
			Canaries: []Canary{{LBA: 1 << 40, Plain: bytes.Repeat([]byte{0xA5}, 32), Cipher: bytes.Repeat([]byte{1, 2}, 16)}},
		},
		{Event: eventEnd, Time: at, Serial: "GOLD1", Method: RangeErase, Range: 2, Result: &failed},
		{Event: eventEnd, Time: at, Serial: "GOLD1", Method: RangeErase, Range: 2, Result: result, Generation: 7, Media: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{Event: eventBegin, Time: at, Serial: "GOLD2", Method: PSIDRevert},
	}
	c := certificate(t)
	want[3].Result.Certificate = c
	text := []byte(journalHeader)
	for _, e := range want {
		line, err := encodeLine(e)
		require.NoError(t, err)
		text = append(text, line...)
	}
	golden(t, "journal.jsonl", text)
	got, good, err := parseJournal(text)
	require.NoError(t, err)
	require.Equal(t, len(text), good)
	require.Equal(t, want, got)
}

// JSON has no times outside the years 0 to 9999.
func TestAnEntryWhoseTimeJSONCannotHoldIsNotWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := openJournal(t, path)
	err := j.Append(Entry{Event: eventBegin, Serial: "Y1", Method: DriveErase, Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)})
	require.ErrorContains(t, err, "erase: append to journal: ")
	require.NoError(t, j.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, journalHeader, string(b))
}
