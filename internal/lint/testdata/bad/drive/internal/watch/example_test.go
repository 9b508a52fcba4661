package watch_test

// Example is one.
func Example() {
	// Output:
}
