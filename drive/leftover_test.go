package drive

import (
	"errors"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/internal/leftover"
	"github.com/seed-9d983aeb/fdelab/internal/leftover/leftovertest"
)

// TestKeysAfterPowerOff looks through the memory of a process in which a drive was
// used and lost its power: of the keys that the drive had in RAM not one copy is
// left. It is a process of its own, so that nothing but the drive has seen a key.
func TestKeysAfterPowerOff(t *testing.T) {
	leftovertest.Run(t, "TestLeftoverChild", 20, "MEK, K1")
}

// TestLeftoverChild is the child of TestKeysAfterPowerOff.
func TestLeftoverChild(t *testing.T) {
	plant := leftovertest.Child(t)
	random := leftovertest.Stream(77)
	d, label, err := Manufacture(Config{Serial: "L1", SectorSize: 512, Sectors: 64, Ranges: 1, PBKDF2Iterations: 1},
		Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: NewMemMedia(512), Entropy: &random})
	require.NoError(t, err)
	var needles []*leftover.Needle
	note := func(name string, key []byte) { needles = append(needles, leftover.New(name, key)) }
	as := func(a Authority, pin PIN, f func(Session)) {
		s, err := d.Authenticate(a, pin)
		require.NoError(t, err)
		f(s)
		s.Close()
	}
	buf := make([]byte, 512)
	note("root KEK", d.rootKEK[:])
	note("MEK of a range that is open, K1", d.ram[1].mek[:32])
	note("MEK of a range that is open, K2", d.ram[1].mek[32:])
	note("MEK that GenKey replaces, K1", d.ram[0].mek[:32])
	note("MEK that GenKey replaces, K2", d.ram[0].mek[32:])
	require.NoError(t, d.Write(3, buf))
	owner, next := credential(1), credential(2)
	for i := range PINSize {
		owner.get().b[i], next.get().b[i] = byte(i*37+11), byte(i*41+7)
	}
	note("credential", owner.raw())
	note("next credential", next.raw())
	as(BandMaster(0), label.MSID, func(s Session) {
		note("AK of MSID", s.(*session).ak[:])
		require.NoError(t, s.GenKey())
		require.NoError(t, s.Migrate(owner))
		note("AK", s.(*session).ak[:])
	})
	note("MEK, K1", d.ram[0].mek[:32])
	note("MEK, K2", d.ram[0].mek[32:])
	if plant {
		leftovertest.Planted = append(leftovertest.Planted, d.ram[0].mek[:]...)
	}
	for range 3 {
		d.PowerOff()
		require.NoError(t, d.PowerOn())
		as(BandMaster(0), owner, func(s Session) {
			require.NoError(t, s.Unlock())
			require.NoError(t, d.Write(3, buf))
			require.NoError(t, d.Read(3, buf))
		})
	}
	as(BandMaster(0), owner, func(s Session) {
		require.NoError(t, s.SetPIN(next))
	})
	kek, err := KEK(d.fuses.Root, next, d.rec.slot(BandMaster(0)).slot.Salt, 1)
	require.NoError(t, err)
	note("KEK", kek[:])
	kek.Clear()
	owner.Clear()
	next.Clear()
	d.PowerOff()
	openAndClose(t, note)
	useOpal(t, note)
	leftovertest.Report(t, needles)
	runtime.KeepAlive(d)
}

// useOpal uses an Opal drive and takes its power: a User's grant, a DataStore, the MBR shadow, a revert.
func useOpal(t *testing.T, note func(string, []byte)) {
	random := leftovertest.Stream(79)
	d, label, err := Manufacture(Config{Serial: "L3", SectorSize: 512, Sectors: 64, Ranges: 1, PBKDF2Iterations: 1, Personality: Opal, MBRSize: 1024, DataStoreSize: 1024},
		Parts{Flash: flash.NewMem(Opal.FlashGeometry()), Media: NewMemMedia(512), Entropy: &random})
	require.NoError(t, err)
	o, err := d.Opal()
	require.NoError(t, err)
	as := func(a Authority, pin PIN, do func(l *Login, c *Change) error) {
		l, err := o.Login(a, pin)
		require.NoError(t, err)
		c, err := o.Begin(l)
		require.NoError(t, err)
		require.NoError(t, do(l, c))
		if !l.over {
			require.NoError(t, c.Commit())
		}
		c.Abort()
		l.Close()
	}
	owner, user := credential(3), credential(4)
	for i := range PINSize {
		owner.get().b[i], user.get().b[i] = byte(i*43+5), byte(i*47+3)
	}
	note("PIN of SID and Admin1", owner.raw())
	note("PIN of a User", user.raw())
	as(SID, label.MSID, func(_ *Login, c *Change) error { return c.SetPIN(SID, owner) })
	sid, err := o.Login(SID, owner)
	require.NoError(t, err)
	require.NoError(t, o.Activate(sid, ActivateOptions{}))
	sid.Close()
	text, locked := []byte("a table of bytes"), RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: OnPowerCycle}
	as(Admin(1), owner, func(l *Login, c *Change) error {
		note("users' key", l.users[:])
		return errors.Join(o.WriteTable(MBRShadow, 0, text, l), o.WriteTable(DataStoreArea(0), 0, text, l),
			c.SetEnabled(User(1), true), c.SetPIN(User(1), user), c.Grant(RangeArea(0), User(1)), c.SetRange(0, locked))
	})
	d.PowerOff()
	require.NoError(t, d.PowerOn())
	as(User(1), user, func(l *Login, c *Change) error {
		note("AK of a User", l.ak[:])
		return c.SetLocks(0, false, false)
	})
	note("MEK of an Opal drive, K1", d.ram[0].mek[:32])
	note("MEK of an Opal drive, K2", d.ram[0].mek[32:])
	require.NoError(t, d.Write(3, make([]byte, 512)))
	as(PSID, label.PSID, func(l *Login, _ *Change) error { return o.Revert(l) })
	owner.Clear()
	user.Clear()
	label.MSID.Clear()
	d.PowerOff()
	d.fuses.Clear()
}

// openAndClose makes a drive in a file, opens it and forgets it. note is told of its
// root key and its MSID.
func openAndClose(t *testing.T, note func(string, []byte)) {
	path := filepath.Join(t.TempDir(), "a.drive")
	random := leftovertest.Stream(78)
	o := FileOptions{Entropy: &random}
	d, label, err := CreateFile(path, Config{Serial: "L2", SectorSize: 512, Sectors: 64, PBKDF2Iterations: 1}, o)
	require.NoError(t, err)
	note("root key", d.fuses.Root[:])
	note("MSID", label.MSID.raw())
	label.MSID.Clear()
	require.NoError(t, d.Close())
	d.fuses.Clear()
	d, err = OpenFile(path, o)
	require.NoError(t, err)
	require.NoError(t, d.PowerOn())
	require.NoError(t, d.Close())
	d.fuses.Clear()
}
