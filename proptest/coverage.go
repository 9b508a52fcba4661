package proptest

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Coverage counts which rows of the lifecycle table were exercised, and keeps attempts that are not
// in it. The zero value is ready.
type Coverage struct {
	count map[edge]int
	bad   []drive.TransitionTrace
}

type edge struct {
	event   drive.Event
	from    drive.State
	refused bool
}

// Add counts the lifecycle attempts of a drive, as Bench.Trace has them.
func (c *Coverage) Add(trace []drive.TransitionTrace) {
	if c.count == nil {
		c.count = map[edge]int{}
	}
	for _, t := range trace {
		if !InTable(t) {
			c.bad = append(c.bad, t)
		}
		c.count[edge{t.Event, t.From, t.Refused}]++
	}
}

var table = drive.Enterprise.Lifecycle()

// InTable says whether a lifecycle attempt is a row of the table, or was refused
// where the table has no row.
func InTable(t drive.TransitionTrace) bool {
	for _, row := range table {
		if row.Event == t.Event && row.From == t.From {
			return !t.Refused && row.To == t.To
		}
	}
	return t.Refused && t.From == t.To
}

// Missing lists the rows and the refused pairs that never occurred, and attempts that must not
// occur.
func (c *Coverage) Missing() []string {
	var all []string
	for _, line := range c.lines() {
		if line.count == 0 {
			all = append(all, line.what)
		}
	}
	for _, t := range c.bad {
		all = append(all, fmt.Sprintf("not in the table: %s in %v, refused %v, to %v", t.Event, t.From, t.Refused, t.To))
	}
	return all
}

// Report is a table of every row and every refused pair with its count.
func (c *Coverage) Report() string {
	var b strings.Builder
	for _, line := range c.lines() {
		fmt.Fprintf(&b, "%8d  %s\n", line.count, line.what)
	}
	return b.String()
}

type coverageLine struct {
	what  string
	count int
}

func (c *Coverage) lines() []coverageLine {
	var all []coverageLine
	for _, t := range drive.Enterprise.Lifecycle() {
		all = append(all, coverageLine{fmt.Sprintf("%-10s %-16s -> %v", t.Event, t.From, t.To), c.count[edge{t.Event, t.From, false}]})
	}
	for _, t := range drive.Enterprise.Refused() {
		all = append(all, coverageLine{fmt.Sprintf("%-10s %-16s refused", t.Event, t.From), c.count[edge{t.Event, t.From, true}]})
	}
	return all
}
