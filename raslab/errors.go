package raslab

import "errors"

// The kinds of a refused request; errors.Is(err, raslab.ErrBusy) works on
// whatever a method of Lab returns.
var (
	ErrNotFound = errors.New("no such object")        // a name that nothing has
	ErrInvalid  = errors.New("invalid argument")      // a value out of its range
	ErrBusy     = errors.New("service action busy")   // another service action is in progress
	ErrState    = errors.New("wrong state")           // the object exists and cannot do this now
	ErrNoAccess = errors.New("data not accessible")   // locked members, or no partition with data access
	ErrDataLost = errors.New("data lost")             // more members are gone than parity can replace
	ErrOpen     = errors.New("the cause still holds") // an event that may not be closed yet
)

// RequestError refuses a request before anything was changed: what was wrong,
// where, and what would be right, in one line.
type RequestError struct {
	Op    string // the action, as the command language calls it: "rank create"
	What  string // what was wrong and where
	Right string // what would be right; may be empty
	Kind  error  // one of the Err values of this package
}

func (e *RequestError) Error() string {
	s := "raslab: " + e.Op + ": " + e.What
	if e.Right != "" {
		s += "; " + e.Right
	}
	return s
}

// Unwrap gives the kind.
func (e *RequestError) Unwrap() error { return e.Kind }

func refuse(kind error, op, what, right string) error {
	return &RequestError{Op: op, What: what, Right: right, Kind: kind}
}
