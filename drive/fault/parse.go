package fault

import (
	"fmt"
	"strconv"
	"strings"
)

// Bounds of a plan. They keep a hostile or generated plan from costing more
// than a real one does.
const (
	MaxLength = 1 << 16 // bytes of text
	MaxRules  = 256     // rules of a plan
	MaxDepth  = 16      // predicates within one another
)

// SyntaxError is a plan that Parse refused.
type SyntaxError struct {
	Line, Column int    // of the first byte that is wrong, from 1; columns count bytes
	Problem      string // what is wrong
	Want         string // what would be right; may be empty
}

// Error is one line: position, what is wrong, what would be right.
func (e *SyntaxError) Error() string {
	at := fmt.Sprintf("column %d", e.Column)
	if e.Line > 1 {
		at = fmt.Sprintf("line %d column %d", e.Line, e.Column)
	}
	s := fmt.Sprintf("fault plan: %s: %s", at, e.Problem)
	if e.Want != "" {
		s += "; " + e.Want
	}
	return s
}

// Parse reads a plan. Errors are *SyntaxError.
func Parse(text string) (*Plan, error) {
	p := &parser{text: text}
	if len(text) > MaxLength {
		return nil, p.fail(MaxLength, fmt.Sprintf("the plan is %d bytes long", len(text)), fmt.Sprintf("at most %d", MaxLength))
	}
	p.next()
	plan := &Plan{}
	for p.tok.kind != end {
		if len(plan.rules) == MaxRules {
			return nil, p.fail(p.tok.at, "one rule too many", fmt.Sprintf("at most %d", MaxRules))
		}
		r, err := p.rule()
		if err != nil {
			return nil, err
		}
		plan.rules = append(plan.rules, r)
	}
	if len(plan.rules) == 0 {
		return nil, p.fail(p.tok.at, "no rule", "want "+ruleUsage)
	}
	plan.Reset()
	return plan, nil
}

// MustParse is Parse for plans written in the program. It panics where Parse
// fails.
func MustParse(text string) *Plan {
	p, err := Parse(text)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return p
}

const ruleUsage = "(point) or (point predicate), such as (flash.program.refused (OnIndex 1))"

type parser struct {
	text string
	pos  int
	tok  token
}

func (p *parser) rule() (rule, error) {
	if p.tok.kind != open {
		return rule{}, p.unexpected("the '(' of a rule", "want "+ruleUsage)
	}
	start := p.next()
	if p.tok.kind != word {
		return rule{}, p.unexpected("the name of a point", "want "+ruleUsage)
	}
	info, ok := Lookup(p.tok.text)
	if !ok {
		return rule{}, p.unknown("point", pointNames())
	}
	p.next()
	r := rule{point: info.Point, op: info.Point.Operation(), data: info.Fields&OnlyProgrammed != 0}
	if p.tok.kind == open {
		var err error
		if r.when, err = p.predicate(info, 1); err != nil {
			return rule{}, err
		}
	}
	return r, p.close(start, fmt.Sprintf("(%s) or (%s predicate)", info.Point, info.Point))
}

// predicate parses from the parenthesis that opens it to the one that closes
// it.
func (p *parser) predicate(point Info, depth int) (*predicate, error) {
	if depth > MaxDepth {
		return nil, p.fail(p.tok.at, "predicates nested too deep", fmt.Sprintf("at most %d within one another", MaxDepth))
	}
	start := p.next()
	if p.tok.kind != word {
		return nil, p.unexpected("the name of a predicate", "want "+strings.Join(predicateNames(), ", "))
	}
	k := kind(0)
	for int(k) < len(grammar) && grammar[k].name != p.tok.text {
		k++
	}
	if int(k) == len(grammar) {
		return nil, p.unknown("predicate", predicateNames())
	}
	g := &grammar[k]
	if g.field&^point.Fields != 0 {
		return nil, p.fail(p.tok.at, fmt.Sprintf("%s says nothing about %s", g.name, point.Point), "want one of "+strings.Join(predicatesFor(point), ", "))
	}
	p.next()
	q := &predicate{kind: k}
	var err error
	switch k {
	case randomly:
		if q.p, err = p.probability(g.usage); err == nil {
			q.n, err = p.number(g.usage, 0, maxUint)
		}
	case and, or, not:
		for err == nil && p.tok.kind == open && (k != not || q.sub == nil) {
			var s *predicate
			if s, err = p.predicate(point, depth+1); err == nil {
				q.sub = append(q.sub, s)
			}
		}
		if err == nil && (len(q.sub) == 0 || len(q.sub) == 1 && k != not) {
			err = p.unexpected("a predicate", "want "+g.usage)
		}
	default:
		if g.numbers == 1 {
			q.n, err = p.number(g.usage, g.min, g.max)
		}
	}
	if err != nil {
		return nil, err
	}
	return q, p.close(start, g.usage)
}

func (p *parser) number(usage string, low, high uint64) (uint64, error) {
	if p.tok.kind != word {
		return 0, p.unexpected("a number", "want "+usage)
	}
	n, err := strconv.ParseUint(p.tok.text, 10, 64)
	if err != nil || n < low || n > high {
		return 0, p.fail(p.tok.at, fmt.Sprintf("%s is not a whole number from %d to %d", quote(p.tok.text), low, high), "want "+usage)
	}
	p.next()
	return n, nil
}

func (p *parser) probability(usage string) (float64, error) {
	if p.tok.kind != word {
		return 0, p.unexpected("a probability", "want "+usage)
	}
	v, err := strconv.ParseFloat(p.tok.text, 64)
	// ParseFloat also takes hexadecimal, underscores, "inf" and "nan".
	if err != nil || strings.Trim(p.tok.text, "0123456789.eE+-") != "" || !(v > 0 && v <= 1) {
		return 0, p.fail(p.tok.at, fmt.Sprintf("%s is not a probability above 0 and at most 1", quote(p.tok.text)), "want "+usage)
	}
	p.next()
	return v, nil
}

// close takes the parenthesis that ends what began at start.
func (p *parser) close(start int, usage string) error {
	switch p.tok.kind {
	case shut:
		p.next()
		return nil
	case end:
		return p.fail(start, "this '(' is never closed", "want "+usage)
	}
	return p.unexpected("')'", "want "+usage)
}
