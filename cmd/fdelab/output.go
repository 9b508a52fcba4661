package main

// Output rules, which every subcommand keeps:
//
//   - The result goes to standard output (app.printf, app.printJSON). Progress, notes and
//     diagnostics go to standard error (app.note, app.hint).
//   - An error is one line, "fdelab: error: ...", printed once, by run. A list to choose from may
//     follow, and then a line "fdelab: hint: ...". A subcommand returns an error made with usagef,
//     failedf or cannotf; it never calls os.Exit.
//   - Exit codes: 0 done; 1 a rehearsal or a check found a failure; 2 the command line, or what it
//     names, is wrong; 3 the command cannot run here, for example because a file cannot be read.
//     A soak tells more apart: 4 a drive did not come back, 5 the simulation crashed.
//   - --json prints one JSON value and nothing else.
//   - Colour is used only on a terminal, without --no-color, and with NO_COLOR empty or not set.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitCannot = 3

	exitStuck   = 4
	exitCrashed = 5
)

// app is what the subcommands share: the three streams and the global flags.
type app struct {
	in      io.Reader
	out     *stickyWriter
	err     io.Writer
	json    bool // --json
	noColor bool // --no-color
	paging  bool // the prompt between two pages waits for an answer
}

// exitError is an error that knows its exit code and perhaps a hint.
type exitError struct {
	code int
	err  error
	list []string // lines below the error, such as a list to choose from
	hint string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// withHint adds a line that says what would be right.
func (e *exitError) withHint(format string, args ...any) *exitError {
	e.hint = fmt.Sprintf(format, args...)
	return e
}

// usagef: the command line is wrong; exit code 2.
func usagef(format string, args ...any) *exitError {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// failedf: a rehearsal or a check found a failure; exit code 1.
func failedf(format string, args ...any) *exitError {
	return &exitError{code: exitFailed, err: fmt.Errorf(format, args...)}
}

// cannotf: it cannot run here; exit code 3.
func cannotf(format string, args ...any) *exitError {
	return &exitError{code: exitCannot, err: fmt.Errorf(format, args...)}
}

// printf writes a result in whole lines, wrapped at words on a terminal. Output for programs, such
// as JSON and diagrams, goes to a.out directly.
func (a *app) printf(format string, args ...any) {
	out := &layout.Folder{W: a.out, Width: a.width}
	fmt.Fprintf(out, format, args...)
	_ = out.Flush() // a.out keeps its error
}

// printJSON writes a result as one indented JSON value.
func (a *app) printJSON(v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("json: %w", err)
	}
	fmt.Fprintf(a.out, "%s\n", b)
	return nil
}

// note writes one line to standard error, wrapped at words on a terminal.
func (a *app) note(format string, args ...any) {
	columns, _ := sizeOf(a.err)
	for _, line := range layout.Fold(fmt.Sprintf("fdelab: "+format, args...), columns) {
		fmt.Fprintln(a.err, line)
	}
}

// hint writes a hint to standard error.
func (a *app) hint(format string, args ...any) { a.note("hint: "+format, args...) }

// report prints an error and finds its exit code.
func (a *app) report(err error) int {
	if err == nil {
		return exitDone
	}
	if !errors.Is(err, errTold) {
		a.note("error: %s", oneLine(raslab.PlainError(err)))
	}
	var e *exitError
	if !errors.As(err, &e) {
		return exitCannot
	}
	columns, _ := sizeOf(a.err)
	for _, line := range e.list {
		fmt.Fprintln(a.err, strings.Join(layout.Fold("  "+oneLine(line), columns), "\n"))
	}
	if e.hint != "" {
		a.hint("%s", oneLine(e.hint))
	}
	return e.code
}

// color says whether results may carry colour.
func (a *app) color() bool {
	f, ok := a.out.w.(*os.File)
	return ok && !a.noColor && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// stickyWriter keeps the first error, so that a full disk does not pass for success.
type stickyWriter struct {
	w   io.Writer
	err error
}

func (s *stickyWriter) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	s.err = err
	return n, err
}

// oneLine keeps a message on its line, whatever a file name in it holds.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
