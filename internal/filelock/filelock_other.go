//go:build !unix

package filelock

import "os"

// Supported tells whether this system has locks, so that Take keeps others out.
const Supported = false

func lock(*os.File) error { return nil }
