package filelock

import (
	"errors"
	"os"
)

// ErrHeld means that another process, or another open file of this one, has the lock.
var ErrHeld = errors.New("filelock: another process has it open")

// Take locks an open file, without waiting, until it is closed. The error is ErrHeld
// where somebody else has the lock; any other means that no lock was to be had.
func Take(f *os.File) error { return lock(f) }
