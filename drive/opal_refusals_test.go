package drive

import (
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// What an Opal drive refuses: with the right code, naming the method, and with nothing changed.

// opalQuestions are what an Opal drive can be asked beside what a Change does.
func opalQuestions(b *opalBench, l *Login) map[string]func() error {
	return map[string]func() error{
		"login":          func() error { _, err := b.Login(SID, credential(1)); return err },
		"authority":      func() error { _, err := b.Authority(SID); return err },
		"activated":      func() error { _, err := b.Activated(); return err },
		"note":           func() error { _, err := b.Note(); return err },
		"begin":          func() error { _, err := b.Begin(l); return err },
		"activate":       func() error { return b.Activate(l, ActivateOptions{}) },
		"reactivate":     func() error { return b.Reactivate(l, ReactivateOptions{}) },
		"revert":         func() error { return b.Revert(l) },
		"revert locking": func() error { return b.RevertLocking(l, RevertOptions{}) },
		"restore":        func() error { return b.Restore(l) },
		"holders":        func() error { _, _, err := b.Holders(RangeArea(0)); return err },
		"mbr control":    func() error { _, err := b.MBRControl(); return err },
		"table size":     func() error { _, err := b.TableSize(MBRShadow); return err },
		"datastores":     func() error { _, err := b.DataStores(); return err },
		"read table":     func() error { return b.ReadTable(MBRShadow, 0, make([]byte, 1), l) },
		"write table":    func() error { return b.WriteTable(MBRShadow, 0, make([]byte, 1), l) },
	}
}

// changes are what a Change can be asked.
func changes() map[string]func(c *Change) error {
	return map[string]func(c *Change) error{
		"set pin":         func(c *Change) error { return c.SetPIN(User(1), credential(3)) },
		"set enabled":     func(c *Change) error { return c.SetEnabled(User(2), true) },
		"grant":           func(c *Change) error { return c.Grant(RangeArea(0), User(3)) },
		"revoke":          func(c *Change) error { return c.Revoke(RangeArea(1), User(1)) },
		"genkey":          func(c *Change) error { return c.GenKey(RangeArea(0)) },
		"set note":        func(c *Change) error { return c.SetNote([]byte("n")) },
		"set range":       func(c *Change) error { return c.SetRange(2, RangeConfig{LockOnReset: OnPowerCycle}) },
		"set locks":       func(c *Change) error { return c.SetLocks(1, true, true) },
		"set mbr control": func(c *Change) error { return c.SetMBRControl(MBRControl{Enable: true}) },
		"authority":       func(c *Change) error { _, err := c.Authority(User(1)); return err },
		"commit":          (*Change).Commit,
	}
}

func TestOpalAnswersNothingWithoutPower(t *testing.T) {
	b := newOpal(t, nil)
	admin := grantedUser(b)
	c, err := b.Begin(admin)
	require.NoError(t, err)
	b.PowerOff()
	require.False(t, admin.Open())
	was := b.pages()
	for op, ask := range opalQuestions(b, admin) {
		switch op {
		case "read table", "write table":
			op = "begin"
		}
		refused(t, ask(), NoPower, op, "the drive is off")
	}
	for op, ask := range changes() {
		refused(t, ask(c), NoPower, op)
	}
	require.Equal(t, was, b.pages())
	require.NoError(t, b.PowerOn())
	for op, ask := range changes() {
		if op == "authority" {
			continue // it needs no login
		}
		refused(t, ask(c), NoSession, op, "Admin1")
	}
	for _, op := range []string{"activate", "reactivate", "revert", "revert locking", "restore"} {
		refused(t, opalQuestions(b, admin)[op](), NoSession, op, "Admin1")
	}
	c.Abort()
	c, err = b.Begin(b.login(Admin(1), credential(1)))
	require.NoError(t, err)
	require.NoError(t, c.SetNote([]byte("n")))
	c.Abort()
	c.Abort()
	for op, ask := range changes() {
		refused(t, ask(c), InvalidState, op, "begin another")
	}
}

// Of who logged in together, one whose login is over stops the change of all.
func TestOpalChangeEndsWithOneOfItsLogins(t *testing.T) {
	b := newOpal(t, nil)
	admin := grantedUser(b)
	user := b.login(User(1), credential(7))
	c, err := b.Begin(admin, user)
	require.NoError(t, err)
	defer c.Abort()
	require.NoError(t, c.SetNote([]byte("n")))
	user.Close()
	user.Close()
	require.False(t, user.Open())
	require.True(t, admin.Open())
	require.Equal(t, User(1), user.Authority())
	refused(t, c.Commit(), NoSession, "commit", "User1")
	require.Len(t, b.opal.logins, 1, "who closed is forgotten, the other is not")
	require.NoError(t, b.Reset(HardwareReset))
	require.False(t, admin.Open())
	require.Empty(t, b.opal.logins)
}

// A drive in SecurityDegraded answers, moves nothing and changes nothing until a restore.
func TestOpalRefusesWhileDegraded(t *testing.T) {
	b := newOpal(t, nil)
	require.NoError(t, b.Write(5, sectors(1, 6)))
	require.NoError(t, b.ReadTable(MBRShadow, 0, make([]byte, 1)))
	require.NotNil(t, b.opal.mbr.mek)
	admin := staleOpal(b)
	require.Nil(t, b.opal.mbr.mek, "a drive in doubt has no key of a table in RAM")
	c, err := b.Begin(admin)
	require.NoError(t, err)
	was := b.pages()
	for op, ask := range changes() {
		if op == "authority" {
			require.NoError(t, ask(c))
			continue
		}
		refused(t, ask(c), Degraded, op)
	}
	c.Abort()
	for _, op := range []string{"read table", "write table"} {
		refused(t, opalQuestions(b, admin)[op](), Degraded, op)
	}
	require.NoError(t, b.Activate(b.login(SID, credential(1)), ActivateOptions{}), "there is nothing to do")
	refused(t, b.Reactivate(admin, ReactivateOptions{}), InvalidState, "reactivate", "SecurityDegraded")
	refused(t, b.RevertLocking(admin, RevertOptions{KeepGlobalRangeKey: true}), InvalidState, "revert locking", "SecurityDegraded")
	refused(t, b.Restore(b.login(SID, credential(1))), KeyNotHeld, "restore", "SID")
	for _, op := range []string{"authority", "activated", "note", "holders", "mbr control", "table size", "datastores"} {
		require.NoError(t, opalQuestions(b, admin)[op](), op)
	}
	got := b.pages()
	require.GreaterOrEqual(t, len(got), len(was), "only counts of tries are written")
	begun, err := b.Begin(admin)
	require.NoError(t, err)
	require.NoError(t, b.Restore(admin))
	require.True(t, admin.Open())
	b.mustRead(5, sectors(1, 6), "the open range is usable at once")
	require.NoError(t, begun.SetNote(nil))
	refused(t, begun.Commit(), Conflict, "commit", "another change")
	refused(t, b.Restore(admin), InvalidState, "restore", "Manufactured")
}

// Without a record an Opal drive knows its PSID and nothing else.
func TestOpalWithoutARecordAnswers(t *testing.T) {
	b := newOpal(t, nil)
	admin := grantedUser(b)
	b.PowerOff()
	b.arm("(flash.read.rot (Programmed))")
	require.NoError(t, b.PowerOn())
	b.flash.Disarm()
	for op, ask := range opalQuestions(b, admin) {
		switch op {
		case "activate", "reactivate", "revert", "revert locking", "restore":
			refused(t, ask(), NoSession, op)
		case "read table", "write table":
			refused(t, ask(), Degraded, "begin", "PSID revert")
		default:
			refused(t, ask(), Degraded, op, "PSID revert")
		}
	}
	_, err := b.Login(PSID, credential(7))
	refused(t, err, NotAuthorized, "login", "wrong PSID")
	used, _, err := b.Tries(PSID)
	require.NoError(t, err)
	require.Equal(t, uint16(1), used)
	psid := b.login(PSID, b.label.PSID)
	used, _, err = b.Tries(PSID)
	require.NoError(t, err)
	require.Zero(t, used, "the right PSID gives the tries back")
	refused(t, b.RevertLocking(psid, RevertOptions{}), KeyNotHeld, "revert locking", "PSID")
	require.NoError(t, b.Revert(psid))
	require.False(t, psid.Open())
	require.Equal(t, ManufacturedInactive, b.Status().State)
	require.NoError(t, b.Write(5, sectors(1, 1)))
	b.cycle()
	b.mustRead(5, sectors(1, 1), "as good as new")
	require.NoError(t, b.RevertPSID(b.label.PSID), "also by the command that needs no login")
	require.Equal(t, ManufacturedInactive, b.Status().State)
}

// Who is not there, and what is not possible yet.
func TestOpalLoginRefusals(t *testing.T) {
	b := newOpal(t, nil)
	for _, a := range []Authority{EraseMaster, BandMaster(0), admin + 5, user + 10, Nobody} {
		_, err := b.Login(a, credential(1))
		refused(t, err, InvalidParameter, "login", a.String())
		_, err = b.Authority(a)
		refused(t, err, InvalidParameter, "authority", a.String())
	}
	for _, a := range []Authority{Admin(1), Admin(4), User(1), User(9)} {
		_, err := b.Login(a, PIN{})
		refused(t, err, InvalidState, "login", "not activated")
		_, err = b.Authority(a)
		refused(t, err, InvalidState, "authority", "not activated")
	}
	_, err := b.Login(SID, PIN{})
	refused(t, err, NotAuthorized, "login", "wrong PIN for SID")
	_, err = b.Login(AdminSPAdmin, PIN{})
	refused(t, err, NotAuthorized, "login", "AdminSP.Admin1 is disabled")
	_, err = b.Login(PSID, PIN{})
	refused(t, err, InvalidParameter, "login", "empty PSID")
	sid := b.login(SID, b.label.MSID)
	refused(t, b.RevertLocking(b.login(PSID, b.label.PSID), RevertOptions{}), KeyNotHeld, "revert locking")
	require.NoError(t, b.RevertLocking(sid, RevertOptions{}), "nothing to do")
	require.True(t, sid.Open())
	require.NoError(t, b.change(sid, func(c *Change) error { return c.SetEnabled(AdminSPAdmin, true) }))
	_, err = b.Login(AdminSPAdmin, PIN{})
	refused(t, err, NotAuthorized, "login", "wrong PIN for AdminSP.Admin1")
	require.NoError(t, b.change(sid, func(c *Change) error { return c.SetPIN(AdminSPAdmin, credential(2)) }))
	other := b.login(AdminSPAdmin, credential(2))
	refused(t, b.change(other, func(c *Change) error { return c.SetEnabled(AdminSPAdmin, false) }), KeyNotHeld, "set enabled", "SID")
	refused(t, b.change(other, func(c *Change) error { return c.SetPIN(SID, credential(3)) }), KeyNotHeld, "set pin")
	refused(t, b.Activate(other, ActivateOptions{}), KeyNotHeld, "activate", "AdminSP.Admin1")
	refused(t, b.change(sid, func(c *Change) error { return c.SetEnabled(SID, false) }), InvalidParameter, "set enabled", "SID")
	refused(t, b.change(sid, func(c *Change) error { return c.SetEnabled(PSID, true) }), InvalidParameter, "set enabled", "PSID")
	require.NoError(t, b.Revert(other), "AdminSPAdmin may revert")

	e := newBench(t, nil)
	_, err = e.Opal()
	refused(t, err, InvalidParameter, "opal", "Enterprise")
	refused(t, func() error { _, err := b.AuthenticatePSID(b.label.PSID); return err }(), InvalidParameter, "authenticate psid", "through Opal")
}

// An Admin is 1 to 4, a User 1 to 9; what names their class is neither.
func TestNumbersOfOpalAuthorities(t *testing.T) {
	for n := 1; n <= Users; n++ {
		require.True(t, User(n).IsUser() && !User(n).IsAdmin())
		if n <= Admins {
			require.True(t, Admin(n).IsAdmin() && !Admin(n).IsUser())
		}
	}
	for _, n := range []int{-1, 0, Admins + 1} {
		require.Panics(t, func() { Admin(n) }, "%d", n)
	}
	for _, n := range []int{-1, 0, Users + 1} {
		require.Panics(t, func() { User(n) }, "%d", n)
	}
	for _, a := range []Authority{admin, admin + Admins + 1, user, user + Users + 1, AdminSPAdmin, SID} {
		require.False(t, a.IsAdmin() || a.IsUser(), "%v", a)
	}
}

// What AuthorityInfo tells, before and after.
func TestOpalTellsOfItsAuthorities(t *testing.T) {
	b := newOpal(t, nil)
	tells := func(a Authority, want AuthorityInfo, why string) {
		t.Helper()
		i, err := b.Authority(a)
		require.NoError(t, err)
		require.Equal(t, want, i, "%v %s", a, why)
	}
	tells(SID, AuthorityInfo{Enabled: true, HasPIN: true, AtMSID: true}, "from the factory")
	tells(AdminSPAdmin, AuthorityInfo{}, "from the factory")
	sid := b.login(SID, b.label.MSID)
	require.NoError(t, b.Activate(sid, ActivateOptions{SingleUser: []int{1}}))
	tells(Admin(1), AuthorityInfo{Enabled: true, HasPIN: true, AtMSID: true}, "has the PIN of SID")
	tells(Admin(2), AuthorityInfo{}, "after activation")
	tells(User(1), AuthorityInfo{}, "after activation")
	tells(User(2), AuthorityInfo{Enabled: true}, "owns a range")
	require.NoError(t, b.change(sid, func(c *Change) error { return c.SetPIN(SID, credential(1)) }))
	tells(SID, AuthorityInfo{Enabled: true, HasPIN: true}, "with a PIN of its own")
	admin := b.login(Admin(1), b.label.MSID)
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetPIN(User(1), credential(7)) }))
	tells(User(1), AuthorityInfo{HasPIN: true}, "disabled, and has a PIN")
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetEnabled(User(1), true) }))
	_, err := b.Login(User(1), credential(6))
	require.ErrorIs(t, err, NotAuthorized)
	tells(User(1), AuthorityInfo{Enabled: true, HasPIN: true, Tries: 1}, "after a wrong PIN")
	c, err := b.Begin(admin)
	require.NoError(t, err)
	defer c.Abort()
	i, err := c.Authority(User(1))
	require.NoError(t, err)
	require.Equal(t, AuthorityInfo{Enabled: true, HasPIN: true, Tries: 1}, i)
	_, err = b.Login(User(1), credential(6))
	require.ErrorIs(t, err, NotAuthorized)
	i, err = c.Authority(User(1))
	require.NoError(t, err)
	require.Equal(t, uint16(2), i.Tries, "a change takes tries with it that came later")
	require.NoError(t, c.SetNote([]byte("n")))
	require.NoError(t, c.Commit(), "tries make no conflict")
	tells(User(1), AuthorityInfo{Enabled: true, HasPIN: true, Tries: 2}, "a commit forgets no try")
	require.NoError(t, b.change(admin, func(c *Change) error {
		require.NoError(t, c.SetPIN(User(1), credential(7)))
		i, err := c.Authority(User(1))
		require.NoError(t, err)
		require.Zero(t, i.Tries)
		return nil
	}))
	tells(User(1), AuthorityInfo{Enabled: true, HasPIN: true}, "a new PIN begins at 0")
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetPIN(Admin(1), b.label.MSID) }))
	tells(Admin(1), AuthorityInfo{Enabled: true, HasPIN: true, AtMSID: true}, "at MSID again")
	on, err := b.Enabled(User(2))
	require.NoError(t, err)
	require.True(t, on)
	on, err = b.Enabled(User(3))
	require.NoError(t, err)
	require.False(t, on)
	_, err = b.Enabled(Makers)
	refused(t, err, InvalidParameter, "enabled")
}

// TestKeyMapOfAnOpalDrive: who gets at what, as the record has it.
func TestKeyMapOfAnOpalDrive(t *testing.T) {
	b := newOpal(t, nil)
	admin := b.owned(ActivateOptions{SingleUser: []int{2}, DataStores: []uint64{1024, 512}})
	require.NoError(t, b.change(admin, func(c *Change) error {
		return errors.Join(c.SetPIN(User(1), credential(7)), c.SetRange(1, lockedRange), c.Grant(RangeArea(1), User(1)), c.Grant(DataStoreArea(1), User(9)), c.Revoke(DataStoreArea(0), Admin(2)))
	}))
	b.cycle()
	k, err := b.KeyMap()
	require.NoError(t, err)
	require.Equal(t, b.Status().KeyGeneration, k.Generation)
	admins := []Authority{Admin(1), Admin(2), Admin(3), Admin(4)}
	require.Equal(t, []KeyMapRange{
		{Range: 0, WrapsBy: admins, RootWrap: true, InRAM: true},
		{Range: 1, WrapsBy: append(slices.Clone(admins), User(1))},
		{Range: 2, WrapsBy: []Authority{User(3)}, RootWrap: true, InRAM: true},
	}, k.Ranges)
	require.Equal(t, []KeyMapTable{
		{Area: MBRShadow, Size: 8 << 10, WrapsBy: []Authority{}, RootWrap: true},
		{Area: DataStoreArea(0), Size: 1024, WrapsBy: []Authority{Admin(1), Admin(3), Admin(4)}},
		{Area: DataStoreArea(1), Size: 512, WrapsBy: append(slices.Clone(admins), User(9))},
	}, k.Tables)
	slots := map[Authority]KeyMapSlot{}
	for _, s := range k.Slots {
		slots[s.Authority] = s
	}
	require.Len(t, slots, opalSlots)
	require.Equal(t, KeyMapSlot{Authority: SID}, slots[SID])
	require.Equal(t, KeyMapSlot{Authority: AdminSPAdmin, Disabled: true, NoPIN: true}, slots[AdminSPAdmin])
	require.Equal(t, KeyMapSlot{Authority: User(1), Disabled: true}, slots[User(1)])
	require.Equal(t, KeyMapSlot{Authority: User(3), NoPIN: true}, slots[User(3)])
}
