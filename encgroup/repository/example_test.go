package repository_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/encgroup/repository"
)

// A bit rots in one of three copies; a check finds it, a reboot repairs it.
func Example() {
	disks := repository.NewFaulty(repository.NewMemDevice(64), repository.NewMemDevice(64), repository.NewMemDevice(64))
	repo, err := repository.Create(entropy.Stream(7, "repository"), disks.Devices()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("put:", repo.Put("group 1", []byte("a record")))

	rot, _ := fault.Parse("(repository.read.rot (And (Block 1) (Page 32)))")
	disks.Arm(rot)
	repo.Check()
	disks.Disarm()
	_, report, _ := repo.Read("group 1")
	fmt.Println(report)

	repo, report, err = repository.Open(disks.Devices()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report)
	fmt.Println(repo.Check())
	// Output:
	// put: <nil>
	// key repository: mismatch, generation 2: copy 0 good; copy 1 stale; copy 2 good
	// key repository: mismatch, generation 4: copy 0 good; copy 1 stale, repaired; copy 2 good
	// key repository: good, generation 4: copy 0 good; copy 1 good; copy 2 good
}
