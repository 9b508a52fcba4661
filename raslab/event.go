package raslab

import "time"

// ServiceEvent is a serviceable event: what the facility tells the service person.
type ServiceEvent struct {
	ID         int    // counts from 1
	SRC        string // BE3400B3
	First      time.Time
	Last       time.Time
	Count      int      // how often it was found
	Locations  []string // location codes, in the order in which they were found
	Slots      []string // the same drives as slot names
	Serials    []string // the same drives as serial numbers
	Partitions []int    // 0 and 1: which partitions reported it
	Found      []string // what was found, one clause a drive, in the same order
	Open       bool
	Closed     time.Time // zero while open
	ClosedBy   string    // a name, or "facility" when it closed by itself
	ClosedWhy  string
}

// Events lists every serviceable event, by id, open and closed.
func (l *Lab) Events() []ServiceEvent { panic("not built yet") }

// OpenEvents lists the open ones.
func (l *Lab) OpenEvents() []ServiceEvent { panic("not built yet") }

// Event gets one by its id.
func (l *Lab) Event(id int) (ServiceEvent, error) { panic("not built yet") }

// CloseEvent closes an event by hand. The facility looks again first: while the cause still
// holds it refuses with ErrOpen and says what is still wrong, unless force is set (assumption). by and why go into the record.
func (l *Lab) CloseEvent(id int, by, why string, force bool) (ServiceEvent, error) {
	panic("not built yet")
}
