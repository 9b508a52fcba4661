package device

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
)

func TestADiskIsABlockDevice(t *testing.T) {
	for _, path := range []string{"disk_test.go", "/dev/null", "."} {
		_, err := OpenDisk(path)
		require.ErrorIs(t, err, ErrNoDevice, path)
	}
	_, err := OpenDisk("nowhere")
	require.ErrorContains(t, err, "nowhere")
}

// A command that goes beyond the end is none of the kernel's.
func TestADiskEnds(t *testing.T) {
	d := &Disk{sectorSize: 512, sectors: 8}
	for _, c := range []struct {
		lba uint64
		n   int
	}{{8, 512}, {7, 1024}, {1 << 63, 512}, {0, 511}} {
		require.ErrorIs(t, d.Read(c.lba, make([]byte, c.n)), drive.OutOfRange, "%+v", c)
		require.ErrorIs(t, d.Write(c.lba, make([]byte, c.n)), drive.OutOfRange, "%+v", c)
	}
}
