package dscli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/internal/suggest"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// Options is what a session works with.
type Options struct {
	// Lab gives the facility at hand, nil if there is none. It is called before each command.
	// Required.
	Lab func() *raslab.Lab
	// Ask shows a prompt and returns the answer without its line end. ErrInterrupt stands for no.
	// Any other error, and a nil Ask, mean that nobody answers.
	Ask func(prompt string) (string, error)
	// Strict says that answers come from a script or a pipe. Then an answer that is neither yes nor
	// no is an error, because it is a command that was meant to run. A person is asked again.
	Strict bool
	// Local runs a line that begins with !, without the !. It makes its error with
	// LocalError. nil: such a line is refused.
	Local func(line string, out io.Writer) error
	// ReadFile reads a file that a command names, such as a certificate. nil: there are
	// no files but those of the lab.
	ReadFile func(name string) ([]byte, error)
	// Width is how many columns the terminal has, into which tables and help are fitted; 0 for
	// none, and nil for none.
	Width    func() int
	Zone     *time.Location // of all times that are shown; default UTC
	Consoles []int          // management consoles, in the order in which they are tried; default 1, 2
	User     string         // one of Users; default the first
	Output   Settings
	// Image is the storage image that commands without -dev mean, as IBM.2107-75NR641; "" is
	// the facility at hand, whichever it is.
	Image string
	// Keep writes down a command that ran on a facility, before its answer is shown. An error of Keep
	// takes the answer's place. nil: nothing is kept.
	Keep func(Kept) error
	// Elsewhere runs a command on a facility of another process, which serves it with [Serve]. ask shows what was
	// said and answers its question; nil means that nobody answers. An error means that the facility cannot be reached.
	// With Elsewhere, Lab gives nil. nil: the facility is here.
	Elsewhere func(c Call, ask func(Said) *string) (Said, error)
	// Version is what the banner and ver show: the release of the program that holds this
	// session. Default "devel".
	Version string
}

// Kept is a command that ran, with all that it was given: on an equal facility [Again] does the same once
// more.
type Kept struct {
	Line     string    `json:"line"`               // the command
	Answers  []*string `json:"answers,omitempty"`  // to its questions, in order; nil where nobody answered
	Strict   bool      `json:"strict,omitempty"`   // as in Options
	User     string    `json:"user"`               // as in Options
	Consoles []int     `json:"consoles,omitempty"` // as in Options
	Image    string    `json:"image,omitempty"`    // as in Options
	Err      error     `json:"-"`                  // what it came to
}

// Session runs lines of DSCLI. It belongs to one goroutine.
type Session struct{ options Options }

// NewSession starts a session. A missing Options.Lab is a bug of the caller.
func NewSession(o Options) *Session {
	if o.Lab == nil {
		panic("BUG: dscli: no facility is given")
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Consoles == nil {
		o.Consoles = []int{1, 2}
	}
	if o.User == "" {
		o.User = users[0].Name
	}
	if o.Version == "" {
		o.Version = "devel"
	}
	return &Session{o}
}

// ErrQuit is what Run returns for quit.
var ErrQuit = errors.New("dscli: quit")

// ErrInterrupt is what Options.Ask returns where the person gives the question up, as with Ctrl-C.
var ErrInterrupt = errors.New("dscli: interrupted")

// Prompt is what an interactive session shows before a line.
const Prompt = "dscli> "

// call is one command as it runs.
type call struct {
	session  *Session
	lab      *raslab.Lab // nil for a command that needs none
	command  *Command
	args     Args
	settings Settings
	out      io.Writer
	errOut   io.Writer
	kept     *keeping // nil: nothing is kept
}

// Run runs one line. Results and questions go to out, error messages to errOut. An *Error was
// printed already; ErrQuit ends the session. A line that is not understood changes nothing.
func (s *Session) Run(line string, out, errOut io.Writer) error {
	return s.told(s.run(line, out, errOut), errOut)
}

func (s *Session) run(line string, out, errOut io.Writer) error {
	if local, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok {
		if s.options.Local == nil {
			return fail(ExitSyntax, msgSyntax, "dscli", "there is no laboratory behind this session; leave ! out")
		}
		return s.options.Local(local, out)
	}
	words, err := split(line)
	if err != nil {
		return fail(ExitSyntax, msgSyntax, "dscli", err.Error())
	}
	if len(words) == 0 {
		return nil
	}
	return s.runWords(words, out, errOut)
}

// RunWords is Run for a command that a shell has split into words already.
func (s *Session) RunWords(texts []string, out, errOut io.Writer) error {
	words := make([]word, len(texts))
	for i, t := range texts {
		words[i].text = t
	}
	if len(words) == 0 {
		return nil
	}
	return s.told(s.runWords(words, out, errOut), errOut)
}

// told writes the message of an error.
func (s *Session) told(err error, errOut io.Writer) error {
	var e *Error
	if errors.As(err, &e) {
		for _, line := range layout.Fold(e.Error(), s.width()) {
			fmt.Fprintln(errOut, line)
		}
	}
	return err
}

func (s *Session) runWords(words []word, out, errOut io.Writer) error {
	if s.options.Elsewhere != nil && !asksHelp(words[1:]) {
		if c, err := lookup(words[0].text); err == nil && !c.Alone {
			return s.elsewhere(words, out, errOut)
		}
	}
	c, err := s.bind(words)
	if err != nil {
		return err
	}
	if s.options.Keep == nil || c.command.Alone {
		return c.run(out, errOut)
	}
	c.kept = &keeping{out: held{to: out}, errOut: held{to: errOut}}
	return c.kept.run(c, words)
}

// run runs the command.
func (c *call) run(out, errOut io.Writer) error {
	s := c.session
	if s.width() > 0 {
		folder := &layout.Folder{W: out, Width: s.width}
		defer func() { _ = folder.Flush() }()
		out = folder
	}
	c.out, c.errOut = out, errOut
	if c.command.Alone {
		return c.command.Run(c, c.args)
	}
	if c.lab == nil {
		return fail(ExitConnection, msgConnection, c.command.Name, "there is no facility yet; build one with lab new")
	}
	if err := s.connect(c.lab); err != nil {
		return fail(ExitConnection, msgConnection, c.command.Name, err.Error())
	}
	if _, ok := userNamed(s.options.User); !ok {
		return fail(ExitAuthentication, msgUser, c.command.Name, fmt.Sprintf("there is no user %q; %s", s.options.User, suggest.DidYouMean(s.options.User, Users())))
	}
	if c.settings.Banner == "on" && c.settings.Format != formatXML {
		facility := "-"
		if !slices.Contains(keyManagerCommands, c.command) || c.args.Has("dev") {
			facility = imageID(c.lab.Serial())
		}
		fmt.Fprintln(out, banner(c.lab.Now().In(s.options.Zone), s.options.Version, facility))
	}
	return c.command.Run(c, c.args)
}

// bind understands a line without running it.
func (s *Session) bind(words []word) (*call, error) {
	command, err := lookup(words[0].text)
	if err != nil {
		return nil, fail(ExitSyntax, msgSyntax, "dscli", err.Error())
	}
	if asksHelp(words[1:]) {
		about := word{text: command.Name}
		if command, err = lookup("help"); err != nil {
			panic("BUG: " + err.Error())
		}
		words = []word{words[0], about}
	}
	c := &call{session: s, command: command, lab: s.options.Lab()}
	serial := ""
	if c.lab != nil {
		serial = c.lab.Serial()
	}
	if c.args, err = bind(command, serial, s.options.Image, words[1:]); err != nil {
		return nil, c.syntax(err.Error())
	}
	c.settings = s.options.Output.with(c.args)
	return c, nil
}

// asksHelp says whether a command was given to have it explained.
func asksHelp(words []word) bool {
	return len(words) == 1 && words[0].parameter() && slices.Contains([]string{"-help", "--help", "-h", "-?"}, words[0].text)
}

// connect says whether a management console takes the command and reaches a partition.
func (s *Session) connect(lab *raslab.Lab) error {
	all := lab.Consoles()
	var why []string
	for _, id := range s.options.Consoles {
		if id < 1 || id > len(all) {
			why = append(why, fmt.Sprintf("there is no HMC%d", id))
			continue
		}
		h := all[id-1]
		switch {
		case !h.On:
			why = append(why, h.Name+" does not answer")
		case h.Hung:
			why = append(why, h.Name+" does not answer in time")
		case !h.ESSNI:
			why = append(why, h.Name+" has no ESSNI")
		case h.Links[0] != "up" && h.Links[1] != "up":
			why = append(why, h.Name+" reaches no partition")
		default:
			return nil
		}
	}
	return errors.New("no management console can be used: " + strings.Join(why, ", "))
}

// width is that of Options.Width.
func (s *Session) width() int {
	if s.options.Width == nil {
		return 0
	}
	return s.options.Width()
}

func (c *call) syntax(text string) error {
	return fail(ExitSyntax, msgSyntax, c.command.Name, text)
}

func (c *call) refuse(err error) error { return refusal(c.command.Name, err) }

// done turns what a service action returned into nil, or an *Error.
func (c *call) done(r raslab.Report, err error) error {
	if err != nil {
		return c.refuse(err)
	}
	if r.Failed {
		return failure(c.command.Name, r)
	}
	return nil
}

func (c *call) say(m *Message, values ...any) {
	fmt.Fprintln(c.out, m.line(c.command.Name, values...))
}

// warn prints the wanted warnings about data keys and certificates as messages, not in the result,
// which programs read.
func (c *call) warn(wanted func(raslab.KeyWarning) bool) {
	for _, w := range c.lab.KeyWarnings() {
		if !wanted(w) {
			continue
		}
		for _, line := range layout.Fold(msgKeyWarning.line(c.command.Name, w), c.session.width()) {
			fmt.Fprintln(c.errOut, line)
		}
	}
}
