package powercut

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/seed-9d983aeb/fdelab/proptest"
)

// operation cuts the operation at each change, until a run is not cut. What goes on after a cut of a drive
// alone, and what is answered then, counts: so each cut has a run of its own.
func (r *row) operation() error {
	for k := 0; ; k++ {
		if r.point != nil {
			k = r.point[0].k
		}
		c := cuts{{r.mode, k}}
		if k == pointsMax {
			r.violated(c, fmt.Errorf("no end within %d changes", pointsMax), nil)
			return nil
		}
		w, err := r.op.world(r.seed)
		if err != nil {
			return fmt.Errorf("powercut: %s: %w", r.op, err)
		}
		m, fired := r.strike(moment{cuts: c, world: w}, w.run, r.op.name)
		if !fired {
			return nil
		}
		if err := r.follow(m); err != nil || r.out.GivenUp || r.point != nil {
			return err
		}
	}
}

// moment is what cuts left.
type moment struct {
	cuts  cuts
	world world // dark; nil where its state was met before
	key   [sha256.Size]byte
	trace []string
}

// strike runs a step of m's world with its last cut. What is not cut is judged here.
func (r *row) strike(m moment, step func() error, name string) (left moment, fired bool) {
	p, last := m.world.power(), m.cuts[len(m.cuts)-1:]
	p.arm(&last[0])
	p.breaks(r.with)
	err := step()
	fired = p.fired
	p.arm(nil)
	r.out.Refused += p.breaks(company{})
	m.trace = noted(m.trace, name, last, err)
	switch {
	case fired:
		m.world = m.world.dark()
		return r.left(m), true
	case err != nil:
		r.violated(m.cuts, fmt.Errorf("nothing was cut, and it fails: %w", err), m.trace)
	case len(m.cuts) == 1:
		r.out.Uncut++
		r.good(m, m.world, true)
	}
	return m, false
}

func noted(trace []string, name string, last cuts, err error) []string {
	return append(slices.Clone(trace), fmt.Sprintf("%s, cut %s: %v", name, last, err))
}

// left takes the key of a dark world, and lets the world go if its state was met before.
func (r *row) left(m moment) moment {
	h := sha256.New()
	m.world.state(h)
	fmt.Fprintf(h, "after %d cuts", len(m.cuts))
	if m.key = [sha256.Size]byte(h.Sum(nil)); r.isMet(m) {
		m.world = nil
	}
	return m
}

// isMet says whether all that would be done with a state was done. The point that is asked for is always
// followed.
func (r *row) isMet(m moment) bool {
	room, ok := r.met[m.key]
	return ok && r.point == nil && room >= r.room(m.cuts)
}

// follow judges what cuts left, and cuts the start after it.
func (r *row) follow(m moment) error {
	r.count(len(m.cuts))
	r.reached = r.reached || len(m.cuts) == len(r.point)
	if m.world == nil || r.isMet(m) {
		r.out.Met++
		return nil
	}
	room := r.room(m.cuts)
	w, err := r.awake(m)
	if err != nil {
		return err
	}
	var next []moment
	runs := r.runs || len(m.cuts) < len(r.point) && r.point[len(m.cuts)].mode.drive
	if room > 0 && !runs {
		w.power().watch = r.watcher(m, w, &next)
	}
	// What was judged once is the same after one more loss of power.
	if !r.good(m, w, len(m.cuts) == 1) {
		return nil // each cut that leads to it is a violation; later cuts would only find it again
	}
	r.met[m.key] = max(room, r.met[m.key])
	if room == 0 {
		return nil
	}
	if r.point == nil {
		r.out.Uncut++
	}
	if runs {
		return r.starts(m)
	}
	for _, n := range next {
		if err := r.follow(n); err != nil || r.out.GivenUp {
			return err
		}
	}
	return nil
}

// awake is a copy of what the cuts left, ready for a start. Its random streams are those of every start
// after so many cuts: so what comes follows from the state and from that number.
func (r *row) awake(m moment) (world, error) {
	w := m.world.dark()
	if err := w.wake(fmt.Sprintf(" after %d cuts", len(m.cuts))); err != nil {
		return nil, fmt.Errorf("powercut: %s after %s: %w", r.op, m.cuts, err)
	}
	return w, nil
}

// good starts a world and looks at it, and does both once more.
func (r *row) good(m moment, w world, twice bool) bool {
	for i := range 2 {
		if i > 0 && !twice {
			break
		}
		if i == 0 {
			w.power().breaks(r.with)
		}
		err := w.start()
		r.out.Refused += w.power().breaks(company{})
		endless := w.power().n == pointsMax
		w.power().arm(nil)
		switch {
		case endless:
			err = fmt.Errorf("the start has no end within %d changes", pointsMax)
		case err != nil:
			err = fmt.Errorf("the start %s fails: %w", []string{"after it", "after that, with nothing left to do,"}[i], err)
		default:
			err = w.check()
		}
		if err != nil {
			r.violated(m.cuts, err, m.trace)
			return false
		}
	}
	return true
}

// watcher gets every change of the start of w, which comes after the cuts of m, and makes on a copy what each
// cut would leave: a loss of power takes everything else, so that there is no need to begin anew for each.
func (r *row) watcher(m moment, w world, next *[]moment) func(k int, ch change) {
	name := fmt.Sprintf("start %d", len(m.cuts))
	return func(k int, ch change) {
		if k == pointsMax {
			w.power().off()
			return
		}
		for _, mode := range r.modes(len(m.cuts)) {
			if !r.wanted(len(m.cuts), k) {
				continue
			}
			c := w.dark()
			if !c.power().leave(ch, cut{mode, k}) {
				continue
			}
			n := moment{cuts: m.cuts.then(cut{mode, k}), world: c}
			n.trace = noted(m.trace, name, n.cuts[len(n.cuts)-1:], errPower)
			*next = append(*next, r.left(n))
		}
	}
}

// starts cuts the start after the cuts of m, each time in a run of its own.
func (r *row) starts(m moment) error {
	for k := 0; k < pointsMax; k++ {
		cutAny := false
		for _, mode := range r.modes(len(m.cuts)) {
			if !r.wanted(len(m.cuts), k) {
				continue
			}
			w, err := r.awake(m)
			if err != nil {
				return err
			}
			n, fired := r.strike(moment{cuts: m.cuts.then(cut{mode, k}), world: w, trace: m.trace}, w.start, fmt.Sprintf("start %d", len(m.cuts)))
			if !fired {
				continue
			}
			cutAny = true
			if err := r.follow(n); err != nil || r.out.GivenUp {
				return err
			}
		}
		if r.wanted(len(m.cuts), k) && !cutAny {
			break
		}
	}
	return nil
}

// modes are those of the cut after so many.
func (r *row) modes(cuts int) []mode {
	switch {
	case cuts < len(r.point):
		return []mode{r.point[cuts].mode}
	case cuts == 1:
		return r.second
	}
	return []mode{third}
}

// wanted says whether change k is to be cut after so many cuts.
func (r *row) wanted(cuts, k int) bool { return cuts >= len(r.point) || r.point[cuts].k == k }

// room is how many cuts may follow these.
func (r *row) room(c cuts) int {
	if r.point != nil {
		return len(r.point) - len(c)
	}
	return min(r.depth, r.with.cuts) - len(c)
}

func (r *row) count(cuts int) {
	switch cuts {
	case 1:
		r.out.Points++
	case 2:
		r.out.Recovery++
	default:
		r.out.Again++
	}
}

// violated makes a violation.
func (r *row) violated(c cuts, why error, trace []string) {
	replay := fmt.Sprintf("fdelab sweep --seed %d --operation %s", r.seed, r.op)
	where, beside := r.mode.name, ""
	if r.with.name != nothing {
		replay += " --with " + r.with.name
		beside = ", with " + r.with.name
	}
	if c != nil {
		where = c.String()
		replay += " --point " + where
	}
	r.violations = append(r.violations, &proptest.Failure{
		Why:  fmt.Sprintf("%s, power cut %s%s: %v", r.op, where, beside, why),
		Seed: r.seed, Version: proptest.Version(), Trace: trace, Replay: replay,
	})
	r.out.Violations++
	r.out.GivenUp = r.out.Violations >= violationsMax
}
