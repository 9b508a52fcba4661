// Package src has two codes.
package src

// Code is a code.
type Code string

// The codes.
const (
	BE34009E Code = "BE34009E"
	BE34009F Code = "BE34009F"
)

// All names them again, which is its task.
var All = []Code{BE34009E, BE34009F}
