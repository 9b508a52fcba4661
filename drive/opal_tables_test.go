package drive

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
)

func TestOpalTables(t *testing.T) {
	b := newOpal(t, nil)
	admin := b.owned(ActivateOptions{DataStores: []uint64{1024, 2048}})
	size, err := b.TableSize(DataStoreArea(1))
	require.NoError(t, err)
	require.EqualValues(t, 2048, size)
	read := func(a Area, offset uint64, n int, by ...*Login) ([]byte, error) {
		dst := bytes.Repeat([]byte{0xEE}, n)
		err := b.ReadTable(a, offset, dst, by...)
		return dst, err
	}
	text := []byte("across the end of a sector")
	for _, a := range []Area{MBRShadow, DataStoreArea(0), DataStoreArea(1)} {
		require.NoError(t, b.WriteTable(a, 500, text, admin))
		got, err := read(a, 490, 40, admin)
		require.NoError(t, err)
		require.Equal(t, append(append(make([]byte, 10), text...), 0, 0, 0, 0), got, "%v: what was not written is zeros", a)
	}
	for _, lba := range b.Dump().Written {
		require.GreaterOrEqual(t, lba, b.cfg.Sectors, "behind what hosts address")
		require.Less(t, lba, b.cfg.MediaSectors())
		sector, _ := b.Dump().Sector(lba)
		require.NotContains(t, string(sector), "the end", "encrypted")
	}
	b.cycle()
	got, err := read(MBRShadow, 500, len(text))
	require.NoError(t, err, "anybody reads the MBR shadow")
	require.Equal(t, text, got)
	_, err = read(DataStoreArea(0), 500, 4)
	require.ErrorIs(t, err, KeyNotHeld)
	sid := b.login(SID, credential(1))
	_, err = read(DataStoreArea(0), 500, 4, sid)
	require.ErrorIs(t, err, KeyNotHeld)
	require.ErrorIs(t, b.WriteTable(MBRShadow, 0, text, sid), KeyNotHeld)
	_, err = read(DataStoreArea(0), 1000, 25, admin)
	require.ErrorIs(t, err, NoSession)
	admin = b.login(Admin(1), credential(1))
	for _, bad := range []struct {
		a      Area
		offset uint64
		n      int
	}{{DataStoreArea(0), 1000, 25}, {DataStoreArea(0), ^uint64(0), 2}, {DataStoreArea(2), 0, 1}, {RangeArea(1), 0, 1}} {
		_, err = read(bad.a, bad.offset, bad.n, admin)
		require.ErrorIs(t, err, InvalidParameter, "%v", bad)
	}
	// A new key makes zeros of it, and of the others nothing.
	require.NoError(t, b.change(admin, func(c *Change) error { return c.GenKey(DataStoreArea(0)) }))
	got, err = read(DataStoreArea(0), 500, len(text), admin)
	require.NoError(t, err)
	require.Equal(t, make([]byte, len(text)), got)
	got, err = read(DataStoreArea(1), 500, len(text), admin)
	require.NoError(t, err)
	require.Equal(t, text, got)
	require.NoError(t, b.RevertLocking(admin, RevertOptions{KeepGlobalRangeKey: true}))
	got, err = read(MBRShadow, 500, len(text))
	require.NoError(t, err)
	require.Equal(t, make([]byte, len(text)), got, "a revert gives the MBR shadow up")
	n, err := b.DataStores()
	require.NoError(t, err)
	require.Zero(t, n)
}

// TestOpalShadow: while it is enabled and not done, the MBR shadow hides the sectors under it, whatever is locked.
func TestOpalShadow(t *testing.T) {
	b := newOpal(t, nil)
	require.NoError(t, b.Write(0, sectors(20, 0x33)))
	admin := b.owned(ActivateOptions{})
	require.NoError(t, b.WriteTable(MBRShadow, 0, []byte("boot"), admin))
	global := RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: OnPowerCycle | OnProgrammatic}
	require.NoError(t, b.change(admin, func(c *Change) error {
		return errors.Join(c.SetRange(0, global), c.SetMBRControl(MBRControl{Enable: true, Done: true, DoneOnReset: OnPowerCycle | OnProgrammatic}))
	}))
	b.mustRead(0, sectors(20, 0x33), "done")
	boot := append([]byte("boot"), make([]byte, 508)...)
	for _, reset := range []func() error{
		func() error { b.PowerOff(); return b.PowerOn() }, func() error { return b.Reset(ProgrammaticReset) },
	} {
		require.NoError(t, reset())
		b.mustRead(0, boot, "the shadow is read though the range is locked")
		b.mustRead(15, make([]byte, 512), "its last sector")
		require.ErrorIs(t, b.Read(16, make([]byte, 512)), Locked, "behind it the locks count")
		require.ErrorIs(t, b.Read(15, make([]byte, 1024)), Locked)
		require.ErrorIs(t, b.Write(0, boot), Locked)
		admin = b.login(Admin(1), credential(1))
		m, err := b.MBRControl()
		require.NoError(t, err)
		require.Equal(t, MBRControl{Enable: true, DoneOnReset: OnPowerCycle | OnProgrammatic}, m)
		require.NoError(t, b.change(admin, func(c *Change) error { return c.SetLocks(0, false, false) }))
		b.mustRead(0, boot, "unlocked and not done: the shadow all the same")
		require.ErrorIs(t, b.Write(0, boot), Locked)
		m.Done = true
		require.NoError(t, b.change(admin, func(c *Change) error { return c.SetMBRControl(m) }))
		b.mustRead(0, sectors(20, 0x33), "done")
	}
	require.NoError(t, b.Reset(HardwareReset))
	b.mustRead(0, sectors(20, 0x33), "a reset that DoneOnReset does not name")
	admin = b.login(Admin(1), credential(1))
	require.NoError(t, b.change(admin, func(c *Change) error {
		global.LockOnReset = 0
		return errors.Join(c.SetRange(0, global), c.SetMBRControl(MBRControl{Enable: true, Done: true}))
	}))
	b.cycle()
	b.mustRead(0, sectors(20, 0x33), "an empty DoneOnReset outlives power")
}

// dyingMedia writes n sectors and then nothing more.
type dyingMedia struct {
	Media
	n int
}

func (m *dyingMedia) WriteSector(lba uint64, src []byte) error {
	if m.n--; m.n < 0 {
		return ErrMedia
	}
	return m.Media.WriteSector(lba, src)
}

// TestOpalTableWritesAreCutAnywhere: after every write of the medium at which it may end, each sector of a table has the old bytes
// or the new ones.
func TestOpalTableWritesAreCutAnywhere(t *testing.T) {
	old, fresh := bytes.Repeat([]byte("old!"), 300), bytes.Repeat([]byte("NEW!"), 300)
	for _, first := range []bool{true, false} {
		for k := 0; ; k++ {
			b := newOpal(t, nil)
			admin := b.owned(ActivateOptions{})
			want := make([]byte, len(old))
			if !first {
				require.NoError(t, b.WriteTable(DataStoreArea(0), 100, old, admin))
				copy(want, old)
			}
			dying := &dyingMedia{b.media, k}
			b.parts.Media = dying
			err := b.WriteTable(DataStoreArea(0), 100, fresh, admin)
			got := make([]byte, len(old))
			require.NoError(t, b.ReadTable(DataStoreArea(0), 100, got, admin))
			for from := 0; from < len(got); {
				to := min(len(got), (from+100)/512*512+412)
				require.True(t, bytes.Equal(got[from:to], fresh[from:to]) || bytes.Equal(got[from:to], want[from:to]), "cut %d: bytes %d to %d", k, from, to)
				from = to
			}
			if err == nil {
				require.Equal(t, fresh, got)
				break
			}
			require.ErrorIs(t, err, MediaFailure)
		}
	}
}

// TestOpalDriveInAFile: a drive file has the personality, the tables behind the media, and the grants.
func TestOpalDriveInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "opal.drive")
	cfg := testConfig()
	opalConfig(&cfg)
	cfg.MBRSize, cfg.DataStoreSize = 128<<20, 10<<20
	options := FileOptions{Entropy: entropy.Stream(2, "file")}
	f, label, err := CreateFile(path, cfg, options)
	require.NoError(t, err)
	b := &opalBench{bench: &bench{Drive: f.Drive, t: t, label: label}}
	b.OpalDrive, err = f.Opal()
	require.NoError(t, err)
	admin := b.owned(ActivateOptions{})
	end := uint64(128<<20 - 5)
	require.NoError(t, b.WriteTable(MBRShadow, end, []byte("boot!"), admin))
	require.NoError(t, b.WriteTable(DataStoreArea(0), 10<<20-5, []byte("store"), admin))
	require.NoError(t, f.Close())
	stat, err := os.Stat(path)
	require.NoError(t, err)
	require.Greater(t, stat.Size(), int64(600<<20), "the tables lie behind the media")

	f, err = OpenFile(path, options)
	require.NoError(t, err)
	defer f.Close()
	require.Equal(t, cfg, f.Config())
	require.NoError(t, f.PowerOn())
	require.Equal(t, Manufactured, f.Status().State)
	b.Drive = f.Drive
	b.OpalDrive, err = f.Opal()
	require.NoError(t, err)
	got := make([]byte, 5)
	require.NoError(t, b.ReadTable(MBRShadow, end, got))
	require.Equal(t, "boot!", string(got))
	require.NoError(t, b.ReadTable(DataStoreArea(0), 10<<20-5, got, b.login(Admin(1), credential(1))))
	require.Equal(t, "store", string(got))
}
