package dscli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Lines reads a script or a pipe: commands, and the answers to their questions.
type Lines struct {
	r      *bufio.Reader
	number int // of the line that was read last, from 1
}

// NewLines reads from in.
func NewLines(in io.Reader) *Lines { return &Lines{r: bufio.NewReader(in)} }

// Next is the next line without its end, and io.EOF after the last. A line that is too long is cut,
// but to a length that no command may have.
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

// Answers writes the prompt to out, takes the next line as the answer, and writes the answer after
// the prompt as if it had been typed.
func (l *Lines) Answers(out io.Writer) func(prompt string) (string, error) {
	return func(prompt string) (string, error) {
		answer, err := l.Next()
		fmt.Fprintf(out, "%s%s\n", prompt, strings.ToValidUTF8(answer, "?"))
		return answer, err
	}
}

// Script runs the lines of a script until the first that goes wrong, as DSCLI does. It prints that
// line's *Error with the number of the line, and returns it. quit ends the script without an error.
// Any other error is one of reading.
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
