package main

import "fmt"

// The generator is run at the root of the module: go run ./serve/web/generate.
func Example() {
	_, err := generate("nowhere")
	fmt.Println(err)
	// Output:
	// nowhere: no templates: run it at the root of the module
}
