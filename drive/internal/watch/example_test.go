package watch_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/internal/watch"
)

// A test sees the key that its subject made, and that it was cleared.
func ExampleWatch() {
	var seen [][]byte
	stop := watch.Watch(func(b []byte) { seen = append(seen, b) })
	key := []byte("a key that nobody is to remember")
	watch.Made(key) // as package secret does
	stop()
	clear(key)
	fmt.Println(len(seen), seen[0][:4])
	// Output: 1 [0 0 0 0]
}
