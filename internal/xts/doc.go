// Package xts encrypts the sectors of a drive with AES-256-XTS (IEEE 1619-2018, NIST SP 800-38E).
// One sector is one data unit, and its logical block address is the tweak (little endian, IEEE
// 1619-2018 section 5.1). [New] makes the [Cipher] of a key; the example encrypts two sectors.
//
// # Invariants
//
//   - A key whose two halves are equal is refused (NIST FIPS 140 implementation guidance C.I; the
//     attack is Rogaway's, 2004).
//   - Equal plaintext in two sectors, or in two blocks of one, gives different ciphertext.
//   - Every way to run the cipher (aes256.Paths) gives the same bytes. Clear wipes the round keys.
//
// # Limitations
//
//   - XTS does not authenticate: an altered 16-byte block decrypts to noise, and nothing says so.
//   - Sectors have 512 or 4096 bytes: there is no ciphertext stealing. There are no 128-bit keys,
//     and tweaks have up to 64 bits, as a logical block address has.
//   - Assembly is for amd64. Elsewhere, and with the build tag purego, crypto/aes encrypts a block
//     at a time.
package xts
