package keywrap

import (
	"crypto/aes"
	"errors"
	"fmt"

	josecipher "github.com/go-jose/go-jose/v4/cipher"
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
	out, err := josecipher.KeyWrap(block, key)
	if err != nil {
		return nil, fmt.Errorf("keywrap: %w", err)
	}
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
	out, err := josecipher.KeyUnwrap(block, wrapped)
	if err != nil {
		return nil, ErrIntegrity
	}
	return out, nil
}
