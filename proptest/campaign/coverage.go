package campaign

import (
	"slices"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/proptest"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
	"github.com/seed-9d983aeb/fdelab/proptest/facility"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// driveLabel is what a maker gives beside a device.
type driveLabel = drive.Label

// lifecycle counts one attempt of a drive. One that is not in the table is the suite's to find.
func (r *Result) lifecycle(t drive.TransitionTrace) {
	if proptest.InTable(t) {
		r.Coverage[lifecycleRow(t)]++
	}
}

// pairOf names two kinds of faults that fired in one lifecycle, in the order of the suite's list.
func pairOf(a, b string) string { return "faults " + a + " and " + b }

// together counts the kinds of faults that fired in one lifecycle, and their pairs.
func (r *Result) together(fired map[conformance.BreakKind]int) {
	all := faultKinds()
	for i, a := range all {
		if fired[conformance.BreakKind(a)] == 0 {
			continue
		}
		r.Coverage["fault "+a]++
		for _, b := range all[i+1:] {
			if fired[conformance.BreakKind(b)] > 0 {
				r.Coverage[pairOf(a, b)]++
			}
		}
	}
}

// events counts the codes that a facility raised.
func (r *Result) events(m *facility.Machine) {
	var met []string
	for _, e := range m.Lab.Events() {
		if !slices.Contains(met, e.SRC) {
			met = append(met, e.SRC)
			r.Coverage["SRC "+e.SRC]++
		}
	}
}

// universe is all that a line of a plan may meet.
func (e *Entry) universe() map[string]bool {
	all := map[string]bool{}
	add := func(names ...string) {
		for _, n := range names {
			all[n] = true
		}
	}
	switch e.Kind {
	case Drive:
		add(lifecycleRows()...)
		kinds := faultKinds()
		if e.Faults != nil {
			kinds = slices.DeleteFunc(kinds, func(k string) bool { return !slices.Contains(e.Faults, k) })
		}
		for i, a := range kinds {
			add("fault " + a)
			for _, b := range kinds[i+1:] {
				add(pairOf(a, b))
			}
		}
	case Facility:
		for _, s := range src.All() {
			add("SRC " + string(s.Code))
		}
	case Sweep:
		for _, r := range e.rows {
			add("sweep " + r.operation)
		}
	case Conform:
		for _, id := range properties() {
			if e.Only == nil || slices.Contains(e.Only, id) {
				add("suite " + id)
			}
		}
	case Mutants:
		for _, m := range made() {
			add("mutant of " + m.Of)
		}
	}
	return all
}
