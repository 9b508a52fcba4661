package filelock

import (
	"errors"
	"os"
)

// ErrHeld means that another process, or another open file of this one, has the lock.
var ErrHeld = errors.New("filelock: another process has it open")

// Take locks an open file, without waiting, until it is closed. The error is ErrHeld.
func Take(f *os.File) error { return lock(f) }
