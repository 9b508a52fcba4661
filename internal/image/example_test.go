package image_test

import (
	"fmt"
	"reflect"

	"github.com/seed-9d983aeb/fdelab/internal/image"
)

type room struct {
	name  string
	doors []*room
}

// Two rooms with doors to one another are the same two rooms afterwards.
func Example() {
	hall, lab := &room{name: "hall"}, &room{name: "lab"}
	hall.doors, lab.doors = []*room{lab}, []*room{hall}
	form := image.NewForm(reflect.TypeFor[*room]())
	b, err := form.Encode(hall)
	if err != nil {
		fmt.Println(err)
		return
	}
	root, err := form.Decode(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	again := root.(*room)
	fmt.Println(again.doors[0].name, again.doors[0].doors[0] == again, again == hall)
	// Output: lab true false
}
