package erase

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two drives, people or tools whose names look the same are two names for a program and one for a
// reader.
func TestCharactersThatLookLikeOthersAreRefused(t *testing.T) {
	serial := func(v string) Statement { s := statement(); s.MediaSerial = v; return s }
	operator := func(v string) Statement { s := statement(); s.Operator = v; return s }
	notes := func(v string) Statement { s := statement(); s.Notes = v; return s }
	for _, x := range []struct {
		name string
		s    Statement
		want string
	}{
		{"a Cyrillic letter", serial("\u0415" + "1"), `field "Media serial number" holds U+0415, which can be taken for another character: need ASCII`},
		{"a full-width digit", serial("E\uff11"), `field "Media serial number" holds U+FF11, which can`},
		{"an accent in a serial number", serial("É1"), `field "Media serial number" holds U+00C9, which can`},
		{"a zero-width space", serial("E\u200b1"), `field "Media serial number" holds a character that does not print`},
		{"a zero-width joiner", operator("Zo\u200de"), `field "Performed by" holds a character that does not print`},
		{"a byte order mark", serial("\ufeffE1"), `does not print`},
		{"a soft hyphen", serial("E\u00ad1"), `does not print`},
		{"a blank that does not break", operator("Zoe\u00a0X"), `does not print`},
		{"an override of the direction", operator("\u202eeoZ"), `does not print`},
		{"an isolate of the direction", notes("\u2066x\u2069"), `does not print`},
		{"an accent apart", operator("Zoe\u0308"), `field "Performed by" is not in the Unicode form NFC`},
		{"an accent apart, in notes", notes("Zoe\u0308"), `field "Notes" is not in the Unicode form NFC`},
		{"the sign for kelvin", operator("\u212aurt"), `is not in the Unicode form NFC`},
		{"a Cyrillic a", operator("\u0430lice"), `field "Performed by" holds U+0430, which can be taken for another character: need Latin letters, with accents or without, and ASCII`},
		{"a Greek omicron", operator("B\u03bfb"), `holds U+03BF, which can`},
		{"a Greek letter with an accent", operator("B\u03ccb"), `holds U+03CC, which can`},
		{"an i without a dot", operator("L\u0131sa"), `holds U+0131, which can`},
		{"a long s", operator("Li\u017fa"), `holds U+017F, which can`},
		{"a letter of phonetics", operator("L\u0251ra"), `holds U+0251, which can`},
		{"a full-width letter", operator("\uff21lice"), `holds U+FF21, which can`},
		{"a mathematical letter", operator("\U0001d400lice"), `holds U+1D400, which can`},
		{"an accent on a digit", operator("1\u0308"), `holds U+0308, which can`},
		{"an apostrophe of print", operator("O\u2019Neil"), `holds U+2019, which can`},
		{"a joiner of graphemes", notes("x\u034fy"), `field "Notes" holds a character that cannot be seen`},
		{"a filler", notes("x\u3164y"), `field "Notes" holds a character that cannot be seen`},
		{"a choice of the variant", notes("x\ufe0f"), `field "Notes" holds a character that cannot be seen`},
	} {
		t.Run(x.name, func(t *testing.T) {
			_, err := Sign(x.s, signer)
			require.ErrorContains(t, err, x.want)
			require.NotContains(t, err.Error(), "\n")
			for _, data := range forms(signAnyway(x.s)) {
				_, err := VerifyCertificate(data, public())
				require.ErrorIs(t, err, ErrCertificate, "whoever signed it")
				require.NotErrorIs(t, err, ErrSignature)
			}
		})
	}
	for _, good := range []Statement{operator("Ångström, Łukasz; Çelik & Sønner <a@b.example>"), notes("東京 שלום  Привет"), serial("S/N 00-1_2.3")} {
		_, err := Sign(good, signer)
		require.NoError(t, err)
	}
}

// Each place where a text that identifies is signed is looked at.
func TestEveryFieldThatIdentifiesIsLookedAt(t *testing.T) {
	for label, change := range map[string]func(*Statement, string){
		"Media vendor":          func(s *Statement, v string) { s.MediaVendor = v },
		"Media model":           func(s *Statement, v string) { s.MediaModel = v },
		"Media serial number":   func(s *Statement, v string) { s.MediaSerial = v },
		"Media property number": func(s *Statement, v string) { s.MediaProperty = v },
		"Media type":            func(s *Statement, v string) { s.MediaType = v },
		"Media source":          func(s *Statement, v string) { s.MediaSource = v },
		"Extent":                func(s *Statement, v string) { s.Extent = v },
		"Method":                func(s *Statement, v string) { s.Method = v },
		"Technique":             func(s *Statement, v string) { s.Technique = v },
		"Tool":                  func(s *Statement, v string) { s.Tool = v },
		"Validated by":          func(s *Statement, v string) { s.Validation.By = v },
		"Performed by":          func(s *Statement, v string) { s.Operator = v },
		"Position":              func(s *Statement, v string) { s.Position = v },
		"Organization":          func(s *Statement, v string) { s.Organization = v },
		"Location":              func(s *Statement, v string) { s.Location = v },
		"Contact":               func(s *Statement, v string) { s.Contact = v },
	} {
		s := statement()
		change(&s, "\u0410cme")
		_, err := Sign(s, signer)
		require.ErrorContains(t, err, `field "`+label+`" holds U+0410, which can be taken for another character`)
	}
}

// Blanks at the ends are part of a serial number and must be seen.
func TestBlanksThatCannotBeSeenAreInQuotes(t *testing.T) {
	seen := map[string]bool{}
	for _, serial := range []string{"S 1", "  S 1", " S 1", "S 1 ", "S  1", `"S 1 "`, `"S 1"`, `\"S 1`} {
		s := statement()
		s.MediaSerial = serial
		c, err := Sign(s, signer)
		require.NoError(t, err)
		for _, data := range forms(c) {
			got, err := VerifyCertificate(data, public())
			require.NoError(t, err)
			require.Equal(t, serial, got.Statement.MediaSerial)
		}
		_, line, _ := strings.Cut(c.Text(), "Media serial number:")
		line, _, _ = strings.Cut(line, "\n")
		line = strings.Join(strings.Fields(strings.ReplaceAll(line, " ", " _")), "")
		require.False(t, seen[line], "%q reads like another one", serial)
		seen[line] = true
	}
	require.Equal(t, `"  S 1"`, field{"", "  S 1", code}.shown())
	require.Equal(t, "S 1", field{"", "S 1", code}.shown())
	require.Equal(t, " x", field{"", " x", free}.shown())
}

// What looks like no other character of its set. A form that is not NFC is refused before.
func TestPlain(t *testing.T) {
	for _, c := range []struct {
		r          rune
		name, code bool
	}{
		{' ', true, true},
		{'~', true, true},
		{'\x7f', true, true},     // ASCII; that it does not print is refused before
		{'\u0080', false, false}, // the first that is none
		{'é', true, false},
		{'ǘ', true, false}, // two accents
		{'Ą', true, false},
		{'ø', true, false},
		{'Œ', true, false},
		{'Å', true, false},
		{'\u212b', true, false},  // the sign for ångström: A and a ring
		{'\u212a', false, false}, // the sign for kelvin: a K without an accent
		{'ά', false, false},      // alpha and an accent
		{'α', false, false},
		{'й', false, false},
		{'≠', false, false}, // an equals sign and a stroke
		{'\u0308', false, false},
		{'한', false, false}, // parts that are no accents
	} {
		require.Equal(t, []bool{c.name, c.code, true}, []bool{plain(c.r, name), plain(c.r, code), plain('a', code)}, "%U", c.r)
	}
	for _, r := range "AZaz" {
		require.True(t, ascii(r), "%c", r)
	}
	for _, r := range "@[`{0" {
		require.False(t, ascii(r), "%c", r)
	}
}
