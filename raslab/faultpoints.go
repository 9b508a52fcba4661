package raslab

import "github.com/seed-9d983aeb/fdelab/drive/fault"

// The points between a slot and the drive in it. The points inside the drive are in drive/flash and
// drive (media).
var (
	pointCommandDead = fault.Register("port.command.dead",
		"the electronics of the drive die as the command arrives; it answers nothing from then on, power cycle or not",
		"a member fails and a spare takes its place; elsewhere the action reports the drive; no SRC of its own")
	pointCommandLost = fault.Register("port.command.lost",
		"the command gets no answer; the drive is well and has not seen it",
		"as a drive that does not answer: a member fails, an action reports the drive")
	pointCommandCut = fault.Register("port.command.cut",
		"the drive loses its power as the command arrives and has it back at once, but does not boot before the next power-on of its slot",
		"a member fails and a spare takes its place; what the drive holds stays recoverable")
	pointPowerRefused = fault.Register("port.power.refused",
		"the drive does not boot at this power-on",
		"the drive is reported failed; nothing in it changes, and a later power-on may succeed")
)
