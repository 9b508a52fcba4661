package drive_test

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// A drive gets its access credential, loses power, and opens for that
// credential only.
func Example() {
	d, label, err := drive.Manufacture(drive.Config{
		Serial: "S0001", SectorSize: 512, Sectors: 1 << 20, TryLimit: 5, PBKDF2Iterations: 1000,
	}, drive.Parts{
		Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(7, "S0001"),
	})
	if err != nil {
		panic(err)
	}
	_ = d.Write(0, make([]byte, 512))

	credential, _ := drive.NewPIN([]byte("0123456789abcdef0123456789abcdef"))
	s, _ := d.Authenticate(drive.BandMaster(0), label.MSID)
	fmt.Println("migrate:", s.Migrate(credential), "- now", d.Status().State)
	s.Close()

	d.PowerOff()
	_ = d.PowerOn()
	fmt.Println("locked:", errors.Is(d.Read(0, make([]byte, 512)), drive.Locked))
	_, err = d.Authenticate(drive.BandMaster(0), label.MSID)
	fmt.Println(err)
	s, _ = d.Authenticate(drive.BandMaster(0), credential)
	fmt.Println("unlock:", s.Unlock())
	// Output:
	// migrate: <nil> - now Configured
	// locked: true
	// drive: authenticate: not authorized: wrong PIN for BandMaster0
	// unlock: <nil>
}
