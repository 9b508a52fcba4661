package main

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDumbTerminalGetsPlainLines(t *testing.T) {
	for name, dumb := range map[string]bool{"": true, "dumb": true, "xterm-256color": false, "linux": false} {
		require.Equal(t, dumb, dumbTerminal(name), "TERM=%s", name)
	}
	t.Setenv("TERM", "dumb")
	var out strings.Builder
	a := &app{in: strings.NewReader("drive list\r\n\nlast"), out: &stickyWriter{w: &out}}
	read := a.lines(nil)
	for _, want := range []string{"drive list", "", "last"} {
		line, err := read("> ")
		require.NoError(t, err)
		require.Equal(t, want, line)
	}
	_, err := read("> ")
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, "> > > > ", out.String(), "only the prompt is written: no question to the terminal")
}

func TestInterruptGivesACommandLineUp(t *testing.T) {
	answers := []error{errInterrupt, errInterrupt, nil, errors.New("gone")}
	asked := 0
	read := lineReader(func(string) (string, error) { asked++; return "line", answers[asked-1] })
	line, err := read.again("> ")
	require.NoError(t, err)
	require.Equal(t, "line", line)
	require.Equal(t, 3, asked, "it asks again")
	_, err = read.again("> ")
	require.EqualError(t, err, "gone")
}
