//go:build !unix

package adapters

import "os/exec"

func ownGroup(*exec.Cmd) {}

// killGroup kills the program alone: there are no groups.
func killGroup(c *exec.Cmd) { _ = c.Process.Kill() }
