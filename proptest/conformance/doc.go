// Package conformance is what a drive must not get wrong, because real drives
// did: one subtest for each property that was broken in a product, named after its
// number in Rows and citing where it was found. A drive passes when Run passes; the
// package mutants keeps for each subtest a drive with exactly that defect.
//
// # Invariants
//
//   - A subtest looks at the drive as a host, a thief or a power supply does: by
//     commands, by the dump of its flash, by power cuts. The one exception reads the
//     memory of the process, for keys that should have left it.
//   - Each row of Rows either has a subtest or says why it does not apply.
//
// # Limitations
//
// A drive of another make is a Subject only if it is built from drive.Parts: the
// suite looks into its flash and cuts its power there.
package conformance
