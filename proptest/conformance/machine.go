package conformance

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Machine is a device with the model of it, for property tests with rapid. Its failures are those of
// the suite.
type Machine struct {
	w    *World
	over string // why nothing more can be judged, or ""
}

// NewMachine makes a device and its model. The error is the maker's.
func NewMachine(maker Maker, w Wish) (*Machine, error) {
	t := &Trial{judge: &judge{maker: maker}, maker: maker, wish: w, rnd: rand.New(rand.NewPCG(w.Seed, 13))}
	world, err := t.make(w)
	if err != nil {
		return nil, fmt.Errorf("conformance: no device: %w", err)
	}
	return &Machine{w: world}, nil
}

// PlainWish is the device of seed 1 with another seed: two ranges, sectors of 512 bytes, five tries.
func PlainWish(seed uint64) Wish {
	w := wish(1, 0)
	w.Seed = seed
	return w
}

// Device is the device itself, for a property of the caller's own.
func (m *Machine) Device() Device { return m.w.dev }

// Label is what the maker printed on it.
func (m *Machine) Label() drive.Label { return m.w.label }

// Script is the run so far on one line, for Replay.
func (m *Machine) Script() string { return FormatScript(m.w.wish, m.w.commands) }

// Do gives commands, as ParseCommands reads them, and ends the test where an answer is none that a
// host may expect, with a line that replays the run.
func (m *Machine) Do(t rapid.TB, commands string) {
	t.Helper()
	all, err := ParseCommands(commands)
	if err != nil {
		t.Fatal(err)
	}
	m.watch(t, func() {
		for _, c := range all {
			m.w.do(c)
		}
	})
}

// watch ends the test with what f finds. Where nothing more can be judged the run is skipped, and stays so:
// a Skip ends one action of rapid's T.Repeat, not the run.
func (m *Machine) watch(t rapid.TB, f func()) {
	t.Helper()
	if m.over != "" {
		t.Skip(m.over)
	}
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *failure:
			t.Fatalf("%s\nreplay: %s", v.why, m.Script())
		case *unjudged:
			m.over = v.why
			t.Skip(v.why)
		default:
			panic(v)
		}
	}()
	f()
}

// Actions are random commands for rapid's T.Repeat. A test adds actions and a property of its own.
func (m *Machine) Actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"command": func(t *rapid.T) {
			if m.over != "" {
				return // the steps that are left do nothing, and Do skips the run
			}
			m.w.trial.pick = func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }
			m.watch(t, func() { m.w.step(uint32(len(m.w.commands) + 1)) })
		},
	}
}

// Benchmark measures the commands of a device: a right PIN, a PIN change, a migration of 32 bytes, an
// erase, a sector written and read.
func Benchmark(b *testing.B, maker Maker) {
	for _, what := range []struct{ name, setup, run, back string }{
		{"try", "", "try BandMaster0 msid", ""},
		{"set-pin", "set-pin BandMaster0 msid p1", "set-pin BandMaster0 p1 p3", "set-pin BandMaster0 p3 p1"},
		{"erase", "", "erase 0 msid", ""},
		{"write", "", "write 0 1 1", ""},
		{"read", "write 0 1 1", "read 0 1", ""},
	} {
		b.Run(what.name, func(b *testing.B) {
			m, err := NewMachine(maker, PlainWish(1))
			if err != nil {
				b.Fatal(err)
			}
			m.Do(b, what.setup)
			run, _ := ParseCommands(what.run)
			back, _ := ParseCommands(what.back)
			data := make([]byte, m.w.id.SectorSize)
			all := append(run, back...)
			for b.Loop() {
				for _, c := range all {
					if m.w.held != nil {
						m.w.held.fuse.done = 0
					}
					if err := m.w.command(c, data); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
