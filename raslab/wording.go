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

// prefixes are the names that this project's packages put before their errors. They stand at
// the head of a text, or behind the colon or the bracket of the text around them, so that
// "exchange the drive: repair start" keeps its words.
var prefixes = regexp.MustCompile(`(^|: |\(|; )(?:(?:raslab|encgroup|console|tct|ipp|kmip|ttlv|pki|keydir|cert|reckey|repository|drive|flash|erase|forensic|fault|entropy|filelock|keywrap|xts|objectstore|clouddir|proptest|server|json): )+`)

// calls are what the operating system's errors begin with: the call, and what it was called
// with. The name of a file stays; a connection's end is named by who dialled it.
var (
	fileCalls = regexp.MustCompile(`(^|: |\(|; )(?:open|create|mkdir|stat|lstat|read|write|remove|rename|unlinkat|readdirent|chmod|fsync|sync|truncate|flock) ([^\s:]*[./][^\s:]*): `)
	netCalls  = regexp.MustCompile(`(?:dial|read|write) (?:tcp|udp)[46]? [^\s]+: (?:(?:connect|read|write): )?`)
	unnamed   = regexp.MustCompile(`\.part-[0-9]+\b`) // a directory in the making has the name that it will have
)

// Plain is a text for people: without the names of packages, system calls and functions that
// errors bring along, and without saying a thing twice. It changes nothing else.
func Plain(text string) string {
	text = prefixes.ReplaceAllString(text, "$1")
	text = fileCalls.ReplaceAllString(text, "$1$2: ")
	text = netCalls.ReplaceAllString(text, "")
	return once(unnamed.ReplaceAllString(text, ""))
}

// PlainError is Plain of an error's text, on one line. A failed call of the file system is told by
// the file and the reason, whatever the file is called.
func PlainError(err error) string {
	return Plain(strings.Join(strings.Fields(withoutCalls(err.Error(), err)), " "))
}

// withoutCalls leaves the names of the calls out of a text that holds that of err.
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
