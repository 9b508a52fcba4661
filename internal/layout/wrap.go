package layout

import (
	"io"
	"strings"
	"unicode/utf8"
)

// Width is how many columns s takes: its characters without colour codes.
func Width(s string) int {
	n := 0
	for len(s) > 0 {
		if code := colorCode(s); code > 0 {
			s = s[code:]
			continue
		}
		_, size := utf8.DecodeRuneInString(s)
		s, n = s[size:], n+1
	}
	return n
}

// colorCode is the length in bytes of the colour code that s begins with, 0 if it does not.
func colorCode(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 0
	}
	if end := strings.IndexByte(s, 'm'); end > 0 && strings.Trim(s[2:end], "0123456789;") == "" {
		return end + 1
	}
	return 0
}

// Wrap breaks text at blanks into lines of at most width columns. A word that is wider
// has a line of its own. An empty text has no line.
func Wrap(text string, width int) []string {
	var lines []string
	var line strings.Builder
	used := 0
	for _, word := range strings.Fields(text) {
		n := Width(word)
		if used > 0 && used+1+n > width {
			lines = append(lines, line.String())
			line.Reset()
			used = 0
		}
		if used > 0 {
			line.WriteByte(' ')
			used++
		}
		line.WriteString(word)
		used += n
	}
	if used > 0 {
		lines = append(lines, line.String())
	}
	return lines
}

// Fold breaks one line that is wider than width at blanks. What follows stands under its
// first word, two columns further in. A line that fits, or is a drawing, stays as it is.
func Fold(line string, width int) []string {
	if width <= 0 || Width(line) <= width || strings.ContainsAny(line, "│┌├└─●▲■") {
		return []string{line}
	}
	text := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(text)]
	first := width - len(indent)
	if first < 10 {
		return []string{line}
	}
	var lines []string
	rest := Wrap(text, first)
	if len(rest) > 1 {
		lines = append(lines, indent+rest[0])
		text = strings.Join(rest[1:], " ")
		indent += "  "
		rest = Wrap(text, first-2)
	}
	for _, l := range rest {
		lines = append(lines, indent+l)
	}
	return lines
}

// Folder writes to another writer and folds each line that is wider than Width says. A line
// is written when its end has come; Flush writes what is left.
type Folder struct {
	W     io.Writer
	Width func() int // in columns; 0 leaves lines as they are
	line  []byte
	err   error
}

// Write takes text. The error is that of the writer behind.
func (f *Folder) Write(p []byte) (int, error) {
	for _, b := range p {
		if f.line = append(f.line, b); b != '\n' {
			continue
		}
		line := string(f.line[:len(f.line)-1])
		f.line = f.line[:0]
		f.put(strings.Join(Fold(line, f.Width()), "\n") + "\n")
	}
	return len(p), f.err
}

// Flush writes an unfinished line.
func (f *Folder) Flush() error {
	if len(f.line) > 0 {
		f.put(strings.Join(Fold(string(f.line), f.Width()), "\n"))
		f.line = f.line[:0]
	}
	return f.err
}

func (f *Folder) put(text string) {
	if f.err == nil {
		_, f.err = io.WriteString(f.W, text)
	}
}
