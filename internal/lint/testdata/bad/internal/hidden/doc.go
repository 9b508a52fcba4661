// Package hidden has a type that strangers cannot name.
package hidden

// Type is one.
type Type struct{}
