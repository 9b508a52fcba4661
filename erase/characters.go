package erase

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// charset says which characters a field of a statement may hold.
type charset int

const (
	// free is text for people: what prints, in the form NFC, and nothing that Unicode calls
	// ignorable (RFC 8264, FreeformClass), which nobody sees.
	free charset = iota
	// name identifies people and places: ASCII, and ASCII letters with accents in the form NFC.
	// Letters of other scripts can look like these (UTS #39), so a name is given in Latin letters.
	name
	// code identifies things, as a maker or a program names them: ASCII.
	code
)

// checkText refuses a text that could be taken for another one, in one line that names the field.
// It must be at most fieldMax characters long.
func checkText(f field) error {
	if utf8.RuneCountInString(f.value) > fieldMax {
		return fmt.Errorf("field %q has more than %d characters", f.label, fieldMax)
	}
	if !utf8.ValidString(f.value) || strings.ContainsFunc(f.value, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("field %q holds a character that does not print", f.label)
	}
	if f.value == "" {
		return nil
	}
	if !norm.NFC.IsNormalString(f.value) {
		return fmt.Errorf("field %q is not in the Unicode form NFC: another spelling looks the same", f.label)
	}
	if f.chars == free {
		if s, err := precis.OpaqueString.String(f.value); err != nil || s != f.value {
			return fmt.Errorf("field %q holds a character that cannot be seen", f.label)
		}
		return nil
	}
	for _, r := range f.value {
		if !plain(r, f.chars) {
			return fmt.Errorf("field %q holds %U, which can be taken for another character: need %s", f.label, r,
				map[charset]string{name: "Latin letters, with accents or without, and ASCII", code: "ASCII"}[f.chars])
		}
	}
	return nil
}

// shown is the value as people read it. Makers fill serial numbers up with blanks: where a blank at an
// end, or two in a row, would look like none or like one, the value is in quotes.
func (f field) shown() string {
	v := f.value
	if f.chars != free && (strings.Trim(v, ` "`) != v || strings.Contains(v, "  ")) {
		return strconv.Quote(v)
	}
	return v
}

// plain says whether a character looks like no other one of its set.
func plain(r rune, chars charset) bool {
	if r < utf8.RuneSelf {
		return true
	}
	if chars == code {
		return false
	}
	if strings.ContainsRune("ßÆæØøÞþÐðŁłŒœ", r) { // letters of Latin alphabets that are no letter with an accent
		return true
	}
	parts := []rune(norm.NFD.String(string(r)))
	if len(parts) < 2 || !ascii(parts[0]) {
		return false
	}
	for _, p := range parts[1:] {
		if !unicode.Is(unicode.Mn, p) {
			return false
		}
	}
	return true
}

func ascii(r rune) bool { return 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' }
