//go:build unix

package filelock

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Supported tells whether this system has locks, so that Take keeps others out.
const Supported = true

// lock retries what a signal interrupted. A file system that has no locks says so:
// it must not pass for a file that another process has open.
func lock(f *os.File) error {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrHeld
		default:
			return fmt.Errorf("filelock: %s: %w", f.Name(), err)
		}
	}
}
