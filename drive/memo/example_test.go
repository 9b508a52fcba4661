package memo_test

import (
	"crypto/ed25519"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/memo"
)

// A signature is computed by the first process that needs it, and found by the next.
func Example() {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	sign := func(m *memo.Memo) []byte {
		return m.Do("example: signature of a key's own public half", private, func() []byte {
			fmt.Println("computed")
			return ed25519.Sign(private, private[ed25519.SeedSize:])
		})
	}
	first := memo.New()
	signature := sign(first)
	next, err := memo.Decode(first.Encode("example 1"), "example 1")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(sign(next)) == string(signature), next.Fresh())
	// Output:
	// computed
	// true 0
}
