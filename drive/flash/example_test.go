package flash_test

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// A page that holds a key must go, but its block no longer erases. The last
// resort is to overwrite it with zeros.
func Example() {
	chip := flash.NewFaulty(flash.NewMem(flash.DefaultGeometry))
	_ = chip.Program(3, 0, []byte("a wrapped key"))

	plan, err := fault.Parse("(flash.erase.refused (Block 3))")
	if err != nil {
		panic(err)
	}
	chip.Arm(plan)

	err = chip.Erase(3)
	fmt.Println(err)
	fmt.Println("the chip is broken:", errors.Is(err, flash.ErrErase))
	fmt.Printf("a thief reads %q\n", chip.Dump()[0].Data[:13])

	fmt.Println("overwritten:", chip.Zero(3, 0) == nil)
	fmt.Printf("a thief reads %q\n", chip.Dump()[0].Data[:3])
	for _, f := range plan.Fired() {
		fmt.Println("fired:", f.Point, f.Count, "time, last at", f.Last)
	}

	// Output:
	// flash: block refused erasing: block 3
	// the chip is broken: true
	// a thief reads "a wrapped key"
	// overwritten: true
	// a thief reads "\x00\x00\x00"
	// fired: flash.erase.refused 1 time, last at flash.erase block 3 programmed
}
