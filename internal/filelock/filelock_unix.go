//go:build unix

package filelock

import (
	"os"
	"syscall"
)

func lock(f *os.File) error {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return ErrHeld
	}
	return nil
}
