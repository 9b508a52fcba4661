package keywrap_test

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// The last vector of RFC 3394, and what a wrong key gets.
func Example() {
	kek, _ := hex.DecodeString("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	key, _ := hex.DecodeString("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f")
	wrapped, err := keywrap.Wrap(kek, key)
	fmt.Printf("%x %v\n", wrapped, err)

	kek[0] ^= 1
	_, err = keywrap.Unwrap(kek, wrapped)
	fmt.Println(errors.Is(err, keywrap.ErrIntegrity))
	// Output:
	// 28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21 <nil>
	// true
}
