package nvme_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/nvme"
)

// log reads n bytes of a log page, with what stands in its field LSP.
func (b *bench) log(id, specific uint8, n int) ([]byte, nvme.Result) {
	out := make([]byte, n)
	return out, b.admin(nvme.OpGetLog, 0xFFFFFFFF, nil, out, uint32(n/4-1)<<16|uint32(specific)<<8|uint32(id))
}

// The timestamp that a host has set goes on with the clock, until the controller is reset (NVMe Base 2.1, 5.1.25.1.9).
func TestTimestamp(t *testing.T) {
	b := newBench(t)
	read := func() (ms uint64, attributes byte) {
		out := make([]byte, 8)
		good(t, b.admin(nvme.OpGetFeatures, 0, nil, out, 0x0E))
		attributes = out[6]
		out[6] = 0
		return binary.LittleEndian.Uint64(out), attributes
	}
	b.now = 3 * time.Second
	ms, attributes := read()
	require.Equal(t, uint64(3000), ms, "since the controller is there")
	require.Equal(t, byte(0), attributes)
	good(t, b.admin(nvme.OpSetFeatures, 0, binary.LittleEndian.AppendUint64(nil, 1_700_000_000_000), nil, 0x0E))
	b.now += 1500 * time.Millisecond
	ms, attributes = read()
	require.Equal(t, uint64(1_700_000_001_500), ms)
	require.Equal(t, byte(2), attributes, "a host has set it")
	require.Equal(t, nvme.SGLLength|nvme.DNR, b.admin(nvme.OpSetFeatures, 0, make([]byte, 7), nil, 0x0E).Status)
	for _, cc := range []uint64{0x460000, 0x460001} {
		require.Equal(t, nvme.Success, b.c.SetProperty(nvme.PropertyCC, 4, cc))
	}
	ms, attributes = read()
	require.Equal(t, uint64(0), ms, "a reset begins anew")
	require.Equal(t, byte(0), attributes)
}

// The list of log pages names those that can be read, and no other; that of features likewise.
func TestListsOfLogPagesAndFeatures(t *testing.T) {
	b := newBench(t)
	pages, r := b.log(0, 0, 1024)
	good(t, r)
	features, r := b.log(0x12, 0, 1024)
	good(t, r)
	for id := range 256 {
		_, r := b.log(uint8(id), 1, 512)
		require.Equal(t, pages[4*id]&1 != 0, r.Status == nvme.Success, "log page %02Xh: %v", id, r.Status)
		r = b.admin(nvme.OpGetFeatures, 0, nil, make([]byte, 16), uint32(id), 1)
		if id == 0x04 {
			r = b.admin(nvme.OpGetFeatures, 0, nil, nil, uint32(id))
		}
		require.Equal(t, features[4*id]&1 != 0, r.Status == nvme.Success, "feature %02Xh: %v", id, r.Status)
	}
}

// pastEvents parses the persistent event log as a host does, which trusts the lengths in it: types, newest first, and
// their data.
func pastEvents(t *testing.T, log []byte) (kinds []byte, data [][]byte) {
	t.Helper()
	le := binary.LittleEndian
	require.Equal(t, byte(0x0D), log[0])
	at := 20 + int(le.Uint16(log[18:]))
	require.Equal(t, 512, at)
	for range le.Uint32(log[4:]) {
		e := log[at:]
		head, long := 3+int(e[2]), int(le.Uint16(e[22:]))
		require.NotZero(t, log[480+int(e[0]/8)]>>(e[0]%8)&1, "type %02Xh is among those that there are", e[0])
		kinds, data = append(kinds, e[0]), append(data, e[head:head+long])
		at += head + long
	}
	require.Equal(t, uint64(at), le.Uint64(log[8:]), "TLL")
	return kinds, data
}

// The persistent event log tells what was done to the drive, newest first, as it was when a host began to read it (NVMe
// Base 2.1, 5.1.12.1.14).
func TestPersistentEventLog(t *testing.T) {
	const read, establish, release, peek = 0, 1, 2, 3
	b := newBench(t)
	_, r := b.log(0x0D, read, 512)
	require.Equal(t, nvme.SequenceError|nvme.DNR, r.Status, "no context")
	good(t, b.admin(nvme.OpFormat, 1, nil, nil, 1<<9))
	good(t, b.admin(nvme.OpSetFeatures, 0, binary.LittleEndian.AppendUint64(nil, 5_000), nil, 0x0E))
	good(t, b.admin(nvme.OpSanitize, 0, nil, nil, 2))
	b.s.Work()
	b.s.Work()

	header, r := b.log(0x0D, peek, 512)
	good(t, r)
	require.Zero(t, header[376]&4, "there was no context")
	good(t, b.admin(nvme.OpFormat, 1, nil, nil, 0))
	log, r := b.log(0x0D, read, 1024)
	good(t, r)
	kinds, data := pastEvents(t, log)
	require.Equal(t, []byte{0x0A, 0x09, 0x03, 0x08, 0x07, 0x04}, kinds, "without the second Format, which came behind it")
	require.Equal(t, []byte{0xFF, 0xFF, 1, 1, 0, 0, 0, 0}, data[0], "the sanitize operation ended well")
	require.Equal(t, []byte{2, 0, 0, 0}, data[1][4:8], "CDW10 of Sanitize")
	require.Equal(t, []byte{0, 0}, data[3][8:10], "Format ended well")
	require.Equal(t, []byte{0, 2, 0, 0}, data[4][8:12], "CDW10 of Format")
	_, r = b.log(0x0D, establish, 512)
	require.Equal(t, nvme.SequenceError|nvme.DNR, r.Status, "there is a context")
	good(t, second(b.log(0x0D, release, 4)))
	log, r = b.log(0x0D, establish, 1024)
	good(t, r)
	kinds, _ = pastEvents(t, log)
	require.Equal(t, []byte{0x08, 0x07, 0x0A}, kinds[:3])
	require.Equal(t, uint16(2), binary.LittleEndian.Uint16(log[372:]), "generation")

	b.d.PowerOff()
	require.NoError(t, b.d.PowerOn())
	b.connect()
	log, r = b.log(0x0D, establish, 1024)
	good(t, r)
	kinds, _ = pastEvents(t, log)
	require.Equal(t, []byte{0x04, 0x08}, kinds[:2], "the drive has lost its power, and remembers")
	for range 300 {
		good(t, b.admin(nvme.OpFormat, 1, nil, nil, 0))
	}
	good(t, second(b.log(0x0D, release, 4)))
	log, r = b.log(0x0D, establish, 64<<10)
	good(t, r)
	kinds, _ = pastEvents(t, log)
	require.Len(t, kinds, 256, "the oldest are gone, and all fit into PELS")
}

func second(_ []byte, r nvme.Result) nvme.Result { return r }

// A sanitize operation that fails is told as one in the log of sanitize, by an event, and in the history; SANACT 1
// ends an unrestricted failure, and no restricted one (NVMe Base 2.1, 8.1.24.3).
func TestASanitizeOperationThatFails(t *testing.T) {
	for _, unrestricted := range []bool{true, false} {
		b := newBench(t)
		require.True(t, b.admin(nvme.OpAsyncEvent, 0, nil, nil).Pending)
		failing := uint32(2)
		state := byte(2)
		if unrestricted {
			failing, state = failing|1<<3, 4
		}
		b.broken.fail = true
		good(t, b.admin(nvme.OpSanitize, 0, nil, nil, failing))
		b.s.Work() // keys
		b.s.Work()
		require.Equal(t, uint32(0x810106), b.c.Events()[0].DW0, "it is over")
		log := b.sanitizeLog()
		require.Equal(t, byte(3), log[2]&7, "SOS: failed")
		require.Equal(t, state, log[36]&0xF, "SANS")
		require.Equal(t, state-1, log[36]>>4, "FAILS: where")
		require.Equal(t, nvme.SanitizeFailed|nvme.DNR, b.io(nvme.OpRead, nil, make([]byte, 512), 0).Status)
		b.broken.fail = false
		r := b.admin(nvme.OpSanitize, 0, nil, nil, 1)
		if !unrestricted {
			require.Equal(t, nvme.SanitizeFailed|nvme.DNR, r.Status, "exit failure mode")
			require.Equal(t, nvme.SanitizeFailed|nvme.DNR, b.admin(nvme.OpSanitize, 0, nil, nil, 4|1<<3).Status)
			good(t, b.admin(nvme.OpSanitize, 0, nil, nil, 4))
			b.s.Work()
			b.s.Work()
		} else {
			good(t, r)
			require.Equal(t, byte(3), b.sanitizeLog()[2]&7, "SOS: it did fail")
		}
		good(t, b.io(nvme.OpRead, nil, make([]byte, 512), 0))
		page, r := b.history()
		good(t, r)
		_, data := pastEvents(t, page)
		for data[0][2]&7 != 3 {
			data = data[1:]
		}
	}
}

func (b *bench) history() ([]byte, nvme.Result) { return b.log(0x0D, 1, 4096) }
