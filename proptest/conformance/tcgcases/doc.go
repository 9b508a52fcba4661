// Package tcgcases holds TCG's list of test cases for the Opal family (Opal Family Test Cases 1.00) as tests of
// a device over a transport: 16 use cases (UCT), 20 of specific functions (SPF), 24 of errors (ETC), by
// their identifiers. Those that an Enterprise device can be held to are for it, too.
//
//   - [Cases] are the rows, in the order of the list.
//   - [Run] judges a device by them, and gives a [Verdict] for each: it passed, it failed and how, it does
//     not apply and why, or it was not judged and what it would take.
//
// # Invariants
//
//   - Every row of the list has a verdict for every device.
//   - A row passes only where the device did what the row is about: what a device does not claim, or what
//     this side cannot see, is told as such.
//   - Every row begins with a device that was reverted by its PSID. Whatever is on the device is gone.
//
// # Limitations
//
//   - Steps and expected answers are those of the specifications that the rows are about (Core, Opal); the
//     text of the list itself was not at hand, only its names. What UCT-12 to 15 revert is from memory.
//   - What a device must do over its own sectors needs a [Disk], a loss of power needs [Bench].Power: neither
//     goes over a security interface.
package tcgcases
