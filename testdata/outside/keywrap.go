package outside

import (
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

var errWrap = errors.New("outside: the wrap does not open")

// wrap is AES Key Wrap (RFC 3394 section 2.2.1) of n 64-bit blocks; it gives 8
// bytes more.
func wrap(kek, key []byte) []byte {
	block, err := aes.NewCipher(kek)
	if err != nil {
		panic(err)
	}
	n := len(key) / 8
	out := append([]byte{0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6}, key...)
	var b [16]byte
	for t := 1; t <= 6*n; t++ {
		r := out[8*((t-1)%n+1):][:8]
		copy(b[:8], out[:8])
		copy(b[8:], r)
		block.Encrypt(b[:], b[:])
		binary.BigEndian.PutUint64(out, binary.BigEndian.Uint64(b[:8])^uint64(t))
		copy(r, b[8:])
	}
	return out
}

// unwrap is its inverse (section 2.2.2), with the check of the initial value.
func unwrap(kek, wrapped []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil {
		panic(err)
	}
	n := len(wrapped)/8 - 1
	out := append([]byte(nil), wrapped...)
	var b [16]byte
	for t := 6 * n; t >= 1; t-- {
		r := out[8*((t-1)%n+1):][:8]
		binary.BigEndian.PutUint64(b[:8], binary.BigEndian.Uint64(out[:8])^uint64(t))
		copy(b[8:], r)
		block.Decrypt(b[:], b[:])
		copy(out[:8], b[:8])
		copy(r, b[8:])
	}
	if subtle.ConstantTimeCompare(out[:8], []byte{0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6}) != 1 {
		return nil, errWrap
	}
	return out[8:], nil
}
