// Package src is the catalogue of service reference codes (SRCs) of the encryption map, IBM
// MAP4980: for each code what is wrong, when it is raised, what to check and in which order, what
// to do, and who closes the event.
//
// [All] lists the entries, [Lookup] finds one, [Suggest] finds the code that was probably meant,
// and [Text] renders an entry. [Markdown] renders them all as CATALOGUE.md, which a test compares.
// See the Example.
//
// The codes and the facts are the map's. Every sentence is ours, and [Entry].Assumption names what
// the map does not say.
//
// # Invariants
//
//   - Each of the 32 codes of the map has exactly one entry; All is sorted.
//   - An event closes itself only if its code says so: BE14CFE1, which also closes every open
//     BE14E0xx of the same partitions. All others are closed by hand.
//   - The package raises nothing. A code is raised where its cause is found, in one place of the
//     facility.
//
// # Limitations
//
//   - The published text of the map has lost the lists of steps of many rows. The steps here are
//     then ours, and marked so.
//   - Severities are ours throughout, except where the map says informational.
//   - Nothing here replaces the procedure of a real machine.
package src
