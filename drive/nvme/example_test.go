package nvme_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/nvme"
)

func Example() {
	d, _, err := drive.Manufacture(drive.Config{Serial: "FDE1", SectorSize: 512, Sectors: 64, PBKDF2Iterations: 1},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "example")})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := nvme.NewSubsystem(d, nvme.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, _ := s.NewController(nvme.Host{})
	fmt.Println(c.SetProperty(nvme.PropertyCC, 4, 0x460001))

	var read nvme.Command
	read[0] = nvme.OpRead
	read.SetDW(1, 1)   // namespace
	read.SetDW(10, 60) // first block
	read.SetDW(12, 7)  // 8 blocks
	fmt.Println(c.IO(1, &read, nil, make([]byte, 8*512)).Status)
	// Output:
	// nvme: success (0/00h)
	// nvme: LBA out of range (0/80h)
}
