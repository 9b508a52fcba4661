package proptest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// A cutMode is how the power goes: before an operation, in its middle, after it.
type cutMode struct {
	name  string
	point string          // of flash.power
	place func(n int) int // see flash.Faulty.TearAt
}

var (
	cutBefore = cutMode{name: "before", point: "before"}
	cutTorn   = cutMode{name: "torn", point: "torn"} // at a place that follows from the seed
	cutAfter  = cutMode{name: "after", point: "after"}
)

// modes are those of a sweep of depth 1 and 2, deepModes those of a deeper one. The check sum of a record
// is its last 4 bytes. A page that tears at the "wrap" tears in the middle of the 72 bytes before it: there
// lies the wrap of the last range's media key.
var (
	modes     = []cutMode{cutBefore, cutTorn, cutAfter}
	deepModes = []cutMode{
		cutBefore,
		{"torn-first", "torn", func(int) int { return 0 }},
		{"torn-header", "torn", func(int) int { return 16 }},
		{"torn-wrap", "torn", func(n int) int { return n - 4 - 36 }},
		{"torn-sum", "torn", func(n int) int { return n - 4 }},
		{"torn-last", "torn", func(n int) int { return n - 1 }},
		cutAfter,
	}
	// thirdModes are those of the third cut: what it tears has been torn at all places by the second.
	thirdModes = []cutMode{cutBefore, deepModes[3], cutAfter}
)

func modeNamed(name string) (cutMode, bool) {
	for _, m := range append(deepModes, cutTorn) {
		if m.name == name {
			return m, true
		}
	}
	return cutMode{}, false
}

// cutAt is one cut: the mode and the flash operation, counted from 0.
type cutAt struct {
	mode cutMode
	k    int
}

func (c cutAt) String() string { return fmt.Sprintf("%s@%d", c.mode.name, c.k) }

// arm is the cut as a fault plan on a machine: f tears at its place from now on.
func (c cutAt) arm(f *flash.Faulty, with company) string {
	f.TearAt(c.mode.place)
	return strings.TrimSpace(fmt.Sprintf("(flash.power.%s (OnIndex %d)) %s", c.mode.point, c.k, with.plan))
}

// cuts are the cut of an operation, of the power-on after it, of the power-on after that.
type cuts []cutAt

func (c cuts) String() string {
	var all []string
	for _, one := range c {
		all = append(all, one.String())
	}
	return strings.Join(all, "+")
}

// then is c and one more, in room of its own.
func (c cuts) then(one cutAt) cuts { return append(slices.Clone(c), one) }

// sweepDepthMax is how many cuts one run has at most.
const sweepDepthMax = 3

// parsePoint reads "torn@3" or "torn@3+before@0"; "" is no point.
func parsePoint(text string) (cuts, error) {
	if text == "" {
		return nil, nil
	}
	var all cuts
	for _, part := range strings.Split(text, "+") {
		name, k, _ := strings.Cut(part, "@")
		n, err := strconv.ParseUint(k, 10, 16)
		mode, known := modeNamed(name)
		if err != nil || !known || len(all) == sweepDepthMax {
			return nil, fmt.Errorf("%w: point %q, want before@N, torn@N or after@N, and +MODE@N for each cut of a power-on, at most %d in all", ErrSweep, text, sweepDepthMax)
		}
		all = append(all, cutAt{mode, int(n)})
	}
	return all, nil
}

// company is what else is broken while an operation and the power-ons after it are cut. Before the
// drive is judged the flash is whole again. Where nothing can be destroyed every cut leaves another flash,
// so that a third would take hours.
type company struct {
	name  string
	about string
	plan  string
	cuts  int  // at most in one run
	stays bool // the drive may be security degraded at the end of every run, and is then not searched
}

// nothing is the name of the company that is none.
const nothing = "nothing"

var companies = []company{
	{nothing, "nothing else is broken", "", 3, false},
	{"erase-refused", "no block erases", "(flash.erase.refused)", 3, false},
	{"erase-torn", "each block that is erased keeps a part", "(flash.erase.torn)", 3, false},
	{"destroy-refused", "no block erases, and no page takes zeros (two cuts at most)", "(flash.erase.refused) (flash.zero.refused)", 2, true},
	{"program-refused", "the first page that is written refuses", "(flash.program.refused (OnIndex 0))", 3, false},
	{"program-torn", "the first page that is written tears", "(flash.program.torn (OnIndex 0))", 3, false},
}

// SweepCompanies lists the names of what a sweep may break beside the power, each with what it is. The
// first is "nothing".
func SweepCompanies() [][2]string {
	var all [][2]string
	for _, c := range companies {
		all = append(all, [2]string{c.name, c.about})
	}
	return all
}

// chosenCompanies are those of the names; nil is all in a sweep that is deep, and else none.
func chosenCompanies(names []string, deep bool) ([]company, error) {
	if names == nil {
		if deep {
			return companies, nil
		}
		return companies[:1], nil
	}
	var chosen []company
	for _, name := range names {
		i := slices.IndexFunc(companies, func(c company) bool { return c.name == name })
		if i < 0 {
			var known []string
			for _, c := range companies {
				known = append(known, c.name)
			}
			return nil, fmt.Errorf("%w: nothing that breaks is called %q, want one of %s", ErrSweep, name, strings.Join(known, ", "))
		}
		chosen = append(chosen, companies[i])
	}
	return chosen, nil
}
