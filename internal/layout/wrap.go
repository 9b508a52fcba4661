package layout

import (
	"fmt"
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
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return fill("", 0, text, width)
}

// hangMin is how many columns a text needs beside what stands in front of it.
const hangMin = 16

// Hang wraps text behind prefix. The lines after the first begin under the text, or, where prefix
// leaves too little room, two columns further in than the first line does.
func Hang(prefix, text string, width int) []string {
	indent := Width(prefix)
	if room := width - indent; room < hangMin || room < widest(text) {
		indent = min(indent, len(blanks(prefix))+2)
	}
	return fill(prefix, indent, text, width)
}

// Fold breaks one line that is wider than width at blanks. Where the line has two columns, two
// blanks apart, the text of the second goes on under itself; any other line goes on two columns
// further in. A line that fits stays as it is.
func Fold(line string, width int) []string {
	if width <= 0 || Width(line) <= width {
		return []string{line}
	}
	start := len(blanks(line))
	if start == len(line) {
		return []string{""}
	}
	prefix, text := line[:start], line[start:]
	for at := len(line); ; {
		at = strings.LastIndex(line[start:at], "  ") + start
		if at < start {
			break
		}
		gap := at + 2
		at = len(strings.TrimRight(line[:at], " "))
		if Width(line[:gap]) >= width {
			continue
		}
		prefix, text = line[:gap], line[gap:]
		if room := width - Width(prefix); room >= max(hangMin, widest(text)) {
			break
		}
	}
	if len(prefix) == start {
		return fill(prefix, start+2, text, width)
	}
	return Hang(prefix, text, width)
}

// fill writes the words of text into lines of at most width columns: the first one begins with
// prefix, the others with indent blanks, or fewer where a word needs the room.
func fill(prefix string, indent int, text string, width int) []string {
	var lines []string
	var line strings.Builder
	line.WriteString(prefix)
	used, words := Width(prefix), 0
	for _, word := range strings.Fields(text) {
		n := Width(word)
		if words > 0 && used+1+n > width || words == 0 && used > 0 && used+n > width {
			if words > 0 || strings.TrimSpace(prefix) != "" {
				lines = append(lines, strings.TrimRight(line.String(), " "))
			}
			line.Reset()
			used, words, prefix = max(0, min(indent, width-n)), 0, ""
			line.WriteString(strings.Repeat(" ", used))
		}
		if words > 0 {
			line.WriteByte(' ')
			used++
		}
		line.WriteString(word)
		used += n
		words++
	}
	return append(lines, line.String())
}

// blanks is what of s stands before its first word.
func blanks(s string) string { return s[:len(s)-len(strings.TrimLeft(s, " "))] }

// widest is how many columns the widest word of text takes.
func widest(text string) (n int) {
	for _, word := range strings.Fields(text) {
		n = max(n, Width(word))
	}
	return n
}

// Folder writes to another writer and folds each line that is wider than Width says. A line is
// written when its end has come; Flush writes what is left. Boxes that are too wide cannot be
// folded: in their place one line says how many columns they need.
type Folder struct {
	W     io.Writer
	Width func() int // in columns; 0 leaves lines as they are
	line  []byte
	boxes bool // the last line was one of boxes that are too wide
	err   error
}

// Write takes text. The error is that of the writer behind.
func (f *Folder) Write(p []byte) (int, error) {
	for _, b := range p {
		if f.line = append(f.line, b); b != '\n' {
			continue
		}
		line, width := string(f.line[:len(f.line)-1]), f.Width()
		f.line = f.line[:0]
		tooWide := width > 0 && Width(line) > width && ofBoxes(line)
		if tooWide && !f.boxes {
			line = fmt.Sprintf("(a picture that needs %d columns: make the terminal wider to see it)", Width(line))
		}
		if !tooWide || !f.boxes {
			f.put(strings.Join(Fold(line, width), "\n") + "\n")
		}
		f.boxes = tooWide
	}
	return len(p), f.err
}

// ofBoxes says whether a line is a border of boxes, or what is between their walls.
func ofBoxes(line string) bool {
	return strings.Trim(line, "─┌┬┐├┼┤└┴┘") == "" || strings.HasPrefix(line, "│") && strings.HasSuffix(line, "│")
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
