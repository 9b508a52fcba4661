package journal_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-9d983aeb/fdelab/internal/journal"
)

// Two entries are there when the file is opened again; a line that a crash tore is cut off.
func Example() {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "log")
	form := journal.Form{Header: "{\"journal\":\"example 1\"}\n", What: "an example", Most: 1 << 20, Each: func(e journal.Entry) error {
		fmt.Printf("line %d at byte %d: %s\n", e.Line, e.At, e.Text)
		return nil
	}}
	l, err := journal.Open(path, form)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.Append([]byte(`{"n":1}`)), l.Append([]byte(`"two"`)), l.Close())
	whole, _ := os.ReadFile(path)
	_ = os.WriteFile(path, append(whole, `{"crc32c":12,"ent`...), 0o600)
	l, err = journal.Open(path, form)
	fmt.Println(err)
	fmt.Println(l.Close())
	// Output:
	// <nil> <nil> <nil>
	// line 2 at byte 24: {"n":1}
	// line 3 at byte 62: "two"
	// <nil>
	// <nil>
}
