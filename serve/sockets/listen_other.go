//go:build !unix

package sockets

import "net"

func listen(path string) (net.Listener, error) { return net.Listen("unix", path) }
