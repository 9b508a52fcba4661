package nvmetcp

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/nvme"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
)

var (
	campaign     = flag.Int("commands", 6000, "commands of the hostile hosts of TestHostileHosts")
	campaignSeed = flag.Uint64("hostile-seed", 1, "what they draw from")
)

const (
	secretText = "behind the locks"
	lockedAt   = 100 // blocks 100 to 199
	lockedEnd  = 200
	hiddenAt   = 300 // blocks 300 to 399, locked for reading alone
	hiddenEnd  = 400
	allBlocks  = 1 << 12
)

// lockedDrive is an Enterprise drive with a secret in a range that is locked, and in one that is locked for reading
// alone. The key of that one stays in RAM: only the drive's word is between a host and the data.
func lockedDrive(t testing.TB, serial string) (*drive.Drive, *nvme.Subsystem) {
	t.Helper()
	d, _, err := drive.Manufacture(drive.Config{Serial: serial, SectorSize: 512, Sectors: allBlocks, Ranges: 2, PBKDF2Iterations: 1},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, serial)})
	require.NoError(t, err)
	msid, err := d.MSID()
	require.NoError(t, err)
	for n, at := range []uint64{lockedAt, hiddenAt} {
		a, err := d.Authenticate(drive.BandMaster(n+1), msid)
		require.NoError(t, err)
		require.NoError(t, a.SetRange(drive.RangeConfig{Start: at, Length: 100, ReadLockEnabled: true, WriteLockEnabled: true}))
		require.NoError(t, a.SetLocks(false, false))
		require.NoError(t, d.Write(at, secretBlocks(100)))
		require.NoError(t, a.SetLocks(true, at == lockedAt))
		a.Close()
	}
	tper, err := tcg.New(d, tcg.Options{Entropy: entropy.Stream(2, serial)})
	require.NoError(t, err)
	s, err := nvme.NewSubsystem(d, nvme.Options{Security: tper})
	require.NoError(t, err)
	return d, s
}

func secretBlocks(n int) []byte { return bytes.Repeat([]byte(secretText), n*512/len(secretText)) }

// lockedSectors are what lies on the medium where the range is locked.
func lockedSectors(d *drive.Drive) []byte {
	var all []byte
	dump := d.Dump()
	for lba := uint64(lockedAt); lba < lockedEnd; lba++ {
		b, _ := dump.Sector(lba)
		all = append(all, b...)
	}
	return all
}

// Hosts send whatever commands there are, with fields right and wrong, over several queues at a time; some send
// nonsense, half of something or a wrong digest, and some go away in the middle. Each command is answered, nobody reads
// or changes what is locked, and a host of another drive, and an orderly one of the same drive, go on.
func TestHostileHosts(t *testing.T) {
	const hosts = 4
	d, s := lockedDrive(t, "HOSTILE")
	_, other := lockedDrive(t, "OTHER")
	target, err := NewTarget([]*nvme.Subsystem{s, other})
	require.NoError(t, err)
	address := listen(t, target)
	before := lockedSectors(d)

	var hostile, orderly sync.WaitGroup
	over := make(chan struct{})
	for _, nqn := range []string{s.NQN(), other.NQN()} {
		orderly.Go(func() { goesOn(t, address, nqn, over) })
	}
	for n := range hosts {
		x := &hostileHost{t: t, address: address, subsystem: s.NQN(), n: n, left: *campaign / hosts, r: rand.New(rand.NewPCG(*campaignSeed, uint64(n)))}
		hostile.Go(x.run)
	}
	hostile.Add(1)
	go func() {
		defer hostile.Done()
		nuisance(t, address, s.NQN(), *campaign/500+4)
	}()
	hostile.Wait()
	close(over)
	orderly.Wait()
	require.Equal(t, before, lockedSectors(d), "what is locked is as it was")
}

// goesOn is a host that does nothing wrong, and gets the right answers all the time. It reads what is locked, which is
// denied, and writes the secret anew where writing is not: others may have written over it.
func goesOn(t *testing.T, address, nqn string, over chan struct{}) {
	h, err := Dial(address, HostOptions{Subsystem: nqn, NQN: "nqn.orderly", ID: [16]byte{9}, Queues: 2})
	if err != nil {
		t.Errorf("the orderly host: %v", err)
		return
	}
	defer h.Close()
	for i := 0; ; i++ {
		select {
		case <-over:
			return
		default:
		}
		if err := h.Read(i%2, lockedAt+uint64(i%100), make([]byte, 512)); err != nvme.AccessDenied|nvme.DNR {
			t.Errorf("the orderly host reads a locked block: %v", err)
			return
		}
		if err := h.Write(i%2, hiddenAt+uint64(i%100), secretBlocks(1)); err != nil {
			t.Errorf("the orderly host writes: %v", err)
			return
		}
		if err := h.Flush(i % 2); err != nil {
			t.Errorf("the orderly host flushes: %v", err)
			return
		}
	}
}

// hostileHost sends commands that it draws.
type hostileHost struct {
	t                  *testing.T
	address, subsystem string
	n, left            int
	r                  *rand.Rand
	h                  *Host
	flying             []sentCommand
}

type sentCommand struct {
	cmd   nvme.Command
	queue int // 0 is the admin queue
	call  *Call
}

func (x *hostileHost) run() {
	const window = 24 // fewer than the admin queue has places, for requests for events stay
	defer func() {
		if x.h != nil {
			x.h.Close()
		}
	}()
	for ; x.left > 0 && !x.t.Failed(); x.left-- {
		if x.h == nil {
			h, err := Dial(x.address, HostOptions{Subsystem: x.subsystem, NQN: fmt.Sprintf("nqn.host%d", x.n), ID: [16]byte{byte(x.n)}, Queues: 3, Digests: x.r.IntN(2) == 0})
			if err != nil {
				x.t.Errorf("host %d cannot connect: %v", x.n, err)
				return
			}
			x.h = h
		}
		x.send()
		if len(x.flying) >= window {
			x.judge()
		}
		if x.r.IntN(500) == 0 { // a host that is gone, with commands under way
			x.leave()
		}
	}
	x.leave()
}

func (x *hostileHost) leave() {
	if x.h == nil {
		return
	}
	if x.r.IntN(2) == 0 {
		for len(x.flying) > 0 {
			x.judge()
		}
	}
	if x.h != nil {
		x.h.Close()
	}
	x.h, x.flying = nil, nil
}

// send draws a command and begins it.
func (x *hostileHost) send() {
	queue := x.r.IntN(4)
	var cmd nvme.Command
	for dw := 10; dw < 16; dw++ {
		cmd.SetDW(dw, x.field())
	}
	cmd.SetDW(1, []uint32{1, 1, 1, 1, 1, 0, 2, 0xFFFFFFFF}[x.r.IntN(8)])
	var n int
	if queue == 0 {
		cmd[0], n = x.adminCommand(&cmd)
	} else {
		cmd[0], n = x.ioCommand(&cmd)
	}
	if x.r.IntN(100) == 0 {
		cmd[0], n = byte(x.r.Uint32()), int(x.field()%(64<<10))&^3
	}
	if x.r.IntN(50) == 0 {
		cmd[1] = byte(x.r.Uint32()) & 0x3F
	}
	q := x.h.AdminQueue
	if queue > 0 {
		q = x.h.Queues[queue-1]
	}
	var in, out []byte
	switch {
	case cmd.ToDrive() && n > 0:
		in = make([]byte, n)
		for at := 0; at < n && at < 512; at += 4 {
			binary.LittleEndian.PutUint32(in[at:], x.field())
		}
	case cmd.ToHost() && n > 0:
		out = make([]byte, n)
	}
	call := q.Start(&cmd, in, out)
	if queue == 0 && cmd.Opcode() == nvme.OpAsyncEvent {
		return // it is answered when there is an event
	}
	x.flying = append(x.flying, sentCommand{cmd, queue, call})
}

// field is a value that something may hang on, or any.
func (x *hostileHost) field() uint32 {
	edges := []uint32{0, 1, 2, 4, 7, 8, 98, 99, 100, 101, 150, 199, 200, 201, 299, 350, 399, allBlocks - 1, allBlocks, 0xFFFF, 0x10000, 1 << 22, 1<<22 + 1, 0x7FFFFFFF, 0xFFFFFFFF}
	switch x.r.IntN(8) {
	case 0:
		return x.r.Uint32()
	case 1:
		return 1 << x.r.IntN(32)
	}
	return edges[x.r.IntN(len(edges))]
}

// adminCommand gives the opcode and how long the data are. Its fields are right more often than not.
func (x *hostileHost) adminCommand(cmd *nvme.Command) (opcode byte, n int) {
	switch k := x.r.IntN(12); k {
	case 0:
		cmd.SetDW(10, uint32(x.r.IntN(0x20)))
		cmd.SetDW(11, 0)
		return nvme.OpIdentify, 4096
	case 1, 2:
		n = 4 << x.r.IntN(12)
		lid := []uint32{0, 1, 2, 3, 4, 5, 6, 0x0D, 0x12, 0x81, 0xC0}[x.r.IntN(11)]
		cmd.SetDW(10, uint32(n/4-1)<<16|uint32(x.r.IntN(4))<<8|lid)
		cmd.SetDW(11, 0)
		if x.r.IntN(2) == 0 {
			cmd.SetDW(12, uint32(x.r.IntN(1024))&^3)
			cmd.SetDW(13, 0)
		}
		return nvme.OpGetLog, n
	case 3, 4:
		op := []byte{nvme.OpSetFeatures, nvme.OpGetFeatures}[k-3]
		cmd.SetDW(10, uint32(x.r.IntN(0x20)))
		return op, []int{0, 8, 16, 512}[x.r.IntN(4)]
	case 5:
		return []byte{nvme.OpAbort, nvme.OpKeepAlive, nvme.OpAsyncEvent}[x.r.IntN(3)], 0
	case 6, 7:
		n = 512 << x.r.IntN(4)
		cmd.SetDW(10, uint32(x.r.IntN(3))<<24|[]uint32{0, 1, 0x7FE, 0x1000}[x.r.IntN(4)]<<8)
		cmd.SetDW(11, uint32(n))
		return []byte{nvme.OpSecuritySend, nvme.OpSecurityReceive}[k-6], n
	case 8:
		return nvme.OpFormat, 0
	case 9:
		return nvme.OpSanitize, 0
	case 10:
		cmd[4] = []byte{fctPropertyGet, fctPropertyGet, fctPropertySet, fctConnect, 8}[x.r.IntN(5)]
		cmd.SetDW(11, []uint32{0, 8, 0x14, 0x1C, 0x20, 0x28}[x.r.IntN(6)])
		if cmd[4] == fctConnect {
			return nvme.OpFabrics, connectSize
		}
		return nvme.OpFabrics, 0
	}
	return byte(x.r.IntN(256)), 0
}

// ioCommand is the same for an I/O queue.
func (x *hostileHost) ioCommand(cmd *nvme.Command) (opcode byte, n int) {
	blocks := 1 + x.r.IntN(4)
	if x.r.IntN(50) == 0 {
		blocks = 1 + x.r.IntN(512)
	}
	if x.r.IntN(4) > 0 { // somewhere about the locked ranges
		cmd.SetDW(10, uint32(80+x.r.IntN(140)+200*x.r.IntN(2)))
		cmd.SetDW(11, 0)
	}
	if x.r.IntN(8) > 0 {
		cmd.SetDW(12, uint32(blocks-1))
	}
	switch op := []byte{
		nvme.OpFlush, nvme.OpRead, nvme.OpRead, nvme.OpWrite, nvme.OpCompare, nvme.OpWriteZeroes, nvme.OpUncorrect, nvme.OpVerify, nvme.OpDatasetMgmt, nvme.OpCopy,
	}[x.r.IntN(10)]; op {
	case nvme.OpRead, nvme.OpWrite, nvme.OpCompare:
		return op, blocks * 512
	case nvme.OpDatasetMgmt:
		cmd.SetDW(10, uint32(x.r.IntN(4)))
		cmd.SetDW(11, 4)
		return op, 4096
	case nvme.OpCopy:
		ranges := 1 + x.r.IntN(3)
		cmd.SetDW(12, uint32(ranges-1))
		return op, ranges * 32
	default:
		return op, 0
	}
}

// judge waits for the oldest command that was sent, and looks at what came.
func (x *hostileHost) judge() {
	c := x.flying[0]
	x.flying = x.flying[1:]
	select {
	case <-c.call.Done:
	case <-time.After(time.Minute):
		x.t.Errorf("host %d, %d commands to go, -hostile-seed %d: no answer to % X", x.n, x.left, *campaignSeed, c.cmd)
		return
	}
	if bytes.Contains(c.call.out, []byte(secretText)) {
		x.t.Errorf("host %d, %d commands to go, -hostile-seed %d: what is locked came with % X", x.n, x.left, *campaignSeed, c.cmd)
	}
	status, ok := c.call.Err.(nvme.Status)
	if c.call.Err != nil && !ok { // the target hung up, as it may: on a reset, or a Connect too many
		x.h.Close()
		x.h, x.flying = nil, nil
		return
	}
	cmd := &c.cmd
	lba, n := uint64(cmd.DW(11))<<32|uint64(cmd.DW(10)), uint64(cmd.DW(12)&0xFFFF)+1
	if c.queue == 0 || cmd.Opcode() != nvme.OpRead || len(c.call.out) != int(n)*512 || cmd.NSID() != 1 || cmd[1]&3 != 0 || cmd.DW(12)>>29&1 != 0 ||
		lba >= allBlocks || n > allBlocks-lba {
		return
	}
	denied, is := lba < lockedEnd && lba+n > lockedAt || lba < hiddenEnd && lba+n > hiddenAt, status&^nvme.DNR
	if is != nvme.SequenceError && denied != (is == nvme.AccessDenied) { // the host may have disabled its controller
		x.t.Errorf("host %d, %d commands to go, -hostile-seed %d: %v for a read of %d blocks from %d", x.n, x.left, *campaignSeed, status, n, lba)
	}
}

// nuisance are hosts that do not speak the protocol: a half-open connection, half a PDU, nonsense, a wrong digest of
// either kind, data that nobody asked for, and one that does not read.
func nuisance(t *testing.T, address, nqn string, times int) {
	r := rand.New(rand.NewPCG(*campaignSeed, 99))
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	for i := range times {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Errorf("no connection for a nuisance: %v", err)
			return
		}
		var b bytes.Buffer
		w := bufio.NewWriter(&b)
		digests := framing{headerDigest: true, dataDigest: true}
		head := make([]byte, icSize)
		head[11] = 3
		_ = new(framing).write(w, pduICReq, 0, head, nil)
		cmd, data := connectCommand(nqn, nil)
		_ = digests.write(w, pduCapsuleCmd, 0, capsule(cmd, len(data), dataBlock), data)
		_ = digests.write(w, pduH2CData, flagLast, make([]byte, shortSize), make([]byte, 512))
		_ = w.Flush()
		all := b.Bytes()
		switch i % 5 {
		case 0:
			all = nil
		case 1:
			all = all[:r.IntN(len(all))]
		case 2:
			all[r.IntN(len(all))] ^= 1 << r.IntN(8)
		case 3:
			for n := range all {
				all[n] = byte(r.Uint32())
			}
		}
		_, _ = c.Write(all)
		if open = append(open, c); len(open) > 20 || r.IntN(3) == 0 {
			k := r.IntN(len(open))
			_ = open[k].Close()
			open = append(open[:k], open[k+1:]...)
		}
	}
}
