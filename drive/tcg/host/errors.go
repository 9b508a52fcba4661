package host

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
)

// StatusError says that a device refused a method. It unwraps to the Status, which errors.Is finds.
// Method is 0 where the end of a transaction was refused; Object is the service provider then.
type StatusError struct {
	Object, Method spec.UID
	Status         spec.Status
}

func (e *StatusError) Error() string {
	if e.Method == 0 {
		return fmt.Sprintf("tcg: transaction with %s: %s", spec.Name(e.Object), e.Status.String())
	}
	return fmt.Sprintf("tcg: %s on %s: %s", spec.MethodName(e.Method), spec.Name(e.Object), e.Status.String())
}

func (e *StatusError) Unwrap() error { return e.Status }

// ProtocolError says that a device gave an answer that the specification does not allow.
type ProtocolError struct {
	Doing string // what the host was doing, such as "StartSession"
	What  string // one clause: what was wrong with the answer
}

func (e *ProtocolError) Error() string {
	return "tcg: " + e.Doing + ": the device's answer is not right: " + e.What
}

// ClosedError says that a session is over: the device ended it (Core 3.3.7.1.5), forgot it, or the host
// closed it before.
type ClosedError struct {
	Doing string
}

func (e *ClosedError) Error() string { return "tcg: " + e.Doing + ": the session is over" }

// ErrNoTCG means that a device answers level 0 discovery, and claims no Security Subsystem Class that
// this package speaks.
var ErrNoTCG = errors.New("tcg: the device claims neither Enterprise nor Opal")

// ErrTooLarge means that a call does not fit into what the device takes: nothing was sent.
var ErrTooLarge = errors.New("tcg: the call is larger than the device takes")

func malformed(doing, format string, args ...any) error {
	return &ProtocolError{Doing: doing, What: fmt.Sprintf(format, args...)}
}
