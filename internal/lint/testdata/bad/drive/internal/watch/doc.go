// Package watch is a sample.
package watch

// Watch shows keys.
func Watch(func([]byte)) {}
