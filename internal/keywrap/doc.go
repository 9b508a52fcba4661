// Package keywrap is AES Key Wrap (RFC 3394, NIST SP 800-38F section 6.2), narrowed to what the
// standards allow: [Wrap] and [Unwrap], and [KEK] for who opens many wraps with one key: eight of
// them, step by step together, take less than half the time. The
// example is the last vector of the RFC.
//
// It is written here and not taken from a library, because the libraries leave the key, the
// key-encrypting key and its key schedule behind in memory. The tests compare it with one.
//
// # Invariants
//
//   - Wrap is deterministic, and its result is [Overhead] bytes longer than the key.
//   - Unwrap gives the key or nothing: a wrong key-encrypting key and an altered wrap are found by
//     the integrity register of RFC 3394 section 2.2.3, which is compared in constant time.
//   - Neither key is left in memory, except in the caller's own slices.
//
// # Limitations
//
//   - Keys have 16 to 4096 bytes, in steps of 8. There is no padding variant (RFC 5649).
package keywrap
