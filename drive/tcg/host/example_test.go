package host_test

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
)

// Who takes a drive from the factory locks its global band, and is the only one who opens it.
func Example() {
	d, _, err := drive.Manufacture(
		drive.Config{Serial: "EXAMPLE1", SectorSize: 512, Sectors: 1 << 20, Ranges: 1, PBKDF2Iterations: 1},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "drive")})
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

	device, err := host.Open(tper, host.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	msid, _ := device.MSID()
	mine, _ := drive.NewPIN([]byte("only I know this"))
	fmt.Println(device.SetPIN(spec.BandMaster(0), msid, mine))
	fmt.Println(device.SetBand(0, mine, host.BandConfig{ReadLockEnabled: true, LockOnReset: []uint64{spec.PowerCycle}}))
	fmt.Println(device.SetLocks(0, mine, true, false))
	fmt.Println(errors.Is(d.Read(0, make([]byte, 512)), drive.Locked))
	fmt.Println(device.SetLocks(0, msid, false, false))
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// true
	// tcg: Authenticate on BandMaster0: NOT_AUTHORIZED
}
