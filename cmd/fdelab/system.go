package main

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/seed-9d983aeb/fdelab/internal/filelock"
)

// needsLocks marks a command, and those below it, that need a folder for themselves. Without locks
// two servers could write to one database. Windows, which has none, cannot sync a folder either, as
// a server does before it answers.
var needsLocks = map[string]string{"needs": "locks"}

// fileLocks is whether this system has file locks.
var fileLocks = filelock.Supported

// refuseSystem refuses a command that cannot keep its promises on this system.
func refuseSystem(c *cobra.Command) error {
	for p := c; p != nil; p = p.Parent() {
		if p.Annotations["needs"] == "locks" && !fileLocks {
			return cannotf("%sneeds file locks, which fdelab has not on %s: use Linux or macOS", prefix(c), runtime.GOOS)
		}
	}
	return nil
}
