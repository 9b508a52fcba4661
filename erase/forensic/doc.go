// Package forensic looks for keys in the dump of a drive the way a thief with a
// soldering iron would: it knows no record format and trusts no field, it tries
// bytes. Given every page of the flash, every secret that ever was, and a known
// plaintext with its ciphertext, it says whether those bytes still hold a way to
// the plaintext, and by which steps.
//
// # What is tried
//
//   - every 64-byte window, at every byte offset, as an AES-256-XTS key, also
//     with its halves swapped;
//   - every window of 40 and of 72 bytes at a multiple of 8 as an AES-KW wrap
//     (RFC 3394) of a 32-byte or a 64-byte key, under every key-encrypting key
//     (KEK) that can be derived: each secret itself, constants, the KEK of the
//     root key, and the drive's own derivation over each secret with the 16
//     bytes before the wrap as salt;
//   - every 32-byte key that comes out of a wrap is one more KEK, until nothing
//     new comes out; every 64-byte key is tried on the known plaintext.
//
// Options.Deep adds salts from anywhere in the page, every 32-byte window of the
// dump as a KEK (a drive must not keep the key beside the lock: WDC-19007), every
// constant, and XTS keys whose halves lie apart in a page.
//
// # Invariants
//
// Search changes nothing, draws no randomness, and gives the same findings for
// the same input. A finding names secrets and places; it never holds key bytes. What a
// search derived or reached, and the key schedules of it, are overwritten when it
// ends; the caller's secrets are the caller's to clear.
//
// # Limitations
//
// A search that finds nothing proves that these ways are shut, not that there is
// no other: a key that is split, encoded, compressed or enciphered by a scheme
// that is not listed above is not seen. Wraps are looked for at multiples of 8
// bytes within one page. A wrap looks random, so bytes that do not are not taken
// for one: fewer than 4 different values in 8 bytes (a real wrap is missed once in
// 10^8), fewer than 20 in 40; nor, in the deep search, for key bytes: fewer than 12
// in 32.
package forensic
