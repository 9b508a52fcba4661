package labfile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-9d983aeb/fdelab/internal/journal"
	"github.com/seed-9d983aeb/fdelab/raslab"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/dscli"
)

// Options is what a lab is opened with. What decides the lab itself is in its journal.
type Options struct {
	Release string // of this program, for people
	// ASCII, Color, Width, ReadFile and WriteFile are those of console.Options; nil: there are no files of the host.
	ASCII, Color bool
	Width        int
	ReadFile     func(name string) ([]byte, error)
	WriteFile    func(name string, data []byte) error
	// Program identifies this program byte for byte, such as by the SHA-256 of its file. A long lab then has a snapshot in
	// its directory, which only the very same program reads. nil: there is none.
	Program func() (string, error)
}

// Lab is a lab that is open. It belongs to one goroutine.
type Lab struct {
	dir     string
	options Options
	log     *journal.Log
	entries []Entry
	session *console.Session
	traced  map[*raslab.Lab]uint64 // how much of each facility's log is in the journal
	files   []File                 // those of the command that runs
	again   *replay                // while entries are played
	broken  error                  // why no command is taken any more
	sums    []sum                  // of the journal up to each entry
	program string                 // what snapshots are bound to; "": there are none
	snapped int                    // entries that are in the snapshot; 0: there is none
}

// replay is an entry that is played.
type replay struct {
	entry *Entry
	files []File // that are left of it
	err   error  // in what it differs
}

// PlayError says that this version of the program plays a lab otherwise than it was.
type PlayError struct {
	Dir     string
	Entry   int    // from 1
	Command string // of the entry
	Made    string // the release that made the lab
	Why     string
}

func (e *PlayError) Error() string {
	return fmt.Sprintf("lab %s: from entry %d on (%s) this version of fdelab plays it otherwise: %s; it was made by fdelab %s, and is as it was", e.Dir, e.Entry, e.Command, e.Why, e.Made)
}

// Create makes a lab in a new directory. It has no facility yet: the first command is lab new.
func Create(dir string, o Options) (*Lab, error) {
	made := Entry{Number: 1, Made: &Made{Release: o.Release}}
	if err := create(dir, []Entry{made}); err != nil {
		return nil, err
	}
	return Open(dir, o)
}

// create makes a directory with a journal of these entries.
func create(dir string, entries []Entry) (err error) {
	if err := os.Mkdir(dir, created); err != nil {
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("lab %s: there is such a file or folder already: a new name is right", dir)
		}
		return fmt.Errorf("lab %s: %w", dir, err)
	}
	file := filepath.Join(dir, journalName)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("lab %s: %w", dir, err), os.RemoveAll(dir))
		}
	}()
	l, err := journal.Open(file, journal.Form{Header: header, What: "a lab", Most: journalMax})
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, err := json.Marshal(e)
		if err == nil {
			err = l.Append(text)
		}
		if err != nil {
			return errors.Join(err, l.Close())
		}
	}
	return errors.Join(l.Close(), journal.SyncFolder(filepath.Dir(filepath.Clean(dir))))
}

// Open opens a lab and plays it again. The errors are *JournalError, *PlayError, ErrInUse, and those of the
// file system; the lab is then as it was.
func Open(dir string, o Options) (*Lab, error) {
	return open(dir, o, func(*Entry, *console.Session) {})
}

// Walk plays a lab, and gives each entry to after when it is done, and the session to end when all are. Neither may run
// a command in it. The lab is as it was.
func Walk(dir string, after func(*Entry, *console.Session), end func(*console.Session)) error {
	l, err := open(dir, Options{}, after)
	if err != nil {
		return err
	}
	end(l.session)
	return l.Close()
}

// open is Open, and gives each entry to played when it is done.
func open(dir string, o Options, played func(*Entry, *console.Session)) (*Lab, error) {
	l := &Lab{dir: dir, options: o}
	log, err := load(dir, func(e Entry, text []byte) error {
		l.add(e, text)
		return nil
	})
	if err != nil {
		return nil, err
	}
	l.log = log
	if len(l.entries) == 0 {
		return nil, errors.Join(fmt.Errorf("lab %s: its file %s does not say how it was made: it was never whole; remove the folder, and make it again", dir, journalName), log.Close())
	}
	l.identify()
	if l.resume() {
		err = l.play(l.snapped, played)
	}
	if l.snapped == 0 || err != nil {
		// A snapshot after which the journal plays otherwise is none.
		err = errors.Join(l.forget(), l.begin(played))
	}
	if err != nil {
		l.broken = err
		return nil, errors.Join(err, l.Close())
	}
	l.snap()
	return l, nil
}

func (l *Lab) sessionOptions() console.Options {
	return console.Options{
		ASCII: l.options.ASCII, Color: l.options.Color, Width: l.options.Width,
		ReadFile: l.readFile, WriteFile: l.writeFile, Keep: l.keepLine,
	}
}

// begin runs all commands of the journal.
func (l *Lab) begin(played func(*Entry, *console.Session)) error {
	l.session = console.NewSession(l.sessionOptions())
	l.traced, l.files = map[*raslab.Lab]uint64{}, nil
	played(&l.entries[0], l.session)
	return l.play(1, played)
}

// play runs the commands of the journal behind the first so many entries.
func (l *Lab) play(from int, played func(*Entry, *console.Session)) error {
	for i := range l.entries[from:] {
		e := &l.entries[from+i]
		l.again = &replay{entry: e, files: e.Files}
		if e.DSCLI != nil {
			_ = l.keep(Entry{DSCLI: e.DSCLI}, dscli.Again(*e.DSCLI, l.session.Lab, l.readFile))
		} else if err := l.session.Run(e.Line, io.Discard); l.again.entry != nil && l.again.err == nil {
			l.again.err = fmt.Errorf("it is not understood: %w", err)
		}
		if err := l.again.err; err != nil {
			return &PlayError{Dir: l.dir, Entry: e.Number, Command: e.Command(), Made: l.entries[0].Made.Release, Why: err.Error()}
		}
		played(e, l.session)
	}
	l.again = nil
	return nil
}

// Session is the command line of the lab. Each command that it runs is kept before it answers.
func (l *Lab) Session() *console.Session { return l.session }

// DSCLI is the storage administrator's command line over the facility at hand. Of o, Lab, Local and Keep are
// the lab's.
func (l *Lab) DSCLI(o dscli.Options) *dscli.Session {
	o.Lab, o.ReadFile, o.Keep = l.session.Lab, l.readFile, func(k dscli.Kept) error { return l.keep(Entry{DSCLI: &k}, k.Err) }
	return dscli.NewSession(o)
}

// Entries are those of the journal so far. The caller changes none.
func (l *Lab) Entries() []Entry { return l.entries[:len(l.entries):len(l.entries)] }

// Close closes the lab for another process.
func (l *Lab) Close() error {
	l.snap()
	if l.broken == nil {
		l.broken = fmt.Errorf("lab %s: it is closed", l.dir)
	}
	err := l.log.Close()
	if l.session != nil {
		err = errors.Join(err, l.session.Close())
	}
	return err
}

func (l *Lab) keepLine(line string, err error) error { return l.keep(Entry{Line: line}, err) }

// keep ends a command: it writes it down, or, where it is one of the journal, compares.
func (l *Lab) keep(e Entry, err error) error {
	if l.broken != nil {
		return l.broken
	}
	e.Verdict, e.Time, e.Trace = console.VerdictOf(err), l.now(), l.trace()
	e.Files, l.files = l.files, nil
	if l.again != nil {
		l.again.compare(&e)
		return nil
	}
	e.Number = len(l.entries) + 1
	text, err := json.Marshal(e)
	if err == nil {
		err = l.log.Append(text)
	}
	if err != nil {
		l.broken = fmt.Errorf("lab %s: the command is not kept, and no other is taken: %w", l.dir, err)
		return l.broken
	}
	l.add(e, text)
	return nil
}

// add has an entry, whose text this is, among those of the lab.
func (l *Lab) add(e Entry, text []byte) {
	h := sha256.New()
	if n := len(l.sums); n > 0 {
		h.Write(l.sums[n-1][:])
	}
	h.Write(text)
	l.entries, l.sums = append(l.entries, e), append(l.sums, sum(h.Sum(nil)))
}

// compare says in what a command that was played differs from its entry.
func (r *replay) compare(got *Entry) {
	want := r.entry
	r.entry = nil
	switch {
	case r.err != nil:
	case got.Line != want.Line:
		r.err = fmt.Errorf("it is understood as %s", got.Line)
	case got.Verdict != want.Verdict:
		r.err = fmt.Errorf("it is %s, and was %s", got.Verdict, want.Verdict)
	case !got.Time.Equal(want.Time):
		r.err = fmt.Errorf("it ends at %s, and ended at %s", got.Time.Format(time.DateTime), want.Time.Format(time.DateTime))
	case got.Trace != want.Trace:
		r.err = errors.New("the log of the facility says something else")
	case len(r.files) > 0:
		r.err = fmt.Errorf("it does not %s the file %s", r.files[0].Do, r.files[0].Name)
	}
}

// now is the virtual time of the facility at hand.
func (l *Lab) now() time.Time {
	if lab := l.session.Lab(); lab != nil {
		return lab.Now()
	}
	return time.Time{}
}

// trace is the hash of what the logs of the facilities have more than at the last command.
func (l *Lab) trace() string {
	sum := sha256.New()
	for _, lab := range l.session.Labs() {
		news := lab.TraceSince(l.traced[lab])
		if len(news) == 0 {
			continue
		}
		l.traced[lab] = news[len(news)-1].Seq
		field(sum, lab.Serial())
		for _, e := range news {
			field(sum, e.String())
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// field adds a text in such a way that two never run together.
func field(sum hash.Hash, text string) { fmt.Fprintf(sum, "%d:%s\n", len(text), text) }
