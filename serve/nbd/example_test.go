package nbd_test

import (
	"fmt"
	"net"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/serve/nbd"
)

func Example() {
	d, _, err := drive.Manufacture(drive.Config{Serial: "FDE00001", SectorSize: 512, Sectors: 4096, PBKDF2Iterations: 1},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "nbd")})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := nbd.NewServer([]nbd.Export{{Name: "FDE00001", Drive: d}})
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
	go func() { done <- s.Serve(l) }()

	c, err := nbd.Dial("tcp", l.Addr().String(), "FDE00001")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Size(), "bytes")
	fmt.Println(c.Write(make([]byte, 512), 1024))
	fmt.Println(c.BlockStatus(0, 4096))
	fmt.Println(c.Close(), s.Close(), <-done)
	// Output:
	// 2097152 bytes
	// <nil>
	// [{1024 true} {512 false} {2560 true}] <nil>
	// <nil> <nil> <nil>
}
