package raslab

import (
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

// recovered is deferred by every service action. A broken invariant of the software is a panic. It
// ends the action and nothing else, and the tables are then made anew from the arrays.
func (l *Lab) recovered(op string, rep *Report, err *error) {
	v := recover()
	if v == nil {
		return
	}
	if l.lost(v, op) {
		*rep, *err = Report{Action: op, Failed: true, Notes: []string{powerLostNote}}, nil
		return
	}
	l.service.unfinished = nil
	what := l.softwareError(op, v)
	if l.service.action != nil && l.service.action.slot == nil {
		l.service.action = nil // a repair stays, so that it can be resumed or cancelled
	}
	r := l.begin(op, "")
	l.raiseSoftwareError(op, what)
	*rep = r.done()
	rep.Failed = true
	rep.Notes = append(rep.Notes, "severe software error: "+what)
	*err = nil
}

// guarded runs an event of the clock. Like a service action it ends at a severe software error, and
// the clock goes on.
func (l *Lab) guarded(op string, t task) {
	defer func() {
		if v := recover(); v != nil && !l.lost(v, op) {
			l.raiseSoftwareError(op, l.softwareError(op, v))
		}
	}()
	t.run()
}

// softwareError makes the tables anew after a panic, and says what the panic was.
func (l *Lab) softwareError(op string, v any) (what string) {
	what = strings.TrimPrefix(fmt.Sprint(v), "BUG: raslab: ")
	l.logf("service", "%s ended by a severe software error: %s", op, what)
	l.rebuildTable()
	return what
}

func (l *Lab) raiseSoftwareError(op, what string) {
	l.raise(src.BE316023, op, []finding{{location: l.location(), why: op + ": " + what}}, faultyTables{l})
}

// faultyTables is tables that are not as the software expects them.
type faultyTables struct{ lab *Lab }

func (m faultyTables) still(*event) []string {
	if why := m.lab.plant.tableFault(); why != "" {
		return []string{why}
	}
	return nil
}
