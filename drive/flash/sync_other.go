//go:build !linux

package flash

import "os"

func syncData(f *os.File) error { return f.Sync() }
