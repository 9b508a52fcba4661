package console

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Tally counts the lines of a script that went wrong.
type Tally struct {
	Failed        int // ran and did not reach their aim: *FailedError, or *drive.StatusError of a host command
	Refused       int // asked for what cannot be, such as a slot that does not exist: nothing was changed
	NotUnderstood int // *UsageError: nothing was run
}

// Verdict is what became of one line of a script.
type Verdict string

// The verdicts.
const (
	Done          Verdict = "done"
	Failed        Verdict = "failed"
	Refused       Verdict = "refused"
	NotUnderstood Verdict = "not understood"
)

// Runner runs the commands of a line as [Session.Each] does.
type Runner interface {
	Each(text string, out io.Writer, report func(err error) (goOn bool))
}

// RunScript runs every line of in, as a shell without a prompt does, and reports the verdict on
// each. Lines count from 1, and err is nil where the verdict is Done. A line of several commands is
// reported once for each command that goes wrong, and once for those after the last of these. A
// command that goes wrong does not stop the script, unless stop is set. A *FailedError was printed
// already and is reported all the same. The error that RunScript returns is one of reading.
func RunScript(s Runner, in io.Reader, out io.Writer, stop bool, report func(line int, verdict Verdict, err error)) (Tally, error) {
	var tally Tally
	r := bufio.NewReaderSize(in, MaxLine+2)
	for number := 1; ; number++ {
		text, err := readLine(r)
		var reading *readError
		switch {
		case errors.Is(err, io.EOF):
			return tally, nil
		case errors.As(err, &reading):
			return tally, fmt.Errorf("line %d: %w", number, reading.err)
		case err != nil:
			report(number, tally.count(err), err)
			if stop {
				return tally, nil
			}
			continue
		}
		var last error
		ended := false
		s.Each(text, out, func(err error) bool {
			last = err
			switch {
			case err == nil:
				return true
			case errors.Is(err, ErrQuit):
				ended = true
				return false
			}
			report(number, tally.count(err), err)
			ended = stop
			return !stop
		})
		if last == nil {
			report(number, Done, nil)
		}
		if ended {
			return tally, nil
		}
	}
}

// VerdictOf says what the error of a command that ran, or was not understood, comes to.
func VerdictOf(err error) Verdict {
	var notUnderstood *UsageError
	var failed *FailedError
	var status *drive.StatusError
	var told *ToldError
	switch {
	case err == nil:
		return Done
	case errors.As(err, &told):
		return told.Verdict
	case errors.As(err, &notUnderstood):
		return NotUnderstood
	case errors.As(err, &failed), errors.As(err, &status):
		return Failed
	}
	return Refused
}

// ToldError is the error of a command that ran in another process.
type ToldError struct {
	Verdict Verdict
	Text    string // as ErrorText gives it
	Printed bool   // what happened is printed already
}

func (e *ToldError) Error() string { return e.Text }

// Unwrap gives a *FailedError for what is printed already.
func (e *ToldError) Unwrap() error {
	if e.Printed {
		return &FailedError{}
	}
	return nil
}

// count adds an error to the tally and says what it is.
func (t *Tally) count(err error) Verdict {
	v := VerdictOf(err)
	switch v {
	case NotUnderstood:
		t.NotUnderstood++
	case Failed:
		t.Failed++
	case Refused:
		t.Refused++
	}
	return v
}

type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

// readLine reads one line without its end. A line that is too long is a *UsageError and is
// skipped whole.
func readLine(r *bufio.Reader) (string, error) {
	text, err := r.ReadSlice('\n')
	switch {
	case err == nil, errors.Is(err, io.EOF) && len(text) > 0:
		n := len(text)
		if text[n-1] == '\n' {
			n--
		}
		return string(text[:n]), nil
	case errors.Is(err, bufio.ErrBufferFull):
		total := len(text)
		for errors.Is(err, bufio.ErrBufferFull) {
			text, err = r.ReadSlice('\n')
			total += len(text)
		}
		return "", usage(0, fmt.Sprintf("at most %d are taken", MaxLine), "a line of %d bytes", total)
	case errors.Is(err, io.EOF):
		return "", io.EOF
	}
	return "", &readError{err}
}
