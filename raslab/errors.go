package raslab

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/raslab/request"
)

// The kinds of a refused request; errors.Is(err, raslab.ErrBusy) works on
// whatever a method of Lab returns.
var (
	ErrNotFound = request.ErrNotFound                 // nothing has this name
	ErrInvalid  = request.ErrInvalid                  // a value out of its range
	ErrBusy     = errors.New("service action busy")   // another service action is in progress
	ErrState    = request.ErrState                    // the object exists and cannot do this now
	ErrNoAccess = errors.New("data not accessible")   // locked members, or no partition with data access
	ErrDataLost = errors.New("data lost")             // more members are gone than parity can replace
	ErrOpen     = errors.New("the cause still holds") // an event that may not be closed yet
)

// RequestError refuses a request before anything was changed: what was wrong, where, and what would
// be right, in one line. Its kind is one of the Err values of this package.
type RequestError = request.Error

func refuse(kind error, op, what, right string) error { return request.Refuse(kind, op, what, right) }

func existing[T any](what string, list []T, name func(T) string) string {
	return request.Existing(what, list, name)
}
