// Package adapters lets a drive that is not written in Go take part in package conformance: it runs
// a program and speaks a line protocol with it, which docs/adapter.md specifies.
//
//   - [Start] runs the program and asks for its capabilities. [Program.Make] is a maker of devices.
//   - The directories c and python have a program each, with a small drive of its own.
//
// The example starts a program that speaks another version of the protocol.
//
// # Invariants
//
//   - Each request has a deadline. A program that does not answer, dies, or does not keep the
//     protocol panics with a *conformance.Hung that says in one line why: the suite makes a finding
//     of it. The process is killed with whoever it started, and the next device gets a new one.
//   - A process has one device at a time, and gets the next one when the suite has closed that.
//   - Replies are read strictly: a field that is missing, unknown, or of another type is a mistake of
//     the program, and never success.
//   - PINs and keys go through the pipe and through files of mode 0600 in a directory of the run's
//     own. No error holds them.
//
// # Limitations
//
//   - One request at a time: what a device does with two at once is not judged.
//   - On systems other than Unix a program that the program started is not killed with it.
//   - What a program says that it lacks is not asked for, and what it says about its chip and its RAM
//     is believed.
package adapters
