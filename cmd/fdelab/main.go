package main

import (
	"os"

	"github.com/seed-9d983aeb/fdelab/serve/campaign"
)

func main() {
	campaign.Launch() // of a worker's program
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
