// Package keywrap is AES Key Wrap (RFC 3394, NIST SP 800-38F section 6.2),
// narrowed to what the standards allow: the library underneath accepts more.
//
// # Invariants
//
//   - Wrap is deterministic, and 8 bytes longer than the key in it.
//   - Unwrap gives the key or nothing: a wrong key-encrypting key and an altered wrap
//     are found by the integrity register of RFC 3394 section 2.2.3, compared in
//     constant time.
//
// # Limitations
//
// Keys of 16 to 4096 bytes in steps of 8; no padding variant (RFC 5649).
// The library allocates for each 8-byte block and does not clear what it
// allocated: parts of an unwrapped key stay in the garbage of the heap until it is reused.
package keywrap
