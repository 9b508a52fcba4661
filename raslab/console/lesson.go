package console

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab/command"
)

// Lesson is a transcript that a person plays, one command at a time. Whoever leads through it shows its
// story and gives it lines. It belongs to one goroutine.
type Lesson struct {
	Transcript *Transcript
	session    *Session
	commands   []placed
	at         int // the command that is waited for
	hints      int // given for it
	score      Score
	verdict    Verdict // on the command that ran last
	failure    string
}

// placed is a command of a transcript with its place there.
type placed struct {
	ScriptLine
	step int
}

// Score is how a lesson went.
type Score struct {
	Hints  []int   // the command, from 1, of each hint
	Given  []int   // the commands that were done for the person
	Asides []Aside // lines that the story did not ask for
}

// WrongTurns are the asides that were more than a look.
func (s Score) WrongTurns() (all []Aside) {
	for _, a := range s.Asides {
		if a.Wrong {
			all = append(all, a)
		}
	}
	return all
}

// Aside is a line that was tried on a copy of the facilities.
type Aside struct {
	At      int    // the command that was waited for, from 1
	Line    string // without secrets; of one that was not understood the noun and verb, see Briefly
	Verdict Verdict
	Error   string // one line, without what was printed or typed; empty if it was done, or not understood
	Wrong   bool   // it did something, or went wrong; else it was a look
}

// Turn is what a line in a lesson was.
type Turn int

// The turns.
const (
	Waits  Turn = iota // a question, or an aside: the same command is waited for
	Moves              // the command ran
	Leaves             // the person has enough
)

// NewLesson begins a transcript in a session that has done nothing yet.
func NewLesson(t *Transcript, s *Session) *Lesson {
	l := &Lesson{Transcript: t, session: s}
	for i := range t.Steps {
		for _, c := range t.Steps[i].Commands {
			l.commands = append(l.commands, placed{c, i})
		}
	}
	return l
}

// Session is where the commands run.
func (l *Lesson) Session() *Session { return l.session }

// Ended says that every command ran.
func (l *Lesson) Ended() bool { return l.at == len(l.commands) }

// Command is the number of the command that is waited for, from 1, and how many there are. At the end it is
// the last one.
func (l *Lesson) Command() (number, of int) { return min(l.at+1, len(l.commands)), len(l.commands) }

// Step is the index of the step of that command.
func (l *Lesson) Step() int { return l.commands[min(l.at, len(l.commands)-1)].step }

// Score is how it went so far.
func (l *Lesson) Score() Score { return l.score }

// Task is a command that is waited for.
type Task struct {
	Line    string // without secrets
	Command string // noun and verb
	Summary string // what it does
	args    Args
}

// Value is an argument of the command as text, empty if it has none by this name.
func (t Task) Value(name string) string {
	if t.args.Command == nil || !t.args.Takes(name) || !t.args.Has(name) {
		return ""
	}
	return fmt.Sprint(command.Get[any](t.args, name))
}

// Task is the command that is waited for; at the end it is empty.
func (l *Lesson) Task() Task {
	if l.Ended() {
		return Task{}
	}
	all, wrong := bindAll(l.commands[l.at].Text)
	if wrong != nil || len(all) == 0 {
		return Task{Line: Briefly(l.commands[l.at].Text)}
	}
	shown, _ := Shown(l.commands[l.at].Text)
	return Task{Line: strings.Join(shown, "; "), Command: all[0].Command.Name, Summary: all[0].Command.Summary, args: all[0]}
}

// LessonHelp says what a lesson takes.
const LessonHelp = "type the command, or: next (do it for me), hint, why, state, help, quit; any other command is tried on a copy"

// Do takes a line: the command that is waited for, a question, or another command, which is tried on a copy.
// At the end nothing is taken.
func (l *Lesson) Do(line string, out io.Writer) Turn {
	line = strings.TrimSpace(line)
	if l.Ended() || line == "" {
		return Waits
	}
	c := l.commands[l.at].ScriptLine
	switch strings.ToLower(line) {
	case "quit", "exit":
		return Leaves
	case "next":
		l.score.Given = append(l.score.Given, l.at+1)
		fmt.Fprintf(out, "> %s\n", c.Text)
		return l.run(c, out)
	case "hint":
		l.hint(c, out)
	case "why":
		l.why(c, out)
	case "state":
		for _, show := range []string{"enclosure show", "keygrp list", "event list"} {
			if err := l.session.Run(show, out); err != nil {
				fmt.Fprintf(out, "error: %s\n", ErrorText(err))
				break // one reason is enough: there is no facility yet
			}
		}
	case "help":
		fmt.Fprintln(out, LessonHelp)
	default:
		if same(line, c.Text) {
			return l.run(c, out)
		}
		l.aside(line, out)
	}
	return Waits
}

// Complete lists how the last word of text may go on.
func (l *Lesson) Complete(text string) []Candidate {
	all := Complete(l.session, text)
	if !strings.ContainsAny(text, " ;") {
		for _, word := range []string{"next", "hint", "why", "state", "help", "quit", "exit"} {
			if strings.HasPrefix(word, text) && language.Find(word) == nil {
				all = append(all, Candidate{Text: word, Help: "about this command"})
			}
		}
	}
	return all
}

func (l *Lesson) run(c ScriptLine, out io.Writer) Turn {
	l.verdict, l.failure = runJudged(l.session, c.Text, out)
	l.at++
	l.hints = 0
	return Moves
}

// Last is the verdict on the command of the story that ran last, and why, on one line; empty if it was done.
func (l *Lesson) Last() (v Verdict, why string) { return l.verdict, l.failure }

// runJudged is RunLine, and says what the last command came to that was not done. What was printed is not in it: it
// may hold a secret that is shown once.
func runJudged(s *Session, text string, out io.Writer) (v Verdict, why string) {
	v = Done
	s.Each(text, out, func(err error) bool {
		if err == nil || errors.Is(err, ErrQuit) {
			return err == nil
		}
		v, why = VerdictOf(err), ErrorText(err)
		var failed *FailedError // what happened is printed already
		if !errors.As(err, &failed) {
			fmt.Fprintf(out, "error: %s\n", why)
		}
		return true
	})
	return v, why
}

// hint shows the name of the command first, and its arguments the next time.
func (l *Lesson) hint(c ScriptLine, out io.Writer) {
	l.hints++
	l.score.Hints = append(l.score.Hints, l.at+1)
	if command := bound(c); l.hints == 1 && command != nil {
		l.paragraph(out, "hint: "+language.Line(command)+", which means: "+command.Summary)
		return
	}
	fmt.Fprintf(out, "hint: %s\n", c.Text)
}

func (l *Lesson) why(c ScriptLine, out io.Writer) {
	printProse(out, l.Transcript.Steps[l.Step()].Prose)
	if command := bound(c); command != nil {
		l.paragraph(out, strings.TrimSpace(command.Name+": "+command.Summary+". "+command.Detail))
	}
}

func (l *Lesson) paragraph(out io.Writer, text string) {
	fmt.Fprintln(out, strings.Join(layout.Wrap(text, l.session.width()), "\n"))
}

// bound is the command of a line.
func bound(c ScriptLine) *Command {
	lines, err := Parse(c.Text)
	if err != nil || len(lines) == 0 {
		return nil
	}
	command, _, err := lookup(lines[0])
	if err != nil {
		return nil
	}
	return command
}

// aside tries a line on a copy of the facility, so that a wrong turn does not leave the story. The
// copy is made by running everything again.
func (l *Lesson) aside(line string, out io.Writer) {
	if _, wrong := bindAll(line); wrong != nil {
		for _, e := range wrong {
			fmt.Fprintf(out, "error: %s\n", ErrorText(e))
		}
		l.score.Asides = append(l.score.Asides, Aside{At: l.at + 1, Line: Briefly(line), Verdict: NotUnderstood, Wrong: true})
		return
	}
	shown, _ := Shown(line)
	a := Aside{At: l.at + 1, Line: strings.Join(shown, "; ")}
	s := NewSession(Options{Color: l.session.options.Color, Wire: l.session.options.Wire, Width: l.session.options.Width})
	defer s.Close()
	for _, c := range l.commands[:l.at] {
		RunLine(s, c.Text, io.Discard)
	}
	before := logged(s)
	a.Verdict, a.Error = runJudged(s, line, out)
	a.Wrong = a.Verdict != Done || logged(s) != before
	l.score.Asides = append(l.score.Asides, a)
	fmt.Fprintln(out, "(tried on a copy; the story stands where it stood)")
}

// logged is how much the facilities of a session have logged: a look logs nothing.
func logged(s *Session) (entries int) {
	for _, lab := range s.labs {
		entries += len(lab.Trace())
	}
	return entries
}

// same says whether two lines mean the same commands.
func same(a, b string) bool {
	x, wrongX := bindAll(a)
	y, wrongY := bindAll(b)
	if wrongX != nil || wrongY != nil || len(x) != len(y) {
		return false
	}
	for i := range x {
		if language.Written(x[i]) != language.Written(y[i]) {
			return false
		}
	}
	return true
}
