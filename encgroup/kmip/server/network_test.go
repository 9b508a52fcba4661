package server_test

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// network is all that two servers say to one another: two relays, one to each server. It counts the
// TLS records that go to each, and can lose all to one of them from some record on.
type network struct {
	mu    sync.Mutex
	conns map[net.Conn]bool
	count [2]int // records to each server
	left  [2]int // so many more records get through; negative: all do
	lost  [2]bool
	over  bool // no connection is carried any more
	ends  bool // with the first record that is lost the connection ends; else there is silence
	addr  [2]string
}

func newNetwork(t testing.TB, servers [2]string) *network {
	n := &network{conns: map[net.Conn]bool{}, left: [2]int{-1, -1}}
	var wg sync.WaitGroup
	for to := range servers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		n.addr[to] = l.Addr().String()
		wg.Go(func() {
			for {
				in, err := l.Accept()
				if err != nil {
					return
				}
				out, err := net.Dial("tcp", servers[to])
				if err != nil {
					_ = in.Close()
					continue
				}
				n.mu.Lock()
				over := n.over
				n.conns[in], n.conns[out] = true, true
				n.mu.Unlock()
				if over { // it was accepted just before the end
					_, _ = in.Close(), out.Close()
					return
				}
				wg.Go(func() { n.carry(in, out, to) })
				wg.Go(func() { n.carry(out, in, 1-to) })
			}
		})
		defer t.Cleanup(func() { _ = l.Close() }) // before the next
	}
	t.Cleanup(func() {
		n.mu.Lock()
		n.over = true
		n.mu.Unlock()
		n.end()
		wg.Wait()
	})
	return n
}

// carry brings records to a server until the connection ends.
func (n *network) carry(from, to net.Conn, server int) {
	defer func() { _, _ = from.Close(), to.Close() }()
	for {
		b := make([]byte, 5)
		if _, err := io.ReadFull(from, b); err != nil {
			return
		}
		b = append(b, make([]byte, int(b[3])<<8+int(b[4]))...)
		if _, err := io.ReadFull(from, b[5:]); err != nil {
			return
		}
		n.mu.Lock()
		n.count[server]++
		lost := n.left[server] == 0
		if n.left[server] > 0 {
			n.left[server]--
		}
		first := lost && !n.lost[server]
		n.lost[server] = n.lost[server] || lost
		ends := n.ends
		n.mu.Unlock()
		if first && ends {
			return
		}
		if !lost {
			if _, err := to.Write(b); err != nil {
				return
			}
		}
	}
}

// cut loses what goes to a server from a record on, that with number k from now.
func (n *network) cut(server, k int, ends bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.left, n.lost, n.ends = [2]int{-1, -1}, [2]bool{}, ends
	n.left[server] = k
}

// heal ends a cut. happened says whether anything was lost.
func (n *network) heal() (happened bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.left = [2]int{-1, -1}
	return n.lost[0] || n.lost[1]
}

// end ends all connections.
func (n *network) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		_ = c.Close()
	}
	clear(n.conns)
}
