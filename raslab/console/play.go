package console

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/layout"
	"github.com/seed-9d983aeb/fdelab/raslab"
)

// Result is what playing a transcript came to.
type Result struct {
	Steps      int // steps played
	Commands   int // commands run
	Difference *Difference
	// Logs is the whole log of each facility that was built, in order.
	Logs []string
}

// Passed says that everything printed was what the transcript says.
func (r *Result) Passed() bool { return r.Difference == nil }

// Difference is the first step that printed something else.
type Difference struct {
	File string
	Line int    // of the block's first command, counted from 1
	Want string // what the transcript says
	Got  string // what was printed
}

// String shows the place and the lines that differ: - is what the transcript says, + what
// was printed.
func (d *Difference) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: the output differs (- the transcript says, + was printed)\n", d.File, d.Line)
	b.WriteString(diffLines(d.Want, d.Got))
	return b.String()
}

// Play runs a transcript in a fresh session and stops at the first step that
// prints something else than the transcript says. Prose, commands and output go to
// out as they come; out may be nil.
func Play(t *Transcript, out io.Writer) *Result {
	s := NewSession(Options{})
	defer s.Close()
	return PlayIn(s, t, out)
}

// PlayIn is Play in a session that has done nothing yet, whose output has a fixed form.
func PlayIn(s *Session, t *Transcript, out io.Writer) *Result {
	r := &Result{}
	run(s, t, out, r, func(step *Step, got string) bool {
		if got != step.Output {
			r.Difference = &Difference{File: t.File, Line: step.Commands[0].Line, Want: step.Output, Got: got}
		}
		return r.Difference == nil
	})
	return r
}

// Rewrite runs a transcript in a fresh session and puts what it prints in place of
// what it says.
func Rewrite(t *Transcript) {
	s := NewSession(Options{})
	defer s.Close()
	run(s, t, nil, &Result{}, func(step *Step, got string) bool {
		step.Output = got
		return true
	})
}

// run plays the steps until after says stop.
func run(s *Session, t *Transcript, out io.Writer, r *Result, after func(step *Step, got string) bool) {
	if out == nil {
		out = io.Discard
	}
	defer func() {
		for _, l := range s.labs {
			r.Logs = append(r.Logs, l.TraceText())
		}
	}()
	printTitle(out, t)
	for i := range t.Steps {
		step := &t.Steps[i]
		printProse(out, step.Prose)
		var got strings.Builder
		for _, c := range step.Commands {
			fmt.Fprintf(out, "> %s\n", c.Text)
			r.Commands++
			RunLine(s, c.Text, io.MultiWriter(&got, out))
		}
		r.Steps++
		fmt.Fprintln(out)
		if !after(step, got.String()) {
			return
		}
	}
	printProse(out, t.Epilogue)
}

// RunLine runs a line as a transcript does: a refusal is printed as "error: ...", and the next
// command of the line is run. quit says whether the line ended the session.
func RunLine(s *Session, text string, out io.Writer) (quit bool) {
	s.Each(text, out, func(err error) bool {
		var failed *FailedError // what happened is printed already
		quit = errors.Is(err, ErrQuit)
		if err != nil && !quit && !errors.As(err, &failed) {
			fmt.Fprintf(out, "error: %s\n", ErrorText(err))
		}
		return true
	})
	return quit
}

// ErrorText is how an error is shown: on one line, without the names of the package and the action.
// Whoever typed the command knows them.
func ErrorText(err error) string {
	text := raslab.PlainError(err)
	var refused *raslab.RequestError
	if errors.As(err, &refused) {
		text = plain(strings.TrimPrefix(text, refused.Op+": ")) // a package's name may follow
	}
	return text
}

// plain is a text for people.
func plain(text string) string { return raslab.Plain(text) }

// oneLine is an error's text on one line.
func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}

func printTitle(out io.Writer, t *Transcript) {
	rule := layout.Width(t.Title)
	if folder, folds := out.(*layout.Folder); folds && folder.Width() > 0 {
		rule = min(rule, folder.Width())
	}
	fmt.Fprintf(out, "%s\n%s\n\n", t.Title, strings.Repeat("=", rule))
}

// printProse prints paragraphs as they were written, or wrapped anew where out folds lines.
func printProse(out io.Writer, paragraphs []string) {
	folder, folds := out.(*layout.Folder)
	for _, p := range paragraphs {
		if folds && folder.Width() > 0 && !laidOut(p) {
			p = strings.Join(layout.Wrap(p, max(folder.Width(), widthMin)), "\n")
		}
		fmt.Fprintf(out, "%s\n\n", p)
	}
}

// laidOut says whether a paragraph must keep its line breaks: a list, a table.
func laidOut(paragraph string) bool {
	for _, line := range strings.Split(paragraph, "\n") {
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "|") || strings.Contains(line, "   ") {
			return true
		}
	}
	return false
}

// diffLines compares line by line (longest common subsequence; outputs are short).
func diffLines(want, got string) string {
	a, b := outputLines(want), outputLines(got)
	// common[i][j] is the length of the longest common subsequence of a[i:] and b[j:].
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out strings.Builder
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			fmt.Fprintf(&out, "  %s\n", a[i])
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			fmt.Fprintf(&out, "- %s\n", a[i])
			i++
		default:
			fmt.Fprintf(&out, "+ %s\n", b[j])
			j++
		}
	}
	return out.String()
}

func outputLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}
