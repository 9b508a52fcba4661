package proptest

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// Failure is a violation that a property test, a sweep or an audit found. It is an error, and
// prints all that is needed to reproduce it. It holds no secret.
type Failure struct {
	Why     string   // the property in one sentence, and how it was broken
	Seed    uint64   // of the run
	Version string   // of fdelab
	Plan    string   // the fault plan that was armed, "" if none
	Trace   []string // the last TraceTail lines of what was done
	Replay  string   // one line that reproduces it
}

// TraceTail is how many lines of a trace a Failure keeps.
const TraceTail = 30

// Error is the whole report, on several lines.
func (f *Failure) Error() string {
	var b strings.Builder
	plan := f.Plan
	if plan == "" {
		plan = "none"
	}
	fmt.Fprintf(&b, "%s\n  seed    %d\n  version %s\n  faults  %s\n  trace, the last %d lines:\n", f.Why, f.Seed, f.Version, plan, len(f.Trace))
	for _, line := range f.Trace {
		fmt.Fprintf(&b, "    %s\n", line)
	}
	fmt.Fprintf(&b, "  replay with\n    %s\n", f.Replay)
	return b.String()
}

// Version is the version of fdelab that is running: its tag, or the revision
// that it was built from, or "devel".
func Version() string {
	info, known := debug.ReadBuildInfo()
	if !known {
		return "devel"
	}
	version, dirty := "devel", ""
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module && m.Version != "" && m.Version != "(devel)" {
			return m.Version
		}
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && info.Main.Path == module:
			version = "devel " + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = " modified"
		}
	}
	return version + dirty
}

const module = "github.com/seed-9d983aeb/fdelab"

// quote makes text one word for a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
