package main

import (
	"fmt"
	"os"
)

func main() {
	if os.Getpid() == 1 {
		boot()
	}
	if len(os.Args) < 3 || os.Args[1] != "pack" {
		fmt.Fprintln(os.Stderr, "usage: guest pack initrd.cpio MODULE.ko.xz...")
		os.Exit(2)
	}
	if err := pack(os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		os.Exit(1)
	}
}
