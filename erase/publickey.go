package erase

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
)

// CheckPublicKey refuses an Ed25519 public key that proves nothing: one of small
// order, under which anybody can sign anything without a private key, and one in
// another than the canonical encoding, so that one key has one KeyID. The key
// must have 32 bytes.
//
// RFC 8032 section 5.1.3 demands the canonical encoding, which crypto/ed25519
// does not check. The points of small order are those of Chalkias, Garillot and
// Nikolaenko, "Taming the many EdDSAs" (SSR 2020), table 1.
func CheckPublicKey(pub ed25519.PublicKey) error {
	if len(pub) != ed25519.PublicKeySize {
		return fmt.Errorf("a public key of %d bytes, need %d", len(pub), ed25519.PublicKeySize)
	}
	y := bytes.Clone(pub)
	y[31] &= 0x7F // the highest bit is the sign of x
	if slices.ContainsFunc(smallOrder, func(point [32]byte) bool { return bytes.Equal(y, point[:]) }) {
		return errors.New("the public key is a point of small order: anybody can sign for it")
	}
	if !belowPrime(y) {
		return errors.New("the public key is not in the canonical encoding of RFC 8032")
	}
	return nil
}

// prime is 2^255 - 19, little-endian.
var prime = [32]byte{
	0xED, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
	0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F,
}

// belowPrime compares little-endian numbers. The key is public: no need for
// constant time.
func belowPrime(y []byte) bool {
	for i := 31; i >= 0; i-- {
		if y[i] != prime[i] {
			return y[i] < prime[i]
		}
	}
	return false
}

// smallOrder holds the y of each of the eight points whose order divides 8,
// little-endian, without the sign of x.
var smallOrder = [][32]byte{
	{1},               // order 1
	beside(prime, -1), // order 2
	{},                // order 4
	{ // order 8
		0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4, 0x89, 0xF2, 0xEF, 0x98, 0xF0,
		0xD5, 0xDF, 0xAC, 0x05, 0xD3, 0xC6, 0x33, 0x39, 0xB1, 0x38, 0x02, 0x88, 0x6D, 0x53, 0xFC, 0x05,
	},
	{ // order 8
		0xC7, 0x17, 0x6A, 0x70, 0x3D, 0x4D, 0xD8, 0x4F, 0xBA, 0x3C, 0x0B, 0x76, 0x0D, 0x10, 0x67, 0x0F,
		0x2A, 0x20, 0x53, 0xFA, 0x2C, 0x39, 0xCC, 0xC6, 0x4E, 0xC7, 0xFD, 0x77, 0x92, 0xAC, 0x03, 0x7A,
	},
}

// beside changes the lowest byte.
func beside(n [32]byte, by int) [32]byte {
	n[0] = byte(int(n[0]) + by)
	return n
}
