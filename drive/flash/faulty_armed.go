package flash

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
)

// What a device would refuse anyway (an address or a length that is wrong, a
// page that is not blank) reaches no cell, and the plan is not asked about it.

var errNoDecay = errors.New("flash: the bits of this device cannot decay")

func (f *Faulty) readArmed(block, page int, dst []byte) error {
	if f.dev.Geometry().checkRead(block, page, dst) != nil {
		return f.dev.Read(block, page, dst)
	}
	point, _ := f.plan.Check(fault.Op{Name: opRead, Block: block, Page: page, Blank: f.blank(block, page)})
	if point == ReadError {
		return at(ErrRead, block, page)
	}
	if err := f.dev.Read(block, page, dst); err != nil || point != ReadRot {
		return err
	}
	if err := f.rot(block, page, dst); err != nil {
		return err
	}
	return f.dev.Read(block, page, dst)
}

func (f *Faulty) programArmed(block, page int, data []byte) error {
	if f.dev.Geometry().checkProgram(block, page, data) != nil || !f.blank(block, page) {
		return f.dev.Program(block, page, data)
	}
	switch f.ask(opProgram, block, page, true) {
	case ProgramRefused:
		return at(ErrProgram, block, page)
	case ProgramTorn:
		return first(f.tearProgram(block, page, data), at(ErrProgram, block, page))
	case PowerBefore:
		return f.cut(nil)
	case PowerTorn:
		return f.cut(f.tearProgram(block, page, data))
	case PowerAfter:
		return f.cut(f.dev.Program(block, page, data))
	}
	return f.dev.Program(block, page, data)
}

func (f *Faulty) eraseArmed(block int) error {
	g := f.dev.Geometry()
	if g.checkBlock(block) != nil {
		return f.dev.Erase(block)
	}
	blank := true
	for page := 0; page < g.PagesPerBlock && blank; page++ {
		blank = f.blank(block, page)
	}
	switch f.ask(opErase, block, -1, blank) {
	case EraseRefused:
		return at(ErrErase, block, -1)
	case EraseTorn:
		return first(f.tearErase(block), at(ErrErase, block, -1))
	case PowerBefore:
		return f.cut(nil)
	case PowerTorn:
		return f.cut(f.tearErase(block))
	case PowerAfter:
		return f.cut(f.dev.Erase(block))
	}
	return f.dev.Erase(block)
}

func (f *Faulty) zeroArmed(block, page int) error {
	if f.dev.Geometry().checkPage(block, page) != nil {
		return f.dev.Zero(block, page)
	}
	switch f.ask(opZero, block, page, f.blank(block, page)) {
	case ZeroRefused:
		return at(ErrZero, block, page)
	case PowerBefore:
		return f.cut(nil)
	case PowerTorn:
		return f.cut(f.tearZero(block, page))
	case PowerAfter:
		return f.cut(f.dev.Zero(block, page))
	}
	return f.dev.Zero(block, page)
}

// ask is the plan's verdict on an operation that changes the flash. Power is
// asked first: an operation that power does not reach cannot fail by itself.
func (f *Faulty) ask(name string, block, page int, blank bool) fault.Point {
	op := fault.Op{Name: opPower, Block: block, Page: page, Blank: blank}
	if point, fires := f.plan.Check(op); fires {
		return point
	}
	op.Name = name
	point, _ := f.plan.Check(op)
	return point
}

// cut takes power away after what was done of the operation. err is a failure
// of the device below, which is not part of the plan and must not be hidden.
func (f *Faulty) cut(err error) error {
	f.PowerOff()
	return first(err, ErrPowerLost)
}

// first is the first of two errors that is one.
func first(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func (f *Faulty) blank(block, page int) bool {
	if b, ok := f.dev.(blanker); ok {
		return b.blank(block, page)
	}
	data := make([]byte, f.dev.Geometry().PageSize)
	return f.dev.Read(block, page, data) == nil && len(trim(data)) == 0
}
