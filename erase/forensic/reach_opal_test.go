package forensic_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

func newOpalVictim(t *testing.T) *victim {
	t.Helper()
	v := &victim{t: t, chip: flash.NewFaulty(flash.NewMem(drive.Opal.FlashGeometry()))}
	var err error
	v.d, v.label, err = drive.Manufacture(drive.Config{
		Serial: "OPAL", SectorSize: 512, Sectors: 1 << 10, PBKDF2Iterations: 1, Personality: drive.Opal, Ranges: 2, MBRSize: 8 << 10, DataStoreSize: 4 << 10,
	}, drive.Parts{Flash: v.chip, Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, t.Name())})
	require.NoError(t, err)
	v.opal, err = v.d.Opal()
	require.NoError(t, err)
	return v
}

func (v *victim) login(a drive.Authority, pin drive.PIN) *drive.Login {
	l, err := v.opal.Login(a, pin)
	require.NoError(v.t, err)
	v.t.Cleanup(l.Close)
	return l
}

// change has changes made in one step.
func (v *victim) change(by *drive.Login, do func(c *drive.Change) error) error {
	c, err := v.opal.Begin(by)
	require.NoError(v.t, err)
	defer c.Abort()
	if err := do(c); err != nil {
		return err
	}
	return c.Commit()
}

// activate gives SID and Admin1 a credential, and says who Admin1 is.
func (v *victim) activate() *drive.Login {
	sid := v.login(drive.SID, v.label.MSID)
	require.NoError(v.t, v.change(sid, func(c *drive.Change) error { return c.SetPIN(drive.SID, credentialOf(1)) }))
	require.NoError(v.t, v.opal.Activate(sid, drive.ActivateOptions{}))
	sid.Close()
	return v.login(drive.Admin(1), credentialOf(1))
}

// user gives range 1 locks that close at a loss of power, and User1 its key. A sector of it is written.
func (v *victim) user() *drive.Login {
	admin := v.activate()
	require.NoError(v.t, v.change(admin, func(c *drive.Change) error {
		return errors.Join(
			c.SetRange(1, drive.RangeConfig{Start: 100, Length: 100, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle}),
			c.SetEnabled(drive.User(1), true), c.SetPIN(drive.User(1), credentialOf(7)), c.Grant(drive.RangeArea(1), drive.User(1)),
			c.SetLocks(1, false, false))
	}))
	v.writeAt(100)
	return admin
}

func revoke(c *drive.Change) error { return c.Revoke(drive.RangeArea(1), drive.User(1)) }

// revert gives a drive back, and with it the credentials of SID and Admin1.
func (v *victim) revert(admin *drive.Login, o drive.RevertOptions) error {
	v.retired = append(v.retired, credentialOf(1), credentialOf(7))
	return v.opal.RevertLocking(admin, o)
}

var opalLives = []life{
	{drive.ManufacturedInactive, "Opal, written before anybody owns it", func(v *victim) { v.write() }},
	{drive.Manufactured, "Opal, activated, no locks", func(v *victim) { v.activate(); v.write() }},
	{drive.Manufactured, "Opal, a User's range that locks at a loss of power", func(v *victim) { v.user() }},
	{drive.Manufactured, "the same, and the User has another PIN", func(v *victim) {
		require.NoError(v.t, v.change(v.user(), func(c *drive.Change) error { return c.SetPIN(drive.User(1), credentialOf(8)) }))
		v.retired = append(v.retired, credentialOf(7))
	}},
	{drive.Manufactured, "the same, and the User's grant is revoked", func(v *victim) {
		require.NoError(v.t, v.change(v.user(), revoke))
		v.retired = append(v.retired, credentialOf(7))
	}},
	{drive.Manufactured, "the same, and the range has a new key", func(v *victim) {
		require.NoError(v.t, v.change(v.user(), func(c *drive.Change) error { return c.GenKey(drive.RangeArea(1)) }))
		v.retired = append(v.retired, credentialOf(1), credentialOf(7)) // they open the new key alone
	}},
	{drive.ManufacturedInactive, "the same, after a revert", func(v *victim) {
		require.NoError(v.t, v.revert(v.user(), drive.RevertOptions{}))
	}},
	{drive.ManufacturedInactive, "Opal, the global range, after a revert that keeps its key", func(v *victim) {
		admin := v.activate()
		v.write()
		require.NoError(v.t, v.revert(admin, drive.RevertOptions{KeepGlobalRangeKey: true}))
	}},
	{drive.SecurityDegraded, "a User's grant is revoked, and the old wrap could not be destroyed", func(v *victim) {
		admin := v.user()
		v.breakErase()
		require.Error(v.t, v.change(admin, revoke))
		v.retired = append(v.retired, credentialOf(7))
	}},
	{drive.SecurityDegraded, "a revert that could not destroy the old wrap", func(v *victim) {
		admin := v.user()
		v.breakErase()
		require.Error(v.t, v.revert(admin, drive.RevertOptions{}))
	}},
}
