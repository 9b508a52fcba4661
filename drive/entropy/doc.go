// Package entropy is where the random bytes of a lab come from, and the health test that they pass
// before a key is made of them.
//
//   - [Stream] gives one reproducible stream for each component. Two components never share one, so
//     that a new draw in one place shifts nothing in another.
//   - [Checked] is the health test of a drive's own random source. It fails closed.
//
// The example draws keys from a stream, and from a source that is stuck.
//
// # Invariants
//
//   - The same seed and component give the same bytes, however they are cut into reads.
//   - A reader made by Checked never returns part of a read, and returns nothing any more after its
//     first failure.
//
// # Limitations
//
//   - A stream is as secret as its seed: it is for labs and tests.
//   - Checked finds sources that are dead, stuck or that run in a short cycle. No test of the
//     output can find a source that is merely predictable.
package entropy
