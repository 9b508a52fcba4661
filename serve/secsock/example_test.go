package secsock_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/serve/secsock"
	"github.com/seed-9d983aeb/fdelab/serve/sockets"
)

// A host asks a drive behind a socket what it is.
func Example() {
	d, _, err := drive.Manufacture(
		drive.Config{Serial: "EXAMPLE1", SectorSize: 512, Sectors: 1 << 20, PBKDF2Iterations: 1},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "drive")})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = d.PowerOn()
	unit, err := secsock.NewUnit(d, tcg.Options{Entropy: entropy.Stream(1, "tper")})
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, err := os.MkdirTemp("", "secsock")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	l, err := sockets.Listen(filepath.Join(dir, "drives"))
	if err != nil {
		fmt.Println(err)
		return
	}
	server := secsock.NewServer([]*secsock.Unit{unit}, nil)
	go func() { _ = server.Serve(l) }()
	defer server.Close()

	client, err := secsock.Dial(l.Addr().String(), 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	identity, err := client.Identify(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	device, err := host.Open(client, host.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, Enterprise: %v\n", identity[4:12], device.Enterprise())
	// Output: EXAMPLE1, Enterprise: true
}
