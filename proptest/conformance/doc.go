// Package conformance tests what real drives got wrong. It has one subtest for each property that
// was broken in a product, named after its number in Rows, with the place where it was found. A
// drive passes when Run passes. Package mutants keeps for each subtest a drive with exactly that
// defect.
//
// # Invariants
//
//   - A subtest uses the drive as a host, a thief or a power supply does: by commands, by the dump
//     of its flash, by power cuts. One subtest also searches the memory of the process for keys
//     that should have left it.
//   - Each row of Rows either has a subtest or says why it does not apply.
//
// # Limitations
//
// A drive of another make is a Subject only if it is built from drive.Parts: the
// suite looks into its flash and cuts its power there.
package conformance
