package request_test

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/raslab/request"
)

func Example() {
	have := []string{"keyserver1.example.com", "keyserver2.example.com"}
	err := request.Refuse(request.ErrNotFound, "keyserver stop", "there is no key server 3",
		request.Existing("key servers", have, func(s string) string { return s }))
	fmt.Println(err)
	fmt.Println(errors.Is(err, request.ErrNotFound))
	// Output:
	// raslab: keyserver stop: there is no key server 3; key servers are keyserver1.example.com, keyserver2.example.com
	// true
}
