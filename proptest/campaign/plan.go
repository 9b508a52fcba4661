package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrPlan is wrapped by every error about a plan.
var ErrPlan = errors.New("campaign plan")

// Plan is what a campaign runs. Parse reads it from a file of lines, each an entry or a limit:
//
//	# a night
//	drive lifecycles=1000000 seed=1
//	sweep depth=2
//	limit for=8h
type Plan struct {
	Entries []Entry
	Limits  Limits
}

// Limits bound a campaign.
type Limits struct {
	For        time.Duration // of the wall clock: no job is begun later; 0 is no bound
	Job        time.Duration // of one job; whoever runs it gives it up then
	Failures   int           // so many different failures are kept with their evidence; more are counted
	Generation uint64        // of so many jobs two are on their way at most
}

// The limits where a plan has none, and their bounds.
const (
	jobLimit        = 10 * time.Minute
	failuresKept    = 100
	failuresKeptMax = 1000
	generation      = 512
	generationMax   = 1 << 17
	planBytesMax    = 64 << 10
	lineBytesMax    = 8 << 10
	entriesMax      = 256
)

// Parse reads a plan. An error is of one line, names it, and wraps ErrPlan.
func Parse(text string) (*Plan, error) {
	if len(text) > planBytesMax {
		return nil, fmt.Errorf("%w: %d bytes, want %d or less", ErrPlan, len(text), planBytesMax)
	}
	p := &Plan{Limits: Limits{Job: jobLimit, Failures: failuresKept, Generation: generation}}
	limited := false
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		kind, w, err := words(line)
		switch {
		case len(line) > lineBytesMax:
			err = fmt.Errorf("%d bytes, want %d or fewer", len(line), lineBytesMax)
		case err != nil:
		case kind == "limit" && limited:
			err = errors.New("limits are given twice, want one line of them")
		case kind == "limit":
			limited = true
			err = p.Limits.parse(w)
		case len(p.Entries) == entriesMax:
			err = fmt.Errorf("more than %d entries", entriesMax)
		default:
			var e Entry
			e, err = parseEntry(kind, w)
			p.Entries = append(p.Entries, e)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrPlan, i+1, err)
		}
	}
	return p, p.check()
}

func (p *Plan) check() error {
	if len(p.Entries) == 0 {
		return fmt.Errorf("%w: nothing to run, want a line such as: drive lifecycles=1000", ErrPlan)
	}
	for i, e := range p.Entries {
		if e.endless() && (i+1 < len(p.Entries) || p.Limits.For == 0) {
			return fmt.Errorf("%w: %q has no number: it comes last, and with a line such as: limit for=8h", ErrPlan, e)
		}
	}
	sum := uint64(0)
	for _, e := range p.Entries {
		units, _, _ := e.units()
		if sum += units; sum > unitsMax {
			return fmt.Errorf("%w: more than %d lifecycles, rows, seeds and mutants, want fewer", ErrPlan, uint64(unitsMax))
		}
	}
	return nil
}

// unitsMax is what a plan has at most: it can be counted, and no machine comes to its end.
const unitsMax = 1 << 60

// String is the plan as Parse reads it, in one form whatever the file looked like.
func (p *Plan) String() string {
	var b strings.Builder
	for _, e := range p.Entries {
		fmt.Fprintf(&b, "%s\n", e)
	}
	fmt.Fprintf(&b, "limit job=%v failures=%d generation=%d", p.Limits.Job, p.Limits.Failures, p.Limits.Generation)
	if p.Limits.For > 0 {
		fmt.Fprintf(&b, " for=%v", p.Limits.For)
	}
	b.WriteString("\n")
	return b.String()
}

// ID names the campaign: 12 hexadecimal digits that follow from the plan.
func (p *Plan) ID() string {
	sum := sha256.Sum256([]byte(p.String()))
	return hex.EncodeToString(sum[:6])
}

// word is a NAME=VALUE of a line.
type word struct{ name, value string }

// words cuts a line into its kind and its words. A value with blanks stands in double quotes.
func words(line string) (kind string, all []word, err error) {
	rest := strings.TrimSpace(line)
	if i := strings.IndexAny(rest, " \t"); i >= 0 {
		kind, rest = rest[:i], rest[i:]
	} else {
		kind, rest = rest, ""
	}
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
		name, after, cut := strings.Cut(rest, "=")
		if !cut || name == "" || strings.ContainsAny(name, " \t\"") {
			return "", nil, fmt.Errorf("%q, want words such as seed=1", rest)
		}
		value := after
		if quoted, err := strconv.QuotedPrefix(after); err == nil && quoted[0] == '"' {
			if value, err = strconv.Unquote(quoted); err != nil {
				return "", nil, fmt.Errorf("%s: %w", name, err)
			}
			rest = after[len(quoted):]
		} else {
			if value, rest = after, ""; strings.ContainsAny(after, " \t") {
				i := strings.IndexAny(after, " \t")
				value, rest = after[:i], after[i:]
			}
		}
		if slices.ContainsFunc(all, func(w word) bool { return w.name == name }) {
			return "", nil, fmt.Errorf("%s is given twice, want it once", name)
		}
		all = append(all, word{name, value})
	}
	return kind, all, nil
}

// String is the word as a line has it.
func (w word) String() string {
	if w.value == "" || strconv.Quote(w.value) != `"`+w.value+`"` || strings.Contains(w.value, " ") {
		return w.name + "=" + strconv.Quote(w.value)
	}
	return w.name + "=" + w.value
}

func (l *Limits) parse(all []word) (err error) {
	for _, w := range all {
		switch w.name {
		case "for":
			l.For, err = duration(w)
		case "job":
			l.Job, err = duration(w)
		case "failures":
			err = number(w, &l.Failures, 1, failuresKeptMax)
		case "generation":
			err = number(w, &l.Generation, 1, generationMax)
		default:
			err = fmt.Errorf("limit: no word %q, want for, job, failures or generation", w.name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// durationMax is the longest of a plan: ten years.
const durationMax = 10 * 365 * 24 * time.Hour

func duration(w word) (time.Duration, error) {
	d, err := time.ParseDuration(w.value)
	if err != nil || d < time.Second || d > durationMax {
		return 0, fmt.Errorf("%s=%q, want a time of 1s or more, such as 90m or 8h", w.name, w.value)
	}
	return d, nil
}

// number reads a whole number of least to most.
func number[T int | uint64](w word, to *T, least, most uint64) error {
	n, err := strconv.ParseUint(w.value, 10, 64)
	if err != nil || n < least || n > most {
		upTo := fmt.Sprintf(" to %d", most)
		if most == math.MaxUint64 {
			upTo = " or more"
		}
		return fmt.Errorf("%s=%q, want a whole number of %d%s", w.name, w.value, least, upTo)
	}
	*to = T(n)
	return nil
}
