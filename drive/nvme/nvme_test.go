package nvme_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/nvme"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
)

// bench is a controller of an Opal drive on a workbench.
type bench struct {
	t     testing.TB
	d     *drive.Drive
	label drive.Label
	s     *nvme.Subsystem
	c     *nvme.Controller
	now   time.Duration

	broken *brokenMedia

	secret []byte // what lock fills the blocks with before it locks them; nil: nothing
}

// brokenMedia forgets nothing while it fails.
type brokenMedia struct {
	*drive.MemMedia
	fail bool
}

func (m *brokenMedia) Discard(lba, n uint64) error {
	if m.fail {
		return errors.New("the medium does not forget")
	}
	return m.MemMedia.Discard(lba, n)
}

func newBench(t testing.TB) *bench {
	t.Helper()
	return benchOf(t, 4096)
}

func benchOf(t testing.TB, sectors uint64) *bench {
	t.Helper()
	cfg := drive.Config{Serial: "FDE1", Model: "Bench", SectorSize: 512, Sectors: sectors, Ranges: 4, PBKDF2Iterations: 1, Personality: drive.Opal, MBRSize: 1 << 12, DataStoreSize: 1 << 12}
	m := &brokenMedia{MemMedia: drive.NewMemMedia(512)}
	d, l, err := drive.Manufacture(cfg, drive.Parts{Flash: flash.NewMem(drive.Opal.FlashGeometry()), Media: m, Entropy: entropy.Stream(1, "bench")})
	require.NoError(t, err)
	tper, err := tcg.New(d, tcg.Options{Entropy: entropy.Stream(2, "bench")})
	require.NoError(t, err)
	b := &bench{t: t, d: d, label: l, broken: m}
	b.s, err = nvme.NewSubsystem(d, nvme.Options{Security: tper, Now: func() time.Duration { return b.now }})
	require.NoError(t, err)
	b.connect()
	return b
}

// connect is a host that connects and enables the controller.
func (b *bench) connect() {
	b.t.Helper()
	var ok bool
	b.c, ok = b.s.NewController(nvme.Host{NQN: "host", ID: [16]byte{1}, KeepAlive: 5 * time.Second})
	require.True(b.t, ok)
	require.Equal(b.t, nvme.Success, b.c.SetProperty(nvme.PropertyCC, 4, 0x460001))
	csts, s := b.c.Property(nvme.PropertyCSTS, 4)
	require.Equal(b.t, nvme.Success, s)
	require.Equal(b.t, uint64(1), csts)
}

// admin does a command of dwords 1 and 10 to 15.
func (b *bench) admin(op uint8, nsid uint32, in, out []byte, dws ...uint32) nvme.Result {
	cmd := command(op, nsid, dws...)
	return b.c.Admin(&cmd, in, out)
}

func (b *bench) io(op uint8, in, out []byte, dws ...uint32) nvme.Result {
	cmd := command(op, 1, dws...)
	return b.c.IO(1, &cmd, in, out)
}

func command(op uint8, nsid uint32, dws ...uint32) (cmd nvme.Command) {
	cmd[0], cmd[2] = op, 7
	cmd.SetDW(1, nsid)
	for i, v := range dws {
		cmd.SetDW(10+i, v)
	}
	return cmd
}

func good(t testing.TB, r nvme.Result) {
	t.Helper()
	require.Equal(t, nvme.Success, r.Status)
	require.False(t, r.Gone)
}

// Identify Controller and Namespace (NVMe Base 2.1, figure 313; NVM Command Set 1.1, figure 114): each field that
// a host acts on, at its place.
func TestIdentifyLayouts(t *testing.T) {
	b := newBench(t)
	c := make([]byte, 4096)
	good(t, b.admin(nvme.OpIdentify, 0, nil, c, 1))
	for _, f := range []struct {
		at   int
		want []byte
		what string
	}{
		{4, []byte("FDE1                "), "SN"},
		{24, append([]byte("Bench"), bytes.Repeat([]byte{' '}, 35)...), "MN"},
		{76, []byte{0}, "CMIC"},
		{77, []byte{8}, "MDTS: 1 MiB"},
		{78, []byte{1, 0}, "CNTLID"},
		{80, []byte{0, 1, 2, 0}, "VER 2.1"},
		{111, []byte{1}, "CNTRLTYPE: I/O"},
		{256, []byte{3, 0}, "OACS: security, format"},
		{261, []byte{0x16}, "LPA: effects, long logs, persistent events"},
		{320, []byte{10, 0}, "KAS"},
		{352, []byte{1, 0, 0, 0}, "PELS: 64 KiB"},
		{328, []byte{0x0F, 0, 0, 0x40}, "SANICAP"},
		{512, []byte{0x66, 0x44}, "SQES, CQES"},
		{514, []byte{128, 0}, "MAXCMD"},
		{516, []byte{1, 0, 0, 0}, "NN"},
		{520, []byte{0xCF, 1}, "ONCS"},
		{525, []byte{7}, "VWC"},
		{536, []byte{1, 0, 0x30, 0}, "SGLS"},
		{768, append([]byte(b.s.NQN()), 0), "SUBNQN"},
		{1792, []byte{0x04, 4, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0}, "IOCCSZ, IORCSZ, ICDOFF, FCATT, MSDBD, OFCS"},
	} {
		require.Equal(t, f.want, c[f.at:f.at+len(f.want)], f.what)
	}
	n := make([]byte, 4096)
	good(t, b.admin(nvme.OpIdentify, 1, nil, n, 0))
	require.Equal(t, uint64(4096), binary.LittleEndian.Uint64(n), "NSZE")
	require.Equal(t, []byte{0, 0, 9, 0}, n[128:132], "format 0: 512 bytes, no metadata")
	list := make([]byte, 4096)
	good(t, b.admin(nvme.OpIdentify, 0, nil, list, 2))
	require.Equal(t, []byte{1, 0, 0, 0, 0, 0, 0, 0}, list[:8])
	ids := make([]byte, 4096)
	good(t, b.admin(nvme.OpIdentify, 1, nil, ids, 3))
	require.Equal(t, []byte{2, 16}, ids[:2], "NGUID")
	require.Equal(t, n[104:120], ids[4:20], "it is that of Identify Namespace")
	require.Equal(t, []byte{3, 16}, ids[20:22], "UUID")
	require.Equal(t, []byte{4, 1, 0, 0, 0, 0}, ids[40:46], "CSI, and the end")
}

// What a controller refuses: command, field, status (NVMe Base 2.1, 4.2.3).
func TestRefusals(t *testing.T) {
	b := newBench(t)
	page := func(n int) []byte { return make([]byte, n) }
	for _, c := range []struct {
		name string
		r    nvme.Result
		want nvme.Status
	}{
		{"unknown admin command", b.admin(0xC0, 0, nil, nil), nvme.InvalidOpcode},
		{"unknown CNS", b.admin(nvme.OpIdentify, 0, nil, page(4096), 0x55), nvme.InvalidField},
		{"Identify of all namespaces", b.admin(nvme.OpIdentify, 0xFFFFFFFF, nil, page(4096), 0), nvme.InvalidNamespace},
		{"list behind the last namespace", b.admin(nvme.OpIdentify, 0xFFFFFFFE, nil, page(4096), 2), nvme.InvalidNamespace},
		{"short Identify", b.admin(nvme.OpIdentify, 0, nil, page(512), 1), nvme.SGLLength},
		{"unknown log", b.admin(nvme.OpGetLog, 0, nil, page(512), 127<<16|0x06), nvme.InvalidLog},
		{"log beyond its end", b.admin(nvme.OpGetLog, 0, nil, page(4), 0x02, 0, 516), nvme.InvalidField},
		{"crooked log offset", b.admin(nvme.OpGetLog, 0, nil, page(4), 0x02, 0, 2), nvme.InvalidField},
		{"log of another length", b.admin(nvme.OpGetLog, 0, nil, page(8), 0x02), nvme.SGLLength},
		{"unknown feature", b.admin(nvme.OpGetFeatures, 0, nil, nil, 0x55), nvme.InvalidField},
		{"saved feature", b.admin(nvme.OpSetFeatures, 0, nil, nil, 1<<31|6, 1), nvme.NotSaveable},
		{"no keep-alive on TCP", b.admin(nvme.OpSetFeatures, 0, nil, nil, 0x0F, 0), nvme.KeepAliveInvalid},
		{"65536 queues", b.admin(nvme.OpSetFeatures, 0, nil, nil, 7, 0xFFFF), nvme.InvalidField},
		{"host identifier", b.admin(nvme.OpSetFeatures, 0, nil, nil, 0x81), nvme.SequenceError},
		{"short host identifier", b.admin(nvme.OpGetFeatures, 0, nil, page(16), 0x81, 0), nvme.InvalidField},
		{"format of another namespace", b.admin(nvme.OpFormat, 2, nil, nil, 0), nvme.InvalidNamespace},
		{"format that there is not", b.admin(nvme.OpFormat, 1, nil, nil, 1), nvme.InvalidFormat},
		{"secure erase 3", b.admin(nvme.OpFormat, 1, nil, nil, 3<<9), nvme.InvalidField},
		{"sanitize action 0", b.admin(nvme.OpSanitize, 0, nil, nil, 0), nvme.InvalidField},
		{"sanitize action 6", b.admin(nvme.OpSanitize, 0, nil, nil, 6), nvme.InvalidField},
		{"overwrite with verification", b.admin(nvme.OpSanitize, 0, nil, nil, 3|1<<10), nvme.InvalidField},
		{"exit of a verification that is none", b.admin(nvme.OpSanitize, 0, nil, nil, 5), nvme.InvalidField},
		{"unknown security protocol", b.admin(nvme.OpSecurityReceive, 0, nil, page(512), 0x55<<24, 512), nvme.InvalidField},
		{"security of another length", b.admin(nvme.OpSecurityReceive, 0, nil, page(512), 0, 100), nvme.SGLLength},
		{"unknown I/O command", b.io(0x7D, nil, nil), nvme.InvalidOpcode},
		{"block beyond the end", b.io(nvme.OpRead, nil, page(512), 4096), nvme.LBAOutOfRange},
		{"last block and one more", b.io(nvme.OpRead, nil, page(1024), 4095, 0, 1), nvme.LBAOutOfRange},
		{"block 2^64 - 1", b.io(nvme.OpRead, nil, page(512), 0xFFFFFFFF, 0xFFFFFFFF), nvme.LBAOutOfRange},
		{"data too short", b.io(nvme.OpWrite, page(512), nil, 0, 0, 1), nvme.SGLLength},
		{"protection information", b.io(nvme.OpRead, nil, page(512), 0, 0, 1<<29), nvme.InvalidField},
		{"no data for ranges", b.io(nvme.OpDatasetMgmt, page(16), nil, 1, 4), nvme.SGLLength},
		{"17 source ranges", b.io(nvme.OpCopy, page(17*32), nil, 0, 0, 16), nvme.CommandSize},
	} {
		require.Equal(t, c.want|nvme.DNR, c.r.Status, c.name)
	}
	cmd := command(nvme.OpRead, 2)
	require.Equal(t, nvme.InvalidNamespace|nvme.DNR, b.c.IO(1, &cmd, nil, page(512)).Status)
	log := page(64)
	good(t, b.admin(nvme.OpGetLog, 0, nil, log, 15<<16|1))
	require.Equal(t, uint16(nvme.InvalidNamespace|nvme.DNR)<<1, binary.LittleEndian.Uint16(log[12:]), "the newest error is the first entry")
	require.Equal(t, uint16(1), binary.LittleEndian.Uint16(log[8:]), "of queue 1")
}

// Before it is enabled, and behind a shutdown, a controller does nothing (NVMe Base 2.1, 3.5 and 3.6).
func TestAControllerThatIsNotEnabled(t *testing.T) {
	b := newBench(t)
	for _, cc := range []uint64{0x460000, 0x464001, 0x450001} {
		require.Equal(t, nvme.Success, b.c.SetProperty(nvme.PropertyCC, 4, cc))
		require.Equal(t, nvme.SequenceError|nvme.DNR, b.admin(nvme.OpKeepAlive, 0, nil, nil).Status, "CC %X", cc)
		require.Equal(t, nvme.SequenceError|nvme.DNR, b.io(nvme.OpFlush, nil, nil).Status)
		require.Equal(t, nvme.Success, b.c.SetProperty(nvme.PropertyCC, 4, 0))
	}
	require.Equal(t, nvme.Success, b.c.SetProperty(nvme.PropertyCC, 4, 0x450001))
	csts, _ := b.c.Property(nvme.PropertyCSTS, 4)
	require.Equal(t, uint64(2), csts, "entries of 32 bytes are a fatal status")
}

func filled(n int, c byte) []byte { return bytes.Repeat([]byte{c}, n) }

// Every I/O command does what it says.
func TestIOCommands(t *testing.T) {
	b := newBench(t)
	good(t, b.io(nvme.OpWrite, filled(2048, 1), nil, 10, 0, 3))
	got := make([]byte, 2048)
	good(t, b.io(nvme.OpRead, nil, got, 10, 0, 3))
	require.Equal(t, filled(2048, 1), got)
	good(t, b.io(nvme.OpCompare, filled(2048, 1), nil, 10, 0, 3))
	require.Equal(t, nvme.CompareFailure|nvme.DNR, b.io(nvme.OpCompare, filled(2048, 2), nil, 10, 0, 3).Status)
	good(t, b.io(nvme.OpVerify, nil, nil, 10, 0, 3))
	good(t, b.io(nvme.OpUncorrect, nil, nil, 11, 0, 0))
	require.Equal(t, nvme.UnrecoveredRead|nvme.DNR, b.io(nvme.OpVerify, nil, nil, 10, 0, 3).Status)
	require.Equal(t, nvme.UnrecoveredRead|nvme.DNR, b.io(nvme.OpRead, nil, got, 10, 0, 3).Status)
	require.Equal(t, make([]byte, 2048), got, "no data of a read that failed")
	good(t, b.io(nvme.OpWriteZeroes, nil, nil, 11, 0, 0))
	good(t, b.io(nvme.OpRead, nil, got, 10, 0, 3))
	require.Equal(t, append(append(filled(512, 1), make([]byte, 512)...), filled(1024, 1)...), got)

	// Copy: blocks 12 and 10, to 100.
	ranges := make([]byte, 64)
	ranges[8], ranges[32+8] = 12, 10
	good(t, b.io(nvme.OpCopy, ranges, nil, 100, 0, 1))
	good(t, b.io(nvme.OpRead, nil, got[:1024], 100, 0, 1))
	require.Equal(t, filled(1024, 1), got[:1024])

	// Dataset Management: a hint, then a deallocation, with more data than ranges.
	dsm := make([]byte, 4096)
	dsm[4], dsm[8] = 1, 100
	good(t, b.io(nvme.OpDatasetMgmt, dsm, nil, 0, 0))
	good(t, b.io(nvme.OpRead, nil, got[:512], 100))
	require.Equal(t, filled(512, 1), got[:512])
	good(t, b.io(nvme.OpDatasetMgmt, dsm, nil, 0, 4))
	good(t, b.io(nvme.OpRead, nil, got[:512], 100))
	require.Equal(t, make([]byte, 512), got[:512])
	good(t, b.io(nvme.OpFlush, nil, nil))
	smart := make([]byte, 512)
	good(t, b.admin(nvme.OpGetLog, 0xFFFFFFFF, nil, smart, 127<<16|2))
	require.Equal(t, uint64(1), binary.LittleEndian.Uint64(smart[80:]), "one write")
	require.Equal(t, uint64(2), binary.LittleEndian.Uint64(smart[160:]), "two media errors")
}

// lock takes the drive into use and locks blocks 100 to 199.
func (b *bench) lock() { b.lockFor(true, true) }

func (b *bench) lockFor(read, write bool) {
	b.t.Helper()
	o, err := b.d.Opal()
	require.NoError(b.t, err)
	sid, err := o.Login(drive.SID, b.label.MSID)
	require.NoError(b.t, err)
	require.NoError(b.t, o.Activate(sid, drive.ActivateOptions{}))
	admin, err := o.Login(drive.Admin(1), b.label.MSID)
	require.NoError(b.t, err)
	c, err := o.Begin(admin)
	require.NoError(b.t, err)
	require.NoError(b.t, c.SetRange(1, drive.RangeConfig{Start: 100, Length: 100, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle}))
	require.NoError(b.t, c.SetLocks(1, false, false))
	require.NoError(b.t, c.Commit())
	for lba := uint64(100); lba < 200 && b.secret != nil; lba++ {
		require.NoError(b.t, b.d.Write(lba, bytes.Repeat(b.secret, 512/len(b.secret))))
	}
	c, err = o.Begin(admin)
	require.NoError(b.t, err)
	require.NoError(b.t, c.SetLocks(1, read, write))
	require.NoError(b.t, c.Commit())
}

// Whatever touches a locked block is Access Denied at once, with DNR, and moves nothing; what would give the data
// up is Operation Denied.
func TestLockedBlocksAreDenied(t *testing.T) {
	b := newBench(t)
	b.lock()
	dsm := make([]byte, 32)
	dsm[4], dsm[8], dsm[16+4], dsm[16+8] = 1, 50, 1, 150
	from := make([]byte, 32)
	from[8] = 150
	good(t, b.io(nvme.OpWrite, filled(512, 1), nil, 50))
	for name, r := range map[string]nvme.Result{
		"read":                b.io(nvme.OpRead, nil, make([]byte, 1024), 99, 0, 1),
		"write":               b.io(nvme.OpWrite, filled(1024, 9), nil, 199, 0, 1),
		"compare":             b.io(nvme.OpCompare, make([]byte, 512), nil, 150),
		"verify":              b.io(nvme.OpVerify, nil, nil, 150),
		"write zeroes":        b.io(nvme.OpWriteZeroes, nil, nil, 150),
		"write uncorrectable": b.io(nvme.OpUncorrect, nil, nil, 150),
		"dataset management":  b.io(nvme.OpDatasetMgmt, dsm, nil, 1, 4),
		"copy from":           b.io(nvme.OpCopy, from, nil, 0),
		"copy to":             b.io(nvme.OpCopy, make([]byte, 32), nil, 150),
	} {
		require.Equal(t, nvme.AccessDenied|nvme.DNR, r.Status, name)
	}
	got := make([]byte, 512)
	good(t, b.io(nvme.OpRead, nil, got, 50))
	require.Equal(t, filled(512, 1), got, "the range of Dataset Management that is not locked keeps its data")
	require.Equal(t, nvme.OperationDenied|nvme.DNR, b.admin(nvme.OpFormat, 1, nil, nil, 1<<9).Status)
	require.Equal(t, nvme.OperationDenied|nvme.DNR, b.admin(nvme.OpSanitize, 0, nil, nil, 4).Status)
	require.Len(t, b.d.Dump().Written, 1)
}

// A range that is locked for writing alone can be read and compared, and nothing else.
func TestBlocksLockedForWritingAlone(t *testing.T) {
	b := newBench(t)
	b.lockFor(false, true)
	good(t, b.io(nvme.OpWrite, filled(512, 1), nil, 50))
	good(t, b.io(nvme.OpRead, nil, make([]byte, 512), 150))
	dsm := make([]byte, 32)
	dsm[4], dsm[8], dsm[16+4], dsm[16+8] = 1, 50, 1, 150
	require.Equal(t, nvme.AccessDenied|nvme.DNR, b.io(nvme.OpDatasetMgmt, dsm, nil, 1, 4).Status)
	got := make([]byte, 512)
	good(t, b.io(nvme.OpRead, nil, got, 50))
	require.Equal(t, filled(512, 1), got, "nothing is deallocated where one of the ranges is locked")
}

// A range that is too long to be deallocated stays as it is, and one that is not is deallocated whatever it costs
// to look at its blocks: 256 of them, and a Format of 2^40 blocks, answer at once.
func TestLongRangesOfDatasetManagement(t *testing.T) {
	t.Parallel()
	const longest = 1 << 22
	b := benchOf(t, 1<<40)
	b.lock()
	dsm := make([]byte, 256*16)
	for at := range 256 {
		binary.LittleEndian.PutUint32(dsm[at*16+4:], longest)
		binary.LittleEndian.PutUint64(dsm[at*16+8:], 1000)
	}
	good(t, b.io(nvme.OpWrite, filled(512, 1), nil, 1000))
	good(t, b.io(nvme.OpDatasetMgmt, dsm, nil, 255, 4))
	require.Empty(t, b.d.Dump().Written)

	good(t, b.io(nvme.OpWrite, filled(512, 1), nil, 1000))
	binary.LittleEndian.PutUint32(dsm[4:], longest+1)
	good(t, b.io(nvme.OpDatasetMgmt, dsm, nil, 0, 4))
	require.Len(t, b.d.Dump().Written, 1, "one block more than the longest, and none is deallocated")
	binary.LittleEndian.PutUint64(dsm[8:], 0)
	for _, n := range []uint32{longest, longest + 1} {
		binary.LittleEndian.PutUint32(dsm[4:], n)
		require.Equal(t, nvme.AccessDenied|nvme.DNR, b.io(nvme.OpDatasetMgmt, dsm, nil, 0, 4).Status, "%d blocks, some of them locked", n)
	}
	binary.LittleEndian.PutUint32(dsm[4:], 0xFFFFFFFF)
	binary.LittleEndian.PutUint64(dsm[8:], 1<<40-1)
	require.Equal(t, nvme.LBAOutOfRange|nvme.DNR, b.io(nvme.OpDatasetMgmt, dsm, nil, 0, 4).Status)

	b = benchOf(t, 1<<40)
	good(t, b.io(nvme.OpWrite, filled(512, 1), nil, 1000))
	good(t, b.admin(nvme.OpFormat, 1, nil, nil, 0))
	require.Empty(t, b.d.Dump().Written)
}

// Format NVM, whatever Secure Erase Settings: the data are gone, with their key.
func TestFormatGivesTheDataUp(t *testing.T) {
	for ses := range uint32(3) {
		b := newBench(t)
		good(t, b.io(nvme.OpWrite, filled(512, 1), nil, 5))
		was := b.d.Status().KeyGeneration
		good(t, b.admin(nvme.OpFormat, 0xFFFFFFFF, nil, nil, ses<<9))
		require.NotEqual(t, was, b.d.Status().KeyGeneration)
		require.Empty(t, b.d.Dump().Written)
		got := filled(512, 9)
		good(t, b.io(nvme.OpRead, nil, got, 5))
		require.Equal(t, make([]byte, 512), got)
	}
}

func (b *bench) sanitizeLog() []byte {
	b.t.Helper()
	log := make([]byte, 512)
	good(b.t, b.admin(nvme.OpGetLog, 0xFFFFFFFF, nil, log, 127<<16|0x81))
	return log
}

// Sanitize with media verification, as a host sees it: log, events, statuses (NVMe Base 2.1, 8.1.24).
func TestSanitizeAsAHostSeesIt(t *testing.T) {
	b := newBench(t)
	good(t, b.io(nvme.OpWrite, filled(512, 1), nil, 5))
	cipher, _ := b.d.Dump().Sector(5)
	require.Equal(t, []byte{0xFF, 0xFF, 0, 0}, b.sanitizeLog()[:4], "never sanitized")
	require.True(t, b.admin(nvme.OpAsyncEvent, 0, nil, nil).Pending)
	const cdw10 = 4 | 1<<3 | 1<<10
	good(t, b.admin(nvme.OpSanitize, 0, nil, nil, cdw10))
	log := b.sanitizeLog()
	require.Equal(t, []byte{0, 0, 2, 0}, log[:4], "in progress")
	require.Equal(t, uint32(cdw10), binary.LittleEndian.Uint32(log[4:]), "SCDW10")
	require.Equal(t, byte(drive.UnrestrictedProcessing), log[36])
	for name, r := range map[string]nvme.Result{
		"read":     b.io(nvme.OpRead, nil, make([]byte, 512), 5),
		"write":    b.io(nvme.OpWrite, filled(512, 1), nil, 5),
		"format":   b.admin(nvme.OpFormat, 1, nil, nil, 0),
		"security": b.admin(nvme.OpSecurityReceive, 0, nil, make([]byte, 512), 0, 512),
		"firmware": b.admin(nvme.OpGetLog, 0, nil, make([]byte, 512), 127<<16|3),
		"another":  b.admin(nvme.OpSanitize, 0, nil, nil, 4),
		"exit":     b.admin(nvme.OpSanitize, 0, nil, nil, 5),
	} {
		require.Equal(t, nvme.SanitizeRuns|nvme.DNR, r.Status, name)
	}
	good(t, b.admin(nvme.OpIdentify, 0, nil, make([]byte, 4096), 1))
	b.s.Work() // keys
	b.s.Work()
	events := b.c.Events()
	require.Len(t, events, 1)
	require.Equal(t, nvme.Completion{CID: 7, Result: nvme.Result{DW0: 0x810306}}, events[0])
	require.Equal(t, byte(drive.MediaVerification), b.sanitizeLog()[36])
	got := make([]byte, 512)
	require.Equal(t, nvme.VerificationRead|nvme.DNR, b.io(nvme.OpRead, nil, got, 5).Status)
	require.Equal(t, cipher, got, "a host sees what lies on the medium")
	require.Equal(t, nvme.InvalidField|nvme.DNR, b.admin(nvme.OpSanitize, 0, nil, nil, 4).Status)
	require.True(t, b.admin(nvme.OpAsyncEvent, 0, nil, nil).Pending)
	good(t, b.admin(nvme.OpSanitize, 0, nil, nil, 5))
	b.s.Work()
	events = b.c.Events()
	require.Len(t, events, 1)
	require.Equal(t, uint32(0x810106), events[0].DW0)
	log = b.sanitizeLog()
	require.Equal(t, []byte{0xFF, 0xFF, 1, 1}, log[:4], "success, and nobody has written")
	require.Equal(t, byte(0), log[36])
	good(t, b.io(nvme.OpRead, nil, got, 5))
	require.Equal(t, make([]byte, 512), got)
	dsm := make([]byte, 16)
	dsm[4], dsm[8] = 1, 5
	good(t, b.io(nvme.OpDatasetMgmt, dsm, nil, 0, 4))
	require.Equal(t, byte(1), b.sanitizeLog()[3], "nobody has written")
	good(t, b.io(nvme.OpWriteZeroes, nil, nil, 5))
	require.Equal(t, byte(0), b.sanitizeLog()[3], "zeros are written too")
}

// A loss of power ends the controller; a new one finds the operation going on.
func TestSanitizeOverALossOfPower(t *testing.T) {
	b := newBench(t)
	good(t, b.admin(nvme.OpSanitize, 0, nil, nil, 2))
	b.d.PowerOff()
	require.True(t, b.admin(nvme.OpKeepAlive, 0, nil, nil).Gone)
	require.False(t, b.c.Alive())
	require.NoError(t, b.d.PowerOn())
	require.True(t, b.io(nvme.OpFlush, nil, nil).Gone, "the old controller is no more")
	b.connect()
	require.Equal(t, byte(drive.RestrictedProcessing), b.sanitizeLog()[36])
	b.s.Work()
	b.s.Work()
	require.Equal(t, byte(drive.SanitizeIdle), b.sanitizeLog()[36])
}

// A controller of before a loss of power or a reset does nothing more, also where nobody has looked whether it is
// alive (NVMe Base 2.3, 9.6). Found by Linux, whose exchange with the TPer was cut in two by that.
func TestCommandsOfBeforeALossOfPowerDoNothing(t *testing.T) {
	for name, lose := range map[string]func(d *drive.Drive) error{
		"power":    func(d *drive.Drive) error { d.PowerOff(); return d.PowerOn() },
		"hardware": func(d *drive.Drive) error { return d.Reset(drive.HardwareReset) },
		"hot plug": func(d *drive.Drive) error { return d.Reset(drive.HotPlugReset) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			good(t, b.io(nvme.OpWrite, filled(512, 1), nil, 10))
			require.NoError(t, lose(b.d))
			got := make([]byte, 512)
			require.True(t, b.io(nvme.OpWrite, filled(512, 2), nil, 10).Gone)
			require.True(t, b.io(nvme.OpRead, nil, got, 10).Gone)
			require.Equal(t, make([]byte, 512), got)
			require.True(t, b.admin(nvme.OpSecurityReceive, 0, nil, make([]byte, 512), 0x01000100, 512).Gone)
			require.True(t, b.admin(nvme.OpFormat, 1, nil, nil, 2<<9).Gone)
			require.False(t, b.c.Alive())
			b.connect()
			good(t, b.io(nvme.OpRead, nil, got, 10))
			require.Equal(t, filled(512, 1), got)
		})
	}
}

// A host that says nothing for twice its time-out is gone (NVMe Base 2.1, 3.9).
func TestKeepAlive(t *testing.T) {
	b := newBench(t)
	b.now = 9 * time.Second
	require.True(t, b.c.Alive())
	good(t, b.admin(nvme.OpKeepAlive, 0, nil, nil))
	b.now = 19 * time.Second
	require.True(t, b.c.Alive())
	b.now = 20 * time.Second
	require.False(t, b.c.Alive())
	require.Nil(t, b.s.Controller(b.c.ID()))
}

// Requests for events: four at a time, and Abort ends one (NVMe Base 2.1, 5.1.1 and 5.1.2).
func TestRequestsForEvents(t *testing.T) {
	b := newBench(t)
	for range 4 {
		require.True(t, b.admin(nvme.OpAsyncEvent, 0, nil, nil).Pending)
	}
	require.Equal(t, nvme.TooManyEvents|nvme.DNR, b.admin(nvme.OpAsyncEvent, 0, nil, nil).Status)
	require.Equal(t, uint32(1), b.admin(nvme.OpAbort, 0, nil, nil, 9<<16).DW0, "there is no such command")
	require.Equal(t, uint32(0), b.admin(nvme.OpAbort, 0, nil, nil, 7<<16).DW0)
	require.Equal(t, []nvme.Completion{{CID: 7, Result: nvme.Result{Status: nvme.AbortRequested}}}, b.c.Events())
}

// No command makes a controller panic, reads what is locked, or answers with data behind a refusal.
func FuzzCommands(f *testing.F) {
	f.Add(bytes.Repeat([]byte{2}, 64), []byte(nil), uint16(512), true)
	f.Add([]byte{nvme.OpSanitize, 0, 0, 0}, []byte(nil), uint16(0), false)
	whole := func(c nvme.Command) []byte { return c[:] }
	for _, lba := range []uint32{98, 99, 150, 199, 200} { // two blocks
		f.Add(whole(command(nvme.OpRead, 1, lba, 0, 1)), []byte(nil), uint16(1024), true)
	}
	from := make([]byte, 32)
	from[8] = 150
	f.Add(whole(command(nvme.OpCopy, 1, 0)), from, uint16(32), true)
	f.Add(whole(command(nvme.OpIdentify, 0, 1)), []byte(nil), uint16(4096), false)
	// One drive for all inputs: to make one takes longer than a thousand commands.
	b := newBench(f)
	b.secret = []byte("behind the locks")
	b.lockFor(true, false) // the key stays in RAM, and only the drive's word is between a host and the data
	f.Fuzz(func(t *testing.T, fields, data []byte, n uint16, io bool) {
		b.t = t
		var cmd nvme.Command
		copy(cmd[:], fields)
		cmd[1] &^= 0xC0
		in, out := make([]byte, n), make([]byte, n)
		copy(in, data)
		if bytes.Contains(in, b.secret) {
			return // what a host gives it may get back
		}
		var r nvme.Result
		if io {
			r = b.c.IO(1, &cmd, in, out)
		} else {
			r = b.c.Admin(&cmd, in, out)
		}
		if r.Status&^nvme.DNR != nvme.Success && r.Status&^nvme.DNR != nvme.VerificationRead {
			require.Equal(t, make([]byte, n), out, "%v gives data", r.Status)
		}
		require.False(t, bytes.Contains(out, b.secret), "%v gives what is locked", r.Status)
		if io && cmd.Opcode() == nvme.OpRead {
			isRead(t, &cmd, int(n), r)
		}
		if io && cmd.Opcode() == nvme.OpCopy {
			open := make([]byte, 3896*512)
			require.NoError(t, b.d.Read(0, open[:100*512]))
			require.False(t, bytes.Contains(open[:100*512], b.secret))
			require.NoError(t, b.d.Read(200, open))
			require.False(t, bytes.Contains(open, b.secret), "what is locked was copied")
		}
		for range 3 {
			b.s.Work()
		}
		require.False(t, r.Gone)
		if io && cmd.ToDrive() || cmd.Opcode() == nvme.OpUncorrect { // the next input finds what this one found
			require.NoError(t, b.d.Discard(0, 100))
			require.NoError(t, b.d.Discard(200, 3896))
		}
	})
}

// isRead says what a Read of n bytes has to answer while blocks 100 to 199 are locked, where its fields are right.
func isRead(t *testing.T, cmd *nvme.Command, n int, r nvme.Result) {
	t.Helper()
	lba := uint64(cmd.DW(11))<<32 | uint64(cmd.DW(10))
	blocks := uint64(cmd.DW(12)&0xFFFF) + 1
	switch {
	case cmd.NSID() != 1, cmd[1]&3 != 0, cmd.DW(12)>>29&1 != 0, blocks*512 != uint64(n):
	case lba >= 4096 || blocks > 4096-lba:
	case lba < 200 && lba+blocks > 100:
		require.Equal(t, nvme.AccessDenied|nvme.DNR, r.Status, "block %d and %d", lba, blocks)
	default:
		require.Equal(t, nvme.Success, r.Status, "block %d and %d", lba, blocks)
	}
}
