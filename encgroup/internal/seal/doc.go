// Package seal encrypts a 32-byte key for the holder of an X25519 private key, who opens it.
//
//	shared secret   X25519 of an ephemeral key pair and the holder's
//	wrapping key    HKDF-SHA256 of the shared secret, bound to both public keys and a purpose
//	seal            ephemeral public key (32 bytes), AES-KW(wrapping key, key) (40 bytes)
//
// [Seal] makes a seal and [Open] opens it, as in the example.
//
// # Limitations
//
// A seal does not say who made it: anybody who has the public key can make one.
package seal
