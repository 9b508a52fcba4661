package facility

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/proptest"
)

// Script is the run so far in one line, for Replay.
func (m *Machine) Script() string {
	o := m.options
	head := fmt.Sprintf("seed=%d drives=%d keys=%s", o.Seed, o.Drives, o.Keys)
	if o.ForensicEvery != forensicEvery {
		head += fmt.Sprintf(" forensic=%d", o.ForensicEvery)
	}
	if o.Bands != 1 {
		head += fmt.Sprintf(" bands=%d", o.Bands)
	}
	if o.Wire {
		head += " wire=true"
	}
	return head + " | " + strings.Join(m.steps, "; ")
}

// Fail makes a *proptest.Failure of this run for a property of the caller's. It has the seed, the
// fault plans, the end of the trace, and a line that brings a facility to the same state.
func (m *Machine) Fail(format string, args ...any) error {
	return m.failure(fmt.Sprintf("m, err := facility.Replay(%q)", m.Script()), format, args...)
}

// Check ends a test with the text of Fail unless ok is true. Use it in place of require.True, which
// knows nothing of the run.
func (m *Machine) Check(t rapid.TB, ok bool, format string, args ...any) {
	t.Helper()
	if !ok {
		t.Fatalf("%v", m.Fail(format, args...))
	}
}

// Must is Do in a test.
func (m *Machine) Must(t rapid.TB, step string) {
	t.Helper()
	if err := m.Do(step); err != nil {
		m.wrong = err
		t.Fatalf("%v", err)
	}
}

// failf makes a Failure of a check of this package. TestReplay replays it.
func (m *Machine) failf(format string, args ...any) error {
	return m.failure("go test github.com/seed-9d983aeb/fdelab/proptest/facility -run '^TestReplay$' -script '"+m.Script()+"'", format, args...)
}

func (m *Machine) failure(replay, format string, args ...any) error {
	var lines []string
	for _, e := range m.Lab.Trace() {
		lines = append(lines, e.String())
	}
	return &proptest.Failure{
		Why: fmt.Sprintf(format, args...), Seed: m.options.Seed, Version: proptest.Version(), Plan: strings.Join(m.armed(), "; "),
		Trace: lines[max(0, len(lines)-proptest.TraceTail):], Replay: replay,
	}
}

// armed lists the armed fault plans as the steps that arm them.
func (m *Machine) armed() (plans []string) {
	add := func(plan, format string, a ...any) {
		if plan != "" {
			plans = append(plans, fmt.Sprintf(format, a...)+" "+plan)
		}
	}
	for _, d := range m.Lab.Drives() {
		if p, err := m.Lab.Part(d.Slot); err == nil && p.Flash.Plan() != nil {
			add(p.Flash.Plan().String(), "arm %s", d.Slot)
		}
	}
	for c, hmc := range m.keys.consoles {
		add(hmc.plan, "arm-net %d", c+1)
	}
	for p := range 2 {
		for c, link := range m.keys.links[p] {
			add(link.plan, "arm-link %d %d", p, c+1)
		}
		add(m.keys.memory[p], "arm-memory %d", p)
	}
	return plans
}
