package reckey_test

import (
	"fmt"
	"time"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/reckey"
)

// Every key server stands on storage that only a key server can unlock: the
// recovery key and two people open the group.
func Example() {
	servers, _ := encgroup.NewMemCluster(entropy.Stream(7, "key servers"), "vinz", "zuul")
	random, store := entropy.Stream(7, "group"), &encgroup.MemStore{}
	group := encgroup.New(servers.Servers(), random, store)
	fmt.Println("group:", group.Configure("rank keys"))

	anna := reckey.User{Name: "anna", Role: reckey.SecurityAdministrator}
	otto := reckey.User{Name: "otto", Role: reckey.StorageAdministrator}
	recovery := reckey.New(group, random)
	state := func(err error) {
		s, _ := recovery.Status()
		fmt.Println(s.State, err)
	}
	key, err := recovery.Configure(anna)
	paper := reckey.Encode(key)
	key.Clear()
	state(err)
	state(recovery.Verify(anna, paper))
	state(recovery.Authorize(otto, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))

	// The site loses power, and the key servers cannot boot.
	for _, id := range []string{"vinz", "zuul"} {
		s, _ := servers.Server(id)
		s.PowerOff()
	}
	group, _ = encgroup.Load(store.Record(), servers.Servers(), random, store)
	recovery = reckey.New(group, random)
	fmt.Println(group.Retrieve())
	state(recovery.Recover(anna, paper))
	state(recovery.Authorize(otto, time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)))
	fmt.Println(group)
	// Output:
	// group: <nil>
	// verify pending <nil>
	// authorize pending <nil>
	// configured <nil>
	// encgroup: retrieve: vinz: key server is unreachable; zuul: key server is unreachable
	// recover authorize pending <nil>
	// configured <nil>
	// encryption group accessible, 0 members
}
