package console

import (
	"fmt"
	"strings"
)

// Transcript is a story of commands and what they print.
type Transcript struct {
	File     string // for messages
	Title    string
	SRCs     []string // service reference codes that the story is about, upper case
	Steps    []Step
	Epilogue []string // paragraphs after the last step
}

// Step is the prose that leads to a block of commands, the commands, and what they print.
type Step struct {
	Prose    []string // paragraphs, each with its own line breaks
	Commands []ScriptLine
	Output   string // ends with a newline unless empty
}

// ScriptLine is a command with its place in the file.
type ScriptLine struct {
	Line int // counted from 1
	Text string
}

const ruler = "----"

// ParseTranscript reads a transcript. An error is one line that begins with
// file:line and says what would be right.
func ParseTranscript(file, text string) (*Transcript, error) {
	t := &Transcript{File: file}
	r := &transcriptReader{file: file, lines: splitLines(text)}
	if err := r.header(t); err != nil {
		return nil, err
	}
	var prose []string
	for r.skipBlank() {
		first := r.at
		block := r.block()
		cut := indexOf(block, ruler)
		if cut < 0 {
			if allCommands(block) {
				return nil, r.errorf(first, "a command without its output: put a line %s below it, then what it prints", ruler)
			}
			prose = append(prose, strings.Join(block, "\n"))
			continue
		}
		if cut == 0 {
			return nil, r.errorf(first, "%s without a command above it: write the command in the line before", ruler)
		}
		r.at = first + cut + 1
		step := Step{Prose: prose}
		prose = nil
		for i, line := range block[:cut] {
			if err := checkLine(line); err != nil {
				return nil, r.errorf(first+i, "%v", err)
			}
			step.Commands = append(step.Commands, ScriptLine{first + i + 1, line})
		}
		var err error
		if step.Output, err = r.output(); err != nil {
			return nil, err
		}
		t.Steps = append(t.Steps, step)
	}
	t.Epilogue = prose
	if len(t.Steps) == 0 {
		return nil, r.errorf(max(0, len(r.lines)-1), "no commands: write a command, a line %s, and what it prints", ruler)
	}
	return t, nil
}

type transcriptReader struct {
	file  string
	lines []string
	at    int
}

// errorf makes an error for the line with index i.
func (r *transcriptReader) errorf(i int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", r.file, i+1, fmt.Sprintf(format, args...))
}

func (r *transcriptReader) header(t *Transcript) error {
	r.skipBlank()
	if r.at >= len(r.lines) || !strings.HasPrefix(r.lines[r.at], "# ") {
		return r.errorf(min(r.at, max(0, len(r.lines)-1)), "no title: a transcript begins with a line such as # BE31F004: the new drive refuses")
	}
	t.Title = strings.TrimSpace(r.lines[r.at][2:])
	r.at++
	if r.at < len(r.lines) && strings.HasPrefix(r.lines[r.at], "SRC:") {
		for _, code := range strings.FieldsFunc(r.lines[r.at][len("SRC:"):], func(c rune) bool { return c == ',' || isBlank(c) }) {
			t.SRCs = append(t.SRCs, strings.ToUpper(code))
		}
		if len(t.SRCs) == 0 {
			return r.errorf(r.at, "SRC: without a code: name one, as in SRC: BE31F004, or leave the line out")
		}
		r.at++
	}
	if r.at < len(r.lines) && r.lines[r.at] != "" {
		return r.errorf(r.at, "the head of a transcript ends with an empty line: put one before %q", r.lines[r.at])
	}
	return nil
}

func (r *transcriptReader) skipBlank() bool {
	for r.at < len(r.lines) && strings.TrimSpace(r.lines[r.at]) == "" {
		r.at++
	}
	return r.at < len(r.lines)
}

// block reads up to an empty line or the end.
func (r *transcriptReader) block() []string {
	start := r.at
	for r.at < len(r.lines) && strings.TrimSpace(r.lines[r.at]) != "" {
		r.at++
	}
	return r.lines[start:r.at]
}

// output reads what a block prints: up to an empty line.
func (r *transcriptReader) output() (string, error) {
	var b strings.Builder
	start := r.at
	for i, line := range r.block() {
		if line == ruler {
			return "", r.errorf(start+i, "a second %s in one block: put an empty line between the output and the next command", ruler)
		}
		b.WriteString(line + "\n")
	}
	return b.String(), nil
}

func checkLine(text string) error {
	if _, wrong := bindAll(text); wrong != nil {
		return wrong[0]
	}
	return nil
}

// allCommands says whether every line of a block is a complete command.
func allCommands(block []string) bool {
	for _, text := range block {
		lines, err := Parse(text)
		if err != nil || len(lines) == 0 || checkLine(text) != nil {
			return false
		}
	}
	return true
}

// String is the transcript as a file.
func (t *Transcript) String() string {
	var b strings.Builder
	b.WriteString("# " + t.Title + "\n")
	if len(t.SRCs) > 0 {
		b.WriteString("SRC: " + strings.Join(t.SRCs, ", ") + "\n")
	}
	for i := range t.Steps {
		step := &t.Steps[i]
		for _, p := range step.Prose {
			b.WriteString("\n" + p + "\n")
		}
		b.WriteString("\n")
		for _, c := range step.Commands {
			b.WriteString(c.Text + "\n")
		}
		b.WriteString(ruler + "\n" + step.Output)
	}
	for _, p := range t.Epilogue {
		b.WriteString("\n" + p + "\n")
	}
	return b.String()
}

func splitLines(text string) []string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func indexOf(lines []string, want string) int {
	for i, l := range lines {
		if l == want {
			return i
		}
	}
	return -1
}
