package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/reeflective/readline"
	"golang.org/x/term"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// terminal says whether a person sits at both ends.
func (a *app) terminal() bool {
	in, okIn := a.in.(*os.File)
	out, okOut := a.out.w.(*os.File)
	return okIn && okOut && term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd()))
}

// errInterrupt is what a line reader returns for Ctrl-C.
var errInterrupt = errors.New("interrupted")

// lineReader shows a prompt and gives the line that is typed, without its end: io.EOF for Ctrl-D,
// errInterrupt for Ctrl-C.
type lineReader func(prompt string) (string, error)

// again is a line reader at a prompt for commands, where Ctrl-C gives the line up, no more.
func (r lineReader) again(prompt string) (string, error) {
	for {
		line, err := r(prompt)
		if !errors.Is(err, errInterrupt) {
			return line, err
		}
	}
}

// lines is the line reader of a terminal: with history and completion, or a plain one where the
// terminal can not move its cursor.
func (a *app) lines(complete func(text string) []console.Candidate) lineReader {
	if dumbTerminal(os.Getenv("TERM")) {
		return plainLines(a.in, a.out)
	}
	return editedLines(complete)
}

func dumbTerminal(name string) bool { return name == "" || name == "dumb" }

// plainLines leaves it to the terminal how a line is typed. Ctrl-C ends the process.
func plainLines(in io.Reader, out io.Writer) lineReader {
	r := bufio.NewReader(in)
	return func(prompt string) (string, error) {
		fmt.Fprint(out, prompt)
		line, err := r.ReadString('\n')
		if line != "" && errors.Is(err, io.EOF) {
			err = nil
		}
		return strings.TrimRight(line, "\r\n"), err
	}
}

// editedLines has history and completion.
func editedLines(complete func(text string) []console.Candidate) lineReader {
	shell := editor()
	prompt := ""
	shell.Prompt.Primary(func() string { return prompt })
	shell.Completer = func(line []rune, cursor int) readline.Completions {
		var values []string
		for _, c := range complete(string(line[:cursor])) {
			values = append(values, c.Text, c.Help)
		}
		return readline.CompleteValuesDescribed(values...).NoSpace('=')
	}
	return func(p string) (string, error) {
		prompt = p
		line, err := shell.Readline()
		if errors.Is(err, readline.ErrInterrupt) {
			err = errInterrupt
		}
		return line, err
	}
}

func editor() *readline.Shell {
	shell := readline.NewShell()
	shell.History.Delete()
	shell.History.Add("session", readline.NewInMemoryHistory())
	// The library would ask the terminal where its cursor is, and wait for the answer without
	// end; a prompt always begins in the first column here.
	if err := shell.Config.Set("cursor-position-probe", false); err != nil {
		panic("BUG: " + err.Error())
	}
	return shell
}
