package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/raslab/rehearsals"
)

var update = flag.Bool("update", false, "write the generated parts of the documents anew")

// root is the directory of the module.
func root(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	return dir
}

// document compares the file, whose name is relative to the module, with what make returns for
// its text, or writes it.
func document(t *testing.T, dir, name string, make func(string) string) {
	t.Helper()
	path := filepath.Join(dir, name)
	have, err := os.ReadFile(path)
	require.NoError(t, err)
	want := make(string(have))
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(have), "%s is out of date; make generate writes it anew", name)
}

func lifecycle(p drive.Personality) string {
	return drive.LifecycleMarkdown(p) + "\n```mermaid\n" + drive.LifecycleMermaid(p) + "```\n"
}

func TestArchitectureShowsWhatTheCodeHas(t *testing.T) {
	sections := map[string]string{
		"lifecycle": lifecycle(drive.Enterprise),
		"opal":      lifecycle(drive.Opal),
		"faults":    fault.Markdown(),
	}
	used := 0
	document(t, root(t), "ARCHITECTURE.md", func(text string) string {
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

// readerDocuments are README and the pages of docs, relative to the module.
func readerDocuments(t testing.TB) []string {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(root(t), "docs", "*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	names := []string{"README.md"}
	for _, p := range pages {
		names = append(names, filepath.Join("docs", filepath.Base(p)))
	}
	return names
}

func readDocument(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root(t), name))
	require.NoError(t, err)
	return string(b)
}

var (
	fence   = regexp.MustCompile("(?ms)^```.*?^```$")
	codeOf  = regexp.MustCompile("`([^`\n]+)`")
	linkOf  = regexp.MustCompile(`\]\(([^)#:]+)\)`)
	benchOf = regexp.MustCompile(`go test \./(\S+) -run xxx -bench '?(\w+)`)
)

// TestReadmeIsForOneMinute: what is longer goes to docs, and README says where.
func TestReadmeIsForOneMinute(t *testing.T) {
	text := readDocument(t, "README.md")
	require.LessOrEqual(t, strings.Count(text, "\n"), 125, "README is read in a minute")
	for _, name := range readerDocuments(t)[1:] {
		require.Contains(t, text, "("+filepath.ToSlash(name)+")", "README links every page")
	}
}

// TestReadmeShowsThePropertyOfThePage: the page is compiled and run, README shows the same.
func TestReadmeShowsThePropertyOfThePage(t *testing.T) {
	shown := regexp.MustCompile("(?s)```go\n(.*?)```").FindStringSubmatch(readDocument(t, "README.md"))
	require.NotNil(t, shown, "README has a test in Go")
	require.Contains(t, readDocument(t, filepath.Join("docs", "go.md")), shown[1])
}

// TestDocumentsNameWhatIs: links lead to files; what the text names in passing (a subcommand, a
// rehearsal, a target of make, a benchmark) is there.
func TestDocumentsNameWhatIs(t *testing.T) {
	makefile := readDocument(t, "Makefile")
	for _, name := range readerDocuments(t) {
		text := fence.ReplaceAllString(readDocument(t, name), "")
		for _, m := range linkOf.FindAllStringSubmatch(text, -1) {
			_, err := os.Stat(filepath.Join(root(t), filepath.Dir(name), m[1]))
			require.NoError(t, err, "%s: link to %s", name, m[1])
		}
		for _, m := range benchOf.FindAllStringSubmatch(text, -1) {
			require.True(t, hasBenchmark(t, m[1], m[2]), "%s: %s has no benchmark %s", name, m[1], m[2])
		}
		for _, m := range codeOf.FindAllStringSubmatch(text, -1) {
			words := strings.Fields(strings.ReplaceAll(m[1], "go run ./cmd/fdelab", "fdelab"))
			switch {
			case len(words) > 1 && words[0] == "fdelab":
				require.NoError(t, namesSubcommand(words[1:]), "%s: %s", name, m[1])
			case len(words) > 1 && words[0] == "make":
				require.Contains(t, makefile, "\n"+words[1]+": ## ", "%s: %s", name, m[1])
			}
		}
	}
}

// namesSubcommand says what is wrong with the words behind fdelab: the name of a subcommand, or
// of a rehearsal behind rehearse.
func namesSubcommand(words []string) error {
	if strings.HasPrefix(words[0], "-") || words[0] == "..." {
		return nil
	}
	c, rest, err := newRootCmd(&app{out: &stickyWriter{}}).Find(words)
	if err != nil {
		return err
	}
	rest = slices.DeleteFunc(rest, func(w string) bool { return strings.HasPrefix(w, "-") || w == "NAME" })
	if c.Name() == "rehearse" && len(rest) > 0 && !strings.HasSuffix(rest[0], ".txt") {
		_, err = rehearsals.Find(rest[0])
	}
	return err
}

func hasBenchmark(t *testing.T, pkg, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(t), pkg, "*_test.go"))
	require.NoError(t, err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		if regexp.MustCompile(`(?m)^func Benchmark\w*` + name).Match(b) {
			return true
		}
	}
	return false
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
