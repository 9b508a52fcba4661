package crashtrace_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-9d983aeb/fdelab/internal/crashtrace"
)

// A test has two halves. The first runs in the process that is recorded; the second cuts what it did:
//
//	root := t.TempDir()
//	crashtrace.Record(t, t.Name(), root).Cuts(t, root, 1, 10, look)
func Example() {
	if dir := crashtrace.Child(); dir != "" {
		_ = os.WriteFile(filepath.Join(dir, "keys"), []byte("of a server"), 0o600) // never synced
		return
	}
	fmt.Println("this process is not recorded")
	// Output:
	// this process is not recorded
}
