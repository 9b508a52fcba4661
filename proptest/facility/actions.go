package facility

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/proptest"
)

// Actions are random steps that break nothing: service actions, host I/O and time that passes. They
// are for rapid's T.Repeat.
func (m *Machine) Actions() map[string]func(*rapid.T) {
	step := func(make func(*rapid.T) string) func(*rapid.T) {
		return func(t *rapid.T) {
			if s := make(t); s != "" {
				m.Must(t, s)
			}
		}
	}
	onSlot := func(verb string) func(*rapid.T) {
		return step(func(t *rapid.T) string { return verb + " " + m.DrawSlot(t) })
	}
	write := step(func(t *rapid.T) string {
		if r := m.DrawRank(t); r != "" {
			return fmt.Sprintf("write %s %d %d", r, rapid.IntRange(0, sectors-1).Draw(t, "lba"), len(m.steps)+1)
		}
		return ""
	})
	advance := step(func(t *rapid.T) string {
		return fmt.Sprintf("advance %d", rapid.IntRange(1, 600).Draw(t, "minutes"))
	})
	return map[string]func(*rapid.T){
		"write": write, "write more": write, "write again": write,
		"advance": advance, "advance more": advance,
		"array": step(func(t *rapid.T) string {
			sites := m.Lab.Sites()
			return "array " + sites[rapid.IntRange(0, len(sites)-1).Draw(t, "site")].ID
		}),
		"rank": step(func(t *rapid.T) string {
			if a := draw(t, "array", slices.Sorted(maps.Keys(m.arrays))); a != "" {
				return fmt.Sprintf("rank %s %d", a, rapid.IntRange(0, 3).Draw(t, "key group")&1)
			}
			return ""
		}),
		"remove rank": step(func(t *rapid.T) string {
			if r := m.DrawRank(t); r != "" && rapid.IntRange(0, 2).Draw(t, "really") == 0 {
				return "remove-rank " + r
			}
			return ""
		}),
		"remove array": step(func(t *rapid.T) string {
			if a := draw(t, "array", slices.Sorted(maps.Keys(m.arrays))); a != "" && rapid.IntRange(0, 3).Draw(t, "really") == 0 {
				return "remove-array " + a
			}
			return ""
		}),
		"repair":        m.repair,
		"end repair":    m.endRepair,
		"smart rebuild": onSlot("smart-rebuild"),
		"rekey":         onSlot("rekey"),
		"erase":         onSlot("erase"),
		"revert":        onSlot("revert"),
		"power cycle":   step(func(*rapid.T) string { return "power-cycle" }),
		"iml":           step(func(*rapid.T) string { return "iml" }),
		"health":        step(func(*rapid.T) string { return "health" }),
		// One more enclosure at the most, so that a run stays fast.
		"mes": step(func(t *rapid.T) string {
			if len(m.slots()) <= 32 && rapid.IntRange(0, 7).Draw(t, "really") == 0 {
				return "mes"
			}
			return ""
		}),
		"discontinue": step(func(*rapid.T) string { return "discontinue" }),
		"close": step(func(t *rapid.T) string {
			return fmt.Sprintf("close %d", rapid.IntRange(1, 5).Draw(t, "event"))
		}),
	}
}

// FaultActions are Actions with broken drives, stopped key servers, outsiders, and parts that are
// pulled and put back.
func (m *Machine) FaultActions() map[string]func(*rapid.T) {
	all := m.Actions()
	for name, verb := range map[string]string{
		"disarm": "disarm", "break": "break", "cut power": "cut-power", "restore power": "restore-power", "pull": "pull",
		"outsider guesses": "outsider-guess", "outsider erases": "outsider-erase", "outsider reverts": "outsider-revert",
		"outsider writes": "outsider-write",
	} {
		all[name] = func(t *rapid.T) { m.Must(t, verb+" "+m.DrawSlot(t)) }
	}
	all["arm"] = func(t *rapid.T) { m.Must(t, "arm "+m.DrawSlot(t)+" "+DrawPlan(t)) }
	all["arm more"] = all["arm"]
	all["outsider"], all["used part"] = m.outsiderAction, m.usedPart
	all["insert"] = func(t *rapid.T) { m.Must(t, "insert "+m.DrawSlot(t)+" any") }
	all["stop server"] = func(t *rapid.T) { m.Must(t, fmt.Sprintf("stop-server %d", rapid.IntRange(1, 2).Draw(t, "server"))) }
	all["start server"] = func(t *rapid.T) { m.Must(t, fmt.Sprintf("start-server %d", rapid.IntRange(1, 2).Draw(t, "server"))) }
	return all
}

// repair begins a repair, and mostly finishes it.
func (m *Machine) repair(t *rapid.T) {
	slot := m.DrawSlot(t)
	m.Must(t, "repair "+slot)
	if stop := rapid.IntRange(0, 4).Draw(t, "stop after"); stop > 0 {
		m.Must(t, "exchange "+slot+" "+rapid.SampledFrom([]string{"same", "new"}).Draw(t, "part"))
		if stop > 1 {
			m.Must(t, "resume "+slot)
		}
	}
}

// endRepair ends the repair in progress.
func (m *Machine) endRepair(t *rapid.T) {
	for _, word := range strings.Fields(m.Lab.ServiceAction()) {
		if slices.Contains(m.slots(), word) {
			m.Must(t, "cancel "+word)
			m.Must(t, "exchange "+word+" new")
			m.Must(t, "resume "+word)
		}
	}
}

func draw(t *rapid.T, label string, from []string) string {
	if len(from) == 0 {
		return ""
	}
	return rapid.SampledFrom(from).Draw(t, label)
}

// DrawSlot draws a slot name.
func (m *Machine) DrawSlot(t *rapid.T) string { return draw(t, "slot", m.slots()) }

// DrawRank draws a rank, "" if there is none.
func (m *Machine) DrawRank(t *rapid.T) string {
	return draw(t, "rank", slices.Sorted(maps.Keys(m.ranks)))
}

// DrawPlan draws a fault plan for a drive in a slot: flash, media, power or port.
func DrawPlan(t *rapid.T) string {
	switch rapid.IntRange(0, 3).Draw(t, "what") {
	case 0:
		return proptest.DrawPowerCut(t)
	case 1:
		point := rapid.SampledFrom([]string{"port.command.lost", "port.command.cut", "port.command.dead", "port.power.refused"}).Draw(t, "point")
		return fmt.Sprintf("(%s (OnIndex %d))", point, rapid.IntRange(0, 8).Draw(t, "n"))
	}
	return proptest.DrawPlan(t)
}

// Prepare makes an array and a rank of each array site, with data. All ranks are encrypted but the
// last of several.
func (m *Machine) Prepare() error {
	sites := m.Lab.Sites()
	for i, s := range sites {
		group := 1
		if i > 0 && i == len(sites)-1 {
			group = 0
		}
		for _, step := range []string{"array " + s.ID, fmt.Sprintf("rank A%d %d", i, group)} {
			if err := m.Do(step); err != nil {
				return err
			}
		}
		for lba := range 8 {
			if err := m.Do(fmt.Sprintf("write R%d %d %d", i, lba, 1000+lba)); err != nil {
				return err
			}
		}
	}
	return nil
}

// options reads the part of a script before the |.
func options(head string) (o Options, err error) {
	given := map[string]bool{}
	for _, w := range strings.Fields(head) {
		name, value, _ := strings.Cut(w, "=")
		if given[name] {
			return o, fmt.Errorf("proptest: option %q of the script: %s is given twice, want it once", w, name)
		}
		given[name] = true
		switch name {
		case "seed":
			o.Seed, err = strconv.ParseUint(value, 10, 64)
		case "drives":
			o.Drives, err = strconv.Atoi(value)
		case "forensic":
			o.ForensicEvery, err = strconv.Atoi(value)
		case "bands":
			o.Bands, err = strconv.Atoi(value)
		case "keys":
			o.Keys = value
		case "wire":
			o.Wire, err = strconv.ParseBool(value)
		default:
			err = strconv.ErrSyntax
		}
		if err != nil {
			return o, fmt.Errorf("proptest: option %q of the script, want seed=NUMBER, drives=NUMBER, keys=kmip|ipp-tls|ipp, bands=NUMBER, wire=true or forensic=NUMBER", w)
		}
	}
	return o, nil
}

// Replay runs a script: "seed=7 drives=16 keys=ipp | step; step; ...". Options that are left out
// have their default. The error is a *proptest.Failure, or says what is wrong with the script, in
// which step, and what would be right. A script without a step is refused.
func Replay(script string) (*Machine, error) {
	head, body, cut := strings.Cut(script, "|")
	if !cut {
		return nil, fmt.Errorf("proptest: no | in the script, want seed=N drives=N keys=WORD | STEP; STEP")
	}
	o, err := options(head)
	if err != nil {
		return nil, err
	}
	if strings.Trim(body, "; \t\r\n") == "" {
		return nil, fmt.Errorf("proptest: no step after |, want seed=N drives=N keys=WORD | STEP; STEP")
	}
	m, err := NewMachine(o)
	if err != nil {
		return nil, err
	}
	first := m.firstSteps() // the script of a Failure has them
	n := 0
	for _, step := range strings.Split(body, ";") {
		if step = strings.TrimSpace(step); step == "" {
			continue
		}
		n++
		if len(first) > 0 && step == first[0] {
			first = first[1:]
			continue
		}
		first = nil
		var f *proptest.Failure
		if err := m.Do(step); errors.As(err, &f) {
			return m, err
		} else if err != nil {
			return m, fmt.Errorf("step %d: %w", n, err)
		}
	}
	return m, nil
}
