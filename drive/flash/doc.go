// Package flash is the drive's non-volatile security area: raw flash of pages
// that are programmed once and blocks that are erased whole.
//
// Device is the chip. Mem is one in memory, File is one in a section of a file,
// and both pass the same tests. Faulty wraps either and breaks it after a
// fault plan (see drive/fault): a page that refuses to program, a block that
// refuses to erase, torn pages, bits that rot, power that goes before, in or
// after an operation. What breaks, breaks below the interface: the drive has no
// way to know that there is a Faulty, and the damage stays in the chip when the
// plan is gone.
//
// # Invariants
//
//   - The bits are all the state that a page has. They go from one to zero by
//     Program and Zero, and from zero to one by Erase alone; bit rot and a half
//     done erase aside.
//   - When a Program, Erase or Zero returns nil, its effect survives whatever
//     comes next.
//   - Without power nothing is read or changed, but Dump still shows every
//     programmed page: it is what a thief with a soldering iron sees.
//   - The same operations under the same plan and tear seed leave the same
//     bits.
//   - What is refused for its address or its length changes nothing.
//
// # Limitations
//
//   - No spare area, no error correcting code and no bad block table: a page
//     has PageSize bytes, and its integrity is its user's business.
//   - Wear is counted, and wears nothing out. Blocks go bad by plan only.
//   - Pages may be programmed in any order within a block.
//   - What is erased is gone: the analogue remainders that a laboratory might
//     read from a real cell are not simulated.
//   - A Device is not safe for concurrent use, and a File does not lock its file.
package flash
