package console

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// leaks matches what only a programmer understands: names of packages before an error, durations
// and values as Go prints them, calls of the operating system. It also matches one thing in the
// plural.
var leaks = regexp.MustCompile(`(?m)(?:^|: |\()(?:error: )?(?:raslab|encgroup|console|tct|ipp|kmip|ttlv|pki|keydir|cert|reckey|repository|flash|drive|forensic|objectstore|clouddir|json|strconv): ` +
	`|\b(?:[0-9]+h)?[0-9]+m[0-9.]+s\b|<nil>|%!|\b0x[0-9a-f]{6,}|strconv\.|\bdial tcp|: (?:open|mkdir|lstat|unlinkat) [^ ]*[/.]|map\[|&\{|runtime error` +
	`|(?:^|[^f] |\()1 (?:active )?(?:drives|key servers|ranks|rows|sectors|members|slots|consoles|bytes|events|partitions|servers|sites|arrays)\b`)

// leak is the first leak in an output, or "".
func leak(output string) string {
	for _, line := range outputLines(output) {
		if found := leaks.FindString(line); found != "" {
			return fmt.Sprintf("%q in %q", found, line)
		}
	}
	return ""
}

func TestLeaksAreSeen(t *testing.T) {
	for _, bad := range []string{
		"error: drive: read: locked", "  unreadable: 0 to 7: raslab: rank read: R0", "in 480h0m0s", "every 1h30m0s", "why: <nil>", "%!d(string=x)",
		"key group 1 has 1 active key servers", "keyserver: mkdir /a/b: no", "connect: dial tcp 127.0.0.1:1: refused", `strconv.Atoi: parsing "x"`,
	} {
		require.NotEmpty(t, leak(bad), bad)
	}
	require.Empty(t, leak("exchange the drive: repair start drive=R1-I1-D05"))
}

// TestNoVerbLeaks plays every transcript of testdata, and every command with every argument
// gone wrong, in a sound facility, in one whose data are out of reach, and in none.
func TestNoVerbLeaks(t *testing.T) {
	for _, tr := range verbTranscripts(t) {
		for _, step := range tr.Steps {
			assert.Empty(t, leak(step.Output), "%s:%d", filepath.Base(tr.File), step.Commands[0].Line)
		}
	}
	t.Chdir(t.TempDir()) // some examples name files
	locked := encrypted + "; keyserver stop keyserver=1; keyserver stop keyserver=2; power cycle"
	for name, setup := range map[string]string{"sound": encrypted, "locked": locked, "none": ""} {
		s := NewSession(Options{Start: setup != ""})
		t.Cleanup(func() { _ = s.Close() })
		var out strings.Builder
		if setup != "" {
			RunLine(s, setup, &out)
		}
		for _, c := range Commands() {
			if name != "none" && nounOf(c) == "lab" && verbOf(c) == "new" {
				continue // the facility is to stay
			}
			for _, line := range wrong(c) {
				out.Reset()
				RunLine(s, line, &out)
				assert.Empty(t, leak(out.String()), "%s: %s", name, line)
			}
		}
	}
}

// wrong is the example of a command, once as it is and once with each argument replaced by a wrong
// value.
func wrong(c *Command) []string {
	lines := []string{nounOf(c) + " " + verbOf(c), c.Example}
	for _, p := range c.Params {
		value := regexp.MustCompile(`\b` + p.Name + `=("[^"]*"|[^ ;]*)`)
		for _, junk := range []string{"x", "-1", "99999999999999999999", `""`, `"(flash"`, "R9-I9-D99", "./no/such"} {
			arg := p.Name + "=" + junk
			if value.MatchString(c.Example) {
				lines = append(lines, value.ReplaceAllLiteralString(c.Example, arg))
			} else {
				lines = append(lines, strings.TrimSpace(c.Example+" "+arg))
			}
		}
	}
	return lines
}
