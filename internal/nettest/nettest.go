package nettest

import (
	"net"
	"testing"
)

// Loopback is an address with a port that the system chooses.
const Loopback = "127.0.0.1:0"

// Serve listens on addr until the test ends, gives each connection to f, and closes it
// after that. It answers the address on which it listens.
func Serve(t testing.TB, addr string, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}
