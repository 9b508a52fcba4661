package host_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive"
	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
	"github.com/seed-9d983aeb/fdelab/drive/tcg"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/host"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/spec"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/token"
	"github.com/seed-9d983aeb/fdelab/drive/tcg/transport"
)

// opal is an Opal drive and a host that has it open. Its SID has the PIN "sid", Admin1 too once it is
// activated.
type opal struct {
	made
	t   *testing.T
	dev *host.Device
	sid drive.PIN
}

func newOpal(t *testing.T) *opal {
	t.Helper()
	c := drive.Config{
		Serial: "HOST2", SectorSize: 512, Sectors: 1 << 16, Ranges: 3, TryLimit: 5, PBKDF2Iterations: 1,
		Personality: drive.Opal, MBRSize: 1 << 20, DataStoreSize: 1 << 18,
	}
	d, label, err := drive.Manufacture(c, drive.Parts{Flash: flash.NewMem(drive.Opal.FlashGeometry()), Media: drive.NewMemMedia(512), Entropy: entropy.Stream(1, "drive")})
	require.NoError(t, err)
	require.NoError(t, d.PowerOn())
	tp, err := tcg.New(d, tcg.Options{Entropy: entropy.Stream(1, "tper")})
	require.NoError(t, err)
	dev, err := host.Open(tp, host.Options{})
	require.NoError(t, err)
	return &opal{made{d, tp, label}, t, dev, pin(t, "sid")}
}

// active is an Opal drive that somebody owns, and whose Locking SP is activated.
func activeOpal(t *testing.T, a host.Activation) *opal {
	t.Helper()
	o := newOpal(t)
	require.NoError(t, o.dev.TakeOwnership(host.Owner{SID: o.sid}))
	require.NoError(t, o.dev.Activate(o.sid, a))
	return o
}

func (o *opal) admin() host.Credential { return host.Credential{Who: spec.Admin(1), PIN: o.sid} }

func (o *opal) user(n int, text string) host.Credential {
	return host.Credential{Who: spec.User(n), PIN: pin(o.t, text)}
}

// adds makes a User with a PIN.
func (o *opal) adds(n int, text string) host.Credential {
	o.t.Helper()
	u := o.user(n, text)
	require.NoError(o.t, o.dev.SetPINOf(u.Who, o.admin(), u.PIN))
	require.NoError(o.t, o.dev.SetEnabled(u.Who, o.admin(), true))
	return u
}

func (o *opal) write(lba uint64, text string) {
	o.t.Helper()
	b := make([]byte, 512)
	copy(b, text)
	require.NoError(o.t, o.d.Write(lba, b))
}

// reads says whether a sector reads as it was written.
func (o *opal) reads(lba uint64, text string) bool {
	b := make([]byte, 512)
	return o.d.Read(lba, b) == nil && bytes.HasPrefix(b, []byte(text))
}

func (o *opal) locked(lba uint64) bool {
	return errors.Is(o.d.Read(lba, make([]byte, 512)), drive.Locked)
}

func (o *opal) holders(n int) []drive.Authority {
	d, err := o.d.Opal()
	require.NoError(o.t, err)
	who, _, err := d.Holders(drive.RangeArea(n))
	require.NoError(o.t, err)
	return who
}

func (o *opal) powerCycle() {
	o.d.PowerOff()
	require.NoError(o.t, o.d.PowerOn())
}

// locks are the columns with which a range locks at a loss of power.
func locks(on bool) []host.Cell {
	return []host.Cell{{Column: "ReadLockEnabled", Value: token.Bool(on)}, {Column: "WriteLockEnabled", Value: token.Bool(on)}}
}

func TestAnOpalDriveIsOwnedAndActivated(t *testing.T) {
	o := newOpal(t)
	require.False(t, o.dev.Enterprise())
	require.ErrorIs(t, func() error { _, err := o.dev.Ranges(host.Credential{}); return err }(), host.ErrInactive)
	require.NoError(t, o.dev.TakeOwnership(host.Owner{SID: o.sid}))
	require.NoError(t, o.dev.TakeOwnership(host.Owner{SID: o.sid}), "again, as after an interruption")
	require.ErrorIs(t, o.dev.TakeOwnership(host.Owner{SID: pin(t, "stranger")}), spec.NotAuthorized)
	require.ErrorContains(t, o.dev.TakeOwnership(host.Owner{SID: o.sid, EraseMaster: o.sid}), "does not speak SSC Enterprise")
	state, err := o.dev.LifeCycle(spec.OpalLockingSP)
	require.NoError(t, err)
	require.Equal(t, uint64(spec.ManufacturedInactive), state)
	o.write(3, "from before")
	require.ErrorIs(t, o.dev.Activate(pin(t, "wrong"), host.Activation{}), spec.NotAuthorized)
	require.NoError(t, o.dev.Activate(o.sid, host.Activation{}))
	require.NoError(t, o.dev.Activate(o.sid, host.Activation{}), "it is active already")
	active, err := o.dev.Activated()
	require.NoError(t, err)
	require.True(t, active)
	state, err = o.dev.LifeCycle(spec.OpalLockingSP)
	require.NoError(t, err)
	require.Equal(t, uint64(spec.Manufactured), state)
	require.True(t, o.reads(3, "from before"))
	all, err := o.dev.AuthoritiesBy(spec.OpalLockingSP, o.admin())
	require.NoError(t, err)
	require.Contains(t, all, host.Authority{UID: spec.Admin(1), Name: "Admin1", Enabled: true})
	require.Contains(t, all, host.Authority{UID: spec.User(1), Name: "User1"})
	all, err = o.dev.Authorities(spec.OpalLockingSP)
	require.NoError(t, err)
	require.Contains(t, all, host.Authority{UID: spec.User(1), Name: "User1", Hidden: true}, "Anybody reads the names alone")
}

func TestOpalRangesAreGranted(t *testing.T) {
	o := activeOpal(t, host.Activation{})
	one, two := o.adds(1, "one"), o.adds(2, "two")
	place := []host.Cell{{Column: "RangeStart", Value: token.U(64)}, {Column: "RangeLength", Value: token.U(128)}}
	require.NoError(t, o.dev.SetRange(1, o.admin(), append(place, locks(true)...)...))
	o.write(64, "for user one")
	require.ErrorIs(t, o.dev.SetRangeLocks(1, one, true, true), spec.NotAuthorized, "nobody granted it")
	require.Error(t, o.dev.Grant(1, o.admin(), host.Grants{Read: []spec.UID{one.Who}}), "nobody could open it for writing")
	require.NoError(t, o.dev.Grant(1, o.admin(), host.Grants{Read: []spec.UID{one.Who, two.Who, one.Who}, Write: []spec.UID{one.Who}}))
	require.Equal(t, []drive.Authority{drive.User(1), drive.User(2)}, o.holders(1), "to grant is to write a wrap")
	g, err := o.dev.Granted(1, o.admin())
	require.NoError(t, err)
	require.Equal(t, host.Grants{Read: []spec.UID{one.Who, two.Who}, Write: []spec.UID{one.Who}}, g)
	require.NoError(t, o.dev.SetRangeLocks(1, one, true, true))
	require.True(t, o.locked(64))
	require.ErrorIs(t, o.dev.SetRangeLocks(1, o.admin(), false, false), spec.NotAuthorized, "the Admins have no wrap any more")
	require.ErrorIs(t, o.dev.SetRangeLocks(1, two, false, false), spec.NotAuthorized)
	require.NoError(t, o.dev.SetRange(1, two, host.Cell{Column: "ReadLocked", Value: token.Bool(false)}))
	require.True(t, o.reads(64, "for user one"))
	require.ErrorIs(t, o.d.Write(64, make([]byte, 512)), drive.Locked)

	ranges, err := o.dev.Ranges(one)
	require.NoError(t, err)
	require.Len(t, ranges, 4)
	require.True(t, ranges[0].Hidden, "how the global range is, is for the Admins")
	conf := host.BandConfig{Start: 64, Length: 128, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: []uint64{spec.PowerCycle}}
	require.Equal(t, host.Band{N: 1, Name: "Range1", BandConfig: conf, WriteLocked: true}, ranges[1])
	ranges, err = o.dev.Ranges(o.admin())
	require.NoError(t, err)
	require.False(t, ranges[0].Hidden)

	o.powerCycle()
	require.True(t, o.locked(64))
	require.NoError(t, o.dev.SetRangeLocks(1, one, false, false))
	require.True(t, o.reads(64, "for user one"))
	again := host.Grants{Read: []spec.UID{spec.Admins, one.Who}, Write: []spec.UID{spec.Admins}}
	require.ErrorIs(t, o.dev.Grant(1, o.admin(), again), spec.NotAuthorized, "who has no wrap cannot give one")
	require.Equal(t, []drive.Authority{drive.User(1), drive.User(2)}, o.holders(1))
	require.NoError(t, o.dev.Grant(2, o.admin(), again))
	require.Equal(t, []drive.Authority{drive.Admin(1), drive.Admin(2), drive.Admin(3), drive.Admin(4), drive.User(1)}, o.holders(2))
	require.ErrorIs(t, o.dev.RekeyRange(1, two), spec.NotAuthorized)
	require.NoError(t, o.dev.RekeyRange(1, o.admin()))
	require.False(t, o.reads(64, "for user one"), "the key is another one")
	require.NoError(t, o.dev.SetEnabled(one.Who, o.admin(), false))
	require.ErrorIs(t, o.dev.SetRangeLocks(1, one, false, false), spec.NotAuthorized)
	require.ErrorIs(t, o.dev.EraseRange(1, o.admin()), spec.NotAuthorized, "Erase is of Single User Mode")
}

// A grant that is refused in the middle leaves nothing of it.
func TestAnOpalGrantIsWhole(t *testing.T) {
	o := activeOpal(t, host.Activation{})
	was, err := o.dev.Granted(1, o.admin())
	require.NoError(t, err)
	require.ErrorIs(t, o.dev.Grant(1, o.admin(), host.Grants{Read: []spec.UID{spec.User(1)}, Write: []spec.UID{spec.BandMaster(3)}}), spec.InvalidParameter)
	now, err := o.dev.Granted(1, o.admin())
	require.NoError(t, err)
	require.Equal(t, was, now)
	require.NotContains(t, o.holders(1), drive.User(1))
}

func TestOpalSingleUserModeFromTheHost(t *testing.T) {
	for _, all := range []bool{false, true} {
		o := activeOpal(t, host.Activation{SingleUser: []int{1}, AllSingleUser: all, AdminsPlace: true})
		s, ok := func() (spec.SingleUser, bool) {
			d, err := host.Discover(o.tp)
			require.NoError(t, err)
			return d.SingleUser()
		}()
		require.True(t, ok)
		require.Equal(t, spec.SingleUser{Objects: 4, Any: true, All: all, AdminsPlace: true}, s)
		owner := host.Credential{Who: spec.User(2)}
		require.NoError(t, o.dev.SetRange(1, o.admin(), host.Cell{Column: "RangeLength", Value: token.U(64)}))
		require.NoError(t, o.dev.SetRange(1, owner, locks(true)...), "its owner has no PIN yet")
		require.NoError(t, o.dev.SetPIN(owner.Who, owner.PIN, pin(t, "owner")))
		require.ErrorIs(t, o.dev.SetRangeLocks(1, owner, true, true), spec.NotAuthorized)
		owner.PIN = pin(t, "owner")
		o.write(5, "the owner's alone")
		require.NoError(t, o.dev.SetRangeLocks(1, owner, true, true))
		require.ErrorIs(t, o.dev.SetRangeLocks(1, o.admin(), false, false), spec.NotAuthorized)
		ranges, err := o.dev.Ranges(host.Credential{})
		require.NoError(t, err)
		require.False(t, ranges[1].Hidden, "Anybody reads a range in Single User Mode")
		require.Equal(t, !all, ranges[2].Hidden)
		require.NoError(t, o.dev.EraseRange(1, o.admin()))
		require.False(t, o.reads(5, "the owner's alone"))
		require.ErrorIs(t, o.dev.SetRangeLocks(1, owner, false, false), spec.NotAuthorized)

		o.write(400, "stays")
		next := pin(t, "next")
		require.NoError(t, o.dev.Reactivate(o.sid, host.Activation{DataStores: []uint64{1 << 18}}, next))
		require.ErrorIs(t, o.dev.RekeyRange(2, o.admin()), spec.NotAuthorized)
		_, err = o.dev.Ranges(host.Credential{Who: spec.Admin(1), PIN: next})
		require.NoError(t, err)
		require.True(t, o.reads(400, "stays"))
		d, err := host.Discover(o.tp)
		require.NoError(t, err)
		s, _ = d.SingleUser()
		require.False(t, s.Any)
	}
}

func TestOpalTablesFromTheHost(t *testing.T) {
	o := activeOpal(t, host.Activation{})
	size, err := o.dev.TableSize(spec.MBRTable)
	require.NoError(t, err)
	require.Equal(t, uint64(1<<20), size)
	image := bytes.Repeat([]byte("an image that is longer than one method takes"), 4000)
	told := 0
	require.NoError(t, o.dev.WriteTable(spec.MBRTable, o.admin(), 100, image, func(n int) { told = n }))
	require.Equal(t, len(image), told)
	got := make([]byte, len(image))
	require.NoError(t, o.dev.ReadTable(spec.MBRTable, host.Credential{}, 100, got))
	require.True(t, bytes.Equal(image, got), "Anybody reads it")
	require.ErrorIs(t, o.dev.WriteTable(spec.MBRTable, o.admin(), size, []byte{1}, nil), spec.InvalidParameter)
	require.ErrorIs(t, o.dev.WriteTable(spec.MBRTable, host.Credential{}, 0, []byte{1}, nil), spec.NotAuthorized)
	m, err := o.dev.MBRControl()
	require.NoError(t, err)
	require.Equal(t, host.MBRControl{DoneOnReset: []uint64{spec.PowerCycle}}, m)
	o.write(0, "the disk")
	require.NoError(t, o.dev.SetMBREnabled(o.admin(), true))
	require.False(t, o.reads(0, "the disk"))
	require.NoError(t, o.dev.SetMBRDone(o.admin(), true))
	require.True(t, o.reads(0, "the disk"))
	o.powerCycle()
	m, err = o.dev.MBRControl()
	require.NoError(t, err)
	require.Equal(t, host.MBRControl{Enabled: true, DoneOnReset: []uint64{spec.PowerCycle}}, m)

	u := o.adds(3, "three")
	require.NoError(t, o.dev.WriteTable(spec.DataStoreTable, o.admin(), 7, []byte("kept"), nil))
	got = make([]byte, 4)
	require.ErrorIs(t, o.dev.ReadTable(spec.DataStoreTable, u, 7, got), spec.NotAuthorized)
	require.NoError(t, o.dev.GrantDataStore(1, o.admin(), host.Grants{Read: []spec.UID{spec.Admins, u.Who}, Write: []spec.UID{spec.Admins}}))
	require.NoError(t, o.dev.ReadTable(spec.DataStoreTable, u, 7, got))
	require.Equal(t, "kept", string(got))
	require.ErrorIs(t, o.dev.WriteTable(spec.DataStoreTable, u, 7, got, nil), spec.NotAuthorized)
}

// Several DataStore tables, each with its own bytes and its own grants.
func TestOpalDataStoresFromTheHost(t *testing.T) {
	o := activeOpal(t, host.Activation{DataStores: []uint64{1 << 16, 1 << 15}})
	u := o.adds(1, "one")
	for n, want := range []uint64{1 << 16, 1 << 15} {
		size, err := o.dev.TableSize(spec.DataStore(n + 1))
		require.NoError(t, err)
		require.Equal(t, want, size)
		require.NoError(t, o.dev.WriteTable(spec.DataStore(n+1), o.admin(), 0, []byte{byte(n)}, nil))
	}
	require.NoError(t, o.dev.GrantDataStore(2, o.admin(), host.Grants{Read: []spec.UID{spec.Admins, u.Who}, Write: []spec.UID{spec.Admins}}))
	got := []byte{9}
	require.ErrorIs(t, o.dev.ReadTable(spec.DataStore(1), u, 0, got), spec.NotAuthorized)
	require.NoError(t, o.dev.ReadTable(spec.DataStore(2), u, 0, got))
	require.Equal(t, []byte{1}, got)
	for _, n := range []int{0, 129} {
		require.ErrorContains(t, o.dev.GrantDataStore(n, o.admin(), host.Grants{Read: []spec.UID{u.Who}, Write: []spec.UID{u.Who}}), "need 1 to 128")
	}
}

func TestOpalReverts(t *testing.T) {
	for _, how := range []string{"keep", "locking", "sid", "psid"} {
		t.Run(how, func(t *testing.T) {
			o := activeOpal(t, host.Activation{})
			require.NoError(t, o.dev.SetRange(1, o.admin(), append(locks(true), host.Cell{Column: "RangeStart", Value: token.U(64)}, host.Cell{Column: "RangeLength", Value: token.U(8)})...))
			o.write(64, "in the range")
			o.write(3, "outside")
			switch how {
			case "keep":
				require.NoError(t, o.dev.SetRange(0, o.admin(), locks(true)...))
				require.NoError(t, o.dev.SetRangeLocks(0, o.admin(), true, true))
				require.ErrorIs(t, o.dev.RevertLocking(o.admin(), true), spec.Fail, "the key of a range that is locked cannot be kept")
				require.NoError(t, o.dev.SetRangeLocks(0, o.admin(), false, false))
				require.NoError(t, o.dev.RevertLocking(o.admin(), true))
			case "locking":
				require.NoError(t, o.dev.RevertLocking(o.admin(), false))
			case "sid":
				require.ErrorIs(t, o.dev.RevertTPer(host.Credential{Who: spec.SID, PIN: pin(t, "wrong")}), spec.NotAuthorized)
				require.NoError(t, o.dev.RevertTPer(host.Credential{Who: spec.SID, PIN: o.sid}))
			case "psid":
				require.NoError(t, o.dev.Revert(o.label.PSID))
			}
			require.Equal(t, drive.ManufacturedInactive, o.d.Status().State)
			require.Equal(t, how == "keep", o.reads(3, "outside"))
			require.False(t, o.reads(64, "in the range"))
			at, err := o.d.AtMSID(drive.SID)
			require.NoError(t, err)
			require.Equal(t, how == "sid" || how == "psid", at, "a revert of the Locking SP leaves SID its PIN")
		})
	}
}

func TestOpalResetsFromTheHost(t *testing.T) {
	o := activeOpal(t, host.Activation{})
	require.ErrorIs(t, o.dev.ResetTPer(), transport.InvalidParameter, "SID has not allowed it")
	require.NoError(t, o.dev.AllowTPerReset(o.sid, true))
	resets := host.Cell{Column: "LockOnReset", Value: token.L(token.U(spec.PowerCycle), token.U(spec.ProgrammaticReset))}
	require.NoError(t, o.dev.SetRange(0, o.admin(), append(locks(true), resets)...))
	s, err := o.dev.Start(spec.AdminSP, host.SessionOptions{})
	require.NoError(t, err)
	require.False(t, o.locked(0))
	require.NoError(t, o.dev.ResetTPer())
	require.True(t, o.locked(0))
	var closed *host.ClosedError
	require.ErrorAs(t, s.Close(), &closed, "it ended the session")

	fresh := newOpal(t)
	require.NoError(t, fresh.dev.BlockSID(true))
	require.ErrorIs(t, fresh.dev.TakeOwnership(host.Owner{SID: fresh.sid}), spec.NotAuthorized)
	require.ErrorIs(t, fresh.dev.BlockSID(true), transport.InvalidParameter)
	require.NoError(t, fresh.d.Reset(drive.HardwareReset))
	require.NoError(t, fresh.dev.TakeOwnership(host.Owner{SID: fresh.sid}))
	require.NoError(t, fresh.dev.BlockSID(false), "with a PIN of its own it is not blocked")
	require.NoError(t, fresh.dev.Activate(fresh.sid, host.Activation{}))
}

// What is Opal's is refused by an Enterprise device before anything is sent, and the other way round.
func TestWholeTasksAreOfOneSSC(t *testing.T) {
	m := manufacture(t, nil)
	dev, err := host.Open(m.tp, host.Options{})
	require.NoError(t, err)
	admin := host.Credential{Who: spec.Admin(1)}
	for _, err := range []error{
		dev.Activate(drive.PIN{}, host.Activation{}), dev.SetRangeLocks(1, admin, true, true), dev.SetEnabled(spec.User(1), admin, true),
		dev.RevertLocking(admin, true), dev.WriteTable(spec.MBRTable, admin, 0, []byte{1}, nil), dev.RevertTPer(admin),
	} {
		require.EqualError(t, err, "tcg: the device does not speak SSC Opal")
	}
}
