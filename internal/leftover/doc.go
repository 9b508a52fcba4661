// Package leftover looks for keys in the memory of its own process, as somebody would who has an
// image of it: a core dump, a page of swap, a debugger. Tests of packages that promise to forget
// their keys use it.
//
// [New] makes a [Needle] of a key, and [Search] counts the places where each is found. The example
// clears a key and looks for it. Package leftovertest runs such a search in a child process.
//
// # Invariants
//
//   - A Needle keeps the key masked, and the buffer that memory is read into is left out, so that a
//     search does not find itself.
//   - All memory that the process may write to is searched: heap, stacks, data. Memory that the
//     garbage collector has freed counts until something is written over it.
//
// # Limitations
//
//   - It works on Linux, and not under the race detector; elsewhere Search gives [ErrUnsupported].
//   - A search finds the first 16 bytes of a key as they are, which is how a copy, a buffer or the
//     key schedule of AES holds them. It does not find a key in pieces of 8 bytes or less, nor what
//     is only derived from it.
//   - Registers, and pages that the kernel keeps for the process (socket buffers, swap), are not
//     read.
package leftover
