package aes256_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/internal/aes256"
)

// A key is expanded for a path, and wiped after use.
func Example() {
	var s aes256.Schedule
	s.Expand(&[32]byte{1, 2, 3}, aes256.Generic)
	defer s.Clear()
	fmt.Println(s.Path, s.Block.BlockSize())
	// Output: generic 16
}
