package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/raslab"
)

func TestReportFindsTheExitCode(t *testing.T) {
	for _, c := range []struct {
		err     error
		code    int
		message string
	}{
		{nil, 0, ""},
		{failedf("2 of 3"), 1, "fdelab: error: 2 of 3\n"},
		{usagef("bad").withHint("good"), 2, "fdelab: error: bad\nfdelab: hint: good\n"},
		{cannotf("no file"), 3, "fdelab: error: no file\n"},
		{fmt.Errorf("wrapped: %w", failedf("deep")), 1, "fdelab: error: wrapped: deep\n"},
		{errors.New("unforeseen"), 3, "fdelab: error: unforeseen\n"},
	} {
		var diagnostics strings.Builder
		a := &app{out: &stickyWriter{w: io.Discard}, err: &diagnostics}
		require.Equal(t, c.code, a.report(c.err), "the exit code of %v", c.err)
		require.Equal(t, c.message, diagnostics.String(), "what is said of %v", c.err)
	}
}

func TestColorNeedsATerminal(t *testing.T) {
	require.False(t, (&app{out: &stickyWriter{w: &strings.Builder{}}}).color(), "a buffer is no terminal")
}

func TestErrorsHaveNoNamesOfPackages(t *testing.T) {
	for text, want := range map[string]string{
		"cloud: clouddir: token: pki: x/token has mode 0644": "cloud: token: x/token has mode 0644",
		"pki: open x.crt: no such file or directory":         "x.crt: no such file or directory",
		"shell: cloud server: tct: no":                       "shell: cloud server: no",
		"certificate: my server: x":                          "certificate: my server: x",
	} {
		require.Equal(t, want, raslab.Plain(text))
	}
}
