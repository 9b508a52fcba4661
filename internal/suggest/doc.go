// Package suggest finds the word that a mistyped one most likely meant: [DidYouMean] and [Guess]
// give the clause with which an error about it ends. The example mistypes a command.
//
// # Invariants
//
//   - The answer depends on the words and their order alone, and is one of the candidates or none.
//
// # Limitations
//
//   - The cost is the product of the lengths, for each candidate: words are meant to be short.
package suggest
