package drive

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
)

// What a change or a revert leaves behind: in the record, in RAM, and in what was begun before.

// TestOpalChangeBegunBeforeAnother: a record that was copied before the Locking SP began, or ended, is never
// written over it.
func TestOpalChangeBegunBeforeAnother(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(b *opalBench) *Login
		do      func(b *opalBench, l *Login) error
	}{
		"activation":                     {factorySID, func(b *opalBench, l *Login) error { return b.Activate(l, ActivateOptions{}) }},
		"reactivation":                   {grantedOpen, func(b *opalBench, l *Login) error { return b.Reactivate(l, ReactivateOptions{}) }},
		"revert":                         {ownedSID, func(b *opalBench, l *Login) error { return b.Revert(l) }},
		"revert by the command for PSID": {ownedSID, func(b *opalBench, _ *Login) error { return b.RevertPSID(b.label.PSID) }},
		"revert of the Locking SP":       {grantedUser, func(b *opalBench, l *Login) error { return b.RevertLocking(l, RevertOptions{}) }},
		"restore":                        {staleOpal, func(b *opalBench, l *Login) error { return b.Restore(l) }},
	} {
		b := newOpal(t, nil)
		l := c.prepare(b)
		begun, err := b.Begin() // in nobody's name, so that no login of it ends
		require.NoError(t, err)
		require.NoError(t, c.do(b, l), name)
		state, keys := b.Status().State, b.Status().KeyGeneration
		require.NoError(t, begun.SetNote([]byte("old")))
		refused(t, begun.Commit(), Conflict, "commit", "another change")
		require.Equal(t, state, b.Status().State, name)
		require.Equal(t, keys, b.Status().KeyGeneration, name)
	}
}

// grantedOpen is a drive in use of which every range is open.
func grantedOpen(b *opalBench) *Login {
	admin := grantedUser(b)
	require.NoError(b.t, b.change(admin, func(c *Change) error {
		return errors.Join(c.SetLocks(1, true, true), c.SetRange(1, RangeConfig{Start: 100, Length: 100, LockOnReset: OnPowerCycle}))
	}))
	return admin
}

// TestOpalBeginsAndEndsWithOpenRanges: no place, no lock, no flag is left of before.
func TestOpalBeginsAndEndsWithOpenRanges(t *testing.T) {
	factory := RangeInfo{RangeConfig: RangeConfig{LockOnReset: OnPowerCycle}}
	asFactory := func(b *opalBench, why string) {
		t.Helper()
		for n := range 3 {
			i, err := b.Range(n)
			require.NoError(t, err)
			require.Equal(t, factory.RangeConfig, i.RangeConfig, "range %d, %s", n, why)
			require.False(t, i.ReadLocked || i.WriteLocked, "range %d, %s", n, why)
			require.NotNil(t, b.ram[n].mek, "range %d is usable, %s", n, why)
		}
		require.False(t, b.Status().Locked, why)
		m, err := b.MBRControl()
		require.NoError(t, err)
		require.False(t, m.Done, why)
	}
	both := func(b *opalBench, why string) {
		t.Helper()
		asFactory(b, why)
		b.cycle()
		asFactory(b, why+", after a power cycle")
	}
	b := newOpal(t, nil)
	both(b, "from the factory")
	both(b, "from the factory")
	admin := grantedOpen(b)
	i, err := b.Range(1)
	require.NoError(t, err)
	require.True(t, i.ReadLocked && i.WriteLocked, "flags of locks that are not enabled")
	require.NoError(t, b.Reactivate(admin, ReactivateOptions{}))
	n, err := b.DataStores()
	require.NoError(t, err)
	require.Equal(t, 1, n, "the tables of before are gone")
	both(b, "reactivated")

	closed := func(l *Login) {
		require.NoError(t, b.change(l, func(c *Change) error {
			return errors.Join(c.SetRange(1, lockedRange), c.SetLocks(1, true, true), c.SetMBRControl(MBRControl{Enable: true, Done: true, DoneOnReset: OnPowerCycle}))
		}))
		require.True(t, b.Status().Locked)
	}
	admin = b.login(Admin(1), credential(1))
	closed(admin)
	require.NoError(t, b.RevertLocking(admin, RevertOptions{}))
	both(b, "the Locking SP was reverted")
	require.NoError(t, b.Activate(b.login(SID, credential(1)), ActivateOptions{}))
	closed(b.login(Admin(1), credential(1)))
	require.NoError(t, b.Revert(b.login(SID, credential(1))))
	both(b, "reverted")
}

// TestOpalKeptGlobalRange takes who holds it, and that it is not locked.
func TestOpalKeptGlobalRange(t *testing.T) {
	b := newOpal(t, nil)
	require.NoError(t, b.Write(5, sectors(1, 5)))
	admin := b.owned(ActivateOptions{})
	require.NoError(t, b.change(admin, func(c *Change) error {
		return errors.Join(c.SetPIN(Admin(2), credential(2)), c.SetEnabled(Admin(2), true), c.Revoke(RangeArea(0), Admin(2)),
			c.SetRange(0, RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: OnPowerCycle}))
	}))
	keep := RevertOptions{KeepGlobalRangeKey: true, Note: []byte("kept")}
	refused(t, b.RevertLocking(b.login(Admin(2), credential(2)), keep), KeyNotHeld, "revert locking", "granted range 0")
	refused(t, b.RevertLocking(b.login(SID, credential(1)), keep), KeyNotHeld, "revert locking", "SID")
	b.cycle()
	admin = b.login(Admin(1), credential(1))
	was := b.pages()
	refused(t, b.RevertLocking(admin, keep), Locked, "revert locking", "unlock it first")
	require.Equal(t, was, b.pages())
	require.True(t, admin.Open())
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetLocks(0, false, true) }))
	require.NoError(t, b.RevertLocking(admin, keep), "one direction is open")
	b.mustRead(5, sectors(1, 5), "the data of the global range is kept")
	b.cycle()
	b.mustRead(5, sectors(1, 5), "also over a power cycle")
	note, err := b.Note()
	require.NoError(t, err)
	require.Equal(t, "kept", string(note))
	require.Equal(t, ManufacturedInactive, b.Status().State)
}

// TestOpalCommitForgetsNoTry: what was counted since Begin counts on, of the PSID as of the others.
func TestOpalCommitForgetsNoTry(t *testing.T) {
	for name, do := range map[string]func(c *Change) error{
		"a note": func(c *Change) error { return c.SetNote([]byte("n")) }, "a key step": func(c *Change) error { return c.GenKey(RangeArea(1)) },
	} {
		b := newOpal(t, nil)
		admin := b.owned(ActivateOptions{})
		c, err := b.Begin(admin)
		require.NoError(t, err)
		_, err = b.Login(PSID, credential(9))
		require.ErrorIs(t, err, NotAuthorized)
		_, err = b.Login(SID, credential(9))
		require.ErrorIs(t, err, NotAuthorized)
		require.NoError(t, do(c), name)
		require.NoError(t, c.Commit(), name)
		for _, a := range []Authority{PSID, SID} {
			used, _, err := b.Tries(a)
			require.NoError(t, err)
			require.Equal(t, uint16(1), used, "%s, %v", name, a)
		}
		b.cycle()
		used, _, err := b.Tries(PSID)
		require.NoError(t, err)
		require.Equal(t, uint16(1), used, name)
	}
}

// TestOpalPINOfSIDStaysWithSID: a login of SID follows its new PIN, and no other login gets it.
func TestOpalPINOfSIDStaysWithSID(t *testing.T) {
	b := newOpal(t, nil)
	sid, psid := b.login(SID, b.label.MSID), b.login(PSID, b.label.PSID)
	second := b.login(SID, b.label.MSID)
	require.NoError(t, b.change(sid, func(c *Change) error {
		return errors.Join(c.SetPIN(SID, credential(1)), c.SetPIN(SID, credential(2)))
	}))
	require.Zero(t, psid.pin.Len())
	require.True(t, second.pin.Equal(credential(2)))
	require.NoError(t, b.change(sid, func(c *Change) error { return c.SetNote([]byte("n")) }))
	require.True(t, sid.pin.Equal(credential(2)), "a change of something else leaves it")
	require.NoError(t, b.Activate(second, ActivateOptions{}))
	b.login(Admin(1), credential(2))
	pin := second.pin
	second.Close()
	require.Zero(t, pin.Len(), "and it is cleared with the login")
}

// TestOpalAlteredKeys: what the right PIN opens and does not fit is an error, and nothing is unlocked or left in RAM.
func TestOpalAlteredKeys(t *testing.T) {
	b := newOpal(t, nil)
	lockedByPower(b)
	alter := func(k **areaKeys) {
		own := **k
		own.mek[9] ^= 1
		*k = &own
	}
	b.tamper(func(r *record) {
		alter(&r.ranges[1].opal)
		alter(&r.opal.stores[0].keys)
	})
	keys := watchKeys(t)
	admin := b.login(Admin(1), credential(1))
	for name, ask := range map[string]func() error{
		"unlock": func() error { return b.change(admin, func(c *Change) error { return c.SetLocks(1, false, false) }) },
		"open": func() error {
			return b.change(admin, func(c *Change) error {
				return c.SetRange(1, RangeConfig{Start: 100, Length: 100, LockOnReset: OnPowerCycle})
			})
		},
		"read":  func() error { return b.ReadTable(DataStoreArea(0), 0, make([]byte, 1), admin) },
		"write": func() error { return b.WriteTable(DataStoreArea(0), 0, make([]byte, 1), admin) },
	} {
		was := b.pages()
		require.ErrorIs(t, ask(), keywrap.ErrIntegrity, name)
		require.Equal(t, was, b.pages(), name)
		require.ErrorIs(t, b.Read(100, make([]byte, 512)), Locked)
		require.Zero(t, keys.left(b.Drive), "%s: keys are left", name)
	}
	// A range key that does not open is as bad.
	b.tamper(func(r *record) {
		own := *r.ranges[1].opal
		own.wraps = append([][AKWrapSize]byte(nil), own.wraps...)
		for i := range own.wraps {
			own.wraps[i][4] ^= 1
		}
		r.ranges[1].opal = &own
	})
	require.ErrorIs(t, b.change(admin, func(c *Change) error { return c.SetLocks(1, false, false) }), keywrap.ErrIntegrity)
	require.ErrorIs(t, b.change(admin, func(c *Change) error { return c.Grant(RangeArea(1), User(2)) }), keywrap.ErrIntegrity)
	require.Zero(t, keys.left(b.Drive))
}

// TestOpalGlobalRangeInSingleUserMode is erased like the others.
func TestOpalGlobalRangeInSingleUserMode(t *testing.T) {
	b := newOpal(t, nil)
	require.NoError(t, b.Write(5, sectors(1, 5)))
	admin := b.owned(ActivateOptions{SingleUser: []int{0}})
	require.NoError(t, b.change(admin, func(c *Change) error { return c.EraseRange(0) }))
	got := make([]byte, 512)
	require.NoError(t, b.Read(5, got))
	require.NotEqual(t, sectors(1, 5), got)
}

// TestOpalFlagsOfLocksAreOfRAM where a power cycle sets them anyway.
func TestOpalFlagsOfLocksAreOfRAM(t *testing.T) {
	b := newOpal(t, nil)
	admin := lockedForGood(b)
	require.NoError(t, b.change(admin, func(c *Change) error {
		return errors.Join(c.SetLocks(1, false, false), c.SetLocks(1, true, true), c.SetRange(1, RangeConfig{Start: 100, Length: 100, LockOnReset: OnPowerCycle}))
	}))
	b.cycle()
	i, err := b.Range(1)
	require.NoError(t, err)
	require.False(t, i.ReadLocked || i.WriteLocked)
}

// TestOpalRestoreLeavesTheShadowAsAPowerCycleDoes.
func TestOpalRestoreLeavesTheShadowAsAPowerCycleDoes(t *testing.T) {
	b := newOpal(t, nil)
	admin := grantedUser(b)
	require.NoError(t, b.change(admin, func(c *Change) error {
		return c.SetMBRControl(MBRControl{Enable: true, Done: true, DoneOnReset: OnPowerCycle})
	}))
	b.arm("(flash.erase.refused) (flash.zero.refused)")
	require.ErrorIs(t, b.change(admin, func(c *Change) error { return c.Revoke(RangeArea(1), User(1)) }), Degraded)
	b.flash.Disarm()
	require.NoError(t, b.Restore(b.login(Admin(1), credential(1))))
	m, err := b.MBRControl()
	require.NoError(t, err)
	require.Equal(t, MBRControl{Enable: true, DoneOnReset: OnPowerCycle}, m)
	b.mustRead(0, make([]byte, 512), "the shadow")
}
