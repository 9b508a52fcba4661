package campaign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-9d983aeb/fdelab/proptest"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// Result is what came of a job. It follows from the job alone: two workers give the same.
type Result struct {
	Job      uint64            `json:"job"`
	Units    uint64            `json:"units"` // lifecycles, rows, seeds or mutants that were run
	Endings  map[string]uint64 `json:"endings"`
	Commands uint64            `json:"commands"`
	Faults   uint64            `json:"faults"`   // that fired
	Searches uint64            `json:"searches"` // for keys, that could have found something
	Coverage map[string]uint64 `json:"coverage"`
	Findings []Finding         `json:"findings,omitempty"`
	More     uint64            `json:"more,omitempty"` // failures of further sorts, that have no finding
}

// Finding is a failure, or several that are equal, with the evidence of the first.
type Finding struct {
	Key    string `json:"key"` // equal failures have the same
	Kind   string `json:"kind"`
	Ending string `json:"ending"`
	Why    string `json:"why"`
	Count  uint64 `json:"count"`
	Job    uint64 `json:"job"` // of the first
	Seed   uint64 `json:"seed"`
	// The evidence, which is of a simulated drive or of the program that was judged. It names PINs and keys by their
	// numbers.
	Trace  []string `json:"trace,omitempty"`
	Again  string   `json:"again"`            // what has the whole of it again: a command, or the line of a plan
	Replay string   `json:"replay,omitempty"` // a command that replays what is left after shrinking
	File   string   `json:"file,omitempty"`   // the same as a file for fdelab replay
}

// The endings beside those of conformance.
const (
	Passed   = "passed"
	Failed   = "failed"
	NotRun   = "not run"   // a worker could not run it
	SetAside = "set aside" // three workers died of it, or gave it up
	Caught   = "caught"
	Lives    = "lives" // a mutant that was not caught
)

// wrong are the endings that fail a campaign.
var wrong = []string{
	string(conformance.Unsafe), string(conformance.Stuck), string(conformance.Hangs), string(conformance.Crashed), Failed, Lives, SetAside, NotRun,
}

// endings are all of them, in the order in which a report has them.
var endings = append([]string{string(conformance.Sound), Passed, Caught, string(conformance.Unknown)}, wrong...)

// The bounds of a result.
const (
	findingsMax    = 8 // of a job
	textMax        = 2 << 10
	fileMax        = 16 << 10
	ResultBytesMax = 512 << 10 // in JSON
	countersMax    = 1 << 40
)

// Aside is the result of a job that is set aside: why says what it did.
func Aside(j Job, why string) *Result { return without(j, SetAside, why) }

// Unrun is the result of a job that a worker does not run.
func Unrun(j Job, why string) *Result { return without(j, NotRun, why) }

func without(j Job, ending, why string) *Result {
	r := newResult(j)
	r.Endings[ending] = 1
	r.Units = j.Count
	r.found(Finding{Kind: j.Kind(), Ending: ending, Why: why, Seed: j.First, Again: "the plan: " + j.Line})
	return r
}

func newResult(j Job) *Result {
	return &Result{Job: j.Number, Endings: map[string]uint64{}, Coverage: map[string]uint64{}}
}

// numbers are what differs between equal failures.
var numbers = regexp.MustCompile(`[0-9]+|\b[0-9a-f]{8,}\b`)

func key(kind, ending, about, why string) string {
	return Clean(strings.Join([]string{kind, ending, about, numbers.ReplaceAllString(why, "N")}, " | "), textMax)
}

// known counts a failure that is equal to one of the job. It is false where there is none yet.
func (r *Result) known(key string) bool {
	for i := range r.Findings {
		if r.Findings[i].Key == key {
			r.Findings[i].Count++
			return true
		}
	}
	return false
}

// room says whether the job keeps one more finding; where it does not, the failure is only counted.
func (r *Result) room() bool {
	if len(r.Findings) < findingsMax {
		return true
	}
	r.More++
	return false
}

// found adds a finding; its key may be given.
func (r *Result) found(f Finding) {
	if f.Key == "" {
		f.Key = key(f.Kind, f.Ending, "", f.Why)
	}
	if r.known(f.Key) || !r.room() {
		return
	}
	f.Count, f.Job = 1, r.Job
	f.Why, f.Again, f.Replay = Clean(f.Why, textMax), Clean(f.Again, textMax), Clean(f.Replay, fileMax)
	f.Trace = slices.Clone(f.Trace[max(0, len(f.Trace)-proptest.TraceTail):])
	for i := range f.Trace {
		f.Trace[i] = Clean(f.Trace[i], 256)
	}
	if len(f.File) > fileMax {
		f.File = ""
	}
	r.Findings = append(r.Findings, f)
}

// Clean is text on one line, without control characters, and not longer than so many bytes.
func Clean(s string, most int) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most-3], "") + "..."
	}
	return s
}

// ErrResult is wrapped by the errors about a result that no worker of this version gives.
var ErrResult = errors.New("campaign result")

// Encode is the result in JSON.
func (r *Result) Encode() ([]byte, error) { return json.Marshal(r) }

// Decode reads the result of a job that somebody sent, who may be anybody. The error wraps ErrResult.
func Decode(b []byte, j Job) (*Result, error) {
	if len(b) > ResultBytesMax {
		return nil, fmt.Errorf("%w: %d bytes, want %d or less", ErrResult, len(b), ResultBytesMax)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	r := &Result{}
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrResult, err)
	}
	if d.More() {
		return nil, fmt.Errorf("%w: more than one value", ErrResult)
	}
	return r, r.Check(j)
}

// Check says whether a result is of the form that j can have. What it says may still be a lie. The error wraps
// ErrResult.
func (r *Result) Check(j Job) error {
	e, err := j.entry()
	if err != nil {
		return err
	}
	switch {
	case r.Job != j.Number:
		return fmt.Errorf("%w: of job %d, want %d", ErrResult, r.Job, j.Number)
	case r.Units != j.Count:
		return fmt.Errorf("%w: %d units, want %d", ErrResult, r.Units, j.Count)
	case len(r.Findings) > findingsMax:
		return fmt.Errorf("%w: %d findings, want %d or fewer", ErrResult, len(r.Findings), findingsMax)
	case max(r.Commands, r.Faults, r.Searches, r.More) > countersMax:
		return fmt.Errorf("%w: a count is above %d", ErrResult, uint64(countersMax))
	}
	known := e.universe()
	for name, n := range r.Coverage {
		if _, is := known[name]; !is || n > countersMax {
			return fmt.Errorf("%w: %q in the coverage", ErrResult, Clean(name, 80))
		}
	}
	for name, n := range r.Endings {
		if !slices.Contains(endings, name) || n > countersMax {
			return fmt.Errorf("%w: %q in the endings", ErrResult, Clean(name, 80))
		}
	}
	for _, f := range r.Findings {
		if err := f.check(j); err != nil {
			return err
		}
	}
	return nil
}

func (f *Finding) check(j Job) error {
	for _, s := range append([]string{f.Key, f.Kind, f.Ending, f.Why, f.Again}, f.Trace...) {
		if Clean(s, textMax) != s {
			return fmt.Errorf("%w: a finding with %q", ErrResult, Clean(s, 80))
		}
	}
	switch {
	case f.Job != j.Number || f.Count < 1 || f.Count > countersMax || !slices.Contains(wrong, f.Ending) || f.Key == "" || len(f.Trace) > proptest.TraceTail:
		return fmt.Errorf("%w: a finding of job %d, %d times, that ends %q", ErrResult, f.Job, f.Count, Clean(f.Ending, 80))
	case len(f.File) > fileMax || Clean(strings.ReplaceAll(f.File, "\n", "|"), fileMax) != strings.TrimSpace(strings.ReplaceAll(f.File, "\n", "|")) || Clean(f.Replay, fileMax) != f.Replay:
		return fmt.Errorf("%w: a finding whose file is not text", ErrResult)
	}
	return nil
}
