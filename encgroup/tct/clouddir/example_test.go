package clouddir_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/tct/clouddir"
)

// A directory is made once, and opened for a server. A facility needs two of its files.
func Example() {
	parent, err := os.MkdirTemp("", "cloud")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(parent)
	dir := filepath.Join(parent, "cloud")
	o := clouddir.Options{Hosts: []string{"127.0.0.1"}, Now: time.Now(), Entropy: rand.Reader}
	fmt.Println(clouddir.Init(dir, o), clouddir.Init(dir, o) != nil)
	store, config, err := clouddir.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	n, _ := store.Count()
	fmt.Println(n, "objects,", len(config.Certificates), "certificate")
	_, shut, err := clouddir.Connect("https://127.0.0.1:8443", filepath.Join(dir, "ca.crt"), filepath.Join(dir, "token"))
	fmt.Println(err)
	shut()
	// Output:
	// <nil> true
	// 0 objects, 1 certificate
	// <nil>
}
