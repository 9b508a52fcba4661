package facility

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/internal/suggest"
)

// argument is one word of a step. A wrong word is a mistake in the step, and must not pass for a
// request that the facility refuses.
type argument struct {
	name string // as the usage has it
	rest bool   // it takes the rest of the line
	// wants says what would be right, or "" if the word is right.
	wants func(m *Machine, word string) string
}

// words is one of some words.
func words(of ...string) argument {
	return argument{name: strings.Join(of, "|"), wants: func(_ *Machine, word string) string { return among(word, of) }}
}

// among says that one of some names is wanted, or "" if word is one.
func among(word string, names []string) string {
	switch n := len(names); {
	case slices.Contains(names, word):
		return ""
	case n == 0:
		return "one that exists, and there is none"
	case n == 1:
		return names[0]
	case n > 8: // slots
		text := fmt.Sprintf("one of %s to %s", names[0], names[n-1])
		if guess := suggest.Guess(word, names, ""); guess != "" {
			text += "; " + guess
		}
		return text
	default:
		return strings.Join(names[:n-1], ", ") + " or " + names[n-1]
	}
}

// named is the name of something in this facility.
func named(name string, list func(*Machine) []string) argument {
	return argument{name: name, wants: func(m *Machine, word string) string { return among(word, list(m)) }}
}

// numbers is a whole number between two.
func numbers(name string, from, to int) argument {
	return argument{name: name, wants: func(_ *Machine, word string) string {
		if n, err := strconv.Atoi(word); err != nil || n < from || n > to {
			return fmt.Sprintf("a number from %d to %d", from, to)
		}
		return ""
	}}
}

// or is either of two.
func (a argument) or(b argument) argument {
	return argument{name: a.name + "|" + b.name, wants: func(m *Machine, word string) string {
		x, y := a.wants(m, word), b.wants(m, word)
		if x == "" || y == "" {
			return ""
		}
		return x + ", or " + y
	}}
}

// plans is a fault plan whose points belong to some components, or to parts of them.
func plans(of ...string) argument {
	return argument{name: "PLAN", rest: true, wants: func(_ *Machine, text string) string {
		plan, err := fault.Parse(text)
		if err != nil {
			return fmt.Sprintf("a plan that can be read (%v)", err)
		}
		for _, p := range plan.Points() {
			if !slices.ContainsFunc(of, func(c string) bool { return strings.HasPrefix(string(p), c+".") }) {
				return fmt.Sprintf("points of %s, and %s is none", strings.Join(of, ", "), p)
			}
		}
		if len(plan.Points()) == 0 {
			return "a plan with a rule, such as (" + of[0] + ". and so on)"
		}
		return ""
	}}
}

// removable is a plan, or - for none.
func (a argument) removable() argument {
	return argument{name: a.name + "|-", rest: true, wants: func(m *Machine, text string) string {
		if want := a.wants(m, text); text != "-" && want != "" {
			return want + ", or - for none"
		}
		return ""
	}}
}

// A run of more than ten years would outlive the certificates.
const (
	runMax  = forever / 2
	stepMax = 366 * 24 * 60 // minutes
)

// minutes is how long time passes.
var minutes = argument{name: "MINUTES", wants: func(m *Machine, word string) string {
	if want := numbers("", 0, stepMax).wants(m, word); want != "" {
		return want
	}
	if end := m.start.Add(runMax); m.keys.now.Add(time.Duration(number(word)) * time.Minute).After(end) {
		return "less: a run ends after ten years, at " + end.Format(time.DateTime)
	}
	return ""
}}

// The arguments. Ranks and arrays are all that ever existed: the facility has to refuse one that is
// gone.
var (
	site      = named("SITE", (*Machine).sites)
	array     = named("ARRAY", func(m *Machine) []string { return m.made['A'] })
	rankName  = named("RANK", func(m *Machine) []string { return m.made['R'] })
	slot      = named("SLOT", (*Machine).slots)
	server    = named("SERVER", (*Machine).servers)
	part      = named("SERIAL", (*Machine).serials)
	group     = numbers("GROUP", 1, 4)
	manager   = numbers("MANAGER", 1, 8)
	partition = numbers("PARTITION", 0, 1)
	console   = numbers("CONSOLE", 1, 2)
	sector    = numbers("SECTOR", 0, sectors-1)
	bit       = numbers("BIT", 0, 63)
	label     = words(pairLabels[:]...)
	drivePlan = plans("flash", "media", "port")
)

func (m *Machine) sites() (names []string) {
	for _, s := range m.Lab.Sites() {
		names = append(names, s.ID)
	}
	return names
}

func (m *Machine) servers() (names []string) {
	for n := range m.keys.servers {
		names = append(names, strconv.Itoa(n+1))
	}
	return names
}

// serials lists the parts in slots and on the shelf.
func (m *Machine) serials() (names []string) {
	for _, d := range m.Lab.Drives() {
		if d.Serial != "" {
			names = append(names, d.Serial)
		}
	}
	for _, p := range m.Lab.Shelf().Parts() {
		names = append(names, p.Serial())
	}
	return names
}

// parse reads a step. The error says what is wrong with it.
func (m *Machine) parse(step string) (v verb, args []string, err error) {
	wrong := func(format string, a ...any) error {
		return fmt.Errorf("proptest: %q: %s; usage: %s", step, fmt.Sprintf(format, a...), v.usage)
	}
	all := strings.Fields(step)
	if len(all) == 0 {
		return v, nil, fmt.Errorf("proptest: an empty step, want one such as \"advance 60\"")
	}
	v, known := verbs[all[0]]
	if !known {
		return v, nil, fmt.Errorf("proptest: unknown step %q: %s", all[0], suggest.Guess(all[0], Verbs(), "Usage lists the steps"))
	}
	args = all[1:]
	if n := len(v.args); n > 0 && v.args[n-1].rest && len(args) > n {
		args = append(args[:n-1:n-1], strings.Join(args[n-1:], " "))
	}
	if len(args) != len(v.args) {
		return v, nil, wrong("%s, want %d", count(len(args)), len(v.args))
	}
	for i, a := range v.args {
		if want := a.wants(m, args[i]); want != "" {
			return v, nil, wrong("%s is %q, want %s", a.name, args[i], want)
		}
	}
	return v, args, nil
}

func count(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// number is an argument that is one.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic("BUG: facility: an argument that should have been a number: " + err.Error())
	}
	return n
}
