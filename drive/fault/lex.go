package fault

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	end tokenKind = iota
	open
	shut
	word
)

type token struct {
	kind tokenKind
	at   int // offset of its first byte
	text string
}

const space = " \t\r\n"

// next reads the next token, and returns the offset of the one it replaces.
func (p *parser) next() int {
	was := p.tok.at
	for p.pos < len(p.text) && strings.IndexByte(space, p.text[p.pos]) >= 0 {
		p.pos++
	}
	p.tok = token{at: p.pos}
	if p.pos == len(p.text) {
		return was
	}
	switch p.text[p.pos] {
	case '(':
		p.tok.kind = open
		p.pos++
	case ')':
		p.tok.kind = shut
		p.pos++
	default:
		p.tok.kind = word
		n := strings.IndexAny(p.text[p.pos:], space+"()")
		if n < 0 {
			n = len(p.text) - p.pos
		}
		p.tok.text = p.text[p.pos : p.pos+n]
		p.pos += n
	}
	return was
}

func (t token) String() string {
	switch t.kind {
	case open:
		return "'('"
	case shut:
		return "')'"
	case word:
		return quote(t.text)
	}
	return "the end"
}

// quote shows a piece of the plan on one line and in bounds, whatever is in it.
func quote(s string) string {
	const most = 40
	if len(s) > most {
		n := most
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n] + "..."
	}
	return strconv.Quote(s)
}

// fail makes the error for the byte at offset at.
func (p *parser) fail(at int, problem, want string) error {
	before := p.text[:at]
	return &SyntaxError{
		Line:    1 + strings.Count(before, "\n"),
		Column:  at - strings.LastIndexByte(before, '\n'),
		Problem: problem,
		Want:    want,
	}
}

// unexpected is fail at the current token, which is not what was expected.
func (p *parser) unexpected(expected, want string) error {
	return p.fail(p.tok.at, fmt.Sprintf("%s instead of %s", p.tok, expected), want)
}

// unknown refuses the current token, a name, and suggests the closest known.
func (p *parser) unknown(what string, known []string) error {
	want := "no " + what + " is registered in this program"
	if len(known) > 0 {
		want = "the closest is " + closest(p.tok.text, known)
	}
	return p.fail(p.tok.at, fmt.Sprintf("unknown %s %s", what, quote(p.tok.text)), want)
}

func pointNames() []string {
	var names []string
	for _, info := range Points() {
		names = append(names, string(info.Point))
	}
	return names
}

func predicateNames() []string {
	var names []string
	for _, g := range grammar {
		names = append(names, g.name)
	}
	return names
}

func predicatesFor(point Info) []string {
	var names []string
	for _, g := range grammar {
		if g.field&^point.Fields == 0 {
			names = append(names, g.name)
		}
	}
	return names
}

// closest is the known name with the least edit distance to name, letter case
// aside; the first of several. known is not empty.
func closest(name string, known []string) string {
	if len(name) > 64 {
		name = name[:64] // longer than any name: bound the work
	}
	return slices.MinFunc(known, func(a, b string) int {
		return distance(name, a) - distance(name, b)
	})
}

// distance is the Levenshtein distance of a and b in lower case.
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
