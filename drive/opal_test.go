package drive

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// opalBench is an Opal drive on a workbench.
type opalBench struct {
	*bench
	*OpalDrive
}

func opalConfig(c *Config) {
	c.Personality, c.MBRSize, c.DataStoreSize = Opal, 8<<10, 4<<10
}

func newOpal(t *testing.T, change func(*Config)) *opalBench {
	t.Helper()
	cfg := testConfig()
	opalConfig(&cfg)
	if change != nil {
		change(&cfg)
	}
	b := &bench{t: t, flash: flash.NewFaulty(flash.NewMem(Opal.FlashGeometry())), media: NewMemMedia(cfg.SectorSize)}
	d, label, err := Manufacture(cfg, Parts{
		Flash: strict(t, b.flash), Media: b.media, Entropy: entropy.Stream(1, cfg.Serial),
		Trace: func(tr TransitionTrace) { b.seen = append(b.seen, tr) },
	})
	require.NoError(t, err)
	b.Drive, b.label = d, label
	o, err := d.Opal()
	require.NoError(t, err)
	return &opalBench{b, o}
}

func (b *opalBench) login(a Authority, pin PIN) *Login {
	b.t.Helper()
	l, err := b.Login(a, pin)
	require.NoError(b.t, err, "%v must log in", a)
	b.t.Cleanup(l.Close)
	return l
}

// change makes a change as l and commits it.
func (b *opalBench) change(l *Login, do func(c *Change) error) error {
	b.t.Helper()
	c, err := b.Begin(l)
	require.NoError(b.t, err)
	defer c.Abort()
	if err := do(c); err != nil {
		return err
	}
	return c.Commit()
}

// owned takes the drive into use: SID and Admin1 have credential(1).
func (b *opalBench) owned(a ActivateOptions) *Login {
	b.t.Helper()
	sid := b.login(SID, b.label.MSID)
	require.NoError(b.t, b.change(sid, func(c *Change) error { return c.SetPIN(SID, credential(1)) }))
	require.NoError(b.t, b.Activate(sid, a))
	sid.Close()
	return b.login(Admin(1), credential(1))
}

var lockedRange = RangeConfig{Start: 100, Length: 100, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: OnPowerCycle}

func TestOpalFromTheFactoryToAUserAndBack(t *testing.T) {
	b := newOpal(t, nil)
	require.Equal(t, Status{Powered: true, State: ManufacturedInactive, KeyGeneration: 1}, b.Status())
	require.NoError(t, b.Write(100, sectors(1, 0x11)))
	_, err := b.Login(Admin(1), b.label.MSID)
	require.ErrorIs(t, err, InvalidState)
	_, err = b.Authenticate(SID, b.label.MSID)
	require.ErrorIs(t, err, InvalidParameter, "sessions are of Enterprise drives")
	admin := b.owned(ActivateOptions{})
	require.Equal(t, Manufactured, b.Status().State)
	b.mustRead(100, sectors(1, 0x11), "Activate keeps data")

	require.NoError(t, b.change(admin, func(c *Change) error {
		if err := c.SetRange(1, lockedRange); err != nil {
			return err
		}
		if err := c.SetEnabled(User(1), true); err != nil {
			return err
		}
		if err := c.Grant(RangeArea(1), User(1)); err != nil {
			return err
		}
		return c.SetPIN(User(1), credential(7))
	}))
	granted, root, err := b.Holders(RangeArea(1))
	require.NoError(t, err)
	require.False(t, root)
	require.Equal(t, []Authority{Admin(1), Admin(2), Admin(3), Admin(4), User(1)}, granted)
	require.NoError(t, b.Write(100, sectors(1, 0x22)))
	b.cycle()
	require.ErrorIs(t, b.Read(100, make([]byte, 512)), Locked)
	require.ErrorIs(t, b.change(admin, func(c *Change) error { return nil }), NoSession)
	user := b.login(User(1), credential(7))
	require.NoError(t, b.change(user, func(c *Change) error { return c.SetLocks(1, false, false) }))
	b.mustRead(100, sectors(1, 0x22), "a granted User unlocks")
	b.cycle()
	admin = b.login(Admin(1), credential(1))
	require.NoError(t, b.change(admin, func(c *Change) error { return c.Revoke(RangeArea(1), User(1)) }))
	user = b.login(User(1), credential(7))
	require.ErrorIs(t, b.change(user, func(c *Change) error { return c.SetLocks(1, false, false) }), KeyNotHeld)
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetLocks(1, false, false) }))
	b.mustRead(100, sectors(1, 0x22), "the Admin unlocks")

	psid := b.login(PSID, b.label.PSID)
	require.NoError(t, b.Revert(psid))
	require.Equal(t, ManufacturedInactive, b.Status().State)
	got := make([]byte, 512)
	require.NoError(t, b.Read(100, got))
	require.NotEqual(t, sectors(1, 0x22), got)
	b.login(SID, b.label.MSID)
	b.cycle()
	require.Equal(t, ManufacturedInactive, b.Status().State)
}
