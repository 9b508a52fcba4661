package fault

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Point is the name of one thing that can go wrong: component.operation.phase,
// such as "flash.program.refused". Each part is a lower-case letter followed
// by lower-case letters, digits or hyphens.
type Point string

// Operation is the name of the operations at which the point can fire: the
// point without its phase.
func (p Point) Operation() string {
	i := strings.LastIndexByte(string(p), '.')
	if i < 0 {
		return ""
	}
	return string(p[:i])
}

// Component is the first part of the name: the hardware that breaks.
func (p Point) Component() string {
	c, _, _ := strings.Cut(string(p), ".")
	return c
}

// Field is a set of the fields of Op that mean something at a point. A plan
// that asks for any other is refused: it could only be a mistake.
type Field uint8

// The fields that an operation may have.
const (
	HasBlock Field = 1 << iota // Op.Block
	HasPage                    // Op.Page
	HasLBA                     // Op.LBA
	HasBlank                   // Op.Blank
	// OnlyProgrammed marks a point whose operations are those with Op.Blank
	// false: where nothing is stored, a rule neither counts nor fires.
	OnlyProgrammed
	HasByte // Op.Byte
)

// Info is a registered point.
type Info struct {
	Point  Point
	Effect string // what happens to the hardware, and what the caller is answered
	Budget string // what the device under test owes: survived, or reported as what
	Fields Field  // the predicates that a rule for this point may use
}

var registry = struct {
	sync.RWMutex
	points []Info // sorted by Point
}{}

// Register makes a point known, and returns it. Call it from package-level
// variables only. Effect and budget are one cell each of the table that Markdown
// renders, and neither is empty. The fields are those that the component fills in
// Op; with none, a rule for the point may only count or draw. A malformed name, or
// one already taken, is a bug of the program, and a panic.
func Register(p, effect, budget string, fields ...Field) Point {
	if err := checkName(p); err != nil {
		panic("BUG: fault: " + err.Error())
	}
	if effect == "" || budget == "" {
		panic(fmt.Sprintf("BUG: fault: point %s has no effect or no budget", p))
	}
	info := Info{Point: Point(p), Effect: effect, Budget: budget}
	for _, f := range fields {
		info.Fields |= f
	}
	registry.Lock()
	defer registry.Unlock()
	i, taken := slices.BinarySearchFunc(registry.points, info.Point, byPoint)
	if taken {
		panic(fmt.Sprintf("BUG: fault: point %s is registered twice", p))
	}
	registry.points = slices.Insert(registry.points, i, info)
	return info.Point
}

// Points lists every registered point in the order of the names.
func Points() []Info {
	registry.RLock()
	defer registry.RUnlock()
	return slices.Clone(registry.points)
}

// Lookup finds a point by its name.
func Lookup(name string) (Info, bool) {
	registry.RLock()
	defer registry.RUnlock()
	i, ok := slices.BinarySearchFunc(registry.points, Point(name), byPoint)
	if !ok {
		return Info{}, false
	}
	return registry.points[i], true
}

func byPoint(a Info, b Point) int { return strings.Compare(string(a.Point), string(b)) }

// checkName says what is wrong with the name of a point.
func checkName(name string) error {
	parts := strings.Split(name, ".")
	if len(parts) != 3 {
		return fmt.Errorf("point %q: want component.operation.phase", name)
	}
	for _, part := range parts {
		for i, c := range []byte(part) {
			letter := c >= 'a' && c <= 'z'
			if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
				return fmt.Errorf("point %q: %q is not a letter followed by lower-case letters, digits or hyphens", name, part)
			}
		}
		if part == "" {
			return fmt.Errorf("point %q: a part of the name is empty", name)
		}
	}
	return nil
}

// Markdown renders the registered points as a table for the documentation, in
// the order of the names.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| point | effect | budget |\n|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, info := range Points() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", info.Point, cell.Replace(info.Effect), cell.Replace(info.Budget))
	}
	return b.String()
}
