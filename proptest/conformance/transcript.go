package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// A Transcript is a run of one device in a file, as a rehearsal is one of a facility: a title, prose,
// the commands, ----, and what the device answered. The first command says what device is made:
//
//	# unsafe: sector 0 does not read as the data written to it (number 3)
//
//	Found by fdelab soak.
//
//	device seed=7 ranges=2
//	write 0 1 3
//	read 0 1
//	----
//	write 0 1 3 -> done
//	read 0 1 -> done
type Transcript struct {
	Title   string
	Prose   []string // paragraphs
	Wish    Wish
	Script  []Command
	Answers []string // lines
}

const (
	transcriptRule = "----"
	deviceWord     = "device "
)

// Transcript is the failing run, with prose in paragraphs.
func (r *Result) Transcript(title string, prose ...string) Transcript {
	return Transcript{Title: title, Prose: prose, Wish: r.Wish, Script: r.Script, Answers: r.Trace}
}

// String is the file; ParseTranscript reads it.
func (t Transcript) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", flat(t.Title))
	for _, p := range t.Prose {
		if p = flat(p); strings.HasPrefix(p, deviceWord) {
			p = "the " + p // which is no command
		}
		fmt.Fprintf(&b, "%s\n\n", p)
	}
	head, _, _ := strings.Cut(FormatScript(t.Wish, nil), " |")
	b.WriteString(deviceWord + head + "\n")
	for _, c := range t.Script {
		b.WriteString(c.String() + "\n")
	}
	b.WriteString(transcriptRule + "\n")
	for _, a := range t.Answers {
		b.WriteString(strings.TrimRight(flatten(a), " ") + "\n")
	}
	return b.String()
}

// Line is the run as a script on one line.
func (t Transcript) Line() string { return FormatScript(t.Wish, t.Script) }

// flat is text on one line, flatten without the blanks around it taken away.
func flat(s string) string { return strings.TrimSpace(flatten(s)) }

func flatten(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// ParseTranscript reads a file. An error is one line that begins with file:line.
func ParseTranscript(file, text string) (*Transcript, error) {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	wrong := func(i int, format string, args ...any) (*Transcript, error) {
		return nil, fmt.Errorf("%s:%d: %s", file, i+1, fmt.Sprintf(format, args...))
	}
	if !strings.HasPrefix(lines[0], "# ") {
		return wrong(0, "no title: a run of a device begins with a line such as # unsafe: what is wrong")
	}
	t := &Transcript{Title: strings.TrimSpace(lines[0][2:])}
	first := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, deviceWord) })
	if first < 0 {
		return wrong(len(lines)-1, "no device: its line is such as device seed=1, and commands follow")
	}
	for _, p := range strings.Split(strings.Join(lines[1:first], "\n"), "\n\n") {
		if p = flat(p); p != "" {
			t.Prose = append(t.Prose, p)
		}
	}
	w, _, err := ParseScript(lines[first][len(deviceWord):] + " | flush")
	if err != nil {
		return wrong(first, "%v", err)
	}
	t.Wish = w
	at := first + 1
	for ; at < len(lines) && lines[at] != transcriptRule; at++ {
		if strings.TrimSpace(lines[at]) == "" {
			continue
		}
		c, err := ParseCommand(lines[at])
		if err != nil {
			return wrong(at, "%v", err)
		}
		t.Script = append(t.Script, c)
	}
	switch {
	case at == len(lines):
		return wrong(at-1, "no line %s: it stands between the commands and what was answered", transcriptRule)
	case len(t.Script) == 0:
		return wrong(at, "no command between the device and %s", transcriptRule)
	}
	t.Answers = strings.Split(strings.TrimRight(strings.Join(lines[at+1:], "\n"), "\n"), "\n")
	return t, nil
}
