package flash

import "errors"

// Geometry is the shape of a flash device. A page is the unit of programming, a
// block the unit of erasing.
type Geometry struct {
	Blocks        int // erase blocks, 4 to 64
	PagesPerBlock int // pages of a block, 2 to 64
	PageSize      int // bytes of a page, 512 to 65536, a multiple of 512
}

// Device is raw flash. It is synchronous: when Program, Erase or Zero returns
// nil the effect survives a power cut that comes at once. It knows nothing of
// keys. A Device belongs to one drive and is not safe for concurrent use.
//
// The bits are all the state that a page has: a page is programmed when at
// least one of its bits is zero, and blank when none is. Programming nothing
// but 0xFF leaves it blank.
type Device interface {
	Geometry() Geometry

	// Read fills dst with the page; dst must be PageSize bytes long. An erased
	// byte reads 0xFF.
	Read(block, page int, dst []byte) error

	// Program writes data (1 to PageSize bytes; the rest of the page stays
	// erased) to a page that is blank, else ErrNotBlank and nothing happens. On
	// ErrProgram the content of the page is indeterminate between blank and
	// data: each bit is one or what data has.
	Program(block, page int, data []byte) error

	// Erase sets every bit of a block to one. On error the content of the block
	// is indeterminate between what it was and blank, usually what it was:
	// each bit is one or what it was.
	Erase(block int) error

	// Zero clears every bit of one page, programmed or not: bits go from one to
	// zero only, so this is possible where an erase no longer is. It is the
	// last resort for destroying a page. On error its content is indeterminate:
	// each bit is zero or what it was.
	Zero(block, page int) error

	// PowerOn and PowerOff follow the power of the drive that the chip is in.
	// With power off Read, Program, Erase and Zero fail with ErrPowerLost
	// before anything else is looked at, and nothing happens. An operation
	// during which power goes answers ErrPowerLost too; of it nothing, a part
	// or all may have happened. A new device is powered.
	PowerOn()
	PowerOff()

	// Dump is what a thief with a soldering iron sees: every page with at least
	// one programmed bit, in block and page order, whatever the power state and
	// whether or not the block was retired. Data is a fresh copy of PageSize
	// bytes. A page that cannot be read is there as well, with Err in place of
	// Data: who leaves it out has not seen everything.
	Dump() []Page

	// Wear is how often each block was erased, one count a block.
	Wear() []uint64
}

// Page is one physical page of a dump.
type Page struct {
	Block, Page int
	Data        []byte // PageSize bytes; nil with an Err
	Err         error  // why the page cannot be read, wraps ErrRead; nil if it was
}

// Decayer is a device whose bits can decay in place: bit rot.
type Decayer interface {
	// Decay flips one stored bit; bit counts from 0 (the lowest bit of byte 0)
	// to PageSize*8-1. It happens whether or not there is power.
	Decay(block, page, bit int) error
}

// Deferrer is a device that can program a page before the page is safe: it survives a power cut once the
// next operation that changes the flash has returned, if not before. Until then a power cut leaves the
// page as it leaves one that was being programmed.
type Deferrer interface {
	ProgramDeferred(block, page int, data []byte) error
}

// ProgramDeferred is Program of a page that need not be safe at once. A device that cannot defer programs
// it as any other.
func ProgramDeferred(d Device, block, page int, data []byte) error {
	if f, ok := d.(Deferrer); ok {
		return f.ProgramDeferred(block, page, data)
	}
	return d.Program(block, page, data)
}

// BlankChecker is a device that says whether a page is blank without handing its bytes over, as the
// blank check of a flash controller does. The answer is what Read would have shown, and so is an error.
type BlankChecker interface {
	Blank(block, page int) (bool, error)
}

// Blank says whether a page of any device is blank. A device without a blank check is read into buffer,
// which is PageSize bytes long; what is in it afterwards means nothing.
func Blank(d Device, block, page int, buffer []byte) (bool, error) {
	if c, ok := d.(BlankChecker); ok {
		return c.Blank(block, page)
	}
	if err := d.Read(block, page, buffer); err != nil {
		return false, err
	}
	return len(trim(buffer)) == 0, nil
}

// What a device can answer. Errors wrap one of these.
var (
	ErrNotBlank  = errors.New("flash: page is already programmed")
	ErrProgram   = errors.New("flash: page refused programming")
	ErrErase     = errors.New("flash: block refused erasing")
	ErrZero      = errors.New("flash: page refused overwriting")
	ErrRead      = errors.New("flash: page cannot be read")
	ErrPowerLost = errors.New("flash: power lost")
	ErrAddress   = errors.New("flash: no such page")
	ErrLength    = errors.New("flash: wrong length")
)
