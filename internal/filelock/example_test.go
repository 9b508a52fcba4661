package filelock_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/seed-9d983aeb/fdelab/internal/filelock"
)

// The second who opens a file is kept out until the first closes it.
func Example() {
	first, err := os.CreateTemp("", "lock")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(first.Name())
	second, err := os.Open(first.Name())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer second.Close()
	fmt.Println(filelock.Take(first), errors.Is(filelock.Take(second), filelock.ErrHeld))
	first.Close()
	fmt.Println(filelock.Take(second))
	// Output:
	// <nil> true
	// <nil>
}
