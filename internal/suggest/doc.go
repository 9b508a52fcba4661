// Package suggest finds the word that a mistyped one most likely meant.
//
// # Invariants
//
//   - The answer depends on the words and their order alone, and is one of the
//     candidates or nothing.
//
// # Limitations
//
// The cost is the product of the lengths, for each candidate: words are meant to
// be short.
package suggest
