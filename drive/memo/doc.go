// Package memo keeps results that depend on nothing but what they were made of, so that a laboratory that is played
// again does not compute them again: [Memo.Do] computes once, [Memo.Encode] and [Decode] carry what there is from one
// process to the next.
//
// # Invariants
//
//   - With a memo or without, nothing comes out differently. Where there is none, a nil *Memo computes.
//   - What was given is kept as a SHA-256 alone.
//   - What is decoded was encoded by the same program, whole, and was not altered since. Anything else is refused.
//
// # Limitations
//
//   - The sum in the encoding finds accidents. Whoever can write it can forge a result.
//   - A memo belongs to one goroutine.
package memo
