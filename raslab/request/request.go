package request

import (
	"errors"
	"strings"
)

// The kinds of a refused request; errors.Is works on them.
var (
	ErrNotFound = errors.New("no such object")   // a name that nothing has
	ErrInvalid  = errors.New("invalid argument") // a value out of its range
	ErrState    = errors.New("wrong state")      // the object exists and cannot do this now
)

// Error refuses a request before anything was changed: what was wrong, where, and what would be
// right, in one line.
type Error struct {
	Op    string // the action, as the command language calls it: "rank create"
	What  string // what was wrong and where
	Right string // what would be right; may be empty
	Kind  error  // such as ErrNotFound
}

func (e *Error) Error() string {
	s := "raslab: " + e.Op + ": " + e.What
	if e.Right != "" {
		s += "; " + e.Right
	}
	return s
}

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }

// Refuse is an Error.
func Refuse(kind error, op, what, right string) error {
	return &Error{Op: op, What: what, Right: right, Kind: kind}
}

// Existing lists the objects that there are, for the Right of an Error.
func Existing[T any](what string, list []T, name func(T) string) string {
	if len(list) == 0 {
		return "there are no " + what + " yet"
	}
	names := make([]string, len(list))
	for i, x := range list {
		names[i] = name(x)
	}
	return what + " are " + strings.Join(names, ", ")
}
