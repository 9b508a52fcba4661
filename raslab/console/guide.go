package console

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Guide leads a person through a transcript at a prompt. It stops before each command, and the person types
// the command or asks.
type Guide struct {
	Transcript *Transcript
	Out        io.Writer
	// ReadLine gives the next line that was typed, io.EOF at the end. The prompt
	// is for a terminal; a pipe ignores it.
	ReadLine func(prompt string) (string, error)
	// Echo repeats each line that was read, for a pipe.
	Echo bool
	// Color marks states, for a terminal only.
	Color bool
	// Width is how many columns the terminal has, 0 for none. nil: none.
	Width func() int

	// Session is where the commands run: one that has done nothing yet. nil: one of its own.
	Session *Session

	lesson *Lesson
}

// Play leads through the story and says whether it came to its end. The error is
// one of ReadLine's, other than io.EOF.
func (g *Guide) Play() (finished bool, err error) {
	session := g.Session
	if session == nil {
		session = NewSession(Options{Color: g.Color})
	}
	defer func() { session.Close() }()
	g.lesson = NewLesson(g.Transcript, session)
	printTitle(g.Out, g.Transcript)
	fmt.Fprintf(g.Out, "%s\n\n", LessonHelp)
	told := -1
	for !g.lesson.Ended() {
		if step := g.lesson.Step(); step != told {
			printProse(g.Out, g.Transcript.Steps[step].Prose)
			told = step
		}
		number, total := g.lesson.Command()
		on, err := g.command(fmt.Sprintf("command %d of %d> ", number, total))
		if err != nil {
			return false, err
		}
		if !on {
			fmt.Fprintf(g.Out, "stopped before command %d of %d\n", number, total)
			return false, nil
		}
		fmt.Fprintln(g.Out)
	}
	_, total := g.lesson.Command()
	printProse(g.Out, g.Transcript.Epilogue)
	fmt.Fprintf(g.Out, "the end: %s\n", count(total, "command"))
	return true, nil
}

// Complete lists how the last word of text may go on.
func (g *Guide) Complete(text string) []Candidate { return g.lesson.Complete(text) }

// command waits until the command that is due was run; false when the person leaves.
func (g *Guide) command(prompt string) (bool, error) {
	for {
		line, err := g.ReadLine(prompt)
		if g.Width != nil {
			g.lesson.session.SetWidth(g.Width())
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		line = strings.TrimSpace(line)
		if line != "" && g.Echo {
			fmt.Fprintf(g.Out, "> %s\n", line)
		}
		switch g.lesson.Do(line, g.Out) {
		case Moves:
			return true, nil
		case Leaves:
			return false, nil
		case Waits:
		}
	}
}
