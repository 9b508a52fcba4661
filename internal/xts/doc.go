// Package xts encrypts the sectors of a drive with AES-256-XTS (IEEE 1619-2018,
// NIST SP 800-38E), one sector one data unit, the logical block address the
// tweak (little endian, IEEE 1619-2018 section 5.1).
//
// # Invariants
//
//   - A key whose two halves are equal is refused (NIST FIPS 140 implementation
//     guidance C.I; the attack is Rogaway's, 2004).
//   - Equal plaintext in two sectors, or in two blocks of one, gives different
//     ciphertext.
//
// # Limitations
//
// XTS does not authenticate: an altered 16-byte block decrypts to noise and
// nothing says so. Only whole sectors of 512 or 4096 bytes: no ciphertext
// stealing, no 128-bit keys, and tweaks up to 64 bits, which is what a logical
// block address has. Speed is that of golang.org/x/crypto/xts.
package xts
