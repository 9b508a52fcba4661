package tct_test

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/encgroup"
	"github.com/seed-9d983aeb/fdelab/encgroup/tct"
)

// box is a cloud in memory, for one object.
type box struct{ body []byte }

func (b *box) Put(_ string, body []byte) error       { b.body = body; return nil }
func (b *box) Get(string, int64) ([]byte, error)     { return b.body, nil }
func (b *box) Delete(string) error                   { b.body = nil; return nil }
func (b *box) List(string) (names []string, _ error) { return names, nil }

// An object goes to the cloud and comes back; one bit of it is changed there.
func Example() {
	servers, _ := encgroup.NewMemCluster(entropy.Stream(7, "key servers"), "vinz", "zuul")
	group := encgroup.NewOf(encgroup.TCT, servers.Servers(), entropy.Stream(7, "group"), &encgroup.MemStore{})
	fmt.Println("configure:", group.Configure("cloud"))

	cloud := &box{}
	tier := tct.New(group, cloud, entropy.Stream(7, "objects"))
	receipt, err := tier.Migrate("volume 7", []byte("a customer's data"))
	fmt.Println("migrate:", receipt.Size, err)
	data, err := tier.Recall(receipt)
	fmt.Printf("recall: %s %v\n", data, err)

	cloud.body[len(cloud.body)-1] ^= 1
	_, err = tier.Recall(receipt)
	fmt.Println("tampered:", errors.Is(err, tct.ErrTampered))
	// Output:
	// configure: <nil>
	// migrate: 17 <nil>
	// recall: a customer's data <nil>
	// tampered: true
}
