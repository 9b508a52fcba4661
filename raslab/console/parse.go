package console

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxLine is the longest line the parser takes, in bytes.
const MaxLine = 4096

// Word is one word of a line: a bare word, or an argument key=value.
type Word struct {
	Key   string // empty for a bare word
	Value string // unquoted
	Col   int    // column of its first character, counted in characters from 1
}

// String is the word as it would be typed.
func (w Word) String() string {
	if w.Key != "" {
		return w.Key + "=" + quote(w.Value)
	}
	if looksLikeArgument(w.Value) {
		return forceQuote(w.Value)
	}
	return quote(w.Value)
}

// Quoted is the value in double quotes, as one word of a line.
func (w Word) Quoted() string { return forceQuote(w.Value) }

// Line is one command as it was typed, not yet looked up in the registry.
type Line []Word

// String is the line in its canonical spelling: one blank between words, quotes
// only where they are needed. Parsing it again gives the same words.
func (l Line) String() string {
	parts := make([]string, len(l))
	for i, w := range l {
		parts[i] = w.String()
	}
	return strings.Join(parts, " ")
}

// UsageError says that a line was not understood: what, where, and what would be
// right. Nothing was changed.
type UsageError struct {
	Col  int    // column counted in characters from 1; 0 where no column fits
	What string // what is wrong
	Want string // what would be right; may be empty
	Rest bool   // the line has other commands, and none of them was run
}

func (e *UsageError) Error() string {
	s := e.What
	if e.Col > 0 {
		s = fmt.Sprintf("column %d: %s", e.Col, s)
	}
	if e.Want != "" {
		s += ": " + e.Want
	}
	if e.Rest {
		s += " (nothing of the line was run)"
	}
	return s
}

func usage(col int, want, format string, args ...any) *UsageError {
	return &UsageError{Col: col, What: fmt.Sprintf(format, args...), Want: want}
}

// Parse reads the commands of one line: usually one, several where semicolons
// separate them, none where the line is empty or a comment. On an error (always a
// *UsageError, the first) no command is returned.
func Parse(text string) ([]Line, error) {
	lines, wrong := parse(text)
	if wrong != nil {
		return nil, wrong[0]
	}
	return lines, nil
}

// parse is Parse with every error: one of each command that cannot be read.
func parse(text string) ([]Line, []*UsageError) {
	if len(text) > MaxLine {
		return nil, []*UsageError{usage(0, fmt.Sprintf("at most %d are taken", MaxLine), "a line of %d bytes", len(text))}
	}
	if !utf8.ValidString(text) {
		return nil, []*UsageError{usage(0, "write it as UTF-8", "the line is not valid UTF-8")}
	}
	p := parser{runes: []rune(text)}
	return p.lines()
}

type parser struct {
	runes  []rune
	at     int
	inside bool // at is in quotes
}

func (p *parser) col() int { return p.at + 1 }

func (p *parser) more() bool { return p.at < len(p.runes) }

func isBlank(r rune) bool { return r == ' ' || r == '\t' || r == '\r' }

func isControl(r rune) bool { return r < ' ' || r == 0x7F || r == utf8.RuneError }

func (p *parser) lines() (all []Line, wrong []*UsageError) {
	var line Line
	for {
		for p.more() && isBlank(p.runes[p.at]) {
			p.at++
		}
		if !p.more() || p.runes[p.at] == '#' {
			break
		}
		if p.runes[p.at] == ';' {
			p.at++
			if len(line) > 0 {
				all, line = append(all, line), nil
			}
			continue
		}
		w, err := p.word()
		if err != nil {
			wrong, line = append(wrong, err), nil
			p.skip()
			continue
		}
		line = append(line, w)
	}
	if len(line) > 0 {
		all = append(all, line)
	}
	return all, wrong
}

// skip goes to the end of a command that cannot be read: to a semicolon outside quotes.
func (p *parser) skip() {
	for ; p.more() && (p.inside || p.runes[p.at] != ';'); p.at++ {
		switch {
		case p.inside && p.runes[p.at] == '\\':
			p.at++
		case p.runes[p.at] == '"':
			p.inside = !p.inside
		case !p.inside && p.runes[p.at] == '#' && isBlank(p.runes[p.at-1]):
			p.at = len(p.runes)
		}
	}
	p.at, p.inside = min(p.at, len(p.runes)), false
}

// word reads one word; p stands on its first character.
func (p *parser) word() (Word, *UsageError) {
	w := Word{Col: p.col()}
	if p.runes[p.at] == '"' {
		v, err := p.quoted()
		w.Value = v
		return w, err
	}
	bare, err := p.bare(true)
	if err != nil {
		return w, err
	}
	if !p.more() || p.runes[p.at] != '=' {
		w.Value = bare
		return w, nil
	}
	if !isName(bare) {
		return w, usage(w.Col, "a name is lower-case letters, digits and dashes, as in drive=", "%q is no argument name", bare+"=")
	}
	w.Key = bare
	p.at++ // the equals sign
	if !p.more() || isBlank(p.runes[p.at]) || p.runes[p.at] == ';' {
		return w, usage(p.col(), fmt.Sprintf("write %s=VALUE without blanks, or %s=\"\" for an empty value", bare, bare), "%s= has no value", bare)
	}
	if p.runes[p.at] == '"' {
		w.Value, err = p.quoted()
		return w, err
	}
	w.Value, err = p.bare(false)
	return w, err
}

// bare reads unquoted characters up to a blank, a semicolon or (in a name) an equals sign.
func (p *parser) bare(name bool) (string, *UsageError) {
	start := p.at
	for p.more() {
		r := p.runes[p.at]
		if isBlank(r) || r == ';' || (name && r == '=') {
			break
		}
		if r == '"' {
			return "", usage(p.col(), `quote the whole value, as in plan="(flash.erase.refused)"`, "a quote in the middle of a word")
		}
		if isControl(r) {
			return "", usage(p.col(), "commands are printable text", "control character %#x", r)
		}
		p.at++
	}
	return string(p.runes[start:p.at]), nil
}

// quoted reads a double-quoted value; p stands on the opening quote.
func (p *parser) quoted() (string, *UsageError) {
	open := p.col()
	p.at++
	p.inside = true
	var b strings.Builder
	for p.more() {
		r := p.runes[p.at]
		switch {
		case r == '"':
			p.at++
			p.inside = false
			if p.more() && !isBlank(p.runes[p.at]) && p.runes[p.at] != ';' {
				return "", usage(p.col(), "put a blank after the closing quote", "text right after a quoted value")
			}
			return b.String(), nil
		case r == '\\':
			p.at++
			if !p.more() {
				return "", usage(open, `add a closing "`, "the quote that opens here is never closed")
			}
			e, ok := unescape(p.runes[p.at])
			if !ok {
				return "", usage(p.col()-1, `the escapes are \" \\ \n \t`, "unknown escape \\%c", p.runes[p.at])
			}
			b.WriteRune(e)
		case isControl(r) && r != '\t':
			return "", usage(p.col(), `write it as an escape: \n or \t`, "control character %#x", r)
		default:
			b.WriteRune(r)
		}
		p.at++
	}
	return "", usage(open, `add a closing "`, "the quote that opens here is never closed")
}

func unescape(r rune) (rune, bool) {
	switch r {
	case '"', '\\':
		return r, true
	case 'n':
		return '\n', true
	case 't':
		return '\t', true
	}
	return 0, false
}

func isName(s string) bool {
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z':
		case i > 0 && (r >= '0' && r <= '9' || r == '-'):
		default:
			return false
		}
	}
	return s != ""
}

// looksLikeArgument says whether a bare word would be read as key=value.
func looksLikeArgument(s string) bool { return strings.Contains(s, "=") }

func quote(s string) string {
	if s == "" || s[0] == '#' || strings.ContainsAny(s, " \t\r\n;\"") {
		return forceQuote(s)
	}
	return s
}

func forceQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}
