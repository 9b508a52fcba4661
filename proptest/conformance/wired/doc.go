// Package wired makes a device of package conformance of one that is reached by its security interface, with
// package drive/tcg/host: the suite against whatever speaks SSC Enterprise over a transport.
//
//   - [Open] makes a [Device] of a transport, and of what does not go over it: its sectors, its power.
//
// # Invariants
//
//   - Every command is a session of its own, as hosts have them, and what the device answers is what the
//     suite gets, with the code that package drive has for the status.
//
// # Limitations
//
//   - SSC Enterprise alone: the suite's commands are those of BandMasters and EraseMaster.
//   - The wire has one status, FAIL, for several codes: it is drive.HardwareFailure here. So a device that is
//     used this way has no faults put into its parts.
package wired
