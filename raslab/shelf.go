package raslab

import (
	"github.com/seed-9d983aeb/fdelab/drive"
)

// A Part is one physical drive: the electronics and what is wired to it. It is what a service
// person holds in the hand, and where a test reaches in with a soldering iron.
type Part struct {
	Drive *drive.Drive
	Label drive.Label // what is printed on it, the PSID included
	dead  bool
}

// Serial is the drive's serial number.
func (p *Part) Serial() string { panic("not built yet") }

// Arm arms a fault plan on the part, such as "(flash.erase.refused (OnIndex 0))".
// The plan may name points of the flash, the media and the port together. A plan
// that was armed before is replaced.
func (p *Part) Arm(plan string) error { panic("not built yet") }

// Disarm takes the fault plan away; what it broke stays broken.
func (p *Part) Disarm() { panic("not built yet") }

// Plan is the armed fault plan as text, "" if there is none.
func (p *Part) Plan() string { panic("not built yet") }

// Break kills the electronics for good: the drive answers nothing and never powers on again.
// Flash and platters stay as they are.
func (p *Part) Break() { panic("not built yet") }

// Shelf holds loose drives: new spare parts and drives that were pulled from slots. It outlives a
// facility, so that a drive configured in one can be put into another.
type Shelf struct {
	parts []*Part
}

// NewShelf is an empty shelf. The seed decides serials and keys of the spare parts that it orders.
func NewShelf(seed uint64) *Shelf { panic("not built yet") }

// Order gets a new spare part from the factory, in the state Erased, with the given sector size (bytes) and
// capacity (sectors).
func (s *Shelf) Order(sectorSize int, sectors uint64) (*Part, error) { panic("not built yet") }

// Parts lists what lies on the shelf, in the order in which it was put there.
func (s *Shelf) Parts() []*Part { panic("not built yet") }

// Find gets a part by serial, nil if it does not lie here.
func (s *Shelf) Find(serial string) *Part { panic("not built yet") }

// OrderSpare orders a spare part for the shelf that fits this facility.
func (l *Lab) OrderSpare() (*Part, error) { panic("not built yet") }

// Part is the physical drive in a slot, for tests and rehearsals that break things.
func (l *Lab) Part(slot string) (*Part, error) { panic("not built yet") }

// Arm arms a fault plan on the drive in a slot.
func (l *Lab) Arm(slot, plan string) error { panic("not built yet") }

// Disarm takes the fault plan of the drive in a slot away.
func (l *Lab) Disarm(slot string) error { panic("not built yet") }

// Break kills the electronics of the drive in a slot.
func (l *Lab) Break(slot string) error { panic("not built yet") }

// CutPower cuts the power of one slot.
func (l *Lab) CutPower(slot string) error { panic("not built yet") }

// RestorePower gives a slot its power back; the drive boots, and a lock-enabled range comes up locked.
func (l *Lab) RestorePower(slot string) error { panic("not built yet") }

// Pull takes a drive out of its slot without any service action and puts it on the shelf.
func (l *Lab) Pull(slot string) error { panic("not built yet") }

// Insert puts a part of the shelf into an empty slot without any service action: the
// facility finds it there as an added drive and looks at it.
func (l *Lab) Insert(slot, serial string) (Report, error) { panic("not built yet") }
