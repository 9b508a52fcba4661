package drive

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
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

// TestOpalTablesOnTheMedium: where sectors and stamps lie, and that a stamp is what docs say.
func TestOpalTablesOnTheMedium(t *testing.T) {
	b := newOpal(t, nil)
	const n = uint64(1 << 20)
	require.Equal(t, n+16+1+8+1, b.cfg.MediaSectors(), "16 sectors of shadow, 8 of DataStore, a sector of stamps for each")
	admin := b.owned(ActivateOptions{DataStores: []uint64{1024, 2048}})
	wrote := func(a Area, offset uint64, want ...uint64) {
		t.Helper()
		before := map[uint64]bool{}
		for _, lba := range b.Dump().Written {
			before[lba] = true
		}
		require.NoError(t, b.WriteTable(a, offset, []byte("x"), admin))
		var fresh []uint64
		for _, lba := range b.Dump().Written {
			if !before[lba] {
				fresh = append(fresh, lba)
			}
		}
		require.Equal(t, want, fresh, "%v", a)
	}
	wrote(MBRShadow, 0, n, n+16)
	wrote(MBRShadow, 8191, n+15)
	wrote(DataStoreArea(0), 512, n+18, n+25)
	wrote(DataStoreArea(1), 0, n+19)
	wrote(DataStoreArea(1), 2047, n+22)

	long := newOpal(t, func(c *Config) { c.MBRSize = 32 << 10 })
	require.NoError(t, long.WriteTable(MBRShadow, 40*512, []byte("x"), long.owned(ActivateOptions{})))
	require.Equal(t, []uint64{n + 40, n + 64 + 1}, long.Dump().Written, "the second sector of stamps")

	rk, err := b.rec.opal.mbr.keys.taken(rootHolder, b.rootKEK)
	require.NoError(t, err)
	mek, err := unwrapMEK(rk, &b.rec.opal.mbr.keys.mek)
	require.NoError(t, err)
	stamps, _ := b.Dump().Sector(n + 16)
	for sector, offset := range map[uint64]int{0: 0, 15: 15 * 16} {
		want, err := hkdf.Key(sha256.New, mek[:], binary.BigEndian.AppendUint64(nil, sector), "fdelab/table-stamp/1", 32)
		require.NoError(t, err)
		require.Equal(t, want[:16], stamps[offset:offset+16], "sector %d", sector)
	}
	require.Equal(t, make([]byte, 14*16), stamps[16:15*16], "nothing else is stamped")
}

// failingMedia fails its k-th read or write, and tells what it was asked.
type failingMedia struct {
	Media
	read, write int // -1: never
}

func (m *failingMedia) ReadSector(lba uint64, dst []byte) (bool, error) {
	if m.read--; m.read == -1 {
		return false, ErrMedia
	}
	return m.Media.ReadSector(lba, dst)
}

func (m *failingMedia) WriteSector(lba uint64, src []byte) error {
	if m.write--; m.write == -1 {
		return ErrMedia
	}
	return m.Media.WriteSector(lba, src)
}

// TestOpalTablesOnAMediumThatFails: every read and every write that fails is a media failure, and no key is left.
func TestOpalTablesOnAMediumThatFails(t *testing.T) {
	b := newOpal(t, nil)
	admin := b.owned(ActivateOptions{})
	text := make([]byte, 700)
	keys := watchKeys(t)
	sound := b.parts.Media
	fails := 0
	for _, area := range []Area{MBRShadow, DataStoreArea(0)} {
		for name, ask := range map[string]func() error{
			"write table": func() error { return b.WriteTable(area, 500, text, admin) },
			"read table":  func() error { return b.ReadTable(area, 500, text, admin) },
		} {
			for _, m := range []failingMedia{{sound, 0, -1}, {sound, 1, -1}, {sound, 2, -1}, {sound, -1, 0}, {sound, -1, 1}} {
				if name == "read table" && m.write >= 0 {
					continue
				}
				if name == "read table" {
					require.NoError(t, b.WriteTable(area, 500, text, admin))
				} else {
					require.NoError(t, b.change(admin, func(c *Change) error { return c.GenKey(area) }))
				}
				b.parts.Media = &m
				refused(t, ask(), MediaFailure, name)
				b.parts.Media = sound
				require.NoError(t, ask(), name)
				require.Zero(t, keys.left(b.Drive), "%s: keys are left", name)
				fails++
			}
		}
	}
	require.Equal(t, 16, fails)
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetMBRControl(MBRControl{Enable: true}) }))
	for k := range 2 {
		b.parts.Media = &failingMedia{sound, k, -1}
		refused(t, b.Read(1, make([]byte, 512)), MediaFailure, "read")
		b.parts.Media = sound
	}
	require.NoError(t, b.WriteTable(MBRShadow, 3*512, []byte("boot"), admin))
	got, want := bytes.Repeat([]byte{0xEE}, 8192), make([]byte, 8192)
	require.NoError(t, b.ReadTable(MBRShadow, 0, want))
	require.NoError(t, b.Read(0, got))
	require.Equal(t, want, got, "every sector of the shadow")
	require.NoError(t, b.ReadTable(MBRShadow, 8192, nil, admin), "nothing, at the end")
	require.NoError(t, b.ReadTable(MBRShadow, 0, make([]byte, 8192)))
	refused(t, b.ReadTable(MBRShadow, 8193, nil), InvalidParameter, "read table", "MBR shadow has 8192")
	refused(t, b.ReadTable(MBRShadow, 1, make([]byte, 8192)), InvalidParameter, "read table", "8192 bytes from byte 1 on")
	size, err := b.TableSize(MBRShadow)
	require.NoError(t, err)
	require.Equal(t, uint64(8192), size)
	for _, a := range []Area{RangeArea(0), DataStoreArea(1), MBRShadow + 1} {
		_, err := b.TableSize(a)
		refused(t, err, InvalidParameter, "table size", "there is no table")
	}
}

// An altered wrap of the shadow's key opens nothing, and is no panic.
func TestOpalAlteredKeyOfTheShadow(t *testing.T) {
	for name, change := range map[string]func(k *areaKeys){
		"MEK":       func(k *areaKeys) { k.mek[3] ^= 1 },
		"range key": func(k *areaKeys) { k.wraps[0][3] ^= 1 },
	} {
		b := newOpal(t, nil)
		admin := b.owned(ActivateOptions{})
		keys := watchKeys(t)
		b.tamper(func(r *record) {
			own := *r.opal.mbr.keys
			own.wraps = append([][AKWrapSize]byte(nil), own.wraps...)
			change(&own)
			r.opal.mbr.keys, r.opal.mbrEnable = &own, true
		})
		require.Error(t, b.ReadTable(MBRShadow, 0, make([]byte, 4), admin), name)
		require.Error(t, b.Read(0, make([]byte, 512)), name)
		require.Zero(t, keys.left(b.Drive), "%s: keys are left", name)
	}
}

// TestOpalMBRControl: who may set it, to what, and what of it outlives power.
func TestOpalMBRControl(t *testing.T) {
	b := newOpal(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 9)))
	grantedUser(b)
	user := b.login(User(1), credential(7))
	set := func(m MBRControl) error { return b.change(user, func(c *Change) error { return c.SetMBRControl(m) }) }
	for _, bad := range []ResetSet{OnHardware, OnProgrammatic, OnHardware | OnProgrammatic, opalResets + 1, opalResets + 1 + OnPowerCycle} {
		refused(t, set(MBRControl{DoneOnReset: bad}), InvalidParameter, "set mbr control", "DoneOnReset")
	}
	for _, m := range []MBRControl{{}, {Enable: true}, {Enable: true, Done: true}, {Done: true}, {Enable: true, Done: true, DoneOnReset: OnPowerCycle}, {Enable: true, Done: true, DoneOnReset: opalResets}} {
		require.NoError(t, set(m))
		got, err := b.MBRControl()
		require.NoError(t, err)
		require.Equal(t, m, got)
		shadowed := func(m MBRControl) {
			t.Helper()
			buf := make([]byte, 512)
			require.NoError(t, b.Read(0, buf))
			require.Equal(t, m.Enable && !m.Done, string(buf) != string(sectors(1, 9)), "%+v", m)
		}
		shadowed(m)
		b.cycle()
		m.Done = m.Done && m.DoneOnReset == 0
		got, err = b.MBRControl()
		require.NoError(t, err)
		require.Equal(t, m, got, "after a power cycle")
		shadowed(m)
		user = b.login(User(1), credential(7))
	}
	require.NoError(t, b.Revert(b.login(SID, credential(1))))
	got, err := b.MBRControl()
	require.NoError(t, err)
	require.Equal(t, MBRControl{DoneOnReset: OnPowerCycle}, got, "as from the factory")
}
