package dscli

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxLine is the longest line that is taken, in bytes.
const MaxLine = 4096

// word is one word of a line, without its quotes.
type word struct {
	text   string
	quoted bool // at least in part; then it is never the name of a parameter
}

// parameter says whether the word is written as the name of a parameter.
func (w word) parameter() bool { return !w.quoted && len(w.text) > 1 && w.text[0] == '-' }

// split reads the words of one line. Double quotes keep blanks in a word, and a backslash inside
// them escapes a quote or a backslash. A line that begins with # is a comment.
func split(line string) ([]word, error) {
	if len(line) > MaxLine {
		return nil, fmt.Errorf("the line has %d bytes; at most %d are taken", len(line), MaxLine)
	}
	if !utf8.ValidString(line) {
		return nil, fmt.Errorf("the line is not valid UTF-8")
	}
	var words []word
	var w word
	var b strings.Builder
	inWord, inQuote, escaped := false, false, false
	end := func() {
		if inWord {
			w.text = b.String()
			words = append(words, w)
		}
		b.Reset()
		w, inWord = word{}, false
	}
	for i, r := range []rune(line) {
		blank := r == ' ' || r == '\t' || r == '\r'
		switch {
		case (r < ' ' || r == 0x7F) && r != '\t' && r != '\r':
			return nil, fmt.Errorf("control character %#x in column %d; a command is printable text", r, i+1)
		case escaped:
			if r != '"' && r != '\\' {
				b.WriteRune('\\') // as in the path of a file
			}
			b.WriteRune(r)
			escaped = false
		case inQuote && r == '\\':
			escaped = true
		case r == '"':
			inQuote = !inQuote
			inWord, w.quoted = true, true
		case blank && !inQuote:
			end()
		case r == '#' && !inWord && len(words) == 0:
			return nil, nil
		default:
			inWord = true
			b.WriteRune(r)
		}
	}
	if inQuote {
		return nil, fmt.Errorf("a quote is never closed; add a closing \"")
	}
	end()
	return words, nil
}

// quote writes a word so that split reads it as it is.
func quote(s string) string {
	if s != "" && s[0] != '#' && s[0] != '-' && !strings.ContainsAny(s, " \t\r\"") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
