package raslab

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// ErrNoAnswer is wrapped by the drive.NoPower status of a command that got no answer: an empty
// slot, dead electronics, a lost answer.
var ErrNoAnswer = errors.New("no answer at the port")

// A Port is what a slot is to the facility: the only way to the drive in it. The software above
// sees only the drive's answers, or that there is none. Commands of an open session go to the drive
// itself; only the flash and its power can cut them.
type Port struct {
	lab    *Lab
	part   *Part // nil: the slot is empty
	supply bool  // the slot has power
}

// drive is the gate of every command.
func (p *Port) drive(op string) (reached, error) {
	if p.part == nil {
		return nil, noAnswer(op, "the slot is empty")
	}
	p.lab.power.powered()
	if !p.supply {
		return nil, noAnswer(op, "the slot has no power")
	}
	if p.part.plan != nil {
		switch point, _ := p.part.plan.Check(fault.Op{Name: "port.command"}); point {
		case pointCommandDead:
			p.part.Break()
		case pointCommandLost:
			return nil, noAnswer(op, "the command got no answer")
		case pointCommandCut:
			p.part.Drive.PowerOff()
		}
	}
	if p.part.dead {
		return nil, noAnswer(op, "the drive does not respond")
	}
	return p.lab.reach(p.part), nil
}

// secure is the gate of the commands of the security protocol.
func (p *Port) secure(op string) (reached, error) {
	d, err := p.drive(op)
	if err == nil && p.part.plain {
		return nil, &drive.StatusError{Op: op, Code: drive.InvalidParameter, Why: "the drive has no security protocol"}
	}
	return d, err
}

// Encrypts asks the drive whether it has a security protocol (TCG Storage Core,
// Level 0 Discovery). An error means that there was no answer, which says neither.
func (p *Port) Encrypts() (bool, error) {
	d, err := p.drive("discovery")
	switch {
	case err != nil:
		return false, err
	case !d.Status().Powered:
		return false, noAnswer("discovery", "the drive has no power")
	}
	return !p.part.plain, nil
}

func noAnswer(op, why string) error {
	return &drive.StatusError{Op: op, Code: drive.NoPower, Why: why, Err: ErrNoAnswer}
}

// Serial is the serial number on the label, "" for an empty slot.
func (p *Port) Serial() string {
	if p.part == nil {
		return ""
	}
	return p.part.Serial()
}

// Config is what the factory decided, the zero Config for an empty slot.
func (p *Port) Config() drive.Config {
	if p.part == nil {
		return drive.Config{}
	}
	return p.lab.reach(p.part).Config()
}

// Status is the drive's status; that of a drive without an answer is zero.
func (p *Port) Status() drive.Status {
	d, err := p.drive("status")
	if err != nil {
		return drive.Status{}
	}
	return d.Status()
}

// MSID asks for the factory PIN.
func (p *Port) MSID() (drive.PIN, error) {
	d, err := p.secure("msid")
	if err != nil {
		return drive.PIN{}, err
	}
	return d.MSID()
}

// Range asks for a range.
func (p *Port) Range(n int) (drive.RangeInfo, error) {
	d, err := p.secure("range")
	if err != nil {
		return drive.RangeInfo{}, err
	}
	return d.Range(n)
}

// Tries asks for the count of failed authentications.
func (p *Port) Tries(a drive.Authority) (used, limit uint16, err error) {
	d, err := p.secure("tries")
	if err != nil {
		return 0, 0, err
	}
	return d.Tries(a)
}

// Authenticate opens a session.
func (p *Port) Authenticate(a drive.Authority, pin drive.PIN) (drive.Session, error) {
	d, err := p.secure("authenticate")
	if err != nil {
		return nil, err
	}
	return d.Authenticate(a, pin)
}

// RevertPSID erases the drive with the PIN of its label.
func (p *Port) RevertPSID(psid drive.PIN) error {
	d, err := p.secure("revert psid")
	if err != nil {
		return err
	}
	return d.RevertPSID(psid)
}

// Read reads whole sectors.
func (p *Port) Read(lba uint64, dst []byte) error {
	d, err := p.drive("read")
	if err != nil {
		return err
	}
	return d.Read(lba, dst)
}

// Write writes whole sectors.
func (p *Port) Write(lba uint64, src []byte) error {
	d, err := p.drive("write")
	if err != nil {
		return err
	}
	return d.Write(lba, src)
}

// SelfTest lets the drive check the record of its security area.
func (p *Port) SelfTest() error {
	d, err := p.secure("self test")
	if err != nil {
		return err
	}
	return d.SelfTest()
}

// Dump is what a soldering iron gets; it asks nobody, and is for verification
// alone. The slot must not be empty.
func (p *Port) Dump() drive.Dump { return p.part.Drive.Dump() }

// Fuses is what decapping the chip gets, for verification alone. The slot must
// not be empty.
func (p *Port) Fuses() *drive.Fuses { return p.part.Drive.Fuses() }

// PowerOn gives the slot power and boots the drive, if it is not on already.
func (p *Port) PowerOn() error {
	if p.lab.power.dark {
		return noAnswer("power on", "the facility has no power")
	}
	p.lab.power.powered()
	p.supply = true
	switch {
	case p.part == nil:
		return noAnswer("power on", "the slot is empty")
	case p.part.dead:
		return noAnswer("power on", "the drive does not respond")
	}
	if point, _ := p.part.plan.Check(fault.Op{Name: "port.power"}); point == pointPowerRefused {
		return noAnswer("power on", "the drive did not boot")
	}
	return p.part.Drive.PowerOn()
}

// PowerOff takes the power of the slot.
func (p *Port) PowerOff() {
	p.supply = false
	if p.part != nil {
		p.part.Drive.PowerOff()
	}
}

// answers says whether a drive is there that has power and responds, without
// sending it a command.
func (p *Port) answers() bool {
	return p.part != nil && p.supply && !p.part.dead && p.lab.reach(p.part).Status().Powered
}
