package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/suggest"
)

// Verdict is what the suite says of a device and one property.
type Verdict string

// The verdicts. What was not tested never passes.
const (
	Passed    Verdict = "passed"
	Failed    Verdict = "failed"
	NotJudged Verdict = "not judged"
)

// Property is something that a drive must hold.
type Property struct {
	ID     string // F01 to F40 by the row of Rows; families of the suite's own: PC01, EN02, ...
	Name   string // what must hold, in one line
	Row    int    // of Rows; 0 for none
	Source string // where it was found broken, if there is no row
	// Needs are the capabilities without which nothing can be judged.
	Needs    []Capability
	Ranges   int  // beside the global one, at least
	Limited  bool // the device must have a try limit
	Faults   bool // nothing is judged unless a fault fired
	Searches bool // nothing is judged unless a search could have found something

	run func(*Trial)
}

// Result is the verdict on one property.
type Result struct {
	Property *Property
	Verdict  Verdict
	Why      string            // what is wrong, or why nothing was judged; empty if it passed
	Kind     string            // of a failure: data alive, key found, accepted, and so on
	Needs    []Capability      // without which nothing was judged
	Seed     uint64            // of the failure, or of the first seed
	Commands int               // given in all seeds
	Faults   int               // that fired
	Fired    map[BreakKind]int // the same by kind, of the last seed
	Searches int               // that could have found something
	Claims   int               // searches, and checks of the property's own
	// Of a failure: the device, the commands that lead to it, with their answers, and whether they
	// were made fewer. A failure that the property found by comparing two devices cannot be.
	Wish   Wish
	Script []Command
	Trace  []string
	Shrunk bool
	Stack  []string // of a panic, in Soak and Replay

	late bool // a failure of Soak after the faults were gone
}

// Report is the outcome of Judge.
type Report struct {
	Identity     Identity
	Capabilities []Capability
	Results      []Result
}

// Failed lists the results of that verdict.
func (r *Report) Failed() []Result {
	var out []Result
	for _, x := range r.Results {
		if x.Verdict == Failed {
			out = append(out, x)
		}
	}
	return out
}

// Replay is the failing run on one line: the device, and the commands.
func (r *Result) Replay() string {
	if len(r.Script) == 0 {
		return ""
	}
	return FormatScript(r.Wish, r.Script)
}

// String is the result on a few lines.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s", r.Property.ID, r.Property.Name, r.Verdict)
	if r.Why != "" {
		fmt.Fprintf(&b, ": %s", r.Why)
	}
	if r.Verdict == Failed {
		fmt.Fprintf(&b, "\n  seed %d, %s", r.Seed, r.Kind)
		for _, line := range r.Trace[max(0, len(r.Trace)-40):] {
			fmt.Fprintf(&b, "\n  %s", line)
		}
		if len(r.Script) > 0 {
			fmt.Fprintf(&b, "\n  replay: %s", r.Replay())
		}
	}
	return b.String()
}

// choose gives the properties that are asked for.
func choose(only []string) ([]*Property, error) {
	if only == nil {
		return properties, nil
	}
	var out []*Property
	for _, id := range only {
		i := slices.IndexFunc(properties, func(p *Property) bool { return strings.EqualFold(p.ID, id) })
		if i < 0 {
			var all []string
			for _, p := range properties {
				all = append(all, p.ID)
			}
			return nil, fmt.Errorf("conformance: no property %q: %s", id, suggest.DidYouMean(id, all))
		}
		out = append(out, properties[i])
	}
	return out, nil
}

// Properties lists all of them.
func Properties() []*Property { return slices.Clone(properties) }

// Judge runs the properties that the device's capabilities allow. The error is about the options, or
// says that no device came out of the maker.
func Judge(maker Maker, o Options) (*Report, error) {
	chosen, err := choose(o.Only)
	if err != nil {
		return nil, err
	}
	if o.Seeds == nil {
		o.Seeds = []uint64{1, 2, 3}
	}
	j := &judge{maker: maker, o: o}
	first, err := j.first()
	if err != nil {
		return nil, fmt.Errorf("conformance: no device: %w", err)
	}
	r := &Report{Identity: first.id, Capabilities: first.caps}
	for i, p := range chosen {
		if o.Progress != nil {
			o.Progress(i, len(chosen), p)
		}
		r.Results = append(r.Results, j.property(p))
	}
	return r, nil
}

// first makes a device to see what it is.
func (j *judge) first() (w *World, err error) {
	t := &Trial{judge: j, maker: j.maker}
	defer t.retire(0)
	defer func() {
		switch v := t.lost(recover()).(type) {
		case nil:
		case *failure:
			err = errors.New(v.why)
		case *unjudged:
			err = errors.New(v.why)
		default:
			panic(v)
		}
	}()
	return t.make(wish(j.o.Seeds[0], 0))
}

// property judges one property with every seed. It fails with the first seed that fails, and passes
// if one passed.
func (j *judge) property(p *Property) Result {
	var out Result
	for i, seed := range j.o.Seeds {
		r := j.trial(p, seed)
		r.Commands, r.Faults, r.Searches, r.Claims = r.Commands+out.Commands, r.Faults+out.Faults, r.Searches+out.Searches, r.Claims+out.Claims
		switch {
		case r.Verdict == Failed:
			return r
		case i == 0 || r.Verdict == Passed && out.Verdict == NotJudged:
			out = r
		default:
			out.Commands, out.Faults, out.Searches, out.Claims = r.Commands, r.Faults, r.Searches, r.Claims
		}
	}
	return out
}
