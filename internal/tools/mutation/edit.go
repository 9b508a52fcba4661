package main

import (
	"cmp"
	"slices"
	"strings"
)

// An edit replaces src[pos:end] by text. An insertion has end == pos.
type edit struct {
	pos, end int
	closes   bool // it ends what was opened further left
	depth    int  // of the node that it belongs to, so that edits at one place nest as the nodes do
	text     string
}

// apply makes all edits. Edits at one place are put in the order in which they nest: what closes
// comes first and from the inside, then what opens, from the outside.
func apply(src []byte, edits []edit) string {
	slices.SortStableFunc(edits, func(a, b edit) int {
		switch {
		case a.pos != b.pos:
			return cmp.Compare(a.pos, b.pos)
		case a.closes != b.closes && a.closes:
			return -1
		case a.closes != b.closes:
			return 1
		case a.closes:
			return cmp.Compare(b.depth, a.depth)
		}
		return cmp.Compare(a.depth, b.depth)
	})
	var out strings.Builder
	at := 0
	for _, e := range edits {
		out.Write(src[at:e.pos])
		out.WriteString(e.text)
		at = e.end
	}
	out.Write(src[at:])
	return out.String()
}
