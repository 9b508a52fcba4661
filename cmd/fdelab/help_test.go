package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
)

// The text of a command's help is broken by hand: a line that was forgotten is found here.
func TestHelpIsWrapped(t *testing.T) {
	seen := 0
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		for _, line := range strings.Split(c.Short+"\n"+c.Long, "\n") {
			if strings.HasPrefix(line, "  -") { // a row of the table of options, as those of pflag
				continue
			}
			seen++
			require.LessOrEqual(t, layout.Width(line), 100, "%s --help: %s", c.CommandPath(), line)
		}
		for _, below := range c.Commands() {
			check(below)
		}
	}
	check(newRootCmd(&app{in: &bytes.Buffer{}, out: &stickyWriter{w: &bytes.Buffer{}}, err: &bytes.Buffer{}}))
	require.Greater(t, seen, 50)
}
