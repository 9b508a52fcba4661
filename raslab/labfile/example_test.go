package labfile_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/seed-9d983aeb/fdelab/raslab/labfile"
)

// A lab is there again when it is opened again, at the virtual time at which it was left.
func Example() {
	parent, err := os.MkdirTemp("", "labs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(parent)
	dir := filepath.Join(parent, "mine")
	lab, err := labfile.Create(dir, labfile.Options{Release: "devel"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range []string{"lab new drives=16 seed=7", "keygrp configure", "array create site=S1", "rank create array=A0 keygrp=1", "time advance by=2h"} {
		if err := lab.Session().Run(line, io.Discard); err != nil {
			fmt.Println(err)
		}
	}
	before := lab.Session().Lab().TraceText()
	fmt.Println(lab.Close())

	lab, err = labfile.Open(dir, labfile.Options{Release: "devel"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer lab.Close()
	fmt.Println(len(lab.Entries()), "entries,", lab.Session().Lab().TraceText() == before)
	// Output:
	// <nil>
	// 6 entries, true
}
