package objectstore_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/seed-9d983aeb/fdelab/encgroup/tct/objectstore"
)

func Example() {
	store, err := objectstore.New(objectstore.Config{Token: "t", ObjectMax: 1 << 20, ObjectsMax: 1000, Timeout: time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, token := range []string{"wrong", "t"} {
		r := httptest.NewRequest("PUT", "/objects/volume-7", strings.NewReader("ciphertext"))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		store.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	raw, _ := store.Raw("volume-7")
	fmt.Printf("%s\n", raw)
	// Output:
	// 401
	// 201
	// ciphertext
}
