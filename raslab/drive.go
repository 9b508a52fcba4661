package raslab

import (
	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/erase"
)

// Drive is what a slot needs of the drive in it. *drive.Drive is one, and a drive of any other make
// can be one: Shelf.Add takes it. The facility sends commands only through the slot's Port. Dump and
// Fuses are for verification alone, and need no power.
//
// Read and Write take one or more whole sectors. Errors are drive.StatusError, by whose codes the
// facility judges. Attest answers as drive.SignAttestation does.
type Drive interface {
	erase.Target
	erase.Attester
	// PowerOn boots the drive; it does nothing where the drive is on already.
	PowerOn() error
	// PowerOff takes its power: sessions end, and keys in RAM are gone.
	PowerOff()
	// SelfTest reads the record of the security area back, and mends what rotted.
	SelfTest() error
}

var _ Drive = (*drive.Drive)(nil)

// What only some drives have. It is looked for where it is used.
type (
	// Resetter is a Drive that can be reset without loss of power.
	Resetter interface {
		Reset(kind drive.ResetKind) error
	}
	// KeyMapper is a Drive that says what is wrapped by what, for pictures.
	KeyMapper interface {
		KeyMap() (drive.KeyMap, error)
	}
	// Injectable is a Drive with fault points inside.
	Injectable interface {
		// Injector takes the plans for a component, "flash" or "media"; nil if the drive has no
		// fault points there.
		Injector(component string) Injector
	}
	// Injector is where a fault plan is armed, such as a flash.Faulty or a drive.FaultyMedia.
	Injector interface {
		Arm(plan *fault.Plan)
		Disarm()
	}
)

var (
	_ Resetter  = (*drive.Drive)(nil)
	_ KeyMapper = (*drive.Drive)(nil)
)

// injectable are the components inside a drive that can have fault points.
var injectable = []string{"flash", "media"}

// injector is the place for the fault plans of a component inside the drive, nil if there is none.
func (p *Part) injector(component string) Injector {
	switch {
	case component == "flash" && p.Flash != nil:
		return p.Flash
	case component == "media" && p.media != nil:
		return p.media
	}
	if d, ok := p.Drive.(Injectable); ok {
		return d.Injector(component)
	}
	return nil
}
