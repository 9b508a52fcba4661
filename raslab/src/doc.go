// Package src is the catalogue of service reference codes (SRCs) of the
// encryption map, IBM MAP4980: for each code what is wrong, when it is raised,
// what to check and in which order, what to do, and who closes the event.
//
// The codes and the facts are the map's. Every sentence is written afresh, and
// what the map does not say is named in Entry.Assumption. The whole catalogue
// is rendered to CATALOGUE.md, which a test compares.
//
// # Invariants
//
//   - Each of the 32 codes of the map has exactly one entry; All is sorted.
//   - An event closes itself only if its code says so (BE14CFE1, which takes
//     every open BE14E0xx of the same partitions with it); all others are
//     closed by hand.
//   - The package raises nothing. A code is raised where its cause is found, in
//     one place of the facility.
//
// # Limitations
//
//   - The lists of steps of many rows are lost in the published text of the
//     map; the steps here are then ours, and marked so.
//   - Severities are ours throughout.
//   - Nothing here replaces the procedure of a real machine.
package src
