// Package seal puts a 32-byte key under seal for the holder of an X25519 private
// key: an ephemeral key pair, HKDF-SHA256 of the agreed secret bound to both public keys and
// a purpose, AES-KW. A seal is 72 bytes: the ephemeral public key (32) and the wrap (40).
//
// It does not say who made it: anybody who has the public key can.
package seal
