package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/internal/fault"
)

var update = flag.Bool("update", false, "write the generated parts of the documents anew")

// document compares the file with what make returns for its text, or writes it.
func document(t *testing.T, name string, make func(string) string) {
	t.Helper()
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join("..", "..", name)
	}
	have, err := os.ReadFile(path)
	require.NoError(t, err)
	want := make(string(have))
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(have), "%s is out of date; make generate writes it anew", name)
}

func TestArchitectureShowsWhatTheCodeHas(t *testing.T) {
	sections := map[string]string{
		"lifecycle": drive.LifecycleMarkdown() + "\n```mermaid\n" + drive.LifecycleMermaid() + "```\n",
		"faults":    fault.Markdown(),
	}
	used := 0
	document(t, "ARCHITECTURE.md", func(text string) string {
		return regexp.MustCompile(`(?s)<!-- generated: (\w+) -->\n.*?<!-- end -->`).ReplaceAllStringFunc(text, func(s string) string {
			name := strings.Fields(s)[2]
			body, ok := sections[name]
			require.True(t, ok, "no section %q can be generated", name)
			used++
			return fmt.Sprintf("<!-- generated: %s -->\n%s<!-- end -->", name, body)
		})
	})
	require.Equal(t, len(sections), used, "every generated section stands in ARCHITECTURE.md once")
}

// TestReadmeTour runs every command of the README's console blocks, a line that
// begins with "$ fdelab", and compares what it prints.
func TestReadmeTour(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	t.Chdir(t.TempDir()) // a command may write files
	commands := 0
	readme := func(text string) string {
		return regexp.MustCompile("(?s)```console\n.*?```").ReplaceAllStringFunc(text, func(block string) string {
			var b strings.Builder
			b.WriteString("```console\n")
			for _, line := range strings.Split(block, "\n") {
				command, ok := strings.CutPrefix(line, "$ fdelab ")
				if !ok {
					continue
				}
				commands++
				var out, errOut bytes.Buffer
				args := splitWords(command)
				code := run(args, strings.NewReader(""), &out, &errOut)
				fmt.Fprintf(&b, "%s\n%s%s", line, out.String(), errOut.String())
				if code != 0 {
					fmt.Fprintf(&b, "(exit code %d)\n", code)
				}
			}
			return b.String() + "```"
		})
	}
	document(t, filepath.Join(root, "README.md"), readme)
	require.Greater(t, commands, 4, "the README has a tour")
}

// splitWords splits a command as a shell would, single and double quotes
// included.
func splitWords(s string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`'([^']*)'|"([^"]*)"|(\S+)`).FindAllStringSubmatch(s, -1) {
		out = append(out, m[1]+m[2]+m[3])
	}
	return out
}
