package drive

import (
	"errors"
	"fmt"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// Code is the kind of a refusal. It is itself an error, so that
// errors.Is(err, drive.NotAuthorized) works on whatever a drive returns.
type Code uint8

// The codes of a StatusError. The comment names the TCG status or SCSI sense
// that a host would see.
const (
	NotAuthorized      Code = iota + 1 // wrong PIN, or the authority may not do this: TCG NOT_AUTHORIZED 01h
	LockedOut                          // TryLimit reached: TCG AUTHORITY_LOCKED_OUT 12h
	SPBusy                             // another session is open: TCG SP_BUSY 03h
	NoSession                          // the session ended: closed, reset or power loss
	Locked                             // data protect, access denied: sense 07h/20h/02h (assumption)
	InvalidParameter                   // TCG INVALID_PARAMETER 0Ch; sense 05h/24h/00h
	InvalidState                       // the lifecycle table has no such transition here
	Degraded                           // refused because the drive is security degraded
	HardwareFailure                    // the security area cannot be written or read: TCG FAIL 3Fh
	MediaFailure                       // unrecovered media error: sense 03h/11h/00h or 03h/0Ch/00h
	NoPower                            // the drive is off
	PowerLost                          // power went away while the command ran
	EntropyFailure                     // the random source failed or repeats; no key was made
	OutOfRange                         // LBA beyond the end: sense 05h/21h/00h
	KeyNotHeld                         // nobody who authenticated holds the key that this takes: TCG NOT_AUTHORIZED 01h
	NoSpace                            // the security record has no room: TCG INSUFFICIENT_SPACE 09h
	Conflict                           // something else changed what was to be changed: TCG TRANSACTION_FAILURE 10h
	SanitizeInProgress                 // a sanitize operation is under way: NVMe 0/1Dh
	SanitizeFailed                     // the last sanitize operation failed: NVMe 0/1Ch
)

var codeText = [...]string{
	NotAuthorized: "not authorized", LockedOut: "authority locked out", SPBusy: "security provider busy",
	NoSession: "no session", Locked: "locked", InvalidParameter: "invalid parameter", InvalidState: "invalid state",
	Degraded: "security degraded", HardwareFailure: "hardware failure", MediaFailure: "media failure",
	NoPower: "no power", PowerLost: "power lost", EntropyFailure: "entropy failure", OutOfRange: "address out of range",
	KeyNotHeld: "key not held", NoSpace: "no space", Conflict: "conflict",
	SanitizeInProgress: "sanitize in progress", SanitizeFailed: "sanitize failed",
}

// Error is the name of the code in lower case.
func (c Code) Error() string {
	if int(c) < len(codeText) && codeText[c] != "" {
		return codeText[c]
	}
	return fmt.Sprintf("code %d", uint8(c))
}

// StatusError is a device status: an expected answer of the drive, no fault of
// the harness. It never holds a secret.
type StatusError struct {
	Op    string // the method, lower case: "authenticate", "migrate", "read"
	State State  // the lifecycle state when it was refused
	Code  Code
	Why   string // one clause: what was wrong and what would be right; may be empty
	Err   error  // the cause below, such as a flash error; may be nil
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("drive: %s: %s", e.Op, e.Code.Error())
	if e.Why != "" {
		s += ": " + e.Why
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Is makes errors.Is match on the code.
func (e *StatusError) Is(target error) bool {
	c, ok := target.(Code)
	return ok && c == e.Code
}

// Unwrap gives the cause below.
func (e *StatusError) Unwrap() error { return e.Err }

// sound refuses in SecurityDegraded.
func (d *Drive) sound(op string) error {
	if d.state() == SecurityDegraded {
		return d.refuse(op, Degraded, "restore or erase the drive first")
	}
	return nil
}

// named puts the name of the method and the state into a status from below, and makes any other
// error a HardwareFailure.
func (d *Drive) named(op string, err error) error {
	if e, ok := err.(*StatusError); ok {
		e.Op, e.State = op, d.state()
		return e
	}
	return &StatusError{Op: op, State: d.state(), Code: HardwareFailure, Err: err}
}

// refuse builds a device status; nothing has been changed.
func (d *Drive) refuse(op string, c Code, format string, args ...any) error {
	return &StatusError{Op: op, State: d.state(), Code: c, Why: fmt.Sprintf(format, args...)}
}

// ready refuses without power (NoPower), and without a record (Degraded).
func (d *Drive) ready(op string) error {
	if !d.powered {
		return &StatusError{Op: op, State: d.Status().State, Code: NoPower, Why: "the drive is off"}
	}
	if !d.trusted {
		return d.refuse(op, Degraded, "no security record can be trusted; a PSID revert makes the drive usable again, and gives its data up")
	}
	return nil
}

// fault turns what the flash answered into a device status. If power went, the
// drive is off afterwards.
func (d *Drive) fault(op string, err error) error {
	e := &StatusError{Op: op, State: d.state(), Code: HardwareFailure, Err: err}
	if errors.Is(err, flash.ErrPowerLost) {
		e.Code = PowerLost
		d.dropPower()
	}
	return e
}
