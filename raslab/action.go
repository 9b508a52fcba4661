package raslab

import (
	"errors"
	"fmt"

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

// service is what is being done to the facility by hand or by RAS.
type service struct {
	action     *action
	unfinished *action     // a repair that is being resumed or cancelled now, or waits for the end of a boot
	installing *installing // an MES that is not certified yet; nil
	hands      *reporter   // of the action that takes a drive in; nil: none
	ras        rasExchange
}

// action is the service action in progress.
type action struct {
	name  string
	slot  *slot  // whose drive is in the hands of service; nil if none is
	old   string // serial of the drive that was in the slot when a repair began
	ready bool   // a repair: the FRU was exchanged, or deliberately not
}

// ServiceAction names the service action in progress, "" if there is none. One
// runs at a time; a second is refused with ErrBusy and the name of the first.
func (s *service) ServiceAction() string {
	if s.action == nil {
		return ""
	}
	return s.action.name
}

// idle begins every service action: the partitions must run, no other action may be in progress,
// and the software's own tables are checked.
func (l *Lab) idle(op string) error {
	if err := l.free(op); err != nil {
		return err
	}
	if l.sfi.state != sfiRunning {
		return refuse(ErrState, op, "the facility is "+string(l.sfi.state), "go on with shutdown and resume; service goes on when it runs again")
	}
	return nil
}

// free is idle for actions on partitions that may be down.
func (l *Lab) free(op string) error {
	l.readTable()
	if l.power.dark {
		return refuse(ErrState, op, "the facility has no power", "power restore gives it back")
	}
	if l.service.action == nil {
		return nil
	}
	return refuse(ErrBusy, op, "a service action is in progress: "+l.service.action.name, "finish that first")
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
