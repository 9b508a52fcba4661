package dscli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// leaks matches what only a programmer understands, as in the test of raslab/console.
var leaks = regexp.MustCompile(`(?:^|: |\()(?:raslab|encgroup|console|tct|ipp|kmip|pki|keydir|cert|reckey|repository|flash|drive|json|strconv): ` +
	`|\b(?:[0-9]+h)?[0-9]+m[0-9.]+s\b|<nil>|%!|\b0x[0-9a-f]{6,}|strconv\.|\bdial tcp|: (?:open|mkdir|lstat) [^ ]*[/.]|map\[|&\{|runtime error`)

// TestNoCommandLeaks looks at every transcript, and runs every command with every parameter gone
// wrong, also without a key server that answers.
func TestNoCommandLeaks(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		for _, line := range strings.Split(string(text), "\n") {
			assert.Empty(t, leaks.FindString(line), "%s: %s", f, line)
		}
	}
	for _, locked := range []bool{false, true} {
		b := newBench(t)
		b.must("mkkeygrp 1", "mkarray -arsite S1", "mkrank -array A0 -keygrp 1")
		if locked {
			for id := range b.lab.Customer().KeyServers() {
				require.NoError(t, b.lab.Customer().Stop(id+1))
			}
			_, err := b.lab.PowerCycle()
			require.NoError(t, err)
		}
		for _, c := range Commands() {
			lines := []string{c.Name, c.Example}
			for _, junk := range []string{"x", "-1", "99999999999999999999", `""`, "./no/such", "R9"} {
				lines = append(lines, c.Name+" "+junk)
				for _, p := range c.Params {
					if !p.Bare {
						lines = append(lines, c.Name+" -"+p.Name+" "+junk, c.Example+" -"+p.Name+" "+junk)
					}
				}
			}
			for _, line := range lines {
				var out strings.Builder
				_ = NewSession(b.options).Run(line, &out, &out) // whatever becomes of it
				for _, said := range strings.Split(out.String(), "\n") {
					assert.Empty(t, leaks.FindString(said), "%s: %s", line, said)
				}
			}
		}
	}
}
