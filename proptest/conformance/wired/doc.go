// Package wired makes a device of package conformance of one that is reached by its security interface, with
// package drive/tcg/host: the suite against whatever speaks SSC Enterprise over a transport.
//
//   - [Open] makes a [Device] of a transport, and of what does not go over it: its sectors, its power.
//   - [Single] is a Maker of one device that is there once, such as a real one, with what there is of its
//     sectors, its power and its resets.
//
// # Invariants
//
//   - Every command is a session of its own, as hosts have them, and what the device answers is what the
//     suite gets, with the code that package drive has for the status.
//   - A Single never locks the PSID of its device out, and never takes an old device for a new one.
//
// # Limitations
//
//   - SSC Enterprise alone: the suite's commands are those of BandMasters and EraseMaster.
//   - The wire has one status, FAIL, for several codes: it is drive.HardwareFailure here. So a device that is
//     used this way has no faults put into its parts.
package wired
