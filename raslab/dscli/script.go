package dscli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Lines reads a script, or what comes through a pipe: commands, and the answers to their
// questions.
type Lines struct {
	r      *bufio.Reader
	number int // of the line that was read last, from 1
}

// NewLines reads from in.
func NewLines(in io.Reader) *Lines { return &Lines{r: bufio.NewReader(in)} }

// Next is the next line without its end; io.EOF after the last. Of a line that is too long
// the beginning is given, which is too long for a command all the same.
func (l *Lines) Next() (string, error) {
	var b strings.Builder
	l.number++
	for {
		part, err := l.r.ReadSlice('\n')
		if b.Len() <= MaxLine {
			b.Write(part)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && b.Len() > 0, err == nil:
			return strings.TrimRight(b.String(), "\r\n"), nil
		default:
			return "", err
		}
	}
}

// Answers asks by writing the prompt to out and taking the next line, which is written
// behind it, as if it had been typed.
func (l *Lines) Answers(out io.Writer) func(prompt string) (string, error) {
	return func(prompt string) (string, error) {
		answer, err := l.Next()
		fmt.Fprintf(out, "%s%s\n", prompt, strings.ToValidUTF8(answer, "?"))
		return answer, err
	}
}

// Script runs the lines of a script until the first that goes wrong, as DSCLI does; its
// *Error is returned (and was printed, with the number of the line). quit ends it without an error. Another error is one
// of reading.
func (s *Session) Script(l *Lines, out, errOut io.Writer) error {
	for {
		line, err := l.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("dscli: %w", err)
		}
		at := l.number
		err = s.run(line, out, errOut)
		var e *Error
		switch {
		case err == nil:
			continue
		case errors.Is(err, ErrQuit):
			return nil
		case errors.As(err, &e):
			numbered := *e
			if e.answer {
				at = l.number
			}
			numbered.Text = fmt.Sprintf("line %d: %s", at, e.Text)
			return s.told(&numbered, errOut)
		}
		return err
	}
}
