package entropy_test

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
)

// A source that is stuck gives no second key.
func Example() {
	key := make([]byte, 32)
	good := entropy.Checked(entropy.Stream(7, "drive 0"))
	_, err := io.ReadFull(good, key)
	fmt.Println("a stream:", err)

	stuck := entropy.Checked(strings.NewReader(strings.Repeat("thirty-two bytes, and once more.", 2)))
	_, err = io.ReadFull(stuck, key)
	fmt.Println("a stuck source, first key:", err)
	_, err = io.ReadFull(stuck, key)
	fmt.Println("a stuck source, second key refused:", errors.Is(err, entropy.ErrRepeats))
	// Output:
	// a stream: <nil>
	// a stuck source, first key: <nil>
	// a stuck source, second key refused: true
}
