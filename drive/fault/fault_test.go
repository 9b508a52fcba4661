package fault

// The points of the tests, beside the one of the Example. Parse knows only what
// is registered.
var (
	torn  = Register("flashlike.program.torn", "a part is programmed", "survived", HasBlock|HasPage|HasBlank)
	_     = Register("flashlike.program.refused", "nothing is programmed", "survived", HasBlock|HasPage|HasBlank)
	erase = Register("flashlike.erase.refused", "nothing is erased", "reported as degraded", HasBlock, HasBlank)
	_     = Register("flashlike.read.rot", "a bit flips", "reported as degraded", HasBlock|HasPage|HasBlank, OnlyProgrammed)
	_     = Register("disklike.read.error", "nothing is read", "reported as a media failure", HasLBA)
	_     = Register("ramlike.table.flipped", "a bit flips", "reported", HasByte)
	_     = Register("portlike.command.lost", "no answer | ever", "retried")
)

func program(block, page int) Op {
	return Op{Name: "flashlike.program", Block: block, Page: page, Blank: true}
}
