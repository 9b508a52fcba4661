package raslab

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/internal/fault"
	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// pointTable is a memory error in the facility's own tables.
var pointTable = fault.Register("memory.table.flipped",
	"a bit flips in the memory that holds the table of drives: a member is entered at another position of its array",
	"BE316023 when a service action meets it: the action ends, the table is made anew, the lab goes on")

// recovered is deferred by every service action: an invariant of the software
// that does not hold is a panic, and ends the action and nothing else. What the tables say
// is then made anew from the arrays.
func (l *Lab) recovered(op string, rep *Report, err *error) {
	v := recover()
	if v == nil {
		return
	}
	what := strings.TrimPrefix(fmt.Sprint(v), "BUG: raslab: ")
	l.logf("service", "%s ended by a severe software error: %s", op, what)
	if l.action != nil && l.action.slot == nil {
		l.action = nil // a repair stays, so that it can be resumed or cancelled
	}
	l.rebuildTables()
	r := l.begin(op, "")
	l.raiseSevere(op, what)
	*rep = r.done()
	rep.Failed = true
	rep.Notes = append(rep.Notes, "severe software error: "+what)
	*err = nil
}

func (l *Lab) raiseSevere(op, what string) {
	l.raise(src.BE316023, op, []finding{{location: l.location(), why: op + ": " + what}}, func(*event) []string {
		if why := l.tableFault(); why != "" {
			return []string{why}
		}
		return nil
	})
}

// checkTables is the invariant that every service action begins with: each
// member is where its array has it.
func (l *Lab) checkTables() {
	if point, _ := l.memory.Check(fault.Op{Name: "memory.table"}); point == pointTable {
		for _, s := range l.slots {
			if s.array != nil {
				s.position ^= 1
				break
			}
		}
	}
	if why := l.tableFault(); why != "" {
		panic("BUG: raslab: " + why)
	}
}

func (l *Lab) tableFault() string {
	for _, s := range l.slots {
		if s.array != nil && (s.position >= len(s.array.members) || s.array.members[s.position] != s) {
			return fmt.Sprintf("the table of drives has %s at position %d of %s, which is another drive's", s.name, s.position, s.array.name())
		}
	}
	return ""
}

// rebuildTables makes the table of drives anew from the arrays.
func (l *Lab) rebuildTables() {
	for _, s := range l.slots {
		s.array, s.position = nil, 0
	}
	for _, a := range l.arrays {
		for i, s := range a.members {
			s.array, s.position = a, i
		}
	}
	l.watchStale = true
	l.logf("service", "the table of drives was made anew from %d arrays", len(l.arrays))
}
