package xts_test

import (
	"bytes"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/xts"
)

// The same plaintext in two sectors is two ciphertexts, and each reads back
// only where it was written.
func Example() {
	key := secret.Key64{1, 2, 3}
	c, err := xts.New(&key, 512)
	if err != nil {
		fmt.Println(err)
		return
	}
	plain := bytes.Repeat([]byte("customer"), 64)
	a, b := make([]byte, 512), make([]byte, 512)
	c.Encrypt(a, plain, 100)
	c.Encrypt(b, plain, 101)
	fmt.Println("equal ciphertext:", bytes.Equal(a, b))
	c.Decrypt(a, a, 100)
	fmt.Println("reads back:", bytes.Equal(a, plain))

	_, err = xts.New(&secret.Key64{}, 512)
	fmt.Println(err)
	// Output:
	// equal ciphertext: false
	// reads back: true
	// xts: the two halves of the key are equal
}
