package console

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
)

// Guide leads a person through a transcript. It stops before each command, and the person types the
// command or asks.
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

	session *Session
	done    []ScriptLine // commands that were run, to make copies of the facility
	hints   int          // hints given for the current command
}

const guideHelp = "type the command, or: next (do it for me), hint, why, state, help, quit; any other command is tried on a copy"

// Play leads through the story and says whether it came to its end. The error is
// one of ReadLine's, other than io.EOF.
func (g *Guide) Play() (finished bool, err error) {
	if g.session = g.Session; g.session == nil {
		g.session = NewSession(Options{Color: g.Color})
	}
	defer func() { g.session.Close() }()
	printTitle(g.Out, g.Transcript)
	fmt.Fprintf(g.Out, "%s\n\n", guideHelp)
	total, number := 0, 0
	for i := range g.Transcript.Steps {
		total += len(g.Transcript.Steps[i].Commands)
	}
	for i := range g.Transcript.Steps {
		step := &g.Transcript.Steps[i]
		printProse(g.Out, step.Prose)
		for _, c := range step.Commands {
			number++
			on, err := g.step(step, c, fmt.Sprintf("command %d of %d> ", number, total))
			if err != nil {
				return false, err
			}
			if !on {
				fmt.Fprintf(g.Out, "stopped before command %d of %d\n", number, total)
				return false, nil
			}
		}
	}
	printProse(g.Out, g.Transcript.Epilogue)
	fmt.Fprintf(g.Out, "the end: %s\n", count(total, "command"))
	return true, nil
}

// Complete lists how the last word of text may go on.
func (g *Guide) Complete(text string) []Candidate {
	all := Complete(g.session, text)
	if !strings.ContainsAny(text, " ;") {
		for _, word := range []string{"next", "hint", "why", "state", "help", "quit", "exit"} {
			if strings.HasPrefix(word, text) && language.Find(word) == nil {
				all = append(all, Candidate{Text: word, Help: "about this command"})
			}
		}
	}
	return all
}

// step waits until the command c was run; false when the person leaves.
func (g *Guide) step(step *Step, c ScriptLine, prompt string) (bool, error) {
	g.hints = 0
	for {
		line, err := g.ReadLine(prompt)
		if g.Width != nil {
			g.session.SetWidth(g.Width())
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if g.Echo {
			fmt.Fprintf(g.Out, "> %s\n", line)
		}
		switch strings.ToLower(line) {
		case "quit", "exit":
			return false, nil
		case "next":
			fmt.Fprintf(g.Out, "> %s\n", c.Text)
			g.run(c)
			return true, nil
		case "hint":
			g.hint(c)
		case "why":
			g.why(step, c)
		case "state":
			for _, show := range []string{"enclosure show", "keygrp list", "event list"} {
				if err := g.session.Run(show, g.Out); err != nil {
					fmt.Fprintf(g.Out, "error: %s\n", ErrorText(err))
					break // one reason is enough: there is no facility yet
				}
			}
		case "help":
			fmt.Fprintln(g.Out, guideHelp)
		default:
			if same(line, c.Text) {
				g.run(c)
				return true, nil
			}
			g.aside(line)
		}
	}
}

func (g *Guide) run(c ScriptLine) {
	RunLine(g.session, c.Text, g.Out)
	g.done = append(g.done, c)
	fmt.Fprintln(g.Out)
}

// hint shows the name of the command first, and its arguments the next time.
func (g *Guide) hint(c ScriptLine) {
	g.hints++
	command := g.bound(c)
	if g.hints == 1 && command != nil {
		g.paragraph("hint: " + language.Line(command) + ", which means: " + command.Summary)
		return
	}
	fmt.Fprintf(g.Out, "hint: %s\n", c.Text)
}

func (g *Guide) why(step *Step, c ScriptLine) {
	printProse(g.Out, step.Prose)
	if command := g.bound(c); command != nil {
		g.paragraph(strings.TrimSpace(command.Name + ": " + command.Summary + ". " + command.Detail))
	}
}

func (g *Guide) paragraph(text string) {
	fmt.Fprintln(g.Out, strings.Join(layout.Wrap(text, g.session.width()), "\n"))
}

func (g *Guide) bound(c ScriptLine) *Command {
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
func (g *Guide) aside(line string) {
	if _, wrong := bindAll(line); wrong != nil {
		for _, e := range wrong {
			fmt.Fprintf(g.Out, "error: %s\n", ErrorText(e))
		}
		return
	}
	s := NewSession(Options{Color: g.Color, Wire: g.session.options.Wire, Width: g.session.options.Width})
	defer s.Close()
	for _, c := range g.done {
		RunLine(s, c.Text, io.Discard)
	}
	RunLine(s, line, g.Out)
	fmt.Fprintln(g.Out, "(tried on a copy; the story stands where it stood)")
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
