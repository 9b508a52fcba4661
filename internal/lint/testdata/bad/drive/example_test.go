package drive_test

import "fmt"

// This package alone has an example that runs.
func Example() {
	fmt.Println("runs")
	// Output: runs
}

func ExampleNothing() { fmt.Println("does not run") }
