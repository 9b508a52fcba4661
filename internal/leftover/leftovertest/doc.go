// Package leftovertest is for tests that look for keys in a process of their own, in which nothing
// but the subject has seen a key.
//
// [Run] runs another test of the same binary as a child. That test begins with [Child], uses keys,
// lets go of them, and tells with [Report] what is left. [Stream] is a source of randomness for it;
// the example draws from one.
//
// # Invariants
//
//   - A search that could not have found anything does not pass: the parent names how many keys
//     were looked for, and runs the child once more with a key that is planted.
//   - Stream keeps nothing of what it gave.
//
// # Limitations
//
//   - Where package leftover is not supported, parent and child are skipped, and say so.
//   - A child runs without the preemption of Go, which saves the registers of a goroutine at moments
//     that depend on the load of the machine. What it may leave is a limitation of package drive/secret.
package leftovertest
