package conformance

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// A script is a run on one line: the wish for a device, "|", and commands:
//
//	seed=1 ranges=2 | migrate 0 msid p1; write 3 1 1; power-off; thief
//
// What is left out of the wish is as seed 1 has it.

type setting struct {
	name string
	get  func(Wish) uint64
	set  func(*Wish, uint64)
	ok   func(uint64) bool
}

func upTo(least, most uint64) func(uint64) bool {
	return func(n uint64) bool { return n >= least && n <= most }
}

var settings = []setting{
	{"seed", func(w Wish) uint64 { return w.Seed }, func(w *Wish, n uint64) { w.Seed = n }, upTo(0, math.MaxUint64)},
	{
		"sector-size", func(w Wish) uint64 { return uint64(w.SectorSize) },
		func(w *Wish, n uint64) { w.SectorSize = int(n) }, func(n uint64) bool { return n == 512 || n == 4096 },
	},
	{"sectors", func(w Wish) uint64 { return w.Sectors }, func(w *Wish, n uint64) { w.Sectors = n }, upTo(1, numberMax)},
	{"ranges", func(w Wish) uint64 { return uint64(w.Ranges) }, func(w *Wish, n uint64) { w.Ranges = int(n) }, upTo(0, drive.MaxRanges)},
	{"try-limit", func(w Wish) uint64 { return uint64(w.TryLimit) }, func(w *Wish, n uint64) { w.TryLimit = uint16(n) }, upTo(0, 1<<16-1)},
	{"persistent", func(w Wish) uint64 {
		if w.Persistent {
			return 1
		}
		return 0
	}, func(w *Wish, n uint64) { w.Persistent = n == 1 }, upTo(0, 1)},
	{"granularity", func(w Wish) uint64 { return w.Granularity }, func(w *Wish, n uint64) { w.Granularity = n }, upTo(0, 1<<16)},
	{"blocks", func(w Wish) uint64 { return uint64(w.Geometry.Blocks) }, func(w *Wish, n uint64) { w.Geometry.Blocks = int(n) }, upTo(3, 1<<10)},
	{"pages", func(w Wish) uint64 { return uint64(w.Geometry.PagesPerBlock) }, func(w *Wish, n uint64) { w.Geometry.PagesPerBlock = int(n) }, upTo(1, 1<<10)},
	{"page-size", func(w Wish) uint64 { return uint64(w.Geometry.PageSize) }, func(w *Wish, n uint64) { w.Geometry.PageSize = int(n) }, upTo(256, 1<<16)},
}

// FormatScript writes a run as a script.
func FormatScript(w Wish, commands []Command) string {
	plain := wish(1, 0)
	var words []string
	for _, s := range settings {
		if s.get(w) != s.get(plain) || s.name == "seed" {
			words = append(words, fmt.Sprintf("%s=%d", s.name, s.get(w)))
		}
	}
	return strings.Join(words, " ") + " | " + FormatCommands(commands)
}

// ParseScript reads a script.
func ParseScript(text string) (Wish, []Command, error) {
	head, body, cut := strings.Cut(text, "|")
	if !cut {
		return Wish{}, nil, errors.New("conformance: no | in the script, want NAME=NUMBER ... | COMMAND; COMMAND; and so on")
	}
	w := wish(1, 0)
	given := map[string]bool{}
	for _, word := range strings.Fields(head) {
		name, value, _ := strings.Cut(word, "=")
		n, err := strconv.ParseUint(value, 10, 64)
		var names []string
		found := false
		for _, s := range settings {
			names = append(names, s.name)
			if s.name != name {
				continue
			}
			if found = err == nil && s.ok(n); found {
				s.set(&w, n)
			}
		}
		if !found {
			return Wish{}, nil, fmt.Errorf("conformance: %q in the script: want NAME=NUMBER with one of %s", word, strings.Join(names, ", "))
		}
		if given[name] {
			return Wish{}, nil, fmt.Errorf("conformance: %s is given twice in the script", name)
		}
		given[name] = true
	}
	commands, err := ParseCommands(body)
	if err == nil && len(commands) == 0 {
		err = errors.New("conformance: no command after | in the script")
	}
	return w, commands, err
}

// looks says whether commands search for something.
func looks(commands []Command) bool {
	return slices.ContainsFunc(commands, func(c Command) bool { return c.Verb == Thief || c.Verb == Deep || c.Verb == Secrets || c.Verb == RAM })
}

// Replay runs a script on a new device. Result.Verdict is Failed if the device does something wrong,
// else Passed. The error says what is wrong with the script, or that no device was made.
func Replay(maker Maker, script string, o Options) (*Result, error) {
	w, commands, err := ParseScript(script)
	if err != nil {
		return nil, err
	}
	j := &judge{maker: maker, o: o, crashes: true}
	r := &Result{Property: &Property{ID: "replay", Name: "a given run"}, Verdict: Passed, Seed: w.Seed, Wish: w, Script: commands}
	t := &Trial{judge: j, maker: maker, wish: w}
	defer func() { r.Commands = j.steps }()
	defer t.retire(0)
	var f *failure
	func() {
		defer func() {
			switch v := t.lost(recover()).(type) {
			case nil:
			case *failure:
				f = v
			case *unjudged:
				r.Verdict, r.Why, r.Needs = NotJudged, v.why, v.needs
			default:
				panic(v)
			}
		}()
		var world *World
		if world, err = t.make(w); err == nil {
			for _, c := range commands {
				world.do(c)
			}
			r.Trace = world.trace
			if looks(commands) && world.look.claims == 0 {
				r.Verdict, r.Why = NotJudged, "no search could have found anything"
				if world.look.blind != "" {
					r.Why = world.look.blind
				}
			}
		}
	}()
	if err != nil {
		return nil, fmt.Errorf("conformance: no device: %w", err)
	}
	if f != nil {
		r.Verdict, r.Why, r.Kind, r.Stack = Failed, f.why, f.kind, f.stack
		if f.world != nil {
			r.Trace = f.world.trace
		}
	}
	return r, nil
}
