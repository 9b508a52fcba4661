//go:build !linux

package drive

import (
	"errors"
	"io"
	"os"
)

// sparse: the system tells holes in a file from data.
const sparse = false

// nextData takes everything for data: the way to find holes differs by system.
func nextData(_ io.Seeker, at, end int64) (from, to int64) { return at, end }

// punch makes no hole: the way to do it differs by system.
func punch(*os.File, int64, int64) error { return errors.ErrUnsupported }
