package dscli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab/command"
)

// The kinds of parameters.

var textKind = command.Text("text of one line")

var numberKind = command.Number

var wordKind = Kind{Name: "word", Parse: func(_, s string) (any, error) { return s, nil }}

var onOff = []string{"on", "off"}

// idsMax is the most identifiers that one word may stand for.
const idsMax = 256

// idKind is the identifier of an object: a letter (or none) and a number, as R0, in any case.
// Several are written R0-R3 or R0,R2. The facility may stand in front, as IBM.2107-75NR641/R0. The
// value is a []string.
func idKind(name, letter string) Kind {
	help := fmt.Sprintf("as %s1, %s1-%s4, %s1,%s3 or IBM.2107-SERIAL/%s1", letter, letter, letter, letter, letter, letter)
	return Kind{Name: name, Help: help, Parse: func(serial, s string) (any, error) {
		s, err := withoutImage(serial, s)
		if err != nil {
			return nil, err
		}
		var ids []string
		for _, part := range strings.Split(s, ",") {
			first, last, several := strings.Cut(part, "-")
			if !several {
				last = first
			}
			from, ok := numberOf(first, letter)
			to, okTo := numberOf(last, letter)
			if !ok || !okTo || to < from {
				return nil, command.ErrKind
			}
			if len(ids)+to-from+1 > idsMax {
				return nil, fmt.Errorf("at most %d are taken at once", idsMax)
			}
			for n := from; n <= to; n++ {
				ids = append(ids, letter+strconv.Itoa(n))
			}
		}
		return ids, nil
	}}
}

// oneIDKind is idKind for exactly one; its value is a string.
func oneIDKind(name, letter string) Kind {
	many := idKind(name, letter)
	help := fmt.Sprintf("as %s1 or IBM.2107-SERIAL/%s1", letter, letter)
	return Kind{Name: name, Help: help, Parse: func(serial, s string) (any, error) {
		if _, err := withoutImage(serial, s); err != nil {
			return nil, err
		}
		v, err := many.Parse(serial, s)
		if ids, ok := v.([]string); err == nil && ok && len(ids) == 1 {
			return ids[0], nil
		}
		return nil, fmt.Errorf("one %s is right, %s", name, help)
	}}
}

// withoutImage takes the facility off an identifier.
func withoutImage(serial, s string) (string, error) {
	image, id, ok := strings.Cut(s, "/")
	if !ok {
		return s, nil
	}
	if serial != "" && !strings.EqualFold(image, imageID(serial)) {
		return "", fmt.Errorf("the facility is %s", imageID(serial))
	}
	return id, nil
}

// imageID is the storage image identifier of a facility.
func imageID(serial string) string { return "IBM.2107-" + serial }

func numberOf(s, letter string) (int, bool) {
	if len(s) <= len(letter) || !strings.EqualFold(s[:len(letter)], letter) {
		return 0, false
	}
	digits := s[len(letter):]
	if strings.Trim(digits, "0123456789") != "" || len(digits) > 6 {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil
}

var imageKind = Kind{Name: "image", Help: "the storage image, as IBM.2107-75NR641", Parse: func(serial, s string) (any, error) {
	if serial != "" && !strings.EqualFold(s, imageID(serial)) {
		return nil, fmt.Errorf("the facility is %s", imageID(serial))
	}
	return s, nil
}}

var delimKind = Kind{Name: "character", Help: "one character", Parse: func(_, s string) (any, error) {
	if len([]rune(s)) != 1 || s == `"` {
		return nil, fmt.Errorf("one character other than a quote is right")
	}
	return s, nil
}}
