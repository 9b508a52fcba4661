package dscli

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

func newLab(t testing.TB) *raslab.Lab {
	t.Helper()
	lab, err := raslab.New(raslab.Options{Drives: 16, Seed: 7})
	require.NoError(t, err)
	return lab
}

// bench is a session on a facility, with what it printed.
type bench struct {
	t       testing.TB
	lab     *raslab.Lab
	options Options
	answers []string
	asked   []string
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t, lab: newLab(t)}
	b.options = Options{
		Lab: func() *raslab.Lab { return b.lab },
		Ask: func(prompt string) (string, error) {
			b.asked = append(b.asked, prompt)
			if len(b.answers) == 0 {
				return "", io.EOF
			}
			answer := b.answers[0]
			b.answers = b.answers[1:]
			return answer, nil
		},
		Output: Settings{Banner: "off"},
	}
	return b
}

// run gives the output, the messages of errors and the exit code of a line.
func (b *bench) run(line string) (out, errOut string, exit int) {
	b.t.Helper()
	var o, e strings.Builder
	err := NewSession(b.options).Run(line, &o, &e)
	var failed *Error
	switch {
	case errors.As(err, &failed):
		exit = failed.Exit
		require.Equal(b.t, failed.Error()+"\n", e.String(), "an error is one line, and was printed")
	default:
		require.NoError(b.t, err)
		require.Empty(b.t, e.String(), "what succeeds prints no error")
	}
	return o.String(), e.String(), exit
}

// must runs lines that succeed.
func (b *bench) must(lines ...string) (out string) {
	b.t.Helper()
	for _, line := range lines {
		text, message, exit := b.run(line)
		require.Equal(b.t, ExitSuccess, exit, "%s: %s", line, message)
		out += text
	}
	return out
}
