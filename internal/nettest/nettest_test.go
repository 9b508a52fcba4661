package nettest

import (
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAServerEndsWithItsTest(t *testing.T) {
	var addr string
	t.Run("served", func(t *testing.T) {
		addr = Serve(t, Loopback, func(c net.Conn) { _, _ = c.Write([]byte("no")) })
		for range 2 {
			c, err := net.Dial("tcp", addr)
			require.NoError(t, err)
			b, err := io.ReadAll(c)
			require.NoError(t, err)
			require.Equal(t, "no", string(b))
			require.NoError(t, c.Close())
		}
	})
	_, err := net.Dial("tcp", addr)
	require.Error(t, err, "nobody listens any more")
}

// recorder stands for a test that ends when end is called.
type recorder struct {
	testing.TB
	end func()
}

func (r *recorder) Helper() {}

func (r *recorder) Cleanup(f func()) { r.end = f }

// A server that says one word and hangs up.
func ExampleServe() {
	t := &recorder{}
	addr := Serve(t, Loopback, func(c net.Conn) { _, _ = c.Write([]byte("no")) })
	c, _ := net.Dial("tcp", addr)
	b, _ := io.ReadAll(c)
	fmt.Printf("%s\n", b)
	t.end()
	// Output: no
}
