package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
)

// The text of a command's help is broken by hand: a line that was forgotten is found here. Tables
// of options are wrapped.
func TestHelpIsWrapped(t *testing.T) {
	seen := 0
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		_, help, _ := play(t, append(strings.Fields(c.CommandPath())[1:], "--help")...)
		require.NotEmpty(t, help)
		for _, line := range strings.Split(c.Short+"\n"+help, "\n") {
			if strings.HasPrefix(line, "  fdelab ") { // an example is copied whole
				continue
			}
			seen++
			require.LessOrEqual(t, layout.Width(line), helpWidthMax, "%s --help: %s", c.CommandPath(), line)
		}
		for _, below := range c.Commands() {
			check(below)
		}
	}
	check(newRootCmd(&app{in: &bytes.Buffer{}, out: &stickyWriter{w: &bytes.Buffer{}}, err: &bytes.Buffer{}}))
	require.Greater(t, seen, 50)
}
