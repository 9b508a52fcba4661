package campaign

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/internal/suggest"
	"github.com/seed-9d983aeb/fdelab/proptest"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
	"github.com/seed-9d983aeb/fdelab/proptest/facility"
	"github.com/seed-9d983aeb/fdelab/proptest/powercut"
)

// Entry is one line of a plan: a kind of work, how much of it, and of what sort.
type Entry struct {
	Kind  string
	Seed  uint64 // the first
	Count uint64 // lifecycles, or seeds; 0 is no end. Of sweeps and mutants the kind says how many there are
	Each  uint64 // so many in a job

	Faults  []string // drive: the kinds of each lifecycle; nil lets the seed draw them
	Steps   int      // facility: of a lifecycle
	Keys    string   // facility: the protocol of the keys
	Breaks  string   // facility: what breaks
	Parts   []string // sweep; nil is all
	Depth   int      // sweep
	Only    []string // conform: properties; nil is all
	Program string   // conform: the program and its arguments; "" is the simulated drive

	rows []row // of a sweep
}

// The kinds of work.
const (
	Drive    = "drive"
	Facility = "facility"
	Sweep    = "sweep"
	Conform  = "conform"
	Mutants  = "mutants"
	// Idle does nothing. It is for measuring what a campaign itself costs.
	Idle = "idle"
)

// Kinds lists the kinds of work, each with what it is.
func Kinds() [][2]string {
	return [][2]string{
		{Drive, "lifecycles of simulated drives under faults, as fdelab soak has them"},
		{Facility, "random runs of a facility, in which drives and the way to keys break"},
		{Sweep, "the power cut at each operation, as fdelab sweep cuts it"},
		{Conform, "the suite for drives of any make, over a program or the simulated drive"},
		{Mutants, "drives with a known defect each, which the suite has to find"},
		{Idle, "nothing, to measure what a campaign itself costs"},
	}
}

// How many units a job has where the plan does not say: about a second of work on one core.
var each = map[string]uint64{Drive: 250, Facility: 4, Conform: 1, Idle: 1}

// parseEntry reads a line of a kind.
func parseEntry(kind string, all []word) (Entry, error) {
	e := Entry{Kind: kind, Seed: 1, Each: each[kind]}
	switch kind {
	case Facility:
		e.Steps, e.Keys, e.Breaks = 30, "kmip", "all"
	case Sweep:
		e.Depth = 2
	case Conform:
		e.Count = 3
	case Drive, Mutants, Idle:
	default:
		return e, fmt.Errorf("no kind of work %q: %s", kind, suggest.DidYouMean(kind, names(Kinds())))
	}
	for _, w := range all {
		if err := e.word(w); err != nil {
			return e, fmt.Errorf("%s: %w", kind, err)
		}
	}
	return e, e.check()
}

// word takes one word of a line.
func (e *Entry) word(w word) (err error) {
	switch e.Kind + " " + w.name {
	case "drive seed", "facility seed", "sweep seed", "conform seed":
		return number(w, &e.Seed, 0, math.MaxUint64)
	case "drive lifecycles", "facility lifecycles", "idle jobs":
		return number(w, &e.Count, 1, countMax)
	case "conform seeds":
		return number(w, &e.Count, 1, countMax)
	case "drive each", "facility each":
		return number(w, &e.Each, 1, eachMax)
	case "drive faults":
		if w.value == none {
			e.Faults = []string{}
			return nil
		}
		if slices.Contains(strings.Split(w.value, ","), none) {
			return fmt.Errorf("faults=%s: none stands alone", w.value)
		}
		e.Faults, err = list(w, append(faultKinds(), none))
	case "facility steps":
		return number(w, &e.Steps, 1, stepsMax)
	case "facility keys":
		e.Keys, err = one(w, []string{"kmip", "ipp-tls", "ipp"})
	case "facility breaks":
		e.Breaks, err = one(w, facility.Breaks())
	case "sweep part":
		e.Parts, err = list(w, sweepParts())
	case "sweep depth":
		return number(w, &e.Depth, 1, 3)
	case "conform only":
		e.Only, err = list(w, properties())
	case "conform program":
		if e.Program = w.value; strings.TrimSpace(w.value) == "" {
			err = fmt.Errorf("program=%q, want a program and its arguments", w.value)
		}
	default:
		return fmt.Errorf("no word %q, want %s", w.name, wordsOf[e.Kind])
	}
	return err
}

// wordsOf are the words of each kind.
var wordsOf = map[string]string{
	Drive: "lifecycles, seed, each or faults", Facility: "lifecycles, seed, each, steps, keys or breaks", Sweep: "part, depth or seed",
	Conform: "seeds, seed, only or program", Mutants: "none", Idle: "jobs",
}

// The bounds of an entry. A job is about a second of work, and so many units are a mistake.
const (
	countMax = 1 << 60
	eachMax  = 1 << 16
	stepsMax = 10_000
)

func (e *Entry) check() (err error) {
	switch {
	case e.Count > 0 && e.Seed+(e.Count-1) < e.Seed:
		return fmt.Errorf("%s: %d seeds from %d on, want seeds below 2^64", e.Kind, e.Count, e.Seed)
	case e.Kind == Idle && e.Count == 0:
		return fmt.Errorf("idle: want jobs=N")
	case e.Kind == Sweep:
		e.rows, err = e.sweepRows()
	}
	return err
}

// endless says whether only time ends the entry.
func (e *Entry) endless() bool { return e.Count == 0 && e.Kind != Sweep && e.Kind != Mutants }

// String is the line, as Parse reads it.
func (e Entry) String() string {
	all := []word{}
	add := func(name string, value any, is bool) {
		if is {
			all = append(all, word{name, fmt.Sprint(value)})
		}
	}
	units := map[string]string{Drive: "lifecycles", Facility: "lifecycles", Conform: "seeds", Idle: "jobs"}[e.Kind]
	add(units, e.Count, units != "" && e.Count > 0)
	add("seed", e.Seed, e.Kind != Mutants && e.Kind != Idle)
	add("each", e.Each, e.Kind == Drive || e.Kind == Facility)
	add("faults", orNone(e.Faults), e.Faults != nil)
	add("steps", e.Steps, e.Kind == Facility)
	add("keys", e.Keys, e.Kind == Facility)
	add("breaks", e.Breaks, e.Kind == Facility)
	add("part", strings.Join(e.Parts, ","), e.Parts != nil)
	add("depth", e.Depth, e.Kind == Sweep)
	add("only", strings.Join(e.Only, ","), e.Only != nil)
	add("program", e.Program, e.Program != "")
	line := e.Kind
	for _, w := range all {
		line += " " + w.String()
	}
	return line
}

// none is an empty list.
const none = "none"

func orNone(all []string) string {
	if len(all) == 0 {
		return none
	}
	return strings.Join(all, ",")
}

func names(all [][2]string) (out []string) {
	for _, n := range all {
		out = append(out, n[0])
	}
	return out
}

// So many names fit into a message, and so many letters of likely ones.
const (
	listedMax = 20
	nearMax   = 100
)

// list reads names that are separated by commas.
func list(w word, known []string) ([]string, error) {
	all := strings.Split(w.value, ",")
	for i, name := range all {
		if !slices.Contains(known, name) {
			if near := suggest.DidYouMean(name, known); len(known) <= listedMax || len(near) <= nearMax {
				return nil, fmt.Errorf("%s: no %q: %s", w.name, name, near)
			}
			return nil, fmt.Errorf("%s: no %q, want some of %s to %s, as fdelab conform --list has them", w.name, name, known[0], known[len(known)-1])
		}
		if slices.Contains(all[:i], name) {
			return nil, fmt.Errorf("%s: %q is given twice", w.name, name)
		}
	}
	return all, nil
}

func one(w word, known []string) (string, error) {
	if !slices.Contains(known, w.value) {
		return "", fmt.Errorf("%s=%q, want one of %s", w.name, w.value, strings.Join(known, ", "))
	}
	return w.value, nil
}

// faultKinds are those that a drive can be given.
func faultKinds() (out []string) {
	for _, k := range conformance.BreakKinds() {
		out = append(out, string(k))
	}
	return out
}

func properties() (out []string) {
	for _, p := range conformance.Properties() {
		out = append(out, p.ID)
	}
	return out
}

// sweepParts are the names of what can be swept.
func sweepParts() []string { return append([]string{Drive}, names(powercut.Parts())...) }

// row is a row of one of the two plans of a sweep.
type row struct {
	part      string // Drive, or "" for a row of the parts around it
	at        int
	operation string
}

// sweepPlans are the plans of an entry; nil is one of which nothing is asked for.
func (e *Entry) sweepPlans() (d *proptest.SweepPlan, p *powercut.Plan, err error) {
	around := powercut.Options{Seed: e.Seed, Depth: e.Depth}
	for _, part := range names(powercut.Parts()) {
		if e.Parts == nil || slices.Contains(e.Parts, part) {
			around.Parts = append(around.Parts, part)
		}
	}
	if e.Parts == nil || slices.Contains(e.Parts, Drive) {
		if d, err = proptest.PlanSweep(proptest.SweepOptions{Seed: e.Seed, Depth: e.Depth}); err != nil {
			return nil, nil, err
		}
	}
	if around.Parts != nil {
		if p, err = powercut.PlanSweep(around); err != nil {
			return nil, nil, err
		}
	}
	return d, p, nil
}

func (e *Entry) sweepRows() ([]row, error) {
	d, p, err := e.sweepPlans()
	if err != nil {
		return nil, err
	}
	var all []row
	if d != nil {
		for i := range d.Rows() {
			all = append(all, row{Drive, i, d.Operation(i)})
		}
	}
	if p != nil {
		for i := range p.Rows() {
			all = append(all, row{"", i, p.Operation(i)})
		}
	}
	return all, nil
}

// lifecycleRows are the rows of the lifecycle table, and the pairs that are refused.
func lifecycleRows() (out []string) {
	for _, t := range drive.Enterprise.Lifecycle() {
		out = append(out, lifecycleRow(drive.TransitionTrace{Event: t.Event, From: t.From, To: t.To}))
	}
	for _, t := range drive.Enterprise.Refused() {
		out = append(out, lifecycleRow(drive.TransitionTrace{Event: t.Event, From: t.From, Refused: true}))
	}
	return out
}

func lifecycleRow(t drive.TransitionTrace) string {
	if t.Refused {
		return fmt.Sprintf("lifecycle %s in %v refused", t.Event, t.From)
	}
	return fmt.Sprintf("lifecycle %s from %v to %v", t.Event, t.From, t.To)
}
