package src_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/raslab/src"
)

func Example() {
	e, _ := src.Lookup("be14cfe1")
	fmt.Println(e.Code, e.Title)
	fmt.Println(e.Closing)

	if _, ok := src.Lookup("BE34009"); !ok {
		near, _ := src.Suggest("BE34009")
		fmt.Println("did you mean", near)
	}
	// Output:
	// BE14CFE1 Access to the key servers is back; both partitions have rebooted by themselves
	// closes itself, and with it every open event of BE14E004, BE14E008, BE14E009, BE14E00B, BE14E011, BE14E012, BE14E013, BE14E0F1 against the same partitions
	// did you mean BE34009E
}
