package fault

import (
	"slices"
	"strings"
)

// Plan says which points fire on which operations. It is made by Parse. It
// carries the counts of its rules, so it serves one device under test and is
// not safe for concurrent use. A nil Plan matches nothing.
type Plan struct {
	rules  []rule
	checks uint64 // calls of Check, to know which of two firings came last
}

type rule struct {
	point  Point
	op     string     // point.Operation(), so that Check compares and does not search
	data   bool       // the point is OnlyProgrammed
	when   *predicate // nil: every operation
	fired  uint64
	last   Op
	lastAt uint64 // Plan.checks at the last firing
}

// Firing is how often a point fired since the plan was armed.
type Firing struct {
	Point Point
	Count uint64 // at least 1
	Last  Op     // the operation at which it fired last
}

// Check is asked by an injector once for each operation that is about to
// happen. It counts the operation for every rule whose point belongs to it,
// and says which point fires: that of the first rule of the plan that holds.
// It allocates nothing.
func (p *Plan) Check(op Op) (Point, bool) {
	if p == nil {
		return "", false
	}
	p.checks++
	var first *rule
	for i := range p.rules {
		r := &p.rules[i]
		if r.op != op.Name || r.data && op.Blank {
			continue
		}
		if (r.when == nil || r.when.holds(&op)) && first == nil {
			first = r
		}
	}
	if first == nil {
		return "", false
	}
	first.fired++
	first.last, first.lastAt = op, p.checks
	return first.point, true
}

// Fired lists the points that fired since the plan was armed, one entry a
// point, in the order of the plan.
func (p *Plan) Fired() []Firing {
	if p == nil {
		return nil
	}
	var all []Firing
	var lastAt []uint64
	for i := range p.rules {
		r := &p.rules[i]
		if r.fired == 0 {
			continue
		}
		j := slices.IndexFunc(all, func(f Firing) bool { return f.Point == r.point })
		if j < 0 {
			all = append(all, Firing{Point: r.point, Count: r.fired, Last: r.last})
			lastAt = append(lastAt, r.lastAt)
			continue
		}
		all[j].Count += r.fired
		if r.lastAt > lastAt[j] {
			all[j].Last, lastAt[j] = r.last, r.lastAt
		}
	}
	return all
}

// Idle lists the rules of a plan that fired in none of its clones since they were
// armed, as they are written. A test that armed a plan and ends with an idle rule has
// not tested what it says.
func Idle(clones ...*Plan) []string {
	var idle []string
	for i := range longest(clones) {
		fired := slices.ContainsFunc(clones, func(p *Plan) bool { return p != nil && i < len(p.rules) && p.rules[i].fired > 0 })
		if !fired {
			idle = append(idle, ruleText(clones, i))
		}
	}
	return idle
}

// longest is how many rules a plan has, whichever of its clones are armed.
func longest(clones []*Plan) (n int) {
	for _, p := range clones {
		if p != nil {
			n = max(n, len(p.rules))
		}
	}
	return n
}

func ruleText(clones []*Plan, i int) string {
	for _, p := range clones {
		if p != nil && i < len(p.rules) {
			return (&Plan{rules: p.rules[i : i+1]}).String()
		}
	}
	return ""
}

// Points lists the points of the plan, each once, in the order of the plan.
// An injector's owner uses it to refuse a plan that it cannot carry out.
func (p *Plan) Points() []Point {
	if p == nil {
		return nil
	}
	var all []Point
	for i := range p.rules {
		if !slices.Contains(all, p.rules[i].point) {
			all = append(all, p.rules[i].point)
		}
	}
	return all
}

// Reset puts the plan back to the moment it was parsed: no operation counted,
// nothing fired, every random stream at its start. Injectors call it in Arm.
func (p *Plan) Reset() {
	if p == nil {
		return
	}
	p.checks = 0
	for i := range p.rules {
		r := &p.rules[i]
		r.fired, r.last, r.lastAt = 0, Op{}, 0
		if r.when != nil {
			r.when.reset()
		}
	}
}

// Clone is a plan of the same rules with counts of its own, as if just parsed.
func (p *Plan) Clone() *Plan {
	if p == nil {
		return nil
	}
	c := &Plan{rules: make([]rule, len(p.rules))}
	for i := range p.rules {
		r := &p.rules[i]
		c.rules[i] = rule{point: r.point, op: r.op, data: r.data, when: r.when.clone()}
	}
	c.Reset()
	return c
}

// String is the canonical spelling: on one line, single spaces, numbers in
// their shortest form. Parse of it is the same plan. The nil plan is "".
func (p *Plan) String() string {
	if p == nil {
		return ""
	}
	var b strings.Builder
	for i := range p.rules {
		r := &p.rules[i]
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteByte('(')
		b.WriteString(string(r.point))
		if r.when != nil {
			b.WriteByte(' ')
			r.when.print(&b)
		}
		b.WriteByte(')')
	}
	return b.String()
}
