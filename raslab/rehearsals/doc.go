// Package rehearsals holds the stories that fdelab rehearse plays: transcripts in the command
// language of raslab/console, embedded in the program.
//
// [All] lists them, [Find] finds some by name or by service reference code, in any case, and
// [FromFile] reads one that is not embedded. A rehearsal's name is its file name without ".txt";
// its head lists the codes that it is about. See the Example.
//
// # Invariants
//
//   - Every transcript prints what it says, each time, byte for byte.
//   - Every service reference code in a story was found by the facility: the commands only break
//     physical things, with fault arm or by hand.
//   - Together the stories meet BE3400B3, BE34009E, BE34009F, BE31F004, BE3400A2 and BE3400A3, and
//     one day on which nothing happens.
//
// # Limitations
//
// The embedded files are those of the build.
package rehearsals
