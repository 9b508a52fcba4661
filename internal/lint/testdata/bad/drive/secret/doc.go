// Package secret is a sample.
package secret

// Key32 is a key. What this package does with it is its own business.
type Key32 [4]byte

// String redacts.
func (k Key32) String() string { return "" }

// Size is no key.
type Size int
