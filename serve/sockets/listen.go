package sockets

import (
	"errors"
	"fmt"
	"net"
	"os"
)

// Listen makes a Unix socket that only its owner can open. One that a server left behind which was
// killed is replaced; one at which somebody listens is an error, as is any other file there.
func Listen(path string) (net.Listener, error) {
	if i, err := os.Lstat(path); err == nil {
		if i.Mode().Type() != os.ModeSocket {
			return nil, fmt.Errorf("%s is there, and no socket", path)
		}
		c, err := net.Dial("unix", path)
		if err == nil {
			return nil, errors.Join(fmt.Errorf("%s: another server listens there", path), c.Close())
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	return listen(path)
}
