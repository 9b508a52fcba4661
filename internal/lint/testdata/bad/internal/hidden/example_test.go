package hidden_test

// Example is one.
func Example() {
	// Output:
}
