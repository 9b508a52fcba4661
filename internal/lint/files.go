package lint

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// notes are the words by which people leave work to others. They are written
// apart here so that this file does not hold them.
var notes = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b`)

// generated is the line by which a file says that a program made it.
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// prose are the kinds of files whose words are checked.
var prose = []string{".go", ".md", ".txt", ".txtar", ".mod", ".sh"}

// files checks the text of the module's files: their length, that of their functions, and their words.
func files(m *module, limits Limits) ([]Finding, error) {
	var found []Finding
	err := filepath.WalkDir(m.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != m.dir && (strings.HasPrefix(name, ".git") || name == "bin" || isSample(path)) {
				return fs.SkipDir
			}
			return nil
		}
		ext := filepath.Ext(name)
		if !slices.Contains(prose, ext) && name != "Makefile" {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file := m.rel(path)
		if ext == ".go" && generated.Match(b) {
			if isMade(path) {
				return nil
			}
			found = append(found, Finding{File: file, Line: 1, Rule: "generated", Text: "it says that it is generated, and has neither a template nor assembly beside it"})
		}
		if n := bytes.Count(b, []byte("\n")); ext == ".go" && n > limits.Lines {
			found = append(found, Finding{File: file, Line: n, Rule: "length", Text: fmt.Sprintf("%d lines, at most %d: one concern a file", n, limits.Lines)})
		}
		if ext == ".go" {
			long, err := functions(file, b, limits.Code)
			if err != nil {
				return err
			}
			found = append(found, long...)
		}
		for i, line := range bytes.Split(b, []byte("\n")) {
			if w := notes.Find(line); w != nil {
				found = append(found, Finding{File: file, Line: i + 1, Rule: "words", Text: fmt.Sprintf("a note to self, %q: do it, or leave it out", w)})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("lint: %w", err)
	}
	return found, nil
}

// isMade tells whether what a file is made of, or with, lies beside it. Nobody reads such a file: its template is held to
// the rules of templates, and the stubs of assembly are declarations. Tests compare both with what their generators write.
func isMade(path string) bool {
	from := strings.TrimSuffix(path, ".go") + ".s"
	if base, ok := strings.CutSuffix(path, "_templ.go"); ok {
		from = base + ".templ"
	}
	_, err := os.Stat(from)
	return err == nil
}

// isSample tells whether a directory is a module in testdata, such as the bad sample of the tests.
// Other modules in the repository are tools, whose text is held to the same rules.
func isSample(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil && filepath.Base(filepath.Dir(dir)) == "testdata"
}
