package seal_test

import (
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/encgroup/internal/seal"
)

func Example() {
	private, key := secret.Key32{8}, secret.Key32{42}
	public, _ := seal.Public(&private)
	sealed, _ := seal.Seal(public, "example", &key, entropy.Stream(7, "seal"))
	opened, err := seal.Open(&private, "example", &sealed)
	fmt.Println(opened.Equal(&key), err)
	_, err = seal.Open(&private, "another purpose", &sealed)
	fmt.Println(err)
	// Output:
	// true <nil>
	// seal: it does not open
}
