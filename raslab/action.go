package raslab

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
