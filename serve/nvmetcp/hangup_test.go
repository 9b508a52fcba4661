package nvmetcp_test

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/nvme"
	"github.com/seed-9d983aeb/fdelab/serve/nvmetcp"
)

// wire is between a host and a target, and tells how the target ended its connections.
type wire struct {
	l    net.Listener
	wg   sync.WaitGroup
	mu   sync.Mutex
	ends []error
}

func newWire(t *testing.T, target string) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{l: l}
	w.wg.Go(func() {
		for {
			host, err := l.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("tcp", target)
			if err != nil {
				_ = host.Close()
				continue
			}
			w.wg.Go(func() { // from the host, until that hangs up
				_, _ = io.Copy(there, host)
				_ = there.Close()
			})
			w.wg.Go(func() { // to the host, until the target hangs up
				_, err := io.Copy(host, there)
				w.end(err)
				_ = host.(*net.TCPConn).CloseWrite()
			})
		}
	})
	return w
}

func (w *wire) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends = append(w.ends, err)
}

// A loss of power in the middle of many writes is an orderly end of each connection, not a reset: with a reset Linux
// sends what it has still to send to the dead connection again and again, and gives it up.
func TestALossOfPowerIsNoReset(t *testing.T) {
	t.Parallel()
	s := serve(t, "PW2")
	w := newWire(t, s.address)
	h, err := nvmetcp.Dial(w.l.Addr().String(), nvmetcp.HostOptions{Subsystem: s.s.NQN(), Queues: 2})
	require.NoError(t, err)
	var calls []*nvmetcp.Call
	for i := range 64 {
		var cmd nvme.Command
		cmd[0], cmd[4] = nvme.OpWrite, 1
		cmd[48] = 255 // 256 sectors
		calls = append(calls, h.Queues[i%2].Start(&cmd, make([]byte, 256*512), nil))
	}
	s.d.PowerOff()
	lost := 0
	for _, c := range calls {
		<-c.Done
		if c.Err != nil {
			require.ErrorIs(t, c.Err, nvmetcp.ErrLost)
			lost++
		}
	}
	require.NotZero(t, lost, "the power went too late for this test")
	for _, q := range append(h.Queues, h.AdminQueue) {
		<-q.Lost()
	}
	h.Close()
	require.NoError(t, w.l.Close())
	w.wg.Wait()
	require.Len(t, w.ends, 3, "connections")
	require.NoError(t, errors.Join(w.ends...))
}
