package forensic_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/erase/forensic"
)

// A thief has the chip of a drive that nobody locked, and one sector that he
// knows. The MSID, which anyone can read, opens the way.
func Example() {
	d, label, err := drive.Manufacture(
		drive.Config{Serial: "EXAMPLE", SectorSize: 512, Sectors: 1 << 20, PBKDF2Iterations: 1000},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "EXAMPLE")},
	)
	if err != nil {
		panic(err)
	}
	plain := make([]byte, 512)
	if err := d.Write(17, plain); err != nil {
		panic(err)
	}
	dump, fuses := d.Dump(), d.Fuses()
	sector, _ := dump.Sector(17)
	known := []forensic.Oracle{{Name: "LBA 17", SectorSize: 512, LBA: 17, Plain: plain[:32], Cipher: sector[:32]}}

	found, err := forensic.Search(dump, []forensic.Secret{forensic.PIN("MSID", label.MSID)}, known, forensic.Options{Iterations: 1000})
	fmt.Println(len(found.Keys), "without the root key", err)
	found, err = forensic.Search(dump, []forensic.Secret{forensic.PIN("MSID", label.MSID), forensic.Root(fuses.Root)}, known, forensic.Options{Iterations: 1000})
	fmt.Println(len(found.Keys) > 0, "with it", err)
	// Output:
	// 0 without the root key <nil>
	// true with it <nil>
}
