package adapters_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/seed-9d983aeb/fdelab/proptest/adapters"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance"
)

// A program that speaks another version is refused before anything is judged.
func Example() {
	p, err := adapters.Start(adapters.Options{Command: []string{os.Args[0], "fake", "version"}})
	if err != nil {
		for errors.Unwrap(err) != nil {
			err = errors.Unwrap(err)
		}
		fmt.Println(err)
		return
	}
	defer p.Close()
	report, err := conformance.Judge(p.Make, conformance.Options{Only: []string{"F12"}})
	fmt.Println(report, err)
	// Output: the program speaks version 2 of the protocol, and this fdelab speaks 1
}
