//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// noEdge is a terminal so wide that nothing is folded, in columns.
const noEdge = 4000

var (
	drawing    = regexp.MustCompile("[─│┌┬┐├┼┤└┴┘●▲▼■□·=]{2,}|[│├└●▲]")
	colourCode = regexp.MustCompile("\x1b\\[[0-9;]*m")
)

// fits requires that no line of narrow is wider than the terminal, and that every word of wide, the
// same output where there is no edge, is whole in it. A word that is wider than the terminal stands
// alone in its line.
func fits(t *testing.T, columns int, what, wide, narrow string) {
	t.Helper()
	words := func(text string) map[string]int {
		count := map[string]int{}
		for _, word := range strings.Fields(drawing.ReplaceAllString(colourCode.ReplaceAllString(text, ""), " ")) {
			count[strings.TrimSuffix(word, ":")]++
		}
		return count
	}
	for _, line := range strings.Split(narrow, "\n") {
		if n := layout.Width(line); n > columns {
			require.Equal(t, []string{line}, strings.Fields(drawing.ReplaceAllString(line, " ")), "%s: %d columns of %d", what, n, columns)
		}
	}
	var folds []string
	for _, line := range strings.Split(wide, "\n") {
		if strings.HasPrefix(line, "│") && strings.HasSuffix(line, "│") && layout.Width(line) > columns { // a rehearsal's picture has one form
			require.Contains(t, strings.Join(strings.Fields(narrow), " "), fmt.Sprintf("needs %d columns: make the terminal wider", layout.Width(line)))
			continue
		}
		folds = append(folds, line)
	}
	wide = strings.Join(folds, "\n")
	have := words(narrow)
	for word, n := range words(wide) {
		if layout.Width(word) <= columns {
			require.GreaterOrEqual(t, have[word], n, "%s: the word %q is whole at %d columns:\n%s", what, word, columns, narrow)
		}
	}
}

// whole is what a program writes on a terminal until it ends. The terminal is kept open here: when its
// last holder ends, what nobody has read yet may be lost. A mark behind the output says where it ends.
func whole(t *testing.T, columns int, args ...string) string {
	t.Helper()
	const mark = "\x00the end\x00"
	screen, tty, err := pty.Open()
	require.NoError(t, err)
	defer screen.Close()
	defer tty.Close()
	require.NoError(t, pty.Setsize(screen, &pty.Winsize{Cols: uint16(columns), Rows: rows}))
	read := make(chan string, 1)
	go func() {
		var all []byte
		for b := make([]byte, 4096); !bytes.HasSuffix(all, []byte(mark)); {
			n, err := screen.Read(b)
			if all = append(all, b[:n]...); err != nil {
				break
			}
		}
		read <- string(all)
	}()
	c := exec.Command("fdelab", append([]string{"--no-color"}, args...)...)
	c.Env = append(os.Environ(), "TERM=xterm-256color")
	c.Stdin, c.Stdout, c.Stderr = tty, tty, tty
	var exit *exec.ExitError
	if err := c.Run(); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	_, err = tty.WriteString(mark)
	require.NoError(t, err)
	all, found := strings.CutSuffix(<-read, mark)
	require.True(t, found, "the terminal ended before its program: %q", all)
	return strings.ReplaceAll(all, "\r\n", "\n")
}

// TestOutputFitsTheTerminal runs what fdelab itself shows; the commands of the shell and of DSCLI
// have such a test in raslab/console.
func TestOutputFitsTheTerminal(t *testing.T) {
	programs := [][]string{
		{"rehearse"},
		{"rehearse", "be3400b3"},
		{"rehearse", "-i", "be34009e"},
		{"src"},
		{"src", "BE34009E"},
		{"src", "BE340000"},
		{"states"},
		{"version"},
		{"nonsense"},
		{"src", "nonsense"},
		{"certificate", "verify", "no-such-file-in-this-directory", "--key", "none"},
		{"dscli", "lsddm", "-l"},
		{"dscli", "help"},
		{"dscli", "-user", "nobody", "lsddm"},
		{"shell", "-c", "keygrp configure; array create site=S1; rank create array=A0 keygrp=1; drive list; keygrp show; drive keys drive=R1-I1-D16; event timeline; rank create array=A0"},
	}
	var help func(c *cobra.Command, path []string)
	help = func(c *cobra.Command, path []string) {
		programs = append(programs, append(append([]string{}, path...), "--help"))
		for _, sub := range c.Commands() {
			help(sub, append(append([]string{}, path...), sub.Name()))
		}
	}
	help(newRootCmd(&app{in: &bytes.Buffer{}, out: &stickyWriter{w: &bytes.Buffer{}}, err: &bytes.Buffer{}}), nil)
	for _, args := range programs {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			if args[0] == "dscli" && args[1] != "--help" {
				t.Setenv("TERM", "dumb")
			}
			wide := whole(t, noEdge, args...)
			require.NotEmpty(t, wide)
			widths := terminalWidths
			if testing.Short() {
				widths = widths[:1]
			}
			for _, columns := range widths {
				fits(t, columns, strings.Join(args, " "), wide, whole(t, columns, args...))
			}
		})
	}
}

// The menu of candidates is wrapped, not cut.
func TestMenuFitsTheTerminal(t *testing.T) {
	s := console.NewSession(console.Options{Start: true})
	defer s.Close()
	for _, text := range []string{"", "rank ", "keyserver ", "keygrp configure ", "drive show drive=", "src ", "help "} {
		all := console.Complete(s, text)
		require.NotEmpty(t, all, text)
		menu := func(columns int) string {
			e := &editor{size: func() (int, int) { return columns, 1000 }}
			return e.menu(all)
		}
		for _, columns := range terminalWidths {
			fits(t, columns, fmt.Sprintf("the menu of %q", text), menu(noEdge), menu(columns))
		}
	}
	long := []console.Candidate{{Text: "one", Help: strings.Repeat("a help of many words ", 9)}, {Text: "two", Help: "a short one"}}
	e := &editor{size: func() (int, int) { return 60, 24 }}
	fits(t, 60, "a long help", long[0].Help, e.menu(long))
}
