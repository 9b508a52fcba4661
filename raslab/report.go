package raslab

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// Report is what a service action did. An action that was refused returns an error instead and has
// changed nothing. An action that ran and did not reach its aim returns a Report with Failed set.
type Report struct {
	Action string         // as the command language calls it: "rank create"
	Object string         // what it made or changed: "R0", "R1-I1-D05"
	Failed bool           // the aim was not reached; Drives and Notes say why
	Notes  []string       // one line each, in the order of what happened
	Drives []DriveResult  // the drives concerned, in the order of what happened
	Events []ServiceEvent // serviceable events opened or counted meanwhile, by id
}

// DriveResult is what an action did with one drive.
type DriveResult struct {
	Slot     string // R1-I1-D05
	Location string // U5791.S10.0001-P1-D5
	Serial   string
	Did      string // one clause: "joined key group 1", "erased and verified"; of a failure: what was tried
	Err      error  // nil if it succeeded; never holds a secret
}

// String is a line for what the action did, and one for each drive, note and event.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", strings.TrimSpace(r.Action+" "+r.Object), map[bool]string{false: "done", true: "failed"}[r.Failed])
	for _, d := range r.Drives {
		fmt.Fprintf(&b, "\n  %s", d)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "\n  %s", n)
	}
	for _, e := range r.Events {
		fmt.Fprintf(&b, "\n  event %d: %s", e.ID, e.SRC)
	}
	return b.String()
}

// String is one line.
func (d DriveResult) String() string {
	if d.Err != nil {
		return fmt.Sprintf("%s %s %s: %v", d.Slot, d.Serial, d.Did, d.Err)
	}
	return fmt.Sprintf("%s %s %s", d.Slot, d.Serial, d.Did)
}

// reporter collects a Report.
type reporter struct {
	lab  *Lab
	r    Report
	mark uint64 // Lab.raises at the beginning
}

func (l *Lab) begin(op, object string) *reporter {
	return &reporter{lab: l, r: Report{Action: op, Object: object}, mark: l.events.raises}
}

func (rep *reporter) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	rep.r.Notes = append(rep.r.Notes, text)
	rep.lab.logf("service", "%s", text)
}

func (rep *reporter) did(s *slot, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	rep.r.Drives = append(rep.r.Drives, DriveResult{Slot: s.name, Location: s.location, Serial: s.port.Serial(), Did: text})
	rep.lab.logf("service", "%s %s %s", s.name, s.port.Serial(), text)
}

// failed records that something was tried with a drive and failed.
func (rep *reporter) failed(s *slot, tried string, err error) {
	err = inWords(err)
	rep.r.Failed = true
	rep.r.Drives = append(rep.r.Drives, DriveResult{Slot: s.name, Location: s.location, Serial: s.port.Serial(), Did: tried, Err: err})
	rep.lab.logf("service", "%s %s %s: %v", s.name, s.port.Serial(), tried, err)
}

// worded is an error in other words.
type worded struct {
	text string
	error
}

func (w worded) Error() string { return w.text }

// Unwrap gives the error as it was.
func (w worded) Unwrap() error { return w.error }

// inWords leaves out of an error of a member what a report says in front of it: the drive and the
// step. What the drive answered to which command stays.
func inWords(err error) error {
	var m *encgroup.MemberError
	var answer *drive.StatusError
	if !errors.As(err, &m) || !errors.As(m.Err, &answer) || answer.Why != "" {
		return err
	}
	return worded{fmt.Sprintf("%s during %s", answer.Code.Error(), answer.Op), err}
}

func (rep *reporter) done() Report {
	for _, e := range rep.lab.events.all {
		if e.raised > rep.mark {
			rep.r.Events = append(rep.r.Events, e.public())
		}
	}
	return rep.r
}
