package keywrap

import (
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// Overhead is how many bytes a wrap is longer than the key in it: the 64-bit
// integrity register of RFC 3394 section 2.2.1.
const Overhead = 8

// ErrIntegrity means that the wrap was not made with this key-encrypting key,
// or was altered since (RFC 3394 section 2.2.3). The comparison is in constant
// time; nothing of the unwrapped bytes is returned.
var ErrIntegrity = errors.New("keywrap: integrity check failed")

// Wrap encrypts key (16 to 4096 bytes, a multiple of 8) under kek (16, 24 or
// 32 bytes) and returns len(key)+8 bytes. SP 800-38F section 5.3.1 asks for at
// least two 64-bit blocks.
func Wrap(kek, key []byte) ([]byte, error) {
	if len(key) < 16 || len(key) > 4096 || len(key)%8 != 0 {
		return nil, fmt.Errorf("keywrap: a key of %d bytes cannot be wrapped, need 16 to 4096 in steps of 8", len(key))
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, fmt.Errorf("keywrap: a key-encrypting key of %d bytes, need 16, 24 or 32", len(kek))
	}
	defer secret.WipeCipher(block)
	out := make([]byte, Overhead+len(key))
	copy(out[Overhead:], key)
	b := append(make([]byte, 0, 2*Overhead), initial...)[:2*Overhead] // ends as two blocks of the wrap
	t := uint64(0)
	for range 6 {
		for i := Overhead; i < len(out); i += 8 {
			copy(b[8:], out[i:])
			block.Encrypt(b, b)
			t++
			count(b, t)
			copy(out[i:i+8], b[8:])
		}
	}
	copy(out, b[:8])
	return out, nil
}

// Unwrap returns the key in wrapped (24 to 4104 bytes, a multiple of 8), or
// ErrIntegrity when kek is not the key it was wrapped with.
func Unwrap(kek, wrapped []byte) ([]byte, error) {
	if len(wrapped) < 16+Overhead || len(wrapped) > 4096+Overhead || len(wrapped)%8 != 0 {
		return nil, fmt.Errorf("keywrap: a wrap of %d bytes, need 24 to 4104 in steps of 8", len(wrapped))
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, fmt.Errorf("keywrap: a key-encrypting key of %d bytes, need 16, 24 or 32", len(kek))
	}
	defer secret.WipeCipher(block)
	out := append([]byte(nil), wrapped[Overhead:]...)
	b := append(make([]byte, 0, 2*Overhead), wrapped[:Overhead]...)[:2*Overhead]
	defer clear(b)
	for t := uint64(6 * len(out) / 8); t > 0; {
		for i := len(out) - 8; i >= 0; i -= 8 {
			count(b, t)
			t--
			copy(b[8:], out[i:])
			block.Decrypt(b, b)
			copy(out[i:i+8], b[8:])
		}
	}
	if subtle.ConstantTimeCompare(b[:8], initial) != 1 {
		clear(out)
		return nil, ErrIntegrity
	}
	return out, nil
}

// initial is the value of the integrity register (RFC 3394 section 2.2.3.1).
var initial = []byte{0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6}

// count is the step of the register: A xor t.
func count(a []byte, t uint64) {
	binary.BigEndian.PutUint64(a, binary.BigEndian.Uint64(a)^t)
}
