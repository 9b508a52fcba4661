package device

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// Disk is the sectors of a drive of this machine, past the page cache: what is read comes from the drive.
type Disk struct {
	f          *os.File
	sectorSize int
	sectors    uint64
}

// OpenDisk opens a block device, such as /dev/nvme0n1 or /dev/sda, for reading and writing. The error wraps
// ErrNoDevice where the path is something else.
func OpenDisk(path string) (*Disk, error) {
	i, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if i.Mode()&fs.ModeDevice == 0 || i.Mode()&fs.ModeCharDevice != 0 {
		return nil, fmt.Errorf("%s: no block device: %w", path, ErrNoDevice)
	}
	return openDisk(path)
}

// Close closes the device.
func (d *Disk) Close() error { return d.f.Close() }

// SectorSize in bytes, and the capacity in sectors.
func (d *Disk) SectorSize() int { return d.sectorSize }

// Sectors is described at SectorSize.
func (d *Disk) Sectors() uint64 { return d.sectors }

// Read fills dst with whole sectors from lba on. Errors wrap a drive.Code: drive.OutOfRange; drive.Locked for
// whatever else the kernel gives, which has one error for a locked range and for a medium that fails.
func (d *Disk) Read(lba uint64, dst []byte) error {
	return d.move("read", lba, len(dst), func(b []byte) (int, error) {
		n, err := d.f.ReadAt(b, int64(lba)*int64(d.sectorSize))
		copy(dst, b)
		return n, err
	})
}

// Write is Read the other way.
func (d *Disk) Write(lba uint64, src []byte) error {
	return d.move("write", lba, len(src), func(b []byte) (int, error) {
		copy(b, src)
		return d.f.WriteAt(b, int64(lba)*int64(d.sectorSize))
	})
}

// Flush has what was written survive a loss of power.
func (d *Disk) Flush() error { return d.f.Sync() }

func (d *Disk) move(what string, lba uint64, n int, do func([]byte) (int, error)) error {
	count := uint64(n / d.sectorSize)
	if n%d.sectorSize != 0 || lba >= d.sectors || count > d.sectors-lba {
		return fmt.Errorf("device: %s of %d bytes at sector %d of %d: %w", what, n, lba, d.sectors, drive.OutOfRange)
	}
	if _, err := do(aligned(n)); err != nil {
		if errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.ENXIO) {
			return fmt.Errorf("device: %s: %w: %w", what, drive.NoPower, err)
		}
		return fmt.Errorf("device: %s: %w: %w", what, drive.Locked, err)
	}
	return nil
}
