//go:build unix

package sockets

import (
	"net"
	"syscall"
)

// listen makes the socket with mode 0600 from the beginning.
func listen(path string) (net.Listener, error) {
	was := syscall.Umask(0o177)
	defer syscall.Umask(was)
	return net.Listen("unix", path)
}
