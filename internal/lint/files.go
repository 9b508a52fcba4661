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

// generated are files that nobody reads: what they are made of is held to the rules, or is no Go.
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
			return nil
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

// isSample tells whether a directory is a module in testdata, such as the bad sample of the tests.
// Other modules in the repository are tools, whose text is held to the same rules.
func isSample(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil && filepath.Base(filepath.Dir(dir)) == "testdata"
}
