// Package wired makes a device of package conformance of one that is reached by its security interface, with
// package drive/tcg/host: the suite against whatever speaks SSC Enterprise or Opal over a transport.
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
//   - The suite's commands are those of BandMasters and EraseMaster. An Opal device takes part in Single User
//     Mode, where User n+1 owns range n, and Admin1 erases. Its ranges with Admins, its MBR shadow and its
//     DataStore are not looked at: package tcgcases does that.
//   - What takes one command of an Enterprise device can take three of an Opal one: behind an erase the owner
//     gets MSID, and behind a revert the Locking SP is activated.
//   - The wire has one status, FAIL, for several codes: it is drive.HardwareFailure here. So a device that is
//     used this way has no faults put into its parts.
package wired
