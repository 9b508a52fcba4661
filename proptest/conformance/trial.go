package conformance

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// Options say how a device is judged. The zero value is every property with three seeds.
type Options struct {
	Seeds []uint64 // nil is 1, 2 and 3
	Only  []string // properties by ID, such as F12; nil is all
	// Within, if not nil, runs one command of the device: it may give the command a deadline, and
	// panics with a *Hung when it is over. Without it a device that hangs hangs the suite.
	Within func(command string, do func())
	// ShrinkRuns is how many devices are made at most to make a failing run shorter; 0 is 400,
	// negative none.
	ShrinkRuns int
	// Faults are the kinds of faults of each lifecycle of Soak, which come as often as may be; nil lets the seed draw
	// them and how often they come, and an empty list is none.
	Faults []BreakKind
	// Progress, if not nil, is called before each property.
	Progress func(done, all int, p *Property)
}

// Hung is what Options.Within panics with, or a Device itself in any of its methods: the device did
// not answer in time, or is gone. Why says which.
type Hung struct{ Why string }

// Unjudged is what a Device or a Maker panics with where it cannot do what a property asks for, and nothing is
// wrong with the device: the property is not judged. Needs are capabilities that would help.
type Unjudged struct {
	Why   string
	Needs []Capability
}

// judge runs properties on devices of one maker.
type judge struct {
	maker Maker
	o     Options
	steps int

	crashes bool // a panic is a failure
}

func (j *judge) within(c Command, do func()) {
	if j.o.Within == nil {
		do()
		return
	}
	j.o.Within(c.String(), do)
}

// Trial is one property with one seed.
type Trial struct {
	judge  *judge
	maker  Maker
	wish   Wish
	rnd    *rand.Rand
	pick   func(n int) int // in place of rnd, if not nil
	worlds []*World
	open   []Device // those that are not retired
	claims int      // checks of the property itself that could have failed
	late   bool     // the faults of a soak are gone
}

// draw gives a number below n.
func (t *Trial) draw(n int) int {
	if t.pick != nil {
		return t.pick(n)
	}
	return t.rnd.IntN(n)
}

// claim counts a check that a property made itself.
func (t *Trial) claim() { t.claims++ }

// wish draws a device for a seed. Seed 1 is a plain one.
func wish(seed uint64, ranges int) Wish {
	w := Wish{Seed: seed, SectorSize: 512, Sectors: 1 << 40, Ranges: max(2, ranges), TryLimit: 5, Persistent: true}
	rnd := rand.New(rand.NewPCG(seed, 12))
	if seed != 1 {
		w.SectorSize = []int{512, 4096}[rnd.IntN(2)]
		w.Sectors = []uint64{1 << 12, 1 << 20, 1 << 32, 1 << 40}[rnd.IntN(4)]
		w.Ranges = max(ranges, []int{0, 1, 2, 3, 7, 16, 64}[rnd.IntN(7)])
		w.TryLimit = []uint16{3, 5, 8, 100, 255, 256, 1000}[rnd.IntN(7)]
		w.Persistent = rnd.IntN(4) > 0
		w.Granularity = []uint64{0, 0, 8, 16}[rnd.IntN(4)]
	}
	w.Geometry = flash.Geometry{Blocks: 5 + rnd.IntN(4), PagesPerBlock: 4 << rnd.IntN(2), PageSize: 1024}
	switch {
	case w.Ranges > 20:
		w.Geometry.PageSize = 16384
	case w.Ranges > 3:
		w.Geometry.PageSize = 4096
	}
	return w
}

// serial is the serial number of the device of a seed.
func serial(seed uint64) string { return fmt.Sprintf("CONF%04d", seed%10000) }

// trial runs a property with a seed.
func (j *judge) trial(p *Property, seed uint64) (r Result) {
	t := &Trial{judge: j, maker: j.maker, wish: wish(seed, p.Ranges), rnd: rand.New(rand.NewPCG(seed, 13))}
	r = Result{Property: p, Seed: seed}
	defer t.retire(0)
	defer func() {
		t.count(&r)
		v := t.lost(recover())
		switch f := v.(type) {
		case nil:
			t.conclude(&r)
		case *unjudged:
			r.Verdict, r.Why, r.Needs = NotJudged, f.why, f.needs
		case *failure:
			r.Verdict, r.Why, r.Kind, r.late, r.Stack = Failed, f.why, f.kind, t.late, f.stack
			t.explain(&r, f)
		default:
			panic(v)
		}
	}()
	t.require(p)
	p.run(t)
	return r
}

// lost makes a failure of a *Hung that came from outside a command: while a device was made, or
// while it was asked something. It does so with any other panic where a crash is a failure.
func (t *Trial) lost(v any) any {
	var f *failure
	switch p := v.(type) {
	case nil, *failure, *unjudged:
		return v
	case *Unjudged:
		return &unjudged{p.Why, p.Needs}
	case *Hung:
		f = &failure{kind: hangs, why: p.Why}
	default:
		if !t.judge.crashes {
			return v
		}
		f = &failure{kind: crashes, why: fmt.Sprint(v), stack: strings.Split(strings.TrimSpace(string(debug.Stack())), "\n")}
	}
	if n := len(t.worlds); n > 0 {
		f.world = t.worlds[n-1]
		if w := f.world; f.kind == crashes && len(w.commands) > 0 {
			w.trace = append(w.trace, w.commands[len(w.commands)-1].String()+" -> it crashes")
		}
	}
	return f
}

// hangs is the kind of a failure of a device that does not answer.
const hangs = "hangs"

// require ends the trial where the device lacks something.
func (t *Trial) require(p *Property) {
	w := t.World(nil)
	if lacks := missing(w.caps, p.Needs); len(lacks) > 0 {
		panic(&unjudged{"the device has no " + list(lacks), lacks})
	}
	if w.id.Ranges < p.Ranges {
		panic(&unjudged{why: fmt.Sprintf("the device has %d ranges beside the global one, and the property needs %d", w.id.Ranges, p.Ranges)})
	}
	if p.Limited && w.id.TryLimit == 0 {
		panic(&unjudged{why: "the device has no try limit"})
	}
	t.worlds = t.worlds[:0]
}

func list(all []Capability) string {
	s := make([]string, len(all))
	for i, c := range all {
		s[i] = string(c)
	}
	return strings.Join(s, ", ")
}

func (t *Trial) count(r *Result) {
	r.Claims = t.claims
	for _, w := range t.worlds {
		for k, n := range w.firedOf {
			if r.Fired == nil {
				r.Fired = map[BreakKind]int{}
			}
			r.Fired[k] += n
		}
		r.Commands += len(w.commands)
		r.Faults += w.fired
		r.Searches += w.look.claims
	}
	r.Claims += r.Searches
}

// conclude is the verdict of a run that found nothing wrong: whatever the property is about must
// have happened.
func (t *Trial) conclude(r *Result) {
	p := r.Property
	r.Verdict = NotJudged
	switch {
	case r.Commands == 0 && r.Claims == 0:
		r.Why = "no command was given"
	case p.Faults && r.Faults == 0:
		r.Why = "no fault fired"
	case p.Searches && r.Searches == 0:
		r.Why = "no search could have found anything"
		for _, w := range t.worlds {
			if w.look.blind != "" {
				r.Why, r.Needs = w.look.blind, missing(w.caps, []Capability{HasChip, Derives})
				break
			}
		}
	default:
		r.Verdict = Passed
	}
}

// explain adds what replays a failure: the commands, made as few as possible.
func (t *Trial) explain(r *Result, f *failure) {
	if f.world == nil {
		return
	}
	w := f.world
	r.Wish, r.Script, r.Trace = w.wish, w.commands, w.trace
	if _, ends := w.dev.(io.Closer); f.kind == hangs && !ends {
		return // each run would wait as long, and leave one more device behind that runs on
	}
	if short := t.judge.shrink(w.wish, w.commands, f.kind); short != nil {
		r.Script, r.Trace, r.Shrunk = short.world.commands, short.world.trace, true
		r.Why = short.why
	}
}

// replay runs commands on a new device. It returns the failure, or nil.
func (j *judge) replay(wish Wish, commands []Command) (f *failure) {
	t := &Trial{judge: j, maker: j.maker, wish: wish}
	defer t.retire(0)
	defer func() {
		switch v := t.lost(recover()).(type) {
		case nil, *unjudged:
		case *failure:
			f = v
		default:
			panic(v)
		}
	}()
	w, err := t.make(wish)
	if err != nil {
		return nil
	}
	for _, c := range commands {
		w.do(c)
	}
	return nil
}

// shrink leaves commands out as long as the run fails in the same kind. It returns nil if the
// commands alone do not fail: what the property itself compared is not in them.
func (j *judge) shrink(wish Wish, commands []Command, kind string) *failure {
	left := j.o.ShrinkRuns
	if left == 0 {
		left = 400
	}
	if kind == hangs { // each run may take a deadline
		left = min(left, 30)
	}
	fails := func(c []Command) *failure {
		if left--; left < 0 {
			return nil
		}
		if f := j.replay(wish, c); f != nil && f.kind == kind && f.world != nil {
			return f
		}
		return nil
	}
	best := fails(commands)
	if best == nil {
		return nil
	}
	for n := max(1, len(best.world.commands)/2); n >= 1; n /= 2 {
		for at := 0; at+n <= len(best.world.commands); {
			fewer := slices.Delete(slices.Clone(best.world.commands), at, at+n)
			if f := fails(fewer); f != nil {
				best = f
			} else {
				at += n
			}
		}
	}
	return best
}

// authorities are those that a property goes through: all, or on a device with many ranges the first
// ones and the last.
func (w *World) authorities() []drive.Authority {
	all := []drive.Authority{drive.SID, drive.EraseMaster}
	for n := range w.id.Ranges + 1 {
		if n < 3 || n == w.id.Ranges {
			all = append(all, drive.BandMaster(n))
		}
	}
	return all
}
