package forensic

import (
	"bytes"
	"crypto/cipher"
	"encoding/binary"
)

// wrapIV is the initial value of RFC 3394 section 2.2.3.1.
const wrapIV = 0xA6A6A6A6A6A6A6A6

// unwrap opens an AES-KW wrap (RFC 3394 section 2.2.2) of n*8+8 bytes into dst,
// which is n*8 bytes long, and reports whether the integrity register fits. It
// is a second implementation on purpose: it shares nothing with the drive that
// is being searched, takes an expanded key and allocates nothing.
func unwrap(kek cipher.Block, dst, wrapped []byte) bool {
	n := len(wrapped)/8 - 1
	copy(dst, wrapped[8:])
	var b [16]byte
	copy(b[:8], wrapped[:8])
	for t := uint64(6 * n); t > 0; t-- {
		r := dst[(t-1)%uint64(n)*8:][:8]
		binary.BigEndian.PutUint64(b[:8], binary.BigEndian.Uint64(b[:8])^t)
		copy(b[8:], r)
		kek.Decrypt(b[:], b[:])
		copy(r, b[8:])
	}
	return binary.BigEndian.Uint64(b[:8]) == wrapIV
}

// distinct counts the different byte values in w.
func distinct(w []byte) int {
	var seen [256]bool
	n := 0
	for _, c := range w {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n
}

// uniform says whether all bytes of w are the same.
func uniform(w []byte) bool {
	for _, c := range w[1:] {
		if c != w[0] {
			return false
		}
	}
	return true
}

// varied says whether 8 bytes hold 4 different values or more, as random ones
// do but for one in 10^9.
func varied(w []byte) bool {
	n := 0
	for i, c := range w {
		if bytes.IndexByte(w[:i], c) < 0 {
			n++
		}
	}
	return n >= 4
}
