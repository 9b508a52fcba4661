package drive

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// sparse: the system tells holes in a file from data.
const sparse = true

// nextData finds the first stretch of data in [at, end) with lseek(2).
func nextData(f io.Seeker, at, end int64) (from, to int64) {
	const seekData, seekHole = 3, 4 // the numbers of Linux; others differ
	from, err := f.Seek(at, seekData)
	if errors.Is(err, syscall.ENXIO) { // nothing but a hole up to the end
		return end, end
	}
	if err != nil { // the file system does not know
		return at, end
	}
	if to, _ = f.Seek(from, seekHole); to <= from { // 0 beside an error
		to = end
	}
	return min(from, end), min(to, end)
}

// punch makes a hole of n bytes in a file with fallocate(2).
func punch(f *os.File, at, n int64) error {
	const keepSize, punchHole = 1, 2
	return syscall.Fallocate(int(f.Fd()), keepSize|punchHole, at, n)
}
