package console

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/tct"
	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// Options is what a session starts with. The zero value has seed 0, no
// facility and box-drawing pictures without colour.
type Options struct {
	Seed  uint64 // of the shelf, and of every lab new that names none
	ASCII bool   // pictures in ASCII instead of box-drawing characters
	Color bool   // states in colour; for a terminal only, no meaning hangs on it
	Width int    // of the terminal, in columns, into which output is fitted; 0 for output whose form is fixed
	// Start builds a facility of the default size at once, so that a person at a
	// prompt can look around. Transcripts begin with lab new.
	Start bool
	// Entropy is the random source of drives in files. It must not be a seeded stream, which would
	// make the same keys again. Without it there are no drive files.
	Entropy io.Reader
	// Cloud is the cloud server of every facility of the session; nil: each has a simulated one.
	// It needs Entropy.
	Cloud tct.Cloud
	// ReadFile and WriteFile are the files that commands name, such as
	// certificates: WriteFile makes a new one. nil: they live in the session.
	ReadFile  func(name string) ([]byte, error)
	WriteFile func(name string, data []byte) error
	// WriteSecret is WriteFile for content that only its owner may read, such as a label. It makes
	// the file, then calls data for the content, and removes the file if data fails. nil:
	// WriteFile.
	WriteSecret func(name string, data func() ([]byte, error)) error
	// Keep writes down a command that ran, before its answer is shown: line has all its values, and is
	// bound to the same command again; err is what it came to. An error of Keep takes the answer's place. nil:
	// nothing is kept.
	Keep func(line string, err error) error
	// Wire is that of raslab.Options, for every facility of the session.
	Wire bool
	// Dial is that of raslab.Options, for every facility of the session.
	Dial func(raslab.KeyManagerInfo) encgroup.KeyServer
}

// Session runs lines. It holds the facilities, one of which is at hand, and the shelf of
// loose drives that they share: a drive can go from one facility to another. It belongs
// to one goroutine.
type Session struct {
	options Options       `image:"wired"`
	lab     *raslab.Lab   // the one at hand; nil before lab new
	labs    []*raslab.Lab // all that were built, in order
	shelf   *raslab.Shelf
	ledger  map[*raslab.Lab]ledger
	out     io.Writer   `image:"wired"`
	command string      // the name of the command that runs
	closers []io.Closer // drive files
	opened  []openFile
	files   map[string][]byte
}

// SetWidth says how wide the terminal is by now, as Options.Width does.
func (s *Session) SetWidth(columns int) { s.options.Width = columns }

// lineWidth is where long lines are wrapped in output whose form is fixed, in columns.
const lineWidth = 100

// width is where long lines are wrapped.
func (s *Session) width() int {
	if s.options.Width > 0 {
		return max(s.options.Width, widthMin)
	}
	return lineWidth
}

// textWidth is how wide a text from a book may be: 80 columns where the form is fixed.
func (s *Session) textWidth() int {
	if s.options.Width > 0 {
		return s.width()
	}
	return 80
}

// widthMin is the narrowest terminal that output is fitted into, in columns.
const widthMin = 40

// table makes a table that fits the terminal.
func (s *Session) table() *layout.Table { return layout.NewTable(s.out, s.options.Width) }

// ErrQuit is what Run returns for the commands quit and exit.
var ErrQuit = errors.New("quit")

// FailedError says that an action ran and did not reach its aim. What happened is
// printed already.
type FailedError struct{ Action string }

func (e *FailedError) Error() string { return e.Action + " failed" }

// NewSession starts a session.
func NewSession(o Options) *Session {
	s := &Session{options: o, shelf: raslab.NewShelf(o.Seed), ledger: map[*raslab.Lab]ledger{}, out: io.Discard, files: map[string][]byte{}}
	if o.Start {
		lab, err := raslab.New(raslab.Options{Seed: o.Seed, Shelf: s.shelf, Wire: o.Wire, Dial: o.Dial, Cloud: o.Cloud, CloudEntropy: o.Entropy})
		if err != nil {
			panic("BUG: the default facility cannot be built: " + err.Error())
		}
		s.take(lab)
	}
	return s
}

func (s *Session) readFile(name string) ([]byte, error) {
	if s.options.ReadFile != nil {
		return s.options.ReadFile(name)
	}
	if data, ok := s.files[name]; ok {
		return slices.Clone(data), nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (s *Session) writeFile(name string, data []byte) error {
	if s.options.WriteFile != nil {
		return s.options.WriteFile(name, data)
	}
	if _, ok := s.files[name]; ok {
		return &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	s.files[name] = slices.Clone(data)
	return nil
}

// take adds a facility, in place of one with the same serial number, and goes there.
func (s *Session) take(lab *raslab.Lab) {
	s.labs = slices.DeleteFunc(s.labs, func(old *raslab.Lab) bool {
		if old.Serial() != lab.Serial() {
			return false
		}
		delete(s.ledger, old)
		return true
	})
	s.lab, s.labs, s.ledger[lab] = lab, append(s.labs, lab), ledger{}
}

// Lab is the facility at hand, nil before lab new.
func (s *Session) Lab() *raslab.Lab { return s.lab }

// Labs are all facilities of the session, in the order in which they were built; the slice is a copy.
func (s *Session) Labs() []*raslab.Lab { return slices.Clone(s.labs) }

// Prompt is what a shell shows before a line: the serial number of the facility.
func (s *Session) Prompt() string {
	if s.lab == nil {
		return "no facility> "
	}
	return s.lab.Serial() + "> "
}

// Close closes the drive files of the session.
func (s *Session) Close() error {
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c.Close())
	}
	s.closers, s.opened = nil, nil
	return errors.Join(errs...)
}

// Run runs the commands of one line and writes what they print to out. It stops at the first
// command that goes wrong. Every command of the line is understood before the first one runs, so a
// *UsageError means that nothing was changed. The other errors are *FailedError (printed already),
// ErrQuit, and refusals.
func (s *Session) Run(text string, out io.Writer) error {
	var first error
	s.Each(text, out, func(err error) bool {
		if first == nil {
			first = err
		}
		return err == nil
	})
	return first
}

// Each runs the commands of one line as Run does, and calls report after each: nil for a command
// that is done, else its error. It goes on after an error if report returns true, because a
// semicolon is as good as a new line. If a line is not understood, each of its errors is reported
// and nothing is run. ErrQuit ends the line.
func (s *Session) Each(text string, out io.Writer, report func(err error) (goOn bool)) {
	commands, wrong := bindAll(text)
	for _, e := range wrong {
		report(e)
	}
	for _, a := range commands {
		err := s.runOne(a, out)
		if !report(err) || errors.Is(err, ErrQuit) {
			return
		}
	}
}

// runOne runs a command, and keeps it before it shows the answer.
func (s *Session) runOne(a Args, out io.Writer) error {
	if s.options.Keep == nil || a.Command.Alone {
		return s.runShown(a, out)
	}
	var answer bytes.Buffer
	err := s.runShown(a, &answer)
	if failed := s.options.Keep(language.Written(a), err); failed != nil {
		return failed
	}
	_, _ = answer.WriteTo(out) // as Fprint elsewhere: who reads it is not our concern
	return err
}

// runShown runs a command, then prints the serviceable events that came up meanwhile, whatever the
// command was.
func (s *Session) runShown(a Args, out io.Writer) error {
	if s.options.ASCII {
		out = asciiWriter{out}
	}
	if s.options.Width > 0 {
		folder := &layout.Folder{W: out, Width: s.width}
		defer func() { _ = folder.Flush() }()
		out = folder
	}
	s.out, s.command = out, a.Command.Name
	defer func() { s.out = io.Discard }()
	lab := s.lab
	var before raslab.EventMark
	if lab != nil {
		before = lab.EventMark()
	}
	err := a.Command.Run(s, a)
	if s.lab != nil && s.lab == lab {
		s.announce(lab.EventsSince(before))
	}
	return err
}

// announce prints the serviceable events that were raised or closed.
func (s *Session) announce(changes []raslab.EventChange) {
	for _, c := range changes {
		e := c.ServiceEvent
		switch {
		case c.New:
			s.say("serviceable event %d: %s, %s", e.ID, s.paint(alarm, e.SRC), where(e))
			for _, f := range e.Found {
				s.item(f)
			}
			if !e.Open {
				s.item("closed by " + e.ClosedBy + because(e.ClosedWhy))
			}
		case c.Again:
			s.say("serviceable event %d: %s found again, %d times by now, %s", e.ID, s.paint(alarm, e.SRC), e.Count, where(e))
		}
		if !c.New && !e.Open {
			s.say("serviceable event %d: %s closed by %s%s", e.ID, e.SRC, e.ClosedBy, because(e.ClosedWhy))
		}
	}
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// where names the drives of an event by slot and location code.
func where(e raslab.ServiceEvent) string {
	if len(e.Slots) == 0 {
		if len(e.Locations) == 0 {
			return "no location"
		}
		return strings.Join(e.Locations, ", ")
	}
	var parts []string
	for i, slot := range e.Slots {
		if i < len(e.Locations) && e.Locations[i] != "" {
			slot += " (" + e.Locations[i] + ")"
		}
		parts = append(parts, slot)
	}
	return strings.Join(parts, ", ")
}

func (s *Session) printf(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }

// need gives the facility, or a refusal that says how to get one.
func (s *Session) need() (*raslab.Lab, error) {
	if s.lab == nil {
		return nil, errors.New("there is no facility yet: begin with lab new")
	}
	return s.lab, nil
}

// withLab makes the Run of a command that needs a facility.
func withLab(run func(*Session, *raslab.Lab, Args) error) func(*Session, Args) error {
	return func(s *Session, a Args) error {
		lab, err := s.need()
		if err != nil {
			return err
		}
		return run(s, lab, a)
	}
}

// asciiWriter replaces box-drawing characters.
type asciiWriter struct{ w io.Writer }

var toASCII = strings.NewReplacer(
	"┌", "+", "┬", "+", "┐", "+", "├", "+", "┼", "+", "┤", "+", "└", "+", "┴", "+", "┘", "+",
	"─", "-", "│", "|", "●", "*", "▲", "!", "▼", "v", "■", "#", "·", ".", "□", "0",
)

func (a asciiWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(a.w, toASCII.Replace(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// writeNew writes a file that must not exist.
func (s *Session) writeNew(name string, data []byte) error {
	err := s.writeFile(name, data)
	if err == nil {
		s.printf("written: %s, %d bytes\n", name, len(data))
	}
	return err
}
