package tcgcases_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/proptest/conformance/tcgcases"
)

// A device is judged over its transport alone: what needs its sectors is not judged.
func ExampleRun() {
	d, label, err := drive.Manufacture(
		drive.Config{Serial: "EXAMPLE1", SectorSize: 512, Sectors: 1 << 16, Ranges: 1, PBKDF2Iterations: 1, Personality: drive.Opal},
		drive.Parts{Flash: flash.NewMem(drive.Opal.FlashGeometry()), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "drive")})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := d.PowerOn(); err != nil {
		fmt.Println(err)
		return
	}
	tper, err := tcg.New(d, tcg.Options{Entropy: entropy.Stream(1, "tper")})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range tcgcases.Run(tcgcases.Bench{Transport: tper, PSID: label.PSID}, "UCT-04", "UCT-08", "ETC-16", "ETC-19") {
		fmt.Printf("%s: %s (%s)\n", v.ID, v.Outcome, v.Why)
	}
	// Output:
	// UCT-04: passed ()
	// UCT-08: not judged (it takes a way to the sectors, which a security interface is not)
	// ETC-16: not applicable (the device has fewer than two ranges beside the global one)
	// ETC-19: not applicable (it is about drives with ATA Security, which neither NVMe nor SAS has)
}
