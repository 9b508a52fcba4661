package rehearsals_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
	"github.com/seed-9d983aeb/fdelab/raslab/rehearsals"
)

// A service reference code leads to every rehearsal about it.
func Example() {
	found, err := rehearsals.Find("be31f004")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range found {
		fmt.Println(r.Name, console.Play(r.Transcript, nil).Passed())
	}
	// Output:
	// be31f004-msid-refused true
	// be31f004-worn-flash true
}
