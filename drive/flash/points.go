package flash

import "github.com/seed-9d983aeb/fdelab/drive/fault"

// The operations that a Faulty asks its plan about. opPower is asked before
// each program, erase and zero, in front of the operation's own name; its
// count is the count of operations that change the flash.
const (
	opRead    = "flash.read"
	opProgram = "flash.program"
	opErase   = "flash.erase"
	opZero    = "flash.zero"
	opPower   = "flash.power"
)

const (
	ofPage  = fault.HasBlock | fault.HasPage | fault.HasBlank
	ofBlock = fault.HasBlock | fault.HasBlank
)

// What can go wrong in flash. The budget is what a drive owes when it does.
var (
	ProgramRefused = fault.Register("flash.program.refused",
		"the page stays blank; Program answers ErrProgram",
		"survived: the record goes to another fresh block; when none takes it, reported as a hardware failure, and the old state stands",
		ofPage)
	ProgramTorn = fault.Register("flash.program.torn",
		"a part of the data is programmed: a prefix and some bits of the next byte; Program answers ErrProgram",
		"as flash.program.refused; a torn page counts as a record only if it holds the whole of it, and then at once",
		ofPage)
	EraseRefused = fault.Register("flash.erase.refused",
		"the block keeps its content; Erase answers ErrErase",
		"survived: its pages are overwritten with zeros and the block is retired; where they cannot be, reported as security degraded, never as erased",
		ofBlock)
	EraseTorn = fault.Register("flash.erase.torn",
		"some pages of the block are erased, one is half erased, some are intact; Erase answers ErrErase",
		"as flash.erase.refused; what is left of the pages is found and destroyed",
		ofBlock)
	ZeroRefused = fault.Register("flash.zero.refused",
		"the page keeps its content; Zero answers ErrZero",
		"reported as security degraded: a page that neither erases nor takes zeros may still hold a key",
		ofPage)
	ReadError = fault.Register("flash.read.error",
		"nothing is read or changed; Read answers ErrRead",
		"nothing is destroyed on the strength of it; at power-on reported as security degraded, until a later power-on reads the page; a page in front of the record in force in its block is older and does not matter",
		ofPage)
	ReadRot = fault.Register("flash.read.rot",
		"one bit of the data of a programmed page flips in the flash, for good, and the flipped page is read; reads of blank pages do not count",
		"survived or reported as security degraded; never a wrong key, never a record that the drive did not write",
		ofPage, fault.OnlyProgrammed)
	PowerBefore = fault.Register("flash.power.before",
		"power goes before a program, erase or zero: nothing of it happens; that operation and all others answer ErrPowerLost until power is back",
		"reported as power lost; after power-on the old state or the new one, whole",
		ofPage)
	PowerTorn = fault.Register("flash.power.torn",
		"power goes in the middle of a program, erase or zero: a part of it happens; that operation and all others answer ErrPowerLost until power is back",
		"reported as power lost; after power-on the old state or the new one, whole; never erased with a key that can be recovered",
		ofPage)
	PowerAfter = fault.Register("flash.power.after",
		"power goes once a program, erase or zero is done: all of it happens; that operation and all others answer ErrPowerLost until power is back",
		"reported as power lost; after power-on the old state or the new one, whole",
		ofPage)
)
