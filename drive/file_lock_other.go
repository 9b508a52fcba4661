//go:build !unix

package drive

import "os"

// lockFile does nothing where there is no advisory lock: keeping to one process
// at a time is then up to the user.
func lockFile(*os.File) error { return nil }
