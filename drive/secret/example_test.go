package secret_test

import (
	"encoding/json"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

func Example() {
	held := struct{ Key secret.Key32 }{secret.Key32{1, 2, 3}}
	fmt.Printf("%+v %x %s\n", held, held.Key, held.Key)

	b, err := json.Marshal(held)
	fmt.Println(string(b), err)

	held.Key.Clear()
	fmt.Println(held.Key == secret.Key32{})
	// Output:
	// {Key:[secret]} [secret] [secret]
	// {"Key":"[secret]"} <nil>
	// true
}
