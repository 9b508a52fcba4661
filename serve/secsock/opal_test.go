package secsock_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// An Opal drive over the socket is the drive: sessions of several hosts, power, and each reset.
func TestAnOpalDriveOverTheSocket(t *testing.T) {
	u, label := newUnitOf(t, "OPALSOCK", drive.Opal)
	path := running(t, nil, u)
	do := func(f func(*drive.Drive) error) { t.Helper(); require.NoError(t, u.Do(f)) }
	locked := func() (is bool) {
		do(func(d *drive.Drive) error { is = errors.Is(d.Read(0, make([]byte, 512)), drive.Locked); return nil })
		return is
	}
	dev, err := host.Open(dial(t, path, 0), host.Options{})
	require.NoError(t, err)
	mine, err := drive.NewPIN([]byte("mine"))
	require.NoError(t, err)
	admin := host.Credential{Who: spec.Admin(1), PIN: mine}
	require.NoError(t, dev.TakeOwnership(host.Owner{SID: mine}))
	require.NoError(t, dev.Activate(mine, host.Activation{}))
	require.NoError(t, dev.AllowTPerReset(mine, true))
	all := token.L(token.U(spec.PowerCycle), token.U(spec.HardwareReset), token.U(spec.ProgrammaticReset))
	require.NoError(t, dev.SetRange(0, admin, host.Cell{Column: "ReadLockEnabled", Value: token.Bool(true)},
		host.Cell{Column: "WriteLockEnabled", Value: token.Bool(true)}, host.Cell{Column: "LockOnReset", Value: all}))

	second, err := host.Open(dial(t, path, 0), host.Options{})
	require.NoError(t, err)
	reader, err := second.StartAs(spec.OpalLockingSP, spec.Admin(1), mine, host.SessionOptions{ReadOnly: true})
	require.NoError(t, err)
	_, err = second.Start(spec.AdminSP, host.SessionOptions{ReadOnly: true})
	require.NoError(t, err, "several sessions at a time")
	_, err = reader.Get(spec.Range(0), "ReadLocked", "ReadLocked")
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	require.NoError(t, dev.Recover())

	for what, reset := range map[string]func(){
		"power": func() {
			do(func(d *drive.Drive) error { d.PowerOff(); return nil })
			_, err := dev.Ranges(admin)
			require.ErrorIs(t, err, transport.NoPower)
			do(func(d *drive.Drive) error { return d.PowerOn() })
		},
		"hardware reset": func() { do(func(d *drive.Drive) error { return d.Reset(drive.HardwareReset) }) },
		"TPER_RESET":     func() { require.NoError(t, second.ResetTPer()) },
	} {
		require.NoError(t, dev.SetRangeLocks(0, admin, false, false), what)
		require.False(t, locked(), what)
		open, err := dev.StartAs(spec.OpalLockingSP, spec.Admin(1), mine, host.SessionOptions{})
		require.NoError(t, err, what)
		reset()
		require.True(t, locked(), what)
		var closed *host.ClosedError
		require.ErrorAs(t, open.Set(spec.Range(0), host.Cell{Column: "ReadLocked", Value: token.Bool(false)}), &closed, what)
		require.True(t, locked(), what)
	}
	require.NoError(t, dev.SetRangeLocks(0, admin, false, false))
	do(func(d *drive.Drive) error { return d.Reset(drive.HotPlugReset) })
	require.False(t, locked(), "LockOnReset has no hot plug reset")
	require.NoError(t, dev.Revert(label.PSID))
	do(func(d *drive.Drive) error { require.Equal(t, drive.ManufacturedInactive, d.Status().State); return nil })
}
