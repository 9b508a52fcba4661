package nvmetcp_test

import (
	"fmt"
	"net"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/nvme"
	"github.com/seed-9d983aeb/fdelab/serve/nvmetcp"
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
	target, err := nvmetcp.NewTarget([]*nvme.Subsystem{s})
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan error, 1)
	go func() { done <- target.Serve(l) }()

	h, err := nvmetcp.Dial(l.Addr().String(), nvmetcp.HostOptions{Subsystem: s.NQN()})
	if err != nil {
		fmt.Println(err)
		return
	}
	sector := make([]byte, 512)
	copy(sector, "hello")
	fmt.Println(h.Write(0, 7, sector), h.Read(0, 7, sector), string(sector[:5]))
	fmt.Println(h.Read(0, 64, sector))
	fmt.Println(h.Shutdown(), target.Close(), <-done)
	// Output:
	// <nil> <nil> hello
	// nvme: LBA out of range (0/80h)
	// <nil> <nil> <nil>
}
