package powercut

import (
	"fmt"
	"slices"
)

// company is what else is broken while an operation and the starts after it are cut: the flash of every drive.
// Before anything is judged it is whole again. What is refused changes nothing, so that there is nothing to cut.
type company struct {
	name, about string
	cuts        int  // at most in one run
	erase       bool // the first block refuses, of the operation and of each start
	program     bool // the first page does
}

// nothing is the name of the company that is none.
const nothing = "nothing"

var companies = []company{
	{name: nothing, about: "nothing else is broken", cuts: depthMax},
	{name: "erase-refused", about: "the first block that is erased refuses", cuts: 2, erase: true},
	{name: "program-refused", about: "the first page that is written refuses", cuts: 2, program: true},
}

// Companies lists the names of what a sweep may break beside the power, each with what it is. The first is
// "nothing". Operations that change no flash know no other.
func Companies() (all [][2]string) {
	for _, c := range companies {
		all = append(all, [2]string{c.name, c.about})
	}
	return all
}

// chosenCompanies are those of the names; nil is all in a sweep that is deep, and else none.
func chosenCompanies(only []string, deep bool) (chosen []company, err error) {
	if only == nil && !deep {
		return companies[:1], nil
	}
	for _, c := range companies {
		if only == nil || slices.Contains(only, c.name) {
			chosen = append(chosen, c)
		}
	}
	for _, name := range only {
		if !slices.ContainsFunc(companies, func(c company) bool { return c.name == name }) {
			return nil, fmt.Errorf("%w: nothing that breaks is called %q, want one of %s", ErrOptions, name, names(Companies()))
		}
	}
	return chosen, nil
}

// breaks begins with what breaks, or ends it. refused is how often flash refused since the last time.
func (s *supply) breaks(with company) (refused int) {
	s.with = with
	for _, c := range s.chips {
		refused += c.refused
		c.pages, c.blocks, c.refused = 0, 0, 0
	}
	return refused
}
