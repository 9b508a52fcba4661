package main

import "fmt"

// A Change is one small fault that could be in the code: a condition negated, a call left out.
type Change struct {
	Number    int    // switches it on; counts from 1 in its package
	File      string // relative to the repository, with slashes
	Func      string // "Name" or "Type.Name" of the function around it; "var" outside of one
	Line, Col int    // of the place that changes, both from 1
	Op        string // the kind of change, one of the words in operators.go
	Text      string // the change in words and source text, on one line
	Ordinal   int    // tells changes with equal texts in one function apart; counts from 1
}

// ID names the change in today's source, such as drive/store.go:105:61:flip.
func (c Change) ID() string { return fmt.Sprintf("%s:%d:%d:%s", c.File, c.Line, c.Col, c.Op) }

// A key names a change so that edits elsewhere in the file leave its name as it is.
type key struct {
	File, Func, Text string
	Ordinal          int
}

func (c Change) key() key { return key{c.File, c.Func, c.Text, c.Ordinal} }

// String is the key on one line.
func (k key) String() string {
	if k.Ordinal > 1 {
		return fmt.Sprintf("%s %s: #%d %s", k.File, k.Func, k.Ordinal, k.Text)
	}
	return fmt.Sprintf("%s %s: %s", k.File, k.Func, k.Text)
}
