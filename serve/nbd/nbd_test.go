package nbd

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

const (
	sectorSize = 512
	sectors    = 1 << 13
	lockedFrom = 4096 // bytes: sectors 8 to 15
	lockedTo   = 8192
	secret     = "behind the locks"
)

// syncs counts what is synced.
type syncs struct {
	*drive.MemMedia
	n int
}

func (s *syncs) Sync() error { s.n++; return nil }

// newDrive makes a drive whose range 1 can be locked.
func newDrive(t testing.TB, serial string) (*drive.Drive, *syncs) {
	t.Helper()
	m := &syncs{MemMedia: drive.NewMemMedia(sectorSize)}
	d, _, err := drive.Manufacture(drive.Config{Serial: serial, SectorSize: sectorSize, Sectors: sectors, Ranges: 1, PBKDF2Iterations: 1},
		drive.Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: m, Entropy: entropy.Stream(1, serial)})
	require.NoError(t, err)
	return d, m
}

// lock writes the secret into range 1 and locks it; its key stays in RAM.
func lock(t testing.TB, d *drive.Drive, read, write bool) {
	t.Helper()
	require.NoError(t, d.Write(lockedFrom/sectorSize, bytes.Repeat([]byte(secret), (lockedTo-lockedFrom)/2/len(secret))))
	msid, err := d.MSID()
	require.NoError(t, err)
	s, err := d.Authenticate(drive.BandMaster(1), msid)
	require.NoError(t, err)
	require.NoError(t, s.SetRange(drive.RangeConfig{Start: lockedFrom / sectorSize, Length: (lockedTo - lockedFrom) / sectorSize, ReadLockEnabled: true, WriteLockEnabled: true}))
	require.NoError(t, s.SetLocks(false, false))
	require.NoError(t, d.Write(lockedFrom/sectorSize, bytes.Repeat([]byte(secret), (lockedTo-lockedFrom)/2/len(secret))))
	require.NoError(t, s.SetLocks(read, write))
	s.Close()
}

// serving serves drives until the test ends.
func serving(t testing.TB, drives ...*drive.Drive) string {
	t.Helper()
	var exports []Export
	for _, d := range drives {
		exports = append(exports, Export{d.Config().Serial, d})
	}
	s, err := NewServer(exports)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.NoError(t, <-done)
	})
	return l.Addr().String()
}

func dial(t testing.TB, address, name string) *Client {
	t.Helper()
	c, err := Dial("tcp", address, name)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// What is written is read, what was not is a hole, and each command does what it says.
func TestCommands(t *testing.T) {
	d, m := newDrive(t, "A")
	c := dial(t, serving(t, d), "A")
	require.Equal(t, uint64(sectors*sectorSize), c.Size())
	const large = 3 * pieceSize // several pieces, and more than one buffer
	data := bytes.Repeat([]byte{1, 2, 3, 4}, large/4)
	require.NoError(t, c.Write(data, 512))
	got := bytes.Repeat([]byte{9}, large+1024)
	require.NoError(t, c.Read(got, 0))
	require.Equal(t, append(append(make([]byte, 512), data...), make([]byte, 512)...), got)
	status := func(want ...Extent) {
		t.Helper()
		is, err := c.BlockStatus(0, sectors*sectorSize)
		require.NoError(t, err)
		require.Equal(t, want, is)
	}
	const all = sectors * sectorSize
	status(Extent{512, true}, Extent{large, false}, Extent{all - large - 512, true})
	require.NoError(t, c.Trim(512, large-512))
	status(Extent{large, true}, Extent{512, false}, Extent{all - large - 512, true})
	require.NoError(t, c.WriteZeroes(0, 1024, false))
	status(Extent{1024, false}, Extent{large - 1024, true}, Extent{512, false}, Extent{all - large - 512, true})
	require.NoError(t, c.WriteZeroes(0, all, true))
	status(Extent{all, true})
	require.NoError(t, c.Read(got, 0))
	require.Equal(t, make([]byte, large+1024), got)

	was := m.n
	require.NoError(t, c.Write(data[:512], 0))
	require.Equal(t, was, m.n)
	require.NoError(t, c.Flush())
	require.Equal(t, was+1, m.n, "flush syncs the medium")
	for _, x := range []*Call{
		c.start(cmdWrite, flagFUA, 0, 512, data[:512], nil), c.start(cmdTrim, flagFUA, 0, 512, nil, nil), c.start(cmdWriteZeroes, flagFUA, 0, 512, nil, nil),
	} {
		require.NoError(t, x.wait())
	}
	require.Equal(t, was+4, m.n, "so does FUA")
}

// What a command may not be: the error, and the connection goes on.
func TestRefusals(t *testing.T) {
	d, _ := newDrive(t, "A")
	c := dial(t, serving(t, d), "")
	const all = sectors * sectorSize
	b := make([]byte, 1024)
	for _, x := range []struct {
		what string
		call *Call
		want Errno
	}{
		{"half a sector", c.start(cmdRead, 0, 0, 256, nil, b), EINVAL},
		{"between sectors", c.start(cmdWrite, 0, 1, 512, b[:512], nil), EINVAL},
		{"nothing", c.start(cmdRead, 0, 0, 0, nil, b), EINVAL},
		{"read beyond the end", c.start(cmdRead, 0, all-512, 1024, nil, b), EINVAL},
		{"read at 2^63", c.start(cmdRead, 0, 1<<63, 512, nil, b), EINVAL},
		{"write beyond the end", c.start(cmdWrite, 0, all, 512, b[:512], nil), ENOSPC},
		{"trim beyond the end", c.start(cmdTrim, 0, all, 512, nil, nil), EINVAL},
		{"zeroes beyond the end", c.start(cmdWriteZeroes, 0, all-512, 1024, nil, nil), ENOSPC},
		{"status beyond the end", c.start(cmdBlockStatus, 0, all, 512, nil, nil), EINVAL},
		{"too much", c.start(cmdRead, 0, 0, maxTransfer+512, nil, b), EOVERFLOW},
		{"unknown command", c.start(99, 0, 0, 512, nil, nil), EINVAL},
		{"unknown flag", c.start(cmdWrite, 1<<7, 0, 512, b[:512], nil), EINVAL},
		{"flush of a place", c.start(cmdFlush, 0, 512, 0, nil, nil), EINVAL},
	} {
		require.Equal(t, x.want, x.call.wait(), x.what)
	}
	require.NoError(t, c.Write(b, 0), "the connection goes on")
	require.Error(t, c.start(cmdWrite, 0, 0, maxTransfer+512, nil, nil).wait(), "but not behind a write that is too long")
}

// A command that touches a locked sector is EPERM and changes nothing, and what is there is data for everybody.
func TestLockedRanges(t *testing.T) {
	d, _ := newDrive(t, "A")
	lock(t, d, true, true)
	c := dial(t, serving(t, d), "A")
	before := bytes.Repeat([]byte{7}, 512)
	require.NoError(t, c.Write(before, lockedFrom-512))
	dump := d.Dump()
	for what, call := range map[string]*Call{
		"read":          c.start(cmdRead, 0, lockedFrom-512, 1024, nil, make([]byte, 1024)),
		"read in one":   c.start(cmdRead, flagDontFragm, lockedTo-512, 1024, nil, make([]byte, 1024)),
		"write":         c.start(cmdWrite, 0, lockedFrom-512, 1024, make([]byte, 1024), nil),
		"trim":          c.start(cmdTrim, 0, 0, lockedTo, nil, nil),
		"zeroes":        c.start(cmdWriteZeroes, 0, lockedTo-512, 1024, nil, nil),
		"other zeroes":  c.start(cmdWriteZeroes, flagNoHole, lockedTo-512, 1024, nil, nil),
		"write of many": c.start(cmdWrite, 0, 0, 4*pieceSize, make([]byte, 4*pieceSize), nil),
	} {
		require.Equal(t, EPERM, call.wait(), what)
	}
	is, err := c.BlockStatus(0, 3*lockedFrom)
	require.NoError(t, err)
	require.Equal(t, []Extent{{lockedFrom - 512, true}, {512 + lockedTo - lockedFrom, false}, {lockedFrom, true}}, is,
		"half of the locked range was never written, and nobody learns which")
	now := d.Dump()
	require.Equal(t, dump.Written, now.Written)
	for _, lba := range dump.Written {
		was, _ := dump.Sector(lba)
		is, _ := now.Sector(lba)
		require.Equal(t, was, is, "sector %d", lba)
	}
}

// A range that is locked for writing alone can be read.
func TestARangeLockedForWriting(t *testing.T) {
	d, _ := newDrive(t, "A")
	lock(t, d, false, true)
	c := dial(t, serving(t, d), "A")
	got := make([]byte, len(secret))
	b := make([]byte, 512)
	require.NoError(t, c.Read(b, lockedFrom))
	copy(got, b)
	require.Equal(t, secret, string(got))
	require.Equal(t, EPERM, c.Write(b, lockedFrom))
	is, err := c.BlockStatus(lockedFrom, lockedTo-lockedFrom)
	require.NoError(t, err)
	require.Equal(t, []Extent{{2048, false}, {2048, true}}, is)
}

// Several drives, several clients of one, and a drive that loses its power: only who has it is hung up.
func TestSeveralDrives(t *testing.T) {
	a, _ := newDrive(t, "A")
	b, _ := newDrive(t, "B")
	address := serving(t, a, b)
	one, two, other := dial(t, address, "A"), dial(t, address, "A"), dial(t, address, "B")
	var wg sync.WaitGroup
	for i, c := range []*Client{one, two} {
		wg.Go(func() {
			for n := range 50 {
				if err := c.Write(bytes.Repeat([]byte{byte(n)}, 4096), uint64(i)*4096); err != nil {
					t.Errorf("write: %v", err)
				}
			}
		})
	}
	wg.Wait()
	got := make([]byte, 4096)
	require.NoError(t, two.Read(got, 0))
	require.Equal(t, bytes.Repeat([]byte{49}, 4096), got, "one client sees what another wrote")
	require.NoError(t, other.Read(got, 0))
	require.Equal(t, make([]byte, 4096), got, "the other drive has nothing of it")

	a.PowerOff()
	require.ErrorIs(t, one.Flush(), ErrLost)
	_, err := Dial("tcp", address, "A")
	require.ErrorIs(t, err, ErrNoExport, "it has no power")
	require.NoError(t, other.Flush())
	require.NoError(t, a.PowerOn())
	require.ErrorIs(t, two.Flush(), ErrLost, "it lost its power meanwhile")
	require.NoError(t, dial(t, address, "A").Flush())
	_, err = Dial("tcp", address, "C")
	require.ErrorIs(t, err, ErrNoExport)
	_, err = NewServer([]Export{{"A", a}, {"A", b}})
	require.ErrorContains(t, err, "two drives are called A")
	_, err = NewServer(nil)
	require.Error(t, err)
}

// While a sanitize operation runs no data move.
func TestSanitize(t *testing.T) {
	d, _ := newDrive(t, "A")
	require.NoError(t, d.Sanitize(drive.SanitizeOrder{Action: drive.BlockErase}))
	c := dial(t, serving(t, d), "A")
	require.Equal(t, EIO, c.Read(make([]byte, 512), 0))
	_, err := c.BlockStatus(0, 512)
	require.Equal(t, EIO, err)
	for more := true; more; {
		more, err = d.SanitizeStep(sectors)
		require.NoError(t, err)
	}
	require.NoError(t, c.Read(make([]byte, 512), 0))
}

// raw is a client that sends bytes of its own choice.
type raw struct {
	t    *testing.T
	conn net.Conn
}

// begin connects and sends the flags of the client.
func begin(t *testing.T, address string, flags uint32) *raw {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	x := &raw{t, c}
	require.Equal(t, append([]byte("NBDMAGICIHAVEOPT"), 0, 3), x.read(18))
	x.send(binary.BigEndian.AppendUint32(nil, flags))
	return x
}

func (x *raw) send(b []byte) {
	x.t.Helper()
	_, err := x.conn.Write(b)
	require.NoError(x.t, err)
}

func (x *raw) read(n int) []byte {
	x.t.Helper()
	b := make([]byte, n)
	_, err := io.ReadFull(x.conn, b)
	require.NoError(x.t, err)
	return b
}

// ended wants that the server hangs up and sends nothing more.
func (x *raw) ended(why string) {
	x.t.Helper()
	b, _ := io.ReadAll(x.conn) // a reset is an end as well
	require.Empty(x.t, b, why)
}

func optionBytes(option uint32, data []byte) []byte {
	be := binary.BigEndian
	b := be.AppendUint64(nil, magicOption)
	b = be.AppendUint32(b, option)
	return append(be.AppendUint32(b, uint32(len(data))), data...)
}

// option sends one, and gives the first answer.
func (x *raw) option(option uint32, data []byte) (kind uint32, body []byte) {
	x.t.Helper()
	x.send(optionBytes(option, data))
	return x.reply(option)
}

func (x *raw) reply(option uint32) (kind uint32, body []byte) {
	x.t.Helper()
	be, h := binary.BigEndian, x.read(20)
	require.Equal(x.t, uint64(magicReply), be.Uint64(h))
	require.Equal(x.t, option, be.Uint32(h[8:]))
	return be.Uint32(h[12:]), x.read(int(be.Uint32(h[16:])))
}

func requestBytes(kind, flags uint16, offset uint64, n uint32) []byte {
	be := binary.BigEndian
	b := be.AppendUint32(nil, magicRequest)
	b = be.AppendUint16(b, flags)
	b = be.AppendUint16(b, kind)
	b = be.AppendUint64(b, 0x1122334455667788)
	b = be.AppendUint64(b, offset)
	return be.AppendUint32(b, n)
}

// The handshake, byte by byte: what a server answers to each option, and where it hangs up (doc/proto.md).
func TestHandshake(t *testing.T) {
	a, _ := newDrive(t, "A")
	b, _ := newDrive(t, "B")
	address := serving(t, a, b)
	x := begin(t, address, 3)
	kind, _ := x.option(77, []byte("what"))
	require.Equal(t, uint32(errUnsup), kind, "an option that there is not")
	kind, _ = x.option(5, nil)
	require.Equal(t, uint32(errUnsup), kind, "TLS")
	kind, _ = x.option(optList, []byte{1})
	require.Equal(t, uint32(errInvalid), kind)
	kind, body := x.option(optList, nil)
	require.Equal(t, uint32(repServer), kind)
	require.Equal(t, []byte{0, 0, 0, 1, 'A'}, body)
	_, body = x.reply(optList)
	require.Equal(t, []byte{0, 0, 0, 1, 'B'}, body)
	kind, _ = x.reply(optList)
	require.Equal(t, uint32(repAck), kind)
	kind, _ = x.option(optGo, []byte{0, 0, 0, 1, 'C', 0, 0})
	require.Equal(t, uint32(errUnknown), kind)
	for _, bad := range [][]byte{{}, {0, 0, 0, 9, 'A', 0, 0}, {0, 0, 0, 1, 'A'}, {0, 0, 0, 1, 'A', 0, 1}, {0xFF, 0xFF, 0xFF, 0xFF, 0, 0}} {
		kind, _ = x.option(optInfo, bad)
		require.Equal(t, uint32(errInvalid), kind, "%v", bad)
	}
	kind, _ = x.option(optSetContext, []byte{0, 0, 0, 1, 'A', 0, 0, 0, 0})
	require.Equal(t, uint32(errInvalid), kind, "no contexts without structured replies")
	kind, _ = x.option(optStructured, nil)
	require.Equal(t, uint32(repAck), kind)
	kind, _ = x.option(optSetContext, []byte{0, 0, 0, 1, 'A', 0xFF, 0xFF, 0xFF, 0xFF})
	require.Equal(t, uint32(errInvalid), kind, "more queries than there are")
	kind, body = x.option(optListContext, []byte{0, 0, 0, 1, 'A', 0, 0, 0, 0})
	require.Equal(t, uint32(repContext), kind)
	require.Equal(t, "\x00\x00\x00\x01base:allocation", string(body))
	kind, _ = x.reply(optListContext)
	require.Equal(t, uint32(repAck), kind)
	kind, _ = x.option(99, make([]byte, maxOption+1))
	require.Equal(t, uint32(errTooBig), kind)
	kind, body = x.option(optInfo, []byte{0, 0, 0, 1, 'B', 0, 2, 0, 1, 0, 2})
	require.Equal(t, uint32(repInfo), kind)
	require.Equal(t, append(binary.BigEndian.AppendUint64([]byte{0, 0}, sectors*sectorSize), 1, 0xED), body)
	_, body = x.reply(optInfo)
	require.Equal(t, []byte{0, 3, 0, 0, 2, 0, 0, 0, 0x10, 0, 2, 0, 0, 0}, body, "block sizes")
	_, body = x.reply(optInfo)
	require.Equal(t, []byte{0, 1, 'B'}, body)
	_, body = x.reply(optInfo)
	require.Equal(t, "\x00\x02drive B", string(body))
	kind, _ = x.reply(optInfo)
	require.Equal(t, uint32(repAck), kind)
	kind, _ = x.option(optAbort, nil)
	require.Equal(t, uint32(repAck), kind)
	x.ended("abort")

	begin(t, address, 1<<5|1).ended("flags that there are not")
	begin(t, address, 0).ended("not the fixed newstyle")
	x = begin(t, address, 3)
	x.send([]byte("not an option at all"))
	x.ended("no option")
	x = begin(t, address, 3)
	x.send(optionBytes(optExportName, []byte("C")))
	x.ended("no export of that name")
}

// A client of the old way: the name, simple replies, and no contexts.
func TestSimpleReplies(t *testing.T) {
	d, _ := newDrive(t, "A")
	lock(t, d, true, true)
	x := begin(t, serving(t, d), 1)
	x.send(optionBytes(optExportName, []byte("A")))
	be := binary.BigEndian
	require.Equal(t, append(be.AppendUint64(nil, sectors*sectorSize), 1, 0xED), x.read(10))
	require.Equal(t, make([]byte, 124), x.read(124))
	head := func(e uint32) []byte {
		return be.AppendUint64(be.AppendUint32(be.AppendUint32(nil, magicSimple), e), 0x1122334455667788)
	}
	data := bytes.Repeat([]byte{5}, 2*pieceSize)
	x.send(append(requestBytes(cmdWrite, 0, lockedTo, uint32(len(data))), data...))
	require.Equal(t, head(0), x.read(16))
	x.send(requestBytes(cmdRead, 0, lockedTo, uint32(len(data))))
	require.Equal(t, append(head(0), data...), x.read(16+len(data)))
	x.send(requestBytes(cmdRead, 0, lockedTo-512, 1024))
	require.Equal(t, head(uint32(EPERM)), x.read(16))
	x.send(requestBytes(cmdBlockStatus, 0, 0, 1024))
	require.Equal(t, head(uint32(EINVAL)), x.read(16), "no context")
	x.send(requestBytes(cmdDisconnect, 0, 0, 0))
	x.ended("disconnect")
}

// A context counts for the export that it was asked for.
func TestAContextOfAnotherExport(t *testing.T) {
	a, _ := newDrive(t, "A")
	b, _ := newDrive(t, "B")
	x := begin(t, serving(t, a, b), 3)
	_, _ = x.option(optStructured, nil)
	kind, _ := x.option(optSetContext, append([]byte{0, 0, 0, 1, 'A', 0, 0, 0, 1, 0, 0, 0, 15}, contextName...))
	require.Equal(t, uint32(repContext), kind)
	_, _ = x.reply(optSetContext)
	_, _ = x.option(optGo, []byte{0, 0, 0, 1, 'B', 0, 0})
	for kind != repAck {
		kind, _ = x.reply(optGo)
	}
	x.send(requestBytes(cmdBlockStatus, 0, 0, 1024))
	h := x.read(structuredSize)
	require.Equal(t, uint16(chunkError), binary.BigEndian.Uint16(h[6:]))
	body := x.read(int(binary.BigEndian.Uint32(h[16:])))
	require.Equal(t, uint32(EINVAL), binary.BigEndian.Uint32(body))

	// With "do not fragment" a read is one chunk, whatever nobody wrote.
	x.send(requestBytes(cmdRead, flagDontFragm, 0, 2*pieceSize))
	h = x.read(structuredSize)
	require.Equal(t, []byte{0, replyDone, 0, chunkData}, h[4:8])
	require.Equal(t, uint32(8+2*pieceSize), binary.BigEndian.Uint32(h[16:]))
	require.Equal(t, make([]byte, 8+2*pieceSize), x.read(8+2*pieceSize))
}

// A client that does not read, one that sends half of what it announced, and one that says nothing of what it wants
// are hung up, while others go on.
func TestSlowClients(t *testing.T) {
	d, _ := newDrive(t, "A")
	require.NoError(t, d.Write(0, make([]byte, 1<<20)))
	s, err := NewServer([]Export{{"A", d}})
	require.NoError(t, err)
	chosen := optionBytes(optGo, []byte{0, 0, 0, 1, 'A', 0, 0})
	for what, sent := range map[string][]byte{
		"nothing":          nil,
		"half an option":   optionBytes(optGo, []byte{0, 0, 0, 1, 'A', 0, 0})[:20],
		"half a request":   append(chosen[:len(chosen):len(chosen)], requestBytes(cmdRead, 0, 0, 512)[:9]...),
		"half of its data": append(append(chosen[:len(chosen):len(chosen)], requestBytes(cmdWrite, 0, 0, 1<<20)...), make([]byte, 1000)...),
		"much, unread":     append(chosen[:len(chosen):len(chosen)], bytes.Repeat(requestBytes(cmdRead, 0, 0, 1<<20), 100)...),
	} {
		here, there := net.Pipe()
		x := newConn(s, there)
		x.wait = 20 * time.Millisecond
		done := make(chan struct{})
		go func() { defer close(done); x.serve(); _ = there.Close() }()
		go func() {
			_, _ = io.CopyN(io.Discard, here, 18)
			_, _ = here.Write([]byte{0, 0, 0, 3})
			_, _ = here.Write(sent)
			if what != "much, unread" {
				_, _ = io.Copy(io.Discard, here)
			}
		}()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Errorf("%s: the server waits for ever", what)
		}
		require.LessOrEqual(t, cap(x.piece), pieceSize)
		_ = here.Close()
	}
}

// Whatever bytes come, nothing panics or hangs, and nobody reads what is locked.
func FuzzBytes(f *testing.F) {
	d, _ := newDrive(f, "A")
	lock(f, d, true, true)
	s, err := NewServer([]Export{{"A", d}})
	require.NoError(f, err)
	gone := append(optionBytes(optStructured, nil), optionBytes(optGo, []byte{0, 0, 0, 1, 'A', 0, 0})...)
	f.Add([]byte("not an option"))
	f.Add(optionBytes(optList, nil))
	f.Add(optionBytes(optSetContext, []byte{0, 0, 0, 1, 'A', 0, 0, 0, 1, 0, 0, 0, 5, 'b', 'a', 's', 'e', ':'}))
	for kind := range uint16(8) {
		f.Add(append(gone[:len(gone):len(gone)], append(requestBytes(kind, 0, 0, 2*lockedTo), requestBytes(kind, 0, lockedTo, 512)...)...))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		c := &script{in: bytes.NewReader(append([]byte{0, 0, 0, 3}, sent...))}
		x := newConn(s, c)
		x.serve()
		require.False(t, bytes.Contains(c.out.Bytes(), []byte(secret)), "what is locked was read")
	})
}

// script is a connection whose other end has said all that it is going to say.
type script struct {
	net.Conn
	in  *bytes.Reader
	out bytes.Buffer
}

func (s *script) Read(p []byte) (int, error)    { return s.in.Read(p) }
func (s *script) Write(p []byte) (int, error)   { return s.out.Write(p) }
func (s *script) Close() error                  { return nil }
func (s *script) SetDeadline(_ time.Time) error { return nil }
