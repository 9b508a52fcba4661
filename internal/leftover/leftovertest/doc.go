// Package leftovertest is for tests that look for keys in a process of their own: a
// test runs another test of its binary as a child, which uses keys, lets go of them
// and reports what is left. In a process of its own nothing but the subject has seen
// a key.
//
// # Invariants
//
//   - A search that could not have found anything does not pass: the parent names how
//     many keys were looked for, and runs the child once with a key that is planted.
//   - Stream keeps nothing of what it gave.
//
// # Limitations
//
//   - Where package leftover is not supported, parent and child are skipped, and say so.
package leftovertest
