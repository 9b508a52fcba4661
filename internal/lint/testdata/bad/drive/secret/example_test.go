package secret_test

// Example is one.
func Example() {}
