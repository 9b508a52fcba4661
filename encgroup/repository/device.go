package repository

import (
	"errors"
	"fmt"
)

// What a device answers.
var (
	ErrReadFailed  = errors.New("repository: the page cannot be read")
	ErrWriteFailed = errors.New("repository: the page cannot be written")
	ErrPowerLost   = errors.New("repository: the facility lost power")
)

// Device is the medium of one copy. Pages are 4,096 bytes; a page never written reads as zeros.
type Device interface {
	// Pages is how many pages the device has.
	Pages() int
	// ReadPage fills dst, 4,096 bytes.
	ReadPage(n int, dst []byte) error
	// WritePage replaces a page. If power is lost in the middle, the page may hold anything.
	WritePage(n int, src []byte) error
}

// MemDevice is a Device in memory.
type MemDevice struct{ pages [][]byte }

// NewMemDevice is a blank one of n pages.
func NewMemDevice(n int) *MemDevice { return &MemDevice{pages: make([][]byte, n)} }

// Pages implements Device.
func (d *MemDevice) Pages() int { return len(d.pages) }

// ReadPage implements Device.
func (d *MemDevice) ReadPage(n int, dst []byte) error {
	if err := d.check(n, dst); err != nil {
		return err
	}
	clear(dst)
	copy(dst, d.pages[n])
	return nil
}

// WritePage implements Device.
func (d *MemDevice) WritePage(n int, src []byte) error {
	if err := d.check(n, src); err != nil {
		return err
	}
	if d.pages[n] == nil {
		d.pages[n] = make([]byte, PageSize)
	}
	copy(d.pages[n], src)
	return nil
}

func (d *MemDevice) check(n int, p []byte) error {
	if n < 0 || n >= len(d.pages) || len(p) != PageSize {
		return fmt.Errorf("repository: page %d with %d bytes, need 0 to %d with %d", n, len(p), len(d.pages)-1, PageSize)
	}
	return nil
}
