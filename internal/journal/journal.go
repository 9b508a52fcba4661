package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/seed-9d983aeb/fdelab/internal/filelock"
)

// File is what a journal needs of an *os.File.
type File interface {
	io.ReadWriteSeeker
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Form is what a sort of journal has in common.
type Form struct {
	Header string // the first line, with its end
	What   string // the sort, for messages: "an erase journal"
	Most   int    // the longest file that is read, in bytes
	// Each takes the entries of a file as it is loaded, in order. An error refuses the file.
	Each func(Entry) error
	// Torn says what becomes of a last line that is not as it was written, as a crash leaves it: nil cuts it off,
	// an error refuses the file. It may be nil, which cuts off.
	Torn func(*LineError) error
	// Begun says that there must be a whole header: a file that has none is refused, and none is made.
	Begun bool
}

// Entry is one entry of a file.
type Entry struct {
	Line int             // its line in the file; the header is line 1
	At   int             // where that begins, in bytes from 0
	Text json.RawMessage // the entry itself
}

// ErrCorrupt is wrapped by the errors of a line that is not as it was written, ErrEnd by those of one that has
// no end.
var (
	ErrCorrupt = errors.New("corrupt")
	ErrEnd     = errors.New("the file ends within it")
)

// LineError says in which line a file is wrong.
type LineError struct {
	Line, At int // as of Entry
	Err      error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap gives what is wrong with the line.
func (e *LineError) Unwrap() error { return e.Err }

// Log is a journal that is open. It belongs to one goroutine.
type Log struct {
	f     File
	whole int64 // bytes of the file that are entries
	err   error // sticky: after a failed write the end of the file is unknown
}

// Open opens the file at path, or makes it (mode 0600), and keeps others out of it until Close. It gives
// filelock.ErrHeld where somebody else has it.
func Open(path string, form Form) (*Log, error) {
	mode := os.O_RDWR
	if !form.Begun {
		mode |= os.O_CREATE
	}
	f, err := os.OpenFile(path, mode, 0o600)
	if err != nil {
		return nil, err
	}
	l, err := open(f, path, form)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return l, nil
}

func open(f *os.File, path string, form Form) (*Log, error) {
	if err := filelock.Take(f); err != nil {
		return nil, err
	}
	l, wrote, err := Load(f, form)
	if err != nil || !wrote {
		return l, err
	}
	return l, SyncFolder(filepath.Dir(path))
}

// SyncFolder makes the names in a folder safe.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Load reads a file that the caller has opened, at its beginning, and makes its end fit to append to;
// wrote says that this took a write, so that the name of the file has to be made safe.
func Load(f File, form Form) (l *Log, wrote bool, err error) {
	data, err := io.ReadAll(io.LimitReader(f, int64(form.Most)+1))
	if err != nil {
		return nil, false, err
	}
	if len(data) > form.Most {
		return nil, false, fmt.Errorf("longer than %d bytes", form.Most)
	}
	good, err := Parse(data, form)
	if err != nil {
		return nil, false, err
	}
	l = &Log{f: f, whole: int64(max(good, len(form.Header)))}
	if good == len(data) && good > 0 {
		return l, false, nil // it was read to its end, so that is where it goes on
	}
	if err := f.Truncate(int64(good)); err != nil {
		return nil, true, err
	}
	if _, err := f.Seek(int64(good), io.SeekStart); err != nil {
		return nil, true, err
	}
	if good == 0 {
		if _, err := io.WriteString(f, form.Header); err != nil {
			return nil, true, err
		}
	}
	return l, true, f.Sync() // before an entry is appended behind what was cut off
}

// Parse reads the entries of data and says how many of its bytes are good. Behind them there is at most
// a line that a crash tore. Where not even the header is whole, good is 0.
func Parse(data []byte, form Form) (good int, err error) {
	if len(data) < len(form.Header) && bytes.HasPrefix([]byte(form.Header), data) && !form.Begun {
		return 0, nil
	}
	if !bytes.HasPrefix(data, []byte(form.Header)) {
		return 0, errors.New("not " + form.What + ": line 1 is not " + form.Header[:len(form.Header)-1])
	}
	good = len(form.Header)
	for n := 2; good < len(data); n++ {
		end := bytes.IndexByte(data[good:], '\n')
		var text json.RawMessage
		if err = ErrEnd; end >= 0 {
			text, err = decode(data[good : good+end])
		}
		// A crash may tear the last line. What its check sum holds for was written so.
		if err != nil && (end < 0 || good+end+1 == len(data)) {
			if form.Torn == nil {
				return good, nil
			}
			return good, form.Torn(&LineError{Line: n, At: good, Err: err})
		}
		if err == nil {
			err = form.Each(Entry{Line: n, At: good, Text: text})
		}
		if err != nil {
			return 0, &LineError{Line: n, At: good, Err: err}
		}
		good += end + 1
	}
	return good, nil
}

// line is one line of the file: the entry, and the CRC-32C of its bytes.
type line struct {
	Sum   uint32          `json:"crc32c"`
	Entry json.RawMessage `json:"entry"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func decode(b []byte) (json.RawMessage, error) {
	var l line
	if err := Strict(b, &l); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if crc32.Checksum(l.Entry, castagnoli) != l.Sum {
		return nil, fmt.Errorf("%w: the checksum does not fit", ErrCorrupt)
	}
	return l.Entry, nil
}

// Strict reads one JSON value that has the fields of v and no other, and nothing behind it.
func Strict(b []byte, v any) error {
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

// Line is the line of an entry, with its end. entry is one JSON value without line ends.
func Line(entry []byte) []byte {
	return fmt.Appendf(nil, "{\"crc32c\":%d,\"entry\":%s}\n", crc32.Checksum(entry, castagnoli), entry)
}

// Append adds an entry, one JSON value without line ends, and returns when it is safe.
func (l *Log) Append(entry []byte) error {
	if l.err != nil {
		return l.err
	}
	text := Line(entry)
	if _, l.err = l.f.Write(text); l.err == nil {
		l.err = l.f.Sync()
	}
	if l.err != nil {
		l.cutBack()
		return l.err
	}
	l.whole += int64(len(text))
	return nil
}

// cutBack takes away what a failed Append left, as on a full disk, so that the file is whole where that works. Where it
// does not, the file ends as a crash leaves it, and whoever opens it judges that end.
func (l *Log) cutBack() {
	if l.f.Truncate(l.whole) == nil {
		_ = l.f.Sync()
	}
}

// Wrap puts another file in place of the one that is open, such as one whose disk fails.
func (l *Log) Wrap(with func(File) File) { l.f = with(l.f) }

// Close closes the file.
func (l *Log) Close() error { return l.f.Close() }
