package nvmetcp

import (
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/nvme"
)

// 64 drives in one process, and 256 connections, which are as many as there may be: each host writes and reads back
// over three queues; one connection more is hung up, until somebody leaves.
func TestManyDrivesAndConnections(t *testing.T) { // beside no other test: it counts the memory of the process
	const drives = 64
	var all []*nvme.Subsystem
	before := heap()
	for n := range drives {
		d, _, err := drive.Manufacture(drive.Config{Serial: fmt.Sprintf("MANY%d", n), SectorSize: 512, Sectors: 64, PBKDF2Iterations: 1},
			drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(uint64(n), "many")})
		require.NoError(t, err)
		s, err := nvme.NewSubsystem(d, nvme.Options{})
		require.NoError(t, err)
		all = append(all, s)
	}
	target, err := NewTarget(all)
	require.NoError(t, err)
	address := listen(t, target)
	hosts := make([]*Host, drives)
	var wg sync.WaitGroup
	for n := range hosts {
		wg.Go(func() {
			h, err := Dial(address, HostOptions{Subsystem: all[n].NQN(), Queues: 3})
			if err != nil {
				t.Errorf("drive %d: %v", n, err)
				return
			}
			hosts[n] = h
			for q := range 3 {
				b := make([]byte, 512)
				for i := range b {
					b[i] = byte(n + q + 1)
				}
				got := make([]byte, 512)
				if err := h.Write(q, uint64(q), b); err != nil {
					t.Errorf("drive %d writes: %v", n, err)
				}
				if err := h.Read(2-q, uint64(q), got); err != nil || string(got) != string(b) {
					t.Errorf("drive %d reads back: %v", n, err)
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	// A connection costs its host and the target their buffers, a drive at rest less than one of them.
	const buffers = readBuffer + writeBuffer + 2*hostBuffer
	require.Less(t, heap()-before, int64(256*(buffers+32<<10)), "the memory of 64 drives and 256 connections is bounded")
	_, err = Dial(address, HostOptions{Subsystem: all[0].NQN()})
	require.ErrorIs(t, err, ErrLost, "connection 257")
	hosts[0].Close()
	require.Eventually(t, func() bool {
		h, err := Dial(address, HostOptions{Subsystem: all[0].NQN()})
		if err == nil {
			h.Close()
		}
		return err == nil
	}, time.Minute, 10*time.Millisecond, "somebody left")
	for _, h := range hosts[1:] {
		h.Close()
	}
}

// heap is how much memory is in use; what pools keep is not.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A connection keeps the data of as many commands as its credit allows, however many a host begins.
func TestAHostThatNeverSendsItsData(t *testing.T) {
	target, s := newTarget(t)
	address := listen(t, target)
	x := begin(t, address, 0)
	st, _ := x.connect(s.NQN(), nil)
	require.Equal(t, nvme.Success, st)
	for cid := range uint16(100) {
		cmd := nvme.Command{nvme.OpSecuritySend}
		binary.LittleEndian.PutUint16(cmd[2:], cid)
		x.send(pduCapsuleCmd, 0, capsule(cmd, nvme.MaxTransfer, transportBlock), nil)
	}
	// A command that is answered at once is answered behind all R2Ts.
	x.send(pduCapsuleCmd, 0, capsule(nvme.Command{nvme.OpKeepAlive, 0, 0xFF}, 0, transportBlock), nil)
	asked := 0
	for {
		p := x.answer()
		if p.kind == pduCapsuleResp {
			break
		}
		require.Equal(t, byte(pduR2T), p.kind)
		asked += int(binary.LittleEndian.Uint32(p.head[16:]))
	}
	require.Equal(t, credit, asked)
}

// A host that does not read what it asks for holds nobody up, takes the memory of one command however many it sends, and
// its connection ends with the target.
func TestAHostThatDoesNotRead(t *testing.T) {
	target, s := newTarget(t)
	address := listen(t, target)
	h, err := Dial(address, HostOptions{Subsystem: s.NQN(), ID: [16]byte{3}})
	require.NoError(t, err)
	defer h.Close()
	x := begin(t, address, 0)
	require.NoError(t, x.conn.(*net.TCPConn).SetReadBuffer(4096))
	st, _ := x.connect(s.NQN(), func(cmd *nvme.Command, d []byte) {
		cmd.SetDW(10, 2<<16)
		d[0] = 3
		binary.LittleEndian.PutUint16(d[16:], h.ID())
		copy(d[512:768], "nqn.2026-01.fdelab:host\x00")
	})
	require.Equal(t, nvme.Success, st)
	before := heap()
	for cid := range uint16(100) {
		cmd := block(nvme.OpRead, 0, nvme.MaxTransfer/512)
		binary.LittleEndian.PutUint16(cmd[2:], cid)
		x.send(pduCapsuleCmd, 0, capsule(cmd, nvme.MaxTransfer, transportBlock), nil)
	}
	b := make([]byte, 512)
	for i := range uint64(100) {
		require.NoError(t, h.Write(0, i, b))
		require.NoError(t, h.Read(0, i, b))
	}
	require.Less(t, heap()-before, int64(2*nvme.MaxTransfer), "100 transfers are asked for, one is in memory")
}
