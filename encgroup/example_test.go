package encgroup_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/encgroup"
)

// A drive joins a group, power goes, and both key servers are down when it
// comes back: the data stays locked until one of them answers.
func Example() {
	servers, err := encgroup.NewMemCluster(entropy.Stream(7, "key servers"), "vinz", "zuul")
	if err != nil {
		fmt.Println(err)
		return
	}
	store := &encgroup.MemStore{}
	group := encgroup.New(servers.Servers(), entropy.Stream(7, "group"), store)
	fmt.Println("configure:", group.Configure("rank keys"))

	d, _, err := drive.Manufacture(
		drive.Config{Serial: "D05", SectorSize: 512, Sectors: 1 << 20, PBKDF2Iterations: 1},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(7, "D05")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("admit:", group.Admit(d))

	// The facility loses power. All that is left of the group is its record.
	d.PowerOff()
	group.PowerOff()
	for _, id := range []string{"vinz", "zuul"} {
		s, _ := servers.Server(id)
		s.PowerOff()
	}
	_ = d.PowerOn()
	group, err = encgroup.Load(store.Record(), servers.Servers(), entropy.Stream(7, "group, second life"), store)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(group.Retrieve())
	fmt.Println(group, "and the drive is locked:", d.Status().Locked)

	zuul, _ := servers.Server("zuul")
	zuul.PowerOn()
	fmt.Println("retrieve:", group.Retrieve())
	fmt.Println("unlock:", group.Unlock(d))
	// Output:
	// configure: <nil>
	// admit: <nil>
	// encgroup: retrieve: vinz: key server is unreachable; zuul: key server is unreachable
	// encryption group inaccessible, 1 members and the drive is locked: true
	// retrieve: <nil>
	// unlock: <nil>
}

// The group key is exchanged while one of two members is out of power: both
// keys stay until it has moved, too.
func ExampleGroup_RekeyGroupKey() {
	servers, _ := encgroup.NewMemCluster(entropy.Stream(7, "key servers"), "vinz", "zuul")
	group := encgroup.New(servers.Servers(), entropy.Stream(7, "group"), &encgroup.MemStore{})
	fmt.Println("configure:", group.Configure("rank keys"))
	var drives []encgroup.Drive
	var second *drive.Drive
	for _, serial := range []string{"D05", "D06"} {
		d, _, err := drive.Manufacture(
			drive.Config{Serial: serial, SectorSize: 512, Sectors: 1 << 20, PBKDF2Iterations: 1},
			drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(7, serial)})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("admit:", group.Admit(d))
		drives, second = append(drives, d), d
	}

	second.PowerOff()
	_, err := group.RekeyGroupKey(drives)
	fmt.Println(err)
	fmt.Println(group.Rekeying())
	_ = second.PowerOn()
	_, err = group.RekeyGroupKey(drives)
	fmt.Println(group.Rekeying(), err)
	// Output:
	// configure: <nil>
	// admit: <nil>
	// admit: <nil>
	// encgroup: rekey of the group key: members still need the present group key: 1 of 2, the first is D06
	// group key, 1 of 2 members
	// none <nil>
}
