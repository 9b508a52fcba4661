package device

import (
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

func openDisk(path string) (*Disk, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_DIRECT|unix.O_EXCL, 0)
	if err != nil {
		return nil, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		var sector int
		if sector, err = unix.IoctlGetInt(int(f.Fd()), unix.BLKSSZGET); err == nil && sector > 0 {
			return &Disk{f: f, sectorSize: sector, sectors: uint64(size) / uint64(sector)}, nil
		}
	}
	_ = f.Close()
	return nil, fmt.Errorf("%s: its size: %w", path, err)
}

// aligned is memory that a device may read or write by itself: it begins at a multiple of 4096.
func aligned(n int) []byte {
	b := make([]byte, n+4096)
	off := int(-uintptr(unsafe.Pointer(&b[0])) & 4095)
	return b[off : off+n]
}
