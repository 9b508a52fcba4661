package erase

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
	"github.com/seed-9d983aeb/fdelab/internal/filelock"
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

// line is one line of the file: the entry and the CRC-32C of its bytes.
type line struct {
	Sum   uint32          `json:"crc32c"`
	Entry json.RawMessage `json:"entry"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// FileJournal is a journal in a file: JSON lines, each with a checksum, synced
// before Append returns. After a crash the file may end in a torn line; it is
// cut off when the file is opened.
type FileJournal struct {
	mu      sync.Mutex
	f       JournalFile
	entries []Entry
	err     error // sticky: after a failed write the end of the file is unknown
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
// left as it is.
func OpenJournal(path string) (*FileJournal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("erase: open journal: %w", err)
	}
	j := &FileJournal{f: f}
	lock := func() error { return filelock.Take(f) }
	if err := j.take(lock, func() error { return syncDir(filepath.Dir(path)) }); err != nil {
		_ = f.Close()
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

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// load reads the file, of most bytes or fewer, and makes its end fit to append to; written says
// that this took a write.
func (j *FileJournal) load(most int) (written bool, err error) {
	data, err := io.ReadAll(io.LimitReader(j.f, int64(most)+1))
	if err != nil {
		return false, err
	}
	if len(data) > most {
		return false, fmt.Errorf("longer than %d bytes", most)
	}
	entries, good, err := parseJournal(data)
	if err != nil {
		return false, err
	}
	j.entries = entries
	if good == len(data) && good > 0 {
		return false, nil // it was read to its end, so that is where it goes on
	}
	if err := j.f.Truncate(int64(good)); err != nil {
		return true, err
	}
	if _, err := j.f.Seek(int64(good), io.SeekStart); err != nil {
		return true, err
	}
	if good == 0 {
		if _, err := io.WriteString(j.f, journalHeader); err != nil {
			return true, err
		}
	}
	return true, j.f.Sync() // before an entry is appended behind what was cut off
}

// parseJournal reads entries and says how many bytes of data are good. Behind them there is at most
// a line that a crash tore.
func parseJournal(data []byte) (entries []Entry, good int, err error) {
	if len(data) < len(journalHeader) && bytes.HasPrefix([]byte(journalHeader), data) {
		return nil, 0, nil
	}
	if !bytes.HasPrefix(data, []byte(journalHeader)) {
		return nil, 0, errors.New("not an erase journal: line 1 is not " + journalHeader[:len(journalHeader)-1])
	}
	good = len(journalHeader)
	for n := 2; good < len(data); n++ {
		end := bytes.IndexByte(data[good:], '\n')
		if end < 0 {
			break
		}
		e, err := parseLine(data[good : good+end])
		if err != nil {
			// A crash may tear the last line. What its checksum holds for was written so.
			if good+end+1 == len(data) && errors.Is(err, errCorrupt) {
				break
			}
			return nil, 0, fmt.Errorf("line %d: %w", n, err)
		}
		entries = append(entries, e)
		good += end + 1
	}
	return entries, good, nil
}

// errCorrupt is wrapped by the errors of a line that is not as it was written.
var errCorrupt = errors.New("corrupt")

func parseLine(b []byte) (Entry, error) {
	var l line
	var e Entry
	if err := strictJSON(b, &l); err != nil {
		return e, fmt.Errorf("%w: %w", errCorrupt, err)
	}
	if crc32.Checksum(l.Entry, castagnoli) != l.Sum {
		return e, fmt.Errorf("%w: the checksum does not fit", errCorrupt)
	}
	if err := strictJSON(l.Entry, &e); err != nil {
		return e, fmt.Errorf("not an entry: %w", err)
	}
	if err := e.check(); err != nil {
		return e, err
	}
	return e, nil
}

func strictJSON(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if dec.InputOffset() != int64(len(b)) {
		return errors.New("trailing data")
	}
	return nil
}

// encodeLine is one line with its end. It fails where the time is outside the years 0 to 9999,
// which JSON cannot hold.
func encodeLine(e Entry) ([]byte, error) {
	entry, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "{\"crc32c\":%d,\"entry\":%s}\n", crc32.Checksum(entry, castagnoli), entry), nil
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
	if j.err != nil {
		return j.err
	}
	if err := e.check(); err != nil { // a journal with such a line could not be opened again
		return fmt.Errorf("erase: append to journal: %w", err)
	}
	b, err := encodeLine(e)
	if err == nil {
		_, err = j.f.Write(b)
	}
	if err == nil {
		// Append promises it: a drive is not touched before its entry is safe, and is not reported before
		// its end is.
		err = j.f.Sync()
	}
	if err != nil {
		j.err = fmt.Errorf("erase: append to journal: %w", err)
		return j.err
	}
	j.entries = append(j.entries, e)
	return nil
}

// Close closes the file.
func (j *FileJournal) Close() error { return j.f.Close() }
