//go:build unix

package adapters

import (
	"os/exec"
	"syscall"
)

// ownGroup gives the program a group of its own, so that whoever it starts ends with it.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills the program and whoever it has started.
func killGroup(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
