package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// The keys that the editor handles itself.
const (
	keyTab     = '\t'
	keyCtrlC   = 3
	keyCtrlR   = 18
	historyMax = 500
)

// editor reads lines at a terminal, with history and completion. It never asks for the position of
// the cursor: the terminals of expect and of build servers do not answer.
type editor struct {
	in       *os.File
	out      io.Writer
	size     func() (columns, rows int)
	complete func(text string) []console.Candidate
	keys     *term.Terminal
	history  history

	interrupted bool   // the line was given up with Ctrl-C
	searching   bool   // the line was found by Ctrl-R, and the next Ctrl-R goes on
	searchFor   string // what Ctrl-R looks for
	searchAt    int    // entry from which it goes on
}

func newEditor(in *os.File, out io.Writer, size func() (columns, rows int), complete func(string) []console.Candidate) *editor {
	e := &editor{in: in, out: out, size: size, complete: complete}
	e.keys = term.NewTerminal(e, "")
	e.keys.History = &e.history
	e.keys.AutoCompleteCallback = e.key
	return e
}

// Read and Write are the editor's connection to the terminal. Read notes Ctrl-C, which
// term.Terminal reports as the end of the input.
func (e *editor) Read(p []byte) (int, error) {
	n, err := e.in.Read(p)
	if slices.Contains(p[:n], keyCtrlC) {
		e.interrupted = true
	}
	return n, err
}

func (e *editor) Write(p []byte) (int, error) { return e.out.Write(p) }

// line is a lineReader. The terminal is in raw mode only while a line is typed, so that Ctrl-C ends
// a running command as it ends any process.
func (e *editor) line(prompt string) (string, error) {
	old, err := term.MakeRaw(int(e.in.Fd()))
	if err != nil {
		return "", fmt.Errorf("the terminal takes no single keys: %w", err)
	}
	defer func() { _ = term.Restore(int(e.in.Fd()), old) }()
	e.resize()
	e.keys.SetPrompt(prompt)
	e.searching = false
	line, err := e.keys.ReadLine()
	if errors.Is(err, io.EOF) {
		// The abandoned line stays in the terminal's state, so a new line needs a new state.
		end, mark := io.EOF, ""
		if e.interrupted {
			end, mark, e.interrupted = errInterrupt, "^C", false
		}
		fmt.Fprint(e.out, mark+"\r\n")
		e.keys = term.NewTerminal(e, "")
		e.keys.History = &e.history
		e.keys.AutoCompleteCallback = e.key
		return "", end
	}
	return line, err
}

// resize adopts the width of the terminal, which may change at any time.
func (e *editor) resize() {
	if columns, rows := e.size(); columns > 0 {
		_ = e.keys.SetSize(columns, rows)
	}
}

// key is called for each key that the terminal does not handle itself.
func (e *editor) key(line string, at int, key rune) (string, int, bool) {
	e.resize()
	if key != keyCtrlR {
		e.searching = false
	}
	switch key {
	case keyTab:
		return e.tab(line, at)
	case keyCtrlR:
		return e.search(line)
	}
	return "", 0, false
}

// search is the newest line of the history that contains the typed text; called again, the one
// before it.
func (e *editor) search(line string) (string, int, bool) {
	if !e.searching {
		e.searching, e.searchFor, e.searchAt = true, line, 0
	}
	for i := e.searchAt; i < e.history.Len(); i++ {
		if found := e.history.At(i); strings.Contains(found, e.searchFor) && found != line {
			e.searchAt = i + 1
			return found, len(found), true
		}
	}
	return line, len(line), true
}

// tab completes the word before the cursor as far as all candidates agree, adds a blank behind a
// whole word, and lists the candidates if there are several.
func (e *editor) tab(line string, at int) (string, int, bool) {
	if e.complete == nil {
		return line, at, true
	}
	before, after := line[:at], line[at:]
	all := e.complete(before)
	if len(all) == 0 {
		return line, at, true
	}
	// Candidates are whole words. The end of the line that they have in common is the word being
	// typed.
	word := typed(before, all[0].Text)
	common := all[0].Text
	for _, c := range all[1:] {
		common = commonPrefix(common, c.Text)
	}
	if len(all) == 1 && !strings.HasSuffix(common, "=") && !strings.HasPrefix(after, " ") {
		common += " "
	}
	if len(common) <= len(word) && len(all) > 1 {
		_, _ = e.keys.Write([]byte(e.menu(all)))
		return line, at, true
	}
	if len(common) < len(word) { // they differ in upper and lower case
		return line, at, true
	}
	done := before[:len(before)-len(word)] + common
	return done + after, len(done), true
}

// typed is the end of text that is the beginning of candidate, in any case.
func typed(text, candidate string) string {
	for n := min(len(text), len(candidate)); n > 0; n-- {
		if tail := text[len(text)-n:]; strings.EqualFold(tail, candidate[:n]) && (n == len(text) || strings.ContainsRune(" ;\t\"=", rune(text[len(text)-n-1]))) {
			return tail
		}
	}
	return ""
}

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && strings.EqualFold(a[n:n+1], b[n:n+1]) {
		n++
	}
	for n > 0 && !utf8.ValidString(a[:n]) {
		n--
	}
	return a[:n]
}

// menu is the candidates with their help, wrapped to the width of the terminal. If that is higher
// than the terminal, it is the candidates without help.
func (e *editor) menu(all []console.Candidate) string {
	columns, rows := e.size()
	if columns <= 0 {
		columns, rows = 80, 24
	}
	helps := map[string]bool{}
	for _, c := range all {
		helps[c.Help] = true
	}
	if len(helps) == 1 && len(all) > 1 { // one help for all is not worth a line each
		head := ""
		if all[0].Help != "" {
			head = strings.Join(layout.Fold(all[0].Help+":", columns), "\n") + "\n"
		}
		return head + names(all, columns, rows)
	}
	var b strings.Builder
	t := layout.NewTable(&b, columns)
	for _, c := range all {
		fmt.Fprintf(t, "%s\t%s\n", c.Text, c.Help)
	}
	_ = t.Flush() // of a string
	if strings.Count(b.String(), "\n") > max(3, rows-3) {
		return names(all, columns, rows)
	}
	return b.String()
}

// names is candidates without help, side by side, as far as the terminal has room, and the number
// of the others.
func names(all []console.Candidate, columns, rows int) string {
	widest := 0
	for _, c := range all {
		widest = max(widest, layout.Width(c.Text))
	}
	var b strings.Builder
	each := max(1, columns/(widest+2))
	for i, c := range all {
		if (i+1)/each > max(3, rows-4) {
			fmt.Fprintf(&b, "  (%d more)\n", len(all)-i)
			return b.String()
		}
		if (i+1)%each == 0 || i == len(all)-1 {
			b.WriteString(c.Text + "\n")
			continue
		}
		fmt.Fprintf(&b, "%-*s  ", widest, c.Text)
	}
	return b.String()
}

// history is the lines that were typed, the newest first. It is in memory only, since a line
// may hold a PIN.
type history struct{ lines []string }

// Add keeps a line, except an empty one, an answer such as y, and a repeated one.
func (h *history) Add(line string) {
	if line = strings.TrimSpace(line); len(line) < 2 || len(h.lines) > 0 && h.lines[0] == line {
		return
	}
	h.lines = slices.Insert(h.lines, 0, line)
	h.lines = h.lines[:min(len(h.lines), historyMax)]
}

func (h *history) Len() int        { return len(h.lines) }
func (h *history) At(i int) string { return h.lines[i] }
