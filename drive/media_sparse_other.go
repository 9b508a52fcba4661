//go:build !linux

package drive

import "os"

// nextData takes everything for data: the way to find holes differs by system.
func nextData(_ *os.File, at, end int64) (from, to int64) { return at, end }
