package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// terminal says whether standard input and output are both a terminal.
func (a *app) terminal() bool {
	in, okIn := a.in.(*os.File)
	out, okOut := a.out.w.(*os.File)
	return okIn && okOut && term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd()))
}

// size is how many columns and rows the terminal of the results has; zeros where there is
// none, so that what goes to a file or a pipe keeps its form.
func (a *app) size() (columns, rows int) { return sizeOf(a.out.w) }

func sizeOf(w io.Writer) (columns, rows int) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, 0
	}
	columns, rows, err := term.GetSize(int(f.Fd()))
	if err != nil || columns <= 0 {
		return 0, 0
	}
	return columns, rows
}

// width is the columns of size.
func (a *app) width() int {
	columns, _ := a.size()
	return columns
}

// errInterrupt is what a line reader returns for Ctrl-C.
var errInterrupt = errors.New("interrupted")

// lineReader shows a prompt and gives the line that is typed, without its end: io.EOF for Ctrl-D,
// errInterrupt for Ctrl-C.
type lineReader func(prompt string) (string, error)

// again is a line reader at a prompt for commands, where Ctrl-C only abandons the line.
func (r lineReader) again(prompt string) (string, error) {
	for {
		line, err := r(prompt)
		if !errors.Is(err, errInterrupt) {
			return line, err
		}
	}
}

// command is the line that was typed already, else the next one.
func (r lineReader) command(typed, prompt string) (string, error) {
	if typed != "" {
		return typed, nil
	}
	return r.again(prompt)
}

// lines is the line reader of a terminal: with history and completion, or a plain one where the
// terminal cannot move its cursor.
func (a *app) lines(complete func(text string) []console.Candidate) lineReader {
	in, ok := a.in.(*os.File)
	if !ok || dumbTerminal(os.Getenv("TERM")) {
		return plainLines(a.in, a.out)
	}
	return newEditor(in, a.out, a.size, func(text string) []console.Candidate {
		if a.paging || complete == nil {
			return nil
		}
		return complete(text)
	}).line
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
