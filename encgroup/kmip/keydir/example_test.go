package keydir_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/kmip/keydir"
)

func Example() {
	parent, err := os.MkdirTemp("", "keydir")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(parent)
	dir := filepath.Join(parent, "keys")
	fmt.Println(keydir.Init(dir, keydir.Options{
		Hosts: []string{"localhost"}, Clients: []string{"facility"}, Now: time.Now(), Entropy: rand.Reader,
	}))
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		fmt.Println(f.Name())
	}
	store, _, err := keydir.Open(dir, nil, rand.Reader)
	fmt.Println(err)
	fmt.Println(store.Close())
	// Output:
	// <nil>
	// ca.crt
	// ca.key
	// facility.crt
	// facility.key
	// keys.db
	// master.key
	// peer.crt
	// peer.key
	// server.crt
	// server.key
	// <nil>
	// <nil>
}
