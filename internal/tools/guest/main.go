//go:build linux

package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	passed, failed := 0, 0
	t := &trial{}
	for _, s := range steps {
		if len(os.Args) > 1 && !s.needed && !chosen(s.name, os.Args[1:]) {
			continue
		}
		began := time.Now()
		err := attempt(s, t)
		took := time.Since(began).Seconds()
		if err != nil {
			failed++
			fmt.Printf("not ok: %s: %v (%.1fs)\n", s.name, err, took)
			if s.needed {
				break
			}
			continue
		}
		passed++
		fmt.Printf("ok: %s (%.1fs)\n", s.name, took)
	}
	fmt.Printf("in the guest: %d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
