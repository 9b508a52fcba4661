package labsql_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/seed-9d983aeb/fdelab/raslab/labfile"
	"github.com/seed-9d983aeb/fdelab/raslab/labsql"
)

// Who joined the encryption group, and during which command?
func Example() {
	parent, err := os.MkdirTemp("", "labs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(parent)
	dir := filepath.Join(parent, "mine")
	lab, err := labfile.Create(dir, labfile.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range []string{"lab new drives=16 seed=7", "keygrp configure", "array create site=S1", "rank create array=A0 keygrp=1"} {
		if err := lab.Session().Run(line, io.Discard); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(lab.Close())

	db, err := labsql.Load(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	t, err := db.Query(`SELECT command, count(*) AS drives FROM service_action WHERE text LIKE '%joined key group%' GROUP BY entry`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.Columns, t.Rows)
	// Output:
	// <nil>
	// [command drives] [[rank create array=A0 keygrp=1 7]]
}
