package labfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-9d983aeb/fdelab/internal/filelock"
	"github.com/seed-9d983aeb/fdelab/internal/journal"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/dscli"
)

// Entry is one entry of a lab: the first says how it was made, each other is a command that was run.
type Entry struct {
	Number int   `json:"n"` // from 1
	Made   *Made `json:"made,omitempty"`

	Line  string      `json:"line,omitempty"`  // a command of package console, with all its values
	DSCLI *dscli.Kept `json:"dscli,omitempty"` // or one of package dscli

	Files   []File          `json:"files,omitempty"` // what the command read and wrote, in order
	Verdict console.Verdict `json:"verdict,omitempty"`
	Time    time.Time       `json:"time"` // virtual, of the facility at hand, when the command was done; zero without a facility
	// Trace is the SHA-256, in hexadecimal, of what the command added to the logs of the facilities.
	Trace string `json:"trace,omitempty"`
}

// Command is what was typed, on one line; "" for the first entry.
func (e *Entry) Command() string {
	if e.DSCLI != nil {
		return "dscli " + e.DSCLI.Line
	}
	return e.Line
}

// Made is how a lab was made.
type Made struct {
	Release string `json:"release"` // of the program, for people
}

// File is a file of the host that a command read or made.
type File struct {
	Do    string `json:"do"` // "read" or "write"
	Name  string `json:"name"`
	Data  []byte `json:"data,omitempty"`  // what was read
	Error string `json:"error,omitempty"` // "" if it went well
	// Missing says that there was no such file, upon which some commands go another way.
	Missing bool `json:"missing,omitempty"`
}

const (
	journalName = "journal"
	header      = `{"journal":"fdelab lab 1"}` + "\n"
	journalMax  = 1 << 30 // bytes
	created     = 0o700   // the folder
)

// JournalError says that the journal of a lab cannot be taken as it is.
type JournalError struct {
	Dir   string
	Entry int // from 1
	At    int // the byte at which the entry begins, from 0
	Err   error
}

func (e *JournalError) Error() string {
	return fmt.Sprintf("lab %s: entry %d, at byte %d of its file %s: %v", e.Dir, e.Entry, e.At, journalName, e.Err)
}

// Torn says that the file ends within the entry, as a loss of power leaves it: it was never answered.
func (e *JournalError) Torn() bool { return errors.Is(e.Err, journal.ErrEnd) }

// Unwrap gives what is wrong with the entry.
func (e *JournalError) Unwrap() error { return e.Err }

// ErrInUse means that another process has the lab.
var ErrInUse = errors.New("another process has it open: wait until it ends; where it is fdelab web, fdelab shell --connect speaks to it")

// load opens the journal of a lab and gives its entries and their texts to each.
func load(dir string, each func(e Entry, text []byte) error) (*journal.Log, error) {
	l, err := journal.Open(filepath.Join(dir, journalName), form(dir, each))
	var line *journal.LineError
	var own *JournalError
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%s is no lab: it has no file %s: fdelab lab create makes one", dir, journalName)
	case errors.Is(err, filelock.ErrHeld):
		return nil, fmt.Errorf("lab %s: %w", dir, ErrInUse)
	case errors.As(err, &own):
		return nil, own
	case errors.As(err, &line):
		return nil, &JournalError{Dir: dir, Entry: line.Line - 1, At: line.At, Err: line.Err}
	case err != nil:
		return nil, fmt.Errorf("lab %s: %w", dir, err)
	}
	return l, nil
}

func form(dir string, each func(e Entry, text []byte) error) journal.Form {
	number := 0
	return journal.Form{
		Header: header, What: "a lab", Most: journalMax, Begun: true,
		Each: func(line journal.Entry) error {
			var e Entry
			if err := journal.Strict(line.Text, &e); err != nil {
				return fmt.Errorf("not an entry: %w", err)
			}
			number++
			if err := e.check(number); err != nil {
				return err
			}
			return each(e, line.Text)
		},
		Torn: func(e *journal.LineError) error {
			return &JournalError{Dir: dir, Entry: e.Line - 1, At: e.At, Err: e.Err}
		},
	}
}

// check refuses an entry that this package cannot have written as number n.
func (e *Entry) check(n int) error {
	kinds := 0
	for _, there := range []bool{e.Made != nil, e.Line != "", e.DSCLI != nil} {
		if there {
			kinds++
		}
	}
	switch {
	case e.Number != n:
		return fmt.Errorf("it has the number %d: an entry is missing, or was moved", e.Number)
	case kinds != 1:
		return errors.New("it is neither how the lab was made nor one command")
	case (e.Made != nil) != (n == 1):
		return errors.New("the first entry says how the lab was made, and no other does")
	case e.Made == nil && (e.Verdict == "" || e.Trace == ""):
		return errors.New("it does not say what the command came to")
	}
	return nil
}

// Read gives the entries of a lab, without playing them. Where the journal is torn or altered it gives those
// before, and a *JournalError.
func Read(dir string) ([]Entry, error) {
	var entries []Entry
	l, err := load(dir, func(e Entry, _ []byte) error {
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return entries, err
	}
	return entries, l.Close()
}
