package nvmetcp_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/nvme"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/serve/nvmetcp"
)

// served is a drive behind a target.
type served struct {
	d       *drive.Drive
	label   drive.Label
	s       *nvme.Subsystem
	address string
}

func serve(t *testing.T, serial string) *served {
	t.Helper()
	cfg := drive.Config{Serial: serial, SectorSize: 512, Sectors: 1 << 14, Ranges: 4, PBKDF2Iterations: 1, Personality: drive.Opal, MBRSize: 1 << 16, DataStoreSize: 1 << 16}
	d, l, err := drive.Manufacture(cfg, drive.Parts{
		Flash: flash.NewMem(drive.Opal.FlashGeometry()), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, serial),
	})
	require.NoError(t, err)
	tper, err := tcg.New(d, tcg.Options{Entropy: entropy.Stream(2, serial)})
	require.NoError(t, err)
	s, err := nvme.NewSubsystem(d, nvme.Options{Security: tper})
	require.NoError(t, err)
	target, err := nvmetcp.NewTarget([]*nvme.Subsystem{s})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- target.Serve(listener) }()
	t.Cleanup(func() {
		require.NoError(t, target.Close())
		require.NoError(t, <-done)
	})
	return &served{d, l, s, listener.Addr().String()}
}

func (s *served) dial(t *testing.T, o nvmetcp.HostOptions) *nvmetcp.Host {
	t.Helper()
	if o.Subsystem == "" {
		o.Subsystem = s.s.NQN()
	}
	h, err := nvmetcp.Dial(s.address, o)
	require.NoError(t, err)
	t.Cleanup(h.Close)
	return h
}

// Data go both ways, in a capsule and by R2T, in one PDU and in several, with digests and without.
func TestAHostReadsWhatItWrote(t *testing.T) {
	t.Parallel()
	s := serve(t, "RW1")
	for _, digests := range []bool{false, true} {
		h := s.dial(t, nvmetcp.HostOptions{Digests: digests, Queues: 2})
		require.Equal(t, uint64(1<<14), h.Sectors())
		for _, n := range []int{512, 8192, 8704, 1 << 20} {
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(i*7 + n>>9)
			}
			require.NoError(t, h.Write(0, 17, b))
			got := make([]byte, n)
			require.NoError(t, h.Read(1, 17, got))
			require.True(t, bytes.Equal(b, got), "%d bytes come back", n)
		}
		require.NoError(t, h.Flush(0))
		require.NoError(t, h.Shutdown())
	}
}

// A loss of power ends the connections; the host connects again once there is power.
func TestALossOfPowerEndsTheAssociation(t *testing.T) {
	t.Parallel()
	s := serve(t, "PW1")
	h := s.dial(t, nvmetcp.HostOptions{})
	require.NoError(t, h.Write(0, 0, make([]byte, 512)))
	s.d.PowerOff()
	for _, q := range append(h.Queues, h.AdminQueue) {
		select {
		case <-q.Lost():
		case <-time.After(time.Minute):
			require.Fail(t, "a connection outlives the power")
		}
	}
	_, err := nvmetcp.Dial(s.address, nvmetcp.HostOptions{Subsystem: s.s.NQN()})
	require.ErrorIs(t, err, nvmetcp.ErrLost, "a drive without power answers nothing")
	require.NoError(t, s.d.PowerOn())
	h = s.dial(t, nvmetcp.HostOptions{})
	require.NoError(t, h.Read(0, 0, make([]byte, 512)))
}

// The discovery log names the subsystem and the address that the host came in on.
func TestDiscoveryNamesTheSubsystems(t *testing.T) {
	t.Parallel()
	s := serve(t, "DISC")
	h := s.dial(t, nvmetcp.HostOptions{Subsystem: nvmetcp.DiscoveryNQN})
	b, err := h.Log(0x70, 2048)
	require.NoError(t, err)
	require.Equal(t, uint64(1), binary.LittleEndian.Uint64(b[8:]), "one entry")
	e := b[1024:]
	require.Equal(t, []byte{3, 1, 2}, e[:3])
	require.Equal(t, s.s.NQN(), string(bytes.TrimRight(e[256:512], "\x00")))
	host, port, _ := net.SplitHostPort(s.address)
	require.Equal(t, port, string(bytes.TrimSpace(e[32:64])))
	require.Equal(t, host, string(bytes.TrimSpace(e[512:768])))
	require.NoError(t, h.Shutdown())
}
