// Package leftover looks for keys in the memory of its own process, as somebody
// would who has an image of it: a core dump, a page of swap, a debugger. Tests of
// packages that promise to forget their keys use it.
//
// # Invariants
//
//   - A Needle keeps the key masked, and the buffer that memory is read into is
//     left out, so that a search does not find itself.
//   - What the process may write is searched whole: heap, stacks, data. Memory that
//     the garbage collector has freed counts until something is written over it.
//
// # Limitations
//
//   - Linux only, and not under the race detector; elsewhere Search gives
//     ErrUnsupported.
//   - A search finds the first 16 bytes of a key as they are, which is how a copy, a
//     buffer or the key schedule of AES holds them; not a key in pieces of 8 bytes or
//     less, and not what only derives from it.
//   - Registers, and pages that the kernel keeps for the process (socket buffers,
//     swap), are not read.
package leftover
