//go:build unix

package drive

import (
	"errors"
	"os"
	"syscall"
)

// lockFile keeps a second process out of a drive file; the lock ends with the
// process, however it ends.
func lockFile(f *os.File) error {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.New("another process has this drive open")
	}
	return nil
}
