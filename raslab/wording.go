package raslab

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/seed-9d983aeb/fdelab/internal/spell"
)

// prefixes matches the names that this project's packages put before their errors. A name counts
// only at the head of a text or after a colon or a bracket, so that "exchange the drive: repair
// start" keeps its words.
var prefixes = regexp.MustCompile(`(^|: |\(|; )(?:(?:raslab|encgroup|console|tct|ipp|kmip|ttlv|pki|keydir|cert|reckey|repository|drive|flash|erase|forensic|fault|entropy|filelock|keywrap|xts|objectstore|clouddir|proptest|conformance|adapters|server|json): )+`)

// calls matches the head of an operating system's error: the call and its argument. The name of a
// file stays. The caller who dialled names the end of a connection.
var (
	fileCalls = regexp.MustCompile(`(^|: |\(|; )(?:open|create|mkdir|stat|lstat|read|write|remove|rename|unlinkat|readdirent|chmod|fsync|sync|truncate|flock) ([^\s:]*[./][^\s:]*): `)
	netCalls  = regexp.MustCompile(`(?:dial|read|write) (?:tcp|udp)[46]? [^\s]+: (?:(?:connect|read|write): )?`)
	unnamed   = regexp.MustCompile(`\.part-[0-9]+\b`) // a directory that is being made
)

// Plain is a text for people: without the names of packages, system calls and functions in errors,
// and without repetitions. It changes nothing else.
func Plain(text string) string {
	text = prefixes.ReplaceAllString(text, "$1")
	text = fileCalls.ReplaceAllString(text, "$1$2: ")
	text = netCalls.ReplaceAllString(text, "")
	return once(unnamed.ReplaceAllString(text, ""))
}

// PlainError is Plain of an error's text, on one line. A failed call of the file system keeps only
// the file and the reason, whatever the name of the file.
func PlainError(err error) string {
	return Plain(strings.Join(strings.Fields(withoutCalls(err.Error(), err)), " "))
}

// withoutCalls removes the names of system calls from a text that contains the text of err.
func withoutCalls(text string, err error) string {
	switch e := err.(type) {
	case *fs.PathError:
		return strings.ReplaceAll(text, e.Error(), fmt.Sprintf("%s: %v", e.Path, e.Err))
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return withoutCalls(text, inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			text = withoutCalls(text, inner)
		}
	}
	return text
}

// once leaves out what a text says twice in a row, as "migrate: migrate: security degraded" when
// two packages name what they were doing. A semicolon begins another text.
func once(text string) string {
	texts := strings.Split(text, "; ")
	for i, t := range texts {
		texts[i] = strings.Join(slices.CompactFunc(strings.Split(t, ": "), func(a, b string) bool {
			return a == b && strings.ContainsFunc(a, unicode.IsLetter)
		}), ": ")
	}
	return strings.Join(texts, "; ")
}

// Spell is a duration for people: "20 days", "8 h", "1 h 30 min", "45 s". Parts of a second
// are left out, unless there is nothing else.
func Spell(d time.Duration) string { return spell.Duration(d) }

// plural is a number with its noun: "1 drive", "2 drives".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// quoted puts a serial number with blanks at its ends, which nobody would see, in quotes.
func quoted(serial string) string {
	if serial == "" || serial[0] == ' ' || serial[len(serial)-1] == ' ' {
		return fmt.Sprintf("%q", serial)
	}
	return serial
}

// because is a reason behind a comma, if there is one.
func because(why string) string {
	if why == "" {
		return ""
	}
	return ", " + why
}
