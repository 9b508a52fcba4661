package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The kinds of reason that take a change out of the score.
const (
	equivalent = "equivalent" // nothing could notice it
	machine    = "machine"    // no test reaches it on a machine without an instruction; elsewhere it counts
)

// kinds are the reasons for which a change may stay unnoticed.
var kinds = []string{equivalent, machine, "message", "speed", "other"}

// elsewhere tells whether an accepted change is one for another machine than this.
func (e entry) elsewhere(v verdict) bool { return e.Kind == machine && v.status == unreached }

// An entry of an accepted list excuses one change that no test notices.
type entry struct {
	key
	Kind string // one of kinds
	Why  string
	Line int // in its list
}

// An accepted list is that of one package.
type accepted map[key]entry

// listName is the file of a package's list.
func listName(pkg string) string { return strings.ReplaceAll(pkg, "/", "-") + ".txt" }

// readLists reads the lists of all packages with an aim. A package may have none; a list that
// belongs to no package is a mistake in its name.
func readLists(dir string, plan []target) (map[string]accepted, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	lists := map[string]accepted{}
	for _, file := range paths {
		i := slices.IndexFunc(plan, func(t target) bool { return listName(t.Pkg) == filepath.Base(file) })
		if i < 0 {
			return nil, fmt.Errorf("%s is the list of no package with an aim: call it as the package, with - for /", file)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if lists[plan[i].Pkg], err = parseAccepted(b, plan[i].Pkg); err != nil {
			return nil, fmt.Errorf("%s:%w", file, err)
		}
	}
	return lists, nil
}

var numbered = regexp.MustCompile(`^#(\d+) (.*)$`)

// parseAccepted reads a list, in the form that format writes: a line with file and function,
// below it the changes, and below each its reason, one tab further in each time. Empty lines and
// lines that begin with # are passed over.
func parseAccepted(b []byte, pkg string) (accepted, error) {
	a := accepted{}
	var place, change key
	open := 0 // the line of a change that still wants its reason, 0 if none does
	n := 0
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		n++
		line := strings.TrimRight(s.Text(), " \t\r")
		text := strings.TrimLeft(line, "\t")
		in := len(line) - len(text)
		if text == "" || in == 0 && strings.HasPrefix(text, "#") {
			continue
		}
		if open != 0 && in != 2 {
			return nil, fmt.Errorf("%d: the change has no reason: write one below it, behind two tabs", open)
		}
		switch in {
		case 0:
			file, fn, ok := strings.Cut(text, " ")
			if !ok || path.Dir(file) != pkg {
				return nil, fmt.Errorf("%d: %q is not a file of %s and a function, such as %s/file.go Type.Method", n, text, pkg, pkg)
			}
			place = key{File: file, Func: fn}
		case 1:
			if place.File == "" {
				return nil, fmt.Errorf("%d: a change before any file and function", n)
			}
			change = place
			change.Text, change.Ordinal = text, 1
			if m := numbered.FindStringSubmatch(text); m != nil {
				change.Text = m[2]
				change.Ordinal, _ = strconv.Atoi(m[1])
			}
			if old, twice := a[change]; twice {
				return nil, fmt.Errorf("%d: the same change as in line %d", n, old.Line)
			}
			open = n
		case 2:
			kind, why, _ := strings.Cut(text, ":")
			why = strings.TrimSpace(why)
			if open == 0 || !slices.Contains(kinds, kind) || why == "" {
				return nil, fmt.Errorf("%d: %q is not a reason for one change: write one of %s, a colon, and why",
					n, text, strings.Join(kinds, ", "))
			}
			a[change] = entry{key: change, Kind: kind, Why: why, Line: open}
			open = 0
		default:
			return nil, fmt.Errorf("%d: more than two tabs", n)
		}
	}
	if open != 0 {
		return nil, fmt.Errorf("%d: the change has no reason: write one below it, behind two tabs", open)
	}
	return a, nil
}

// format is the entry of a change, to be put into a list once it has a reason.
func (c Change) format() string {
	ordinal := ""
	if c.Ordinal > 1 {
		ordinal = fmt.Sprintf("#%d ", c.Ordinal)
	}
	return fmt.Sprintf("%s %s\n\t%s%s\n\t\tequivalent, machine, message, speed or other: why\n", c.File, c.Func, ordinal, c.Text)
}
