package remote_test

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/remote"
)

// Who takes a drive by its methods takes one behind a transport in the same way.
func Example() {
	c := drive.Config{Serial: "EXAMPLE1", SectorSize: 512, Sectors: 1 << 16, PBKDF2Iterations: 1}
	d, _, err := drive.Manufacture(c, drive.Parts{
		Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "drive"),
	})
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

	r := remote.New(tper, remote.Identity{Serial: c.Serial, SectorSize: c.SectorSize, Sectors: c.Sectors}, d)
	msid, _ := r.MSID()
	s, err := r.Authenticate(drive.BandMaster(0), msid)
	if err != nil {
		fmt.Println(err)
		return
	}
	credential, _ := drive.NewPIN([]byte("32 bytes that only the group has"))
	fmt.Println(s.Migrate(credential), r.Status().State)
	s.Close()
	_, err = r.Authenticate(drive.BandMaster(0), msid)
	fmt.Println(err, errors.Is(err, drive.NotAuthorized))
	// Output:
	// <nil> Configured
	// drive: authenticate: not authorized true
}
