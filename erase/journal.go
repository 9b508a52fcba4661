package erase

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
	"github.com/seed-9d983aeb/fdelab/internal/filelock"
	"github.com/seed-9d983aeb/fdelab/internal/journal"
)

// Journal remembers which drives are under way and which are done. Append
// returns when the entry is safe against a power cut. A journal is used by one
// engine at a time; the engine calls it from one goroutine at a time.
type Journal interface {
	// Entries are those appended so far, oldest first, also in earlier runs.
	Entries() ([]Entry, error)
	Append(Entry) error
}

// Entry is one line of a journal. It holds no secret and nothing of the
// customer's data.
type Entry struct {
	// Event is "look" before LockOnReset of a range is changed so that the range can be
	// unlocked, "begin" before a drive is erased, "end" after it was judged.
	Event  string    `json:"event"`
	Time   time.Time `json:"time"`
	Serial string    `json:"serial"`
	Method Method    `json:"method"`
	Range  int       `json:"range"` // RangeErase only

	// Prints recognise the wraps that must go ("begin").
	Prints forensic.Prints `json:"prints,omitempty"`
	// Canaries are known plaintexts of the engine's own making ("begin").
	Canaries []Canary `json:"canaries,omitempty"`
	// Locks are settings that are to be set back: those that are about to be
	// changed ("look"), or could not be set back ("begin").
	Locks []LockSetting `json:"locks,omitempty"`

	// Result is how the drive ended ("end").
	Result *Result `json:"result,omitempty"`
	// Generation is the drive's key generation then: it tells whether anyone
	// has changed a key or credential since ("end").
	Generation uint32 `json:"generation,omitempty"`
	// Media is the SHA-256, in hexadecimal, of the sectors as they then lay on
	// the media: it tells whether anyone has written since ("end", passed).
	Media string `json:"media,omitempty"`
}

// Canary is a random plaintext and its ciphertext: the beginning of a sector.
type Canary struct {
	LBA    uint64 `json:"lba"`
	Plain  []byte `json:"plain"`
	Cipher []byte `json:"cipher"`
}

// LockSetting is LockOnReset of a range as its owner had it.
type LockSetting struct {
	Range       int            `json:"range"`
	LockOnReset drive.ResetSet `json:"lock_on_reset"`
}

// The events of a journal.
const (
	eventLook  = "look"
	eventBegin = "begin"
	eventEnd   = "end"
)

const (
	journalHeader = `{"journal":"fdelab erase 1"}` + "\n"
	journalMax    = 1 << 30
)

// FileJournal is a journal in a file: JSON lines, each with a checksum, synced
// before Append returns. After a crash the file may end in a torn line; it is
// cut off when the file is opened.
type FileJournal struct {
	mu      sync.Mutex
	f       JournalFile
	log     *journal.Log
	entries []Entry
}

var _ Journal = (*FileJournal)(nil)

// JournalFile is what a journal needs of an *os.File.
type JournalFile interface {
	io.ReadWriteSeeker
	Truncate(size int64) error
	Sync() error
	Close() error
}

// ErrJournalInUse means that another process, or another FileJournal of this one,
// has the journal open: two would overwrite each other's lines.
var ErrJournalInUse = errors.New("another process has it open; wait until it ends, or use another journal")

// OpenJournal opens the journal at path, or makes it (mode 0600), and keeps
// others out of it until Close. A file that is not a journal, or damaged
// elsewhere than in its last line, or in use (ErrJournalInUse), is refused and
// left as it is. A file that was made and cannot be written is removed again.
func OpenJournal(path string) (*FileJournal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	made := err == nil
	if errors.Is(err, fs.ErrExist) {
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("erase: open journal: %w", err)
	}
	j := &FileJournal{f: f}
	lock := func() error { return filelock.Take(f) }
	if err := j.take(lock, func() error { return journal.SyncFolder(filepath.Dir(path)) }); err != nil {
		if made && !errors.Is(err, ErrJournalInUse) {
			_ = os.Remove(path) // there is no run in it with which anybody could go on
		}
		_ = f.Close()
		var call *fs.PathError
		if errors.As(err, &call) && call.Path == path {
			err = call.Err // the name stands before it
		}
		return nil, fmt.Errorf("erase: journal %s: %w", path, err)
	}
	return j, nil
}

// LoadJournal is OpenJournal of a file that the caller has opened, at its beginning, and keeps others out
// of. syncFolder makes the name of a new file safe; it is called before LoadJournal returns. It is for
// disks that are not the host's, such as one that loses its power in a test.
func LoadJournal(f JournalFile, syncFolder func() error) (*FileJournal, error) {
	j := &FileJournal{f: f}
	if err := j.take(func() error { return nil }, syncFolder); err != nil {
		return nil, fmt.Errorf("erase: journal: %w", err)
	}
	return j, nil
}

// take loads the file once it is locked. syncFolder makes the name of a new file safe.
func (j *FileJournal) take(lock, syncFolder func() error) error {
	if err := lock(); errors.Is(err, filelock.ErrHeld) {
		return ErrJournalInUse
	} else if err != nil {
		return err
	}
	written, err := j.load(journalMax)
	if err != nil || !written {
		return err
	}
	return syncFolder()
}

// load reads the file, of most bytes or fewer, and makes its end fit to append to; written says
// that this took a write.
func (j *FileJournal) load(most int) (written bool, err error) {
	f := form(&j.entries)
	f.Most = most
	j.log, written, err = journal.Load(j.f, f)
	return written, err
}

// form is that of an erase journal, whose entries are added to entries.
func form(entries *[]Entry) journal.Form {
	return journal.Form{Header: journalHeader, What: "an erase journal", Most: journalMax, Each: func(line journal.Entry) error {
		e, err := parseEntry(line.Text)
		*entries = append(*entries, e)
		return err
	}}
}

func parseEntry(text []byte) (Entry, error) {
	var e Entry
	if err := journal.Strict(text, &e); err != nil {
		return e, fmt.Errorf("not an entry: %w", err)
	}
	return e, e.check()
}

// Entries implements Journal.
func (j *FileJournal) Entries() ([]Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]Entry(nil), j.entries...), nil
}

// Append implements Journal. After an error the journal takes no more: open it
// again.
func (j *FileJournal) Append(e Entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := e.check(); err != nil { // a journal with such a line could not be opened again
		return fmt.Errorf("erase: append to journal: %w", err)
	}
	// Append promises it: a drive is not touched before its entry is safe, and is not reported before its end
	// is. It fails where the time is outside the years 0 to 9999, which JSON cannot hold.
	b, err := json.Marshal(e)
	if err == nil {
		err = j.log.Append(b)
	}
	if err != nil {
		return fmt.Errorf("erase: append to journal: %w", err)
	}
	j.entries = append(j.entries, e)
	return nil
}

// Close closes the file.
func (j *FileJournal) Close() error { return j.f.Close() }
