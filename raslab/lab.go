package raslab

import "time"

// Options is what a facility is built with. The zero value is a facility of 32
// drives with seed 0.
type Options struct {
	Drives     int       // a multiple of 8, 8 to 1536; default 32
	Seed       uint64    // every key and serial follows from it
	Start      time.Time // virtual time at power-on; default 2026-01-05 08:00 UTC
	SectorSize int       // bytes, 512 (default) or 4096
	Sectors    uint64    // capacity of a drive in sectors; default 65536
	KeyServers int       // key servers of the customer, 0 to 4; negative means none; default 2
	Serial     string    // of the facility, 1 to 10 letters and digits; default "75NR641"
	// Shelf holds loose drives. Facilities that share one can exchange drives;
	// nil gives the facility a shelf of its own.
	Shelf *Shelf
}

// Report is what a service action did. An action that was refused returns an
// error instead and has changed nothing; an action that ran and did not reach its aim
// returns a Report with Failed set.
type Report struct {
	Action string         // as the command language calls it: "rank create"
	Object string         // what it made or changed: "R0", "R1-I1-D05"
	Failed bool           // the aim was not reached; Drives and Notes say why
	Notes  []string       // one line each, in the order of what happened
	Drives []DriveResult  // the drives concerned, in slot order
	Events []ServiceEvent // serviceable events opened or counted meanwhile, by id
}

// DriveResult is what an action did with one drive.
type DriveResult struct {
	Slot     string // R1-I1-D05
	Location string // U5791.S10.0001-P1-D5
	Serial   string
	Did      string // one clause: "joined key group 1", "erased and verified"
	Err      error  // nil if it succeeded; never holds a secret
}

// New builds a facility and runs its first IML: drives from the factory in every slot,
// key servers running, no key group, no array.
func New(o Options) (*Lab, error) { panic("not built yet") }

// Options is what the facility was built with, defaults filled in.
func (l *Lab) Options() Options { panic("not built yet") }

// Serial is the facility's serial number.
func (l *Lab) Serial() string { panic("not built yet") }

// Shelf is where loose drives lie.
func (l *Lab) Shelf() *Shelf { panic("not built yet") }

// ServiceAction names the service action in progress, "" if there is none. One
// runs at a time; a second is refused with ErrBusy and the name of the first.
func (l *Lab) ServiceAction() string { panic("not built yet") }

// Lab is one storage facility in virtual time. It is not safe for concurrent use.
type Lab struct {
	clock clock
	trace []TraceEntry
}
