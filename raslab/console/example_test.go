package console_test

import (
	"fmt"
	"os"

	"github.com/seed-9d983aeb/fdelab/raslab/console"
)

// A session runs lines, as the shell does.
func Example() {
	s := console.NewSession(console.Options{})
	defer s.Close()
	for _, line := range []string{
		"lab new drives=32 seed=7",
		"keygrp configure; array create site=S1; rank create array=A0 keygrp=1",
		`fault arm drive=R1-I1-D05 plan="(flash.erase.refused) (flash.zero.refused)"`,
		"rank remove rank=R0",
	} {
		if err := s.Run(line, os.Stdout); err != nil {
			fmt.Println("error:", console.ErrorText(err))
		}
	}
	// Output:
	// facility 75NR641: 2 enclosures, 32 drives, 4 array sites, no ranks, 2 key servers
	// keygrp configure 1: done
	//   key group 1 is accessible
	// array create A0: done
	//   array A0: 5 (6+P+S) on site S1
	// rank create R0: done
	//   rank R0: array A0, key group 1, pool P2
	//   R1-I1-D01 to R1-I1-D07: joined key group 1
	// armed on 75NR641-0005 (R1-I1-D05): (flash.erase.refused) (flash.zero.refused)
	// rank remove R0: done
	//   rank R0 removed
	//   R1-I1-D01 to R1-I1-D04, R1-I1-D06, R1-I1-D07: erased and verified
	//   R1-I1-D05: was not erased in the removal of R0: not erased: failed: security degraded: the drive
	//     did not carry the erase command out, what it says of itself does not agree with an erased drive,
	//     the old data can still be read, a key in its flash still opens the old data, and pieces of an
	//     old wrap are left in its flash
	// serviceable event 1: BE34009E, R1-I1-D05 (U5791.S10.0001-P1-D5)
	//   removal of R0: not erased: failed: security degraded: the drive did not carry the erase command
	//     out, what it says of itself does not agree with an erased drive, the old data can still be read,
	//     a key in its flash still opens the old data, and pieces of an old wrap are left in its flash
}

// Play tells a transcript's story and says whether everything came as it is written.
func ExamplePlay() {
	story := `# An empty shelf

A session begins with nothing.

shelf list
----
the shelf is empty
`
	t, err := console.ParseTranscript("story.txt", story)
	if err != nil {
		fmt.Println(err)
		return
	}
	result := console.Play(t, os.Stdout)
	fmt.Println("passed:", result.Passed())
	// Output:
	// An empty shelf
	// ==============
	//
	// A session begins with nothing.
	//
	// > shelf list
	// the shelf is empty
	//
	// passed: true
}
