package keywrap

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/internal/aes256"
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
func Wrap(kek, key []byte) ([]byte, error) { return WrapOn(aes256.Chosen(), kek, key) }

// WrapOn is Wrap on a path that is one of aes256.Paths.
func WrapOn(path aes256.Path, kek, key []byte) ([]byte, error) {
	if !fits(len(key)) {
		return nil, fmt.Errorf("keywrap: a key of %d bytes cannot be wrapped, need 16 to 4096 in steps of 8", len(key))
	}
	var k KEK
	if err := k.expand(kek, path); err != nil {
		return nil, err
	}
	defer k.Clear()
	out := make([]byte, Overhead+len(key))
	copy(out[Overhead:], key)
	k.Wrap(out)
	return out, nil
}

// Unwrap returns the key in wrapped (24 to 4104 bytes, a multiple of 8), or
// ErrIntegrity when kek is not the key it was wrapped with.
func Unwrap(kek, wrapped []byte) ([]byte, error) { return UnwrapOn(aes256.Chosen(), kek, wrapped) }

// UnwrapOn is Unwrap on a path that is one of aes256.Paths.
func UnwrapOn(path aes256.Path, kek, wrapped []byte) ([]byte, error) {
	if !fits(len(wrapped) - Overhead) {
		return nil, fmt.Errorf("keywrap: a wrap of %d bytes, need 24 to 4104 in steps of 8", len(wrapped))
	}
	var k KEK
	if err := k.expand(kek, path); err != nil {
		return nil, err
	}
	defer k.Clear()
	out := append([]byte(nil), wrapped...)
	if !k.Open(out) {
		return nil, ErrIntegrity
	}
	return out[Overhead:], nil
}

// fits says whether keys of n bytes can be wrapped.
func fits(n int) bool { return n >= 16 && n <= 4096 && n%8 == 0 }
