package facility

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/proptest"
)

// Lifecycle is a random run of a facility. A seed names all of it: the facility, the steps and what breaks.
type Lifecycle struct {
	Seed  uint64
	Steps int    // how many actions; each is a few steps
	Keys  string // as in Options
	// Breaks is what may break: "none", "drives", "keys", or "all", which is both and single requests for keys.
	Breaks string
}

// Breaks lists the values of Lifecycle.Breaks.
func Breaks() []string { return []string{"none", "drives", "keys", "all"} }

// actionsOf are the actions of a value of Lifecycle.Breaks.
func (m *Machine) actionsOf(breaks string) map[string]func(*rapid.T) {
	switch breaks {
	case "none":
		return m.Actions()
	case "drives":
		return m.FaultActions()
	case "keys":
		return m.KeyActions()
	}
	return m.AllActions()
}

// Run has the lifecycle. The error is a *proptest.Failure if the facility did something wrong; any other is of the
// options. The machine is as the lifecycle left it.
func (l Lifecycle) Run() (m *Machine, err error) {
	if !slices.Contains(Breaks(), l.Breaks) || l.Steps < 1 {
		return nil, fmt.Errorf("proptest: a lifecycle of %d steps in which %q breaks, want 1 step or more, and one of %s", l.Steps, l.Breaks, strings.Join(Breaks(), ", "))
	}
	if m, err = NewMachine(Options{Seed: l.Seed, Keys: l.Keys}); err != nil {
		return m, err
	}
	if err = m.Prepare(); err != nil {
		return m, err
	}
	actions := m.actionsOf(l.Breaks)
	names := slices.Sorted(maps.Keys(actions))
	crash := once(int(l.Seed), func(t *rapid.T) {
		for range l.Steps {
			actions[rapid.SampledFrom(names).Draw(t, "action")](t)
		}
	})
	switch {
	case m.wrong != nil:
		return m, m.wrong
	case crash != nil:
		panic(crash) // of the facility, or of the model
	}
	if l.Breaks == "none" && len(m.FalseAlarms()) > 0 {
		return m, m.failf("nothing is broken, and there is a false alarm: %v", m.FalseAlarms()[0])
	}
	return m, nil
}

// once calls run with draws of a seed, once, and gives what it panics with. A generator is what gives a rapid.T outside
// a test. After a panic rapid calls it again, and panics itself, since nothing is drawn then.
func once(seed int, run func(*rapid.T)) (crash any) {
	began, ended := false, false
	defer func() {
		if v := recover(); v != nil && (ended || crash == nil) {
			panic(v) // of rapid alone
		}
	}()
	rapid.Custom(func(t *rapid.T) bool {
		if began {
			return false
		}
		began = true
		defer func() {
			if !ended {
				crash = recover()
				panic(crash)
			}
		}()
		run(t)
		ended = true
		return true
	}).Example(seed)
	return nil
}

// shrinkRunsMax is how many facilities Shrink makes at most.
const shrinkRunsMax = 60

// Shrink leaves steps out of a script that fails, as long as it fails with a reason that same takes for the one it
// had. It returns the shortest that it found, and its failure; nil if the script does not fail so.
func Shrink(script string, same func(why string) bool) (string, *proptest.Failure) {
	return shrink(script, func(script string) error { _, err := Replay(script); return err }, same)
}

func shrink(script string, replay func(string) error, same func(why string) bool) (string, *proptest.Failure) {
	head, body, _ := strings.Cut(script, "|")
	left := shrinkRunsMax
	fails := func(steps []string) *proptest.Failure {
		var f *proptest.Failure
		if left--; left < 0 || len(steps) == 0 {
			return nil
		}
		if errors.As(replay(head+"| "+strings.Join(steps, "; ")), &f) && same(f.Why) {
			return f
		}
		return nil
	}
	steps := strings.Split(strings.TrimSpace(body), "; ")
	best := fails(steps)
	if best == nil {
		return "", nil
	}
	for n := max(1, len(steps)/2); n >= 1; n /= 2 {
		for at := 0; at+n <= len(steps); {
			fewer := slices.Delete(slices.Clone(steps), at, at+n)
			if f := fails(fewer); f != nil {
				best, steps = f, fewer
			} else {
				at += n
			}
		}
	}
	return head + "| " + strings.Join(steps, "; "), best
}

// IsScript says whether a text has the form of a script of this package: its options, and verbs that there are.
func IsScript(text string) bool {
	head, body, cut := strings.Cut(text, "|")
	if _, err := options(head); !cut || err != nil {
		return false
	}
	for _, step := range strings.Split(body, ";") {
		if words := strings.Fields(step); len(words) > 0 && !slices.Contains(Verbs(), words[0]) {
			return false
		}
	}
	return strings.TrimSpace(body) != ""
}

// Steps is how many steps were done.
func (m *Machine) Steps() int { return len(m.steps) }
