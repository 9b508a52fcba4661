package drive

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/secret"
)

// unsyncable is a file that the system does not sync.
func unsyncable(t *testing.T) *os.File {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("skipped: which file cannot be synced differs by system")
	}
	f, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	require.Error(t, f.Sync())
	return f
}

// TestADriveFileKeepsEverything: what the factory decided and what the label says.
func TestADriveFileKeepsEverything(t *testing.T) {
	for _, cfg := range []Config{
		fileConfig(),
		{Serial: "S", SectorSize: 4096, Sectors: 100, PBKDF2Iterations: 7, TryLimit: 0x0102, AlignmentGranularity: 8, LowestAlignedLBA: 3},
	} {
		path := filepath.Join(t.TempDir(), "a.drive")
		d, label, err := CreateFile(path, cfg, fileOptions())
		require.NoError(t, err)
		require.Equal(t, cfg.Serial, label.Serial)
		require.True(t, d.Status().Powered)
		require.NoError(t, d.Close())
		require.False(t, d.Status().Powered, "a closed drive is off")
		d, err = OpenFile(path, fileOptions())
		require.NoError(t, err)
		require.NoError(t, d.PowerOn())
		require.Equal(t, cfg, d.Config())
		msid, err := d.MSID()
		require.NoError(t, err)
		require.True(t, msid.Equal(label.MSID), "the label says what the drive says")
		b := &bench{t: t, Drive: d.Drive, label: label}
		for n := range cfg.Ranges + 1 {
			require.NoError(t, b.as(BandMaster(n), label.MSID, func(Session) error { return nil }))
		}
		for _, a := range []Authority{SID, EraseMaster} {
			require.NoError(t, b.as(a, msid, func(Session) error { return nil }))
		}
		for range 2 {
			_, err = d.Authenticate(SID, credential(7))
			require.ErrorIs(t, err, NotAuthorized)
		}
		b.cycle()
		used, limit, err := d.Tries(SID)
		require.NoError(t, err)
		require.Equal(t, cfg.TryLimit, limit)
		require.Equal(t, cfg.Persistent, used == 2)
		require.NoError(t, d.RevertPSID(label.PSID), "the PSID on the label reverts")
		require.NoError(t, d.Close())
	}
}

// TestWhatIsPrintedOnALabel: 32 letters and digits that nobody mistakes for others.
func TestWhatIsPrintedOnALabel(t *testing.T) {
	b := newBench(t, nil)
	seen := map[byte]bool{}
	for _, p := range []PIN{b.label.MSID, b.label.PSID} {
		require.Equal(t, 32, p.Len())
		for _, c := range p.raw() {
			require.Contains(t, "ABCDEFGHJKLMNPQRSTUVWXYZ23456789", string(c))
			seen[c] = true
		}
	}
	require.Greater(t, len(seen), 16, "of the whole alphabet")
	require.False(t, b.label.MSID.Equal(b.label.PSID))
}

func TestCloseTellsWhatFailed(t *testing.T) {
	create := func() *File {
		d, _, err := CreateFile(filepath.Join(t.TempDir(), "a.drive"), fileConfig(), fileOptions())
		require.NoError(t, err)
		return d
	}
	d := create()
	require.NoError(t, d.Write(0, make([]byte, 512)))
	d.media.f = unsyncable(t)
	require.ErrorIs(t, d.Close(), ErrMedia, "what was written may be lost")
	require.ErrorIs(t, d.f.Close(), fs.ErrClosed, "and the file is closed all the same")

	d = create()
	d.media.f = unsyncable(t)
	require.NoError(t, d.Close(), "nothing was written")

	d = create()
	m, _ := newFileMedia(t, 0, 512, 10)
	d.media = m
	require.NoError(t, d.f.Close())
	require.ErrorIs(t, d.Close(), fs.ErrClosed)
}

func TestADirectoryThatCannotBeSynced(t *testing.T) {
	unsyncable(t)
	require.Error(t, hostDisk{}.SyncDir(os.DevNull))
	require.ErrorIs(t, hostDisk{}.SyncDir(filepath.Join(t.TempDir(), "none")), fs.ErrNotExist)
	require.NoError(t, hostDisk{}.SyncDir(t.TempDir()))
}

// TestEachStepOfAMakingCanFail: the system refuses it, the making says so and leaves
// nothing of its own.
func TestEachStepOfAMakingCanFail(t *testing.T) {
	readOnly := func(t *testing.T, m *making) {
		f, err := os.Open(m.f.Name())
		require.NoError(t, err)
		t.Cleanup(func() { _ = f.Close() })
		m.f = f
	}
	for name, sabotage := range map[string]func(t *testing.T, m *making){
		"clear away":         func(t *testing.T, m *making) { require.NoError(t, os.Remove(filepath.Dir(m.path))) },
		"open":               func(t *testing.T, m *making) { require.NoError(t, os.Remove(filepath.Dir(m.path))) },
		"mark":               readOnly,
		"manufacture":        func(_ *testing.T, m *making) { m.o.Entropy = &draws{fail: 0, Reader: halves(0)} },
		"sync":               func(t *testing.T, m *making) { m.f = unsyncable(t) },
		"link":               func(t *testing.T, m *making) { require.NoError(t, os.WriteFile(m.path, []byte("mine"), 0o600)) },
		"unlink":             func(t *testing.T, m *making) { require.NoError(t, os.Remove(m.f.Name())) },
		"sync the directory": func(_ *testing.T, m *making) { m.path = filepath.Join(filepath.Dir(m.path), "none", "a.drive") },
		"burn":               func(t *testing.T, m *making) { m.f = renamed(t, m) },
		"sync the fuses":     func(t *testing.T, m *making) { m.f = unsyncable(t) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "d")
			require.NoError(t, os.Mkdir(dir, 0o700))
			o := killedOptions()
			o.Geometry = flash.DefaultGeometry
			m := &making{disk: hostDisk{}, path: filepath.Join(dir, "a.drive"), cfg: fileConfig(), o: o}
			for _, s := range m.steps() {
				if s.name != name {
					require.NoError(t, s.do(), s.name)
					continue
				}
				sabotage(t, m)
				require.Error(t, s.do())
				return
			}
			t.Fatal("there is no such step")
		})
	}
}

// renamed is the drive file that is being made, opened for reading.
func renamed(t *testing.T, m *making) *os.File {
	f, err := os.Open(m.path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestAMakingThatIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.drive")
	o := fileOptions()
	o.Geometry = flash.Geometry{Blocks: 1, PagesPerBlock: 8, PageSize: 4096}
	_, _, err := CreateFile(path, fileConfig(), o)
	require.ErrorContains(t, err, "1 blocks")
	o = fileOptions()
	o.Entropy = halves(0)
	_, label, err := CreateFile(path, fileConfig(), o)
	require.ErrorIs(t, err, EntropyFailure)
	require.Equal(t, Label{}, label)
	require.ErrorContains(t, err, path)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)

	// Where there is something already, no key is drawn.
	require.NoError(t, os.WriteFile(path, []byte("mine"), 0o600))
	o = fileOptions()
	o.Wrap = func(p Parts) Parts { t.Error("a drive is made"); return p }
	_, _, err = CreateFile(path, fileConfig(), o)
	require.ErrorIs(t, err, fs.ErrExist)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "mine", string(b))
}

// TestUndoingTellsWhatItCouldNotUndo, and clears the keys in any case.
func TestUndoingTellsWhatItCouldNotUndo(t *testing.T) {
	begin := func() *making {
		o := killedOptions()
		o.Geometry = flash.DefaultGeometry
		m := &making{disk: hostDisk{}, path: filepath.Join(t.TempDir(), "a.drive"), cfg: fileConfig(), o: o}
		for _, s := range m.steps()[:5] {
			require.NoError(t, s.do(), s.name)
		}
		return m
	}
	m := begin()
	root := m.fd.fuses.Root
	require.False(t, constant(root[:], 0))
	require.NoError(t, m.undo())
	require.True(t, constant(root[:], 0), "the root key leaves RAM")
	require.Error(t, m.undo(), "the file is closed already")

	m = begin()
	name := m.f.Name()
	require.NoError(t, os.Remove(name))
	require.NoError(t, os.MkdirAll(filepath.Join(name, "full"), 0o700))
	err := m.undo()
	require.ErrorContains(t, err, name, "a name that cannot be removed")
	require.ErrorIs(t, m.f.Close(), fs.ErrClosed)

	m = begin()
	require.NoError(t, m.f.Close())
	require.ErrorIs(t, m.undo(), fs.ErrClosed)
	_, err = os.Lstat(m.f.Name())
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, (&making{}).undo(), "nothing was begun")
}

func TestFilesThatCannotBeOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.drive")
	d, _, err := CreateFile(path, fileConfig(), fileOptions())
	require.NoError(t, err)
	require.NoError(t, d.Close())
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = open(f, fileOptions())
	require.ErrorContains(t, err, "read", "a file that cannot be read is not called no drive")
	require.NotErrorIs(t, err, errNotADrive)
	require.NoError(t, f.Close())
	_, err = open(f, fileOptions())
	require.Error(t, err)
	require.Error(t, keepOut(f))

	// Fuses and flash are well, and do not fit each other.
	root := secret.Key32(counting(1, 32))
	cfg := fileConfig()
	cfg.Ranges = MaxRanges
	g := flash.Geometry{Blocks: 4, PagesPerBlock: 2, PageSize: 512}
	path = filepath.Join(t.TempDir(), "b.drive")
	f, err = os.Create(path)
	require.NoError(t, err)
	_, err = f.WriteAt((&Fuses{Config: cfg, Root: &root, MSID: credential(1)}).encode(g, false), 0)
	require.NoError(t, err)
	_, err = flash.CreateFile(f, fuseArea, g)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = OpenFile(path, fileOptions())
	require.ErrorContains(t, err, "a record of 65 ranges")
}

// TestOpeningLeavesOneCopyOfTheRootKey, that of the drive.
func TestOpeningLeavesOneCopyOfTheRootKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.drive")
	d, _, err := CreateFile(path, fileConfig(), fileOptions())
	require.NoError(t, err)
	require.NoError(t, d.Close())
	keys := watchKeys(t)
	d, err = OpenFile(path, fileOptions())
	require.NoError(t, err)
	require.NotEmpty(t, keys.made)
	require.Zero(t, keys.left(d.Drive))
	require.NoError(t, d.PowerOn())
	require.Zero(t, keys.left(d.Drive))
	id, err := d.Identity()
	require.NoError(t, err)
	a, err := d.Attest(challenge(1))
	require.NoError(t, err)
	require.Equal(t, id, a.Identity)
	require.Zero(t, keys.left(d.Drive), "the private key of the identity")
	require.NoError(t, d.Close())
	require.Zero(t, keys.left(d.Drive))
}

// TestAFileThatIsRefusedLeavesNoRootKey: whatever is wrong with it, what was read of its fuses is cleared.
func TestAFileThatIsRefusedLeavesNoRootKey(t *testing.T) {
	good := filepath.Join(t.TempDir(), "a.drive")
	d, _, err := CreateFile(good, fileConfig(), fileOptions())
	require.NoError(t, err)
	fuses, g := d.Fuses(), d.flash.Geometry()
	require.NoError(t, d.Close())
	whole, err := os.ReadFile(good)
	require.NoError(t, err)
	burnt := func(change func(f *Fuses, g *flash.Geometry)) func(b []byte) []byte {
		return func(b []byte) []byte {
			f, g := *fuses, g
			change(&f, &g)
			copy(b, f.encode(g, false))
			return b
		}
	}
	for what, c := range map[string]struct {
		change func(b []byte) []byte
		says   string
	}{
		"a byte more":     {func(b []byte) []byte { return append(b, 0) }, "longer than it should be"},
		"the end is lost": {func(b []byte) []byte { return b[:fuseArea+100] }, ""},
		"no sectors":      {burnt(func(f *Fuses, _ *flash.Geometry) { f.Config.Sectors = 0 }), "sectors"},
		"no geometry":     {burnt(func(_ *Fuses, g *flash.Geometry) { g.Blocks = 0 }), "blocks"},
		"a small page":    {burnt(func(f *Fuses, _ *flash.Geometry) { f.Config.Ranges = 65 }), ""},
	} {
		path := filepath.Join(t.TempDir(), "b.drive")
		require.NoError(t, os.WriteFile(path, c.change(bytes.Clone(whole)), 0o600))
		keys := watchKeys(t)
		_, err := OpenFile(path, fileOptions())
		require.ErrorContains(t, err, c.says, what)
		require.Zero(t, keys.left(nil), "%s: a key is left in RAM after %v", what, err)
	}
}

// TestTheLengthOfADriveFile, to the last sector that fits into one.
func TestTheLengthOfADriveFile(t *testing.T) {
	g := flash.DefaultGeometry
	offset := mediaOffset(g)
	most := uint64(math.MaxInt64-offset) / 512
	cfg := Config{SectorSize: 512, Sectors: most}
	size, fits := fileSize(cfg, g)
	require.True(t, fits)
	require.Equal(t, offset+int64(most)*512, size)
	cfg.Sectors++
	size, fits = fileSize(cfg, g)
	require.False(t, fits)
	require.Zero(t, size)
	require.NoError(t, checkLength(strings.NewReader("short"), cfg, g, true), "somebody else says so")
	require.ErrorIs(t, checkLength(deadSeeker{}, fileConfig(), g, true), errDead)
}

type deadSeeker struct{}

func (deadSeeker) Seek(int64, int) (int64, error) { return 0, errDead }

// TestAHostDiskAnswersForItsFilesAlone.
func TestAHostDiskAnswersForItsFilesAlone(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.drive")
	f, err := hostDisk{}.Open(name)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.True(t, f == nil, "and no interface around nothing")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	f, err = hostDisk{}.Open(name)
	require.NoError(t, err)
	defer f.Close()
	require.True(t, hostDisk{}.Is(name, f))
	require.False(t, hostDisk{}.Is(name, struct{ hostFile }{f}), "a file of another disk")
}

func TestAnIdentityAsText(t *testing.T) {
	var id, again Identity
	copy(id[:], counting(0xA0, 32))
	text, err := id.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf", string(text))
	require.NoError(t, again.UnmarshalText(text))
	require.Equal(t, id, again)
	for _, bad := range []string{"", string(text[2:]), string(text) + "00", "x" + string(text[1:])} {
		require.ErrorContains(t, again.UnmarshalText([]byte(bad)), "need 64 hexadecimal digits", bad)
		require.Equal(t, id, again, "a refusal changes nothing")
	}
	require.True(t, (&Identity{}).IsZero())

	// A serial number of 255 bytes is the longest that can be signed.
	key := ed25519.NewKeyFromSeed(counting(1, 32))
	c := challenge(4)
	a := Attestation{Identity: Identity(key[32:]), Serial: strings.Repeat("s", 255)}
	copy(a.Signature[:], ed25519.Sign(key, attested(a.Serial, &c)))
	require.NoError(t, a.Verify(c))
}

func TestNamesOfAuthorities(t *testing.T) {
	for a, name := range map[Authority]string{
		SID: "SID", PSID: "PSID", EraseMaster: "EraseMaster", BandMaster(0): "BandMaster0", BandMaster(64): "BandMaster64", Nobody: "authority 0000", Admin(4): "Admin4", User(9): "User9", AdminSPAdmin: "AdminSP.Admin1", 0x0512: "authority 0512",
	} {
		require.Equal(t, name, a.String())
	}
	n, ok := BandMaster(64).Band()
	require.True(t, ok && n == 64)
	_, ok = EraseMaster.Band()
	require.False(t, ok)
	for _, n := range []int{-1, MaxRanges + 1} {
		require.Panics(t, func() { BandMaster(n) })
	}
	for n, valid := range map[int]bool{0: false, 1: true, 32: true, 33: false} {
		p, err := NewPIN(make([]byte, n))
		require.Equal(t, valid, err == nil, "%d bytes", n)
		if !valid {
			require.ErrorContains(t, err, "need 1 to 32")
			require.Zero(t, p.Len())
		}
	}
	b := newBench(t, func(c *Config) { c.AlignmentGranularity = 1 })
	require.Equal(t, "drive T0001", fmt.Sprint(b.Drive))
	require.Equal(t, "session of SID", fmt.Sprint(*b.auth(SID, b.label.MSID).(*session)))
	b.session.Close()
	info, err := b.LockingInfo()
	require.NoError(t, err)
	require.Equal(t, LockingInfo{MaxRanges: 2, LogicalBlockSize: 512, AlignmentGranularity: 1}, info)
	require.NoError(t, b.as(BandMaster(1), b.label.MSID, setRange(RangeConfig{Start: 3, Length: 5})), "a granularity of 1 is none")
}

// TestMediaAnswerForWhatTheyCannotDo: not written, and nothing in the buffer.
func TestMediaAnswerForWhatTheyCannotDo(t *testing.T) {
	m, f := newFileMedia(t, 8192, 512, 10)
	written, err := m.ReadSector(10, make([]byte, 512))
	require.ErrorContains(t, err, "sectors 10 to 10, the last is 9")
	require.False(t, written)
	written, err = m.ReadSector(0, make([]byte, 511))
	require.Error(t, err)
	require.False(t, written)
	mem := NewMemMedia(512)
	require.NoError(t, mem.WriteSector(0, sectors(1, 1)))
	written, err = mem.ReadSector(0, make([]byte, 511))
	require.Error(t, err)
	require.False(t, written)
	src := sectors(1, 2)
	require.NoError(t, mem.WriteSector(0, src))
	src[0]++
	got := make([]byte, 512)
	_, err = mem.ReadSector(0, got)
	require.NoError(t, err)
	require.Equal(t, sectors(1, 2), got)

	// A file that ends in the region, in a hole, or behind it.
	require.NoError(t, m.WriteSector(2, sectors(1, 1)))
	require.Equal(t, []uint64{2}, m.Written())
	require.NoError(t, f.Truncate(8192+10*512))
	require.Equal(t, []uint64{2}, m.Written(), "a hole up to the end")
	_, err = f.WriteAt(bytes.Repeat([]byte{1}, 512), 8192+10*512)
	require.NoError(t, err)
	require.Equal(t, []uint64{2}, m.Written(), "what is behind the region is of others")
	require.NoError(t, m.WriteSector(9, sectors(1, 1)))
	require.Equal(t, []uint64{2, 9}, m.Written())
	require.NoError(t, f.Truncate(8192+2*512+100))
	written, err = m.ReadSector(2, got)
	require.NoError(t, err)
	require.True(t, written)
	require.Equal(t, append(bytes.Clone(sectors(1, 1)[:100]), make([]byte, 412)...), got, "what is past the end reads as zeros")
	require.NoError(t, f.Close())
	got = bytes.Repeat([]byte{7}, 512)
	written, err = m.ReadSector(2, got)
	require.ErrorIs(t, err, ErrMedia)
	require.False(t, written)
	require.Equal(t, make([]byte, 512), got)
	require.Empty(t, m.Written())
	f, err = os.Create(filepath.Join(t.TempDir(), "most"))
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	const most = (1<<63 - 1 - 4096) / 512
	_, err = NewFileMedia(f, 4096, 512, most)
	require.NoError(t, err)
	_, err = NewFileMedia(f, 4096, 512, most+1)
	require.ErrorContains(t, err, "do not fit in a file")
}

// TestAPlanOfTheMediaBeginsAtItsStart: a plan that was used counts from 0 when it is armed again.
func TestAPlanOfTheMediaBeginsAtItsStart(t *testing.T) {
	b := newBench(t, nil)
	m := NewFaultyMedia(b.media)
	p := b.armUnchecked("(media.read.error (OnIndex 0)) (media.write.error (OnIndex 0))")
	for range 2 {
		m.Arm(p)
		written, err := m.ReadSector(1, make([]byte, 512))
		require.ErrorIs(t, err, ErrMedia)
		require.False(t, written)
		_, err = m.ReadSector(1, make([]byte, 512))
		require.NoError(t, err)
		require.ErrorIs(t, m.WriteSector(1, sectors(1, 1)), ErrMedia)
		require.ErrorIs(t, m.WriteSector(1, make([]byte, 3)), ErrMedia, "an error of the media below")
	}
}

// TestARenderingIsWhole: the documents that are made from the table.
func TestARenderingIsWhole(t *testing.T) {
	require.Contains(t, LifecycleMarkdown(Enterprise), "\nRefused, with nothing changed: `migrate` in SecurityDegraded, `rekey` in Erased, `rekey` in SecurityDegraded, "+
		"`erase-band` in Erased, `degrade` in SecurityDegraded, `restore` in Erased, `restore` in Configured.\n")
	require.Regexp(t, `^stateDiagram-v2\n    \[\*\] --> Erased: manufacture\n`, LifecycleMermaid(Enterprise))
	require.Regexp(t, `(?s)^digraph lifecycle \{\n.*start \[shape=point\];\n.*"\];\n\}\n$`, LifecycleDOT(Enterprise))
}

// TestWhatIsNoUnfinishedDriveStays: a directory, a link, somebody's file without a
// mark are not for a making to clear away.
func TestWhatIsNoUnfinishedDriveStays(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.drive")
	target := filepath.Join(dir, "target")
	require.NoError(t, os.WriteFile(target, []byte(cutMagic+"000"), 0o600))
	require.NoError(t, os.Symlink(target, filepath.Join(dir, ".a.drive.link")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, ".a.drive.dir"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".a.drive.short"), []byte(cutMagic[:7]), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".a.drive.old"), []byte(cutMagic), 0o600))
	d, _, err := CreateFile(path, fileConfig(), FileOptions{Entropy: entropy.Stream(9, "stays")})
	require.NoError(t, err)
	require.NoError(t, d.Close())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range left {
		names = append(names, e.Name())
	}
	require.Equal(t, []string{".a.drive.dir", ".a.drive.link", ".a.drive.short", "a.drive", "target"}, names)
	require.NoError(t, removeUnfinished(hostDisk{}, filepath.Join(dir, "none")))
	require.False(t, errors.Is(err, fs.ErrExist))
}
