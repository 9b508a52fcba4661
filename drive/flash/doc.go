// Package flash is the drive's non-volatile security area: raw flash of pages that are programmed
// once and blocks that are erased whole.
//
//   - [Device] is the chip. [NewMem] makes one in memory; [CreateFile] and [OpenFile] keep one in a
//     section of a file. Both pass the same tests.
//   - [NewFaulty] wraps either, and breaks it by a fault plan (see drive/fault): a page that
//     refuses to program, a block that refuses to erase, torn pages, bits that rot, power that goes
//     before, during or after an operation. The drive above cannot know that there is a [Faulty],
//     and the damage stays in the chip when the plan is gone.
//
// The example has a block that refuses to erase.
//
// # Invariants
//
//   - The bits are all the state that a page has. Program and Zero turn ones into zeros; Erase
//     alone turns zeros into ones. Bit rot and an erase that was cut short are the exceptions.
//   - When a Program, Erase or Zero returns nil, its effect survives whatever comes next.
//   - Without power nothing is read or changed. Dump still shows every programmed page: it is what
//     a thief with a soldering iron sees.
//   - The same operations under the same plan and tear seed leave the same bits.
//   - What is refused for its address or its length changes nothing.
//
// # Limitations
//
//   - There is no spare area, no error correcting code and no table of bad blocks: a page has
//     PageSize bytes, and its user looks after their integrity.
//   - Wear is counted, and wears nothing out. Blocks go bad by plan only.
//   - Pages may be programmed in any order within a block.
//   - What is erased is gone: the analogue remainders that a laboratory might read from a real cell
//     are not simulated.
//   - A Device is not safe for concurrent use, and a File does not lock its file.
package flash
