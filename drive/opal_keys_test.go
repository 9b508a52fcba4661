package drive

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/secret"
	"github.com/seed-9d983aeb/fdelab/internal/keywrap"
	"github.com/seed-9d983aeb/fdelab/internal/xts"
)

// opened unwraps, or gives nil.
func opened(kek, wrapped []byte) []byte {
	if k, err := keywrap.Unwrap(kek, wrapped); err == nil {
		return k
	}
	return nil
}

// ofPIN is the AK that a PIN opens of an authority, nil if it opens none.
func (b *opalBench) ofPIN(a Authority, pin PIN) []byte {
	s := b.rec.slot(a)
	kek, err := KEK(b.fuses.Root, pin, s.slot.Salt, b.cfg.PBKDF2Iterations)
	require.NoError(b.t, err)
	return opened(kek[:], s.opal.wrap[:AKWrapSize])
}

// reads says whether a MEK, may be nil, decrypts sector 100 to what was written there.
func (b *opalBench) reads(mek []byte, want []byte) bool {
	if mek == nil {
		return false
	}
	sector, _ := b.Dump().Sector(100)
	c, err := xts.New((*secret.Key64)(mek), 512)
	require.NoError(b.t, err)
	c.Decrypt(sector, sector, 100)
	return string(sector) == string(want)
}

// TestOpalKeysAreReachedByTheirWrapsAlone walks the hierarchy by hand, from what is in the record.
func TestOpalKeysAreReachedByTheirWrapsAlone(t *testing.T) {
	b := newOpal(t, nil)
	admin := grantedUser(b)
	require.NoError(t, b.Write(100, sectors(1, 9)))
	rootKEK := RootKEK(b.fuses.Root)
	k := b.rec.ranges[1].opal
	mekOf := func(rk []byte) []byte {
		if rk == nil {
			return nil
		}
		return opened(rk, k.mek[:])
	}
	for i := range k.wraps {
		require.Nil(t, opened(rootKEK[:], k.wraps[i][:]), "a closed range has no wrap for the root key")
	}
	ak := b.ofPIN(User(1), credential(7))
	require.NotNil(t, ak)
	require.True(t, b.reads(mekOf(opened(ak, k.wraps[4][:])), sectors(1, 9)), "PIN, AK, RK, MEK")
	for i := range 4 {
		require.Nil(t, opened(ak, k.wraps[i][:]), "a wrap is for one holder")
	}
	require.Nil(t, b.ofPIN(User(1), credential(1)), "another's PIN")
	aa := b.ofPIN(Admin(1), credential(1))
	require.True(t, b.reads(mekOf(opened(aa, k.wraps[0][:])), sectors(1, 9)))
	uk := opened(aa, b.rec.slot(Admin(1)).opal.users[:])
	require.Equal(t, ak, opened(uk, b.rec.slot(User(1)).opal.escrow[:]), "an Admin may set the User's PIN")
	require.Nil(t, opened(ak, b.rec.slot(Admin(1)).opal.escrow[:]), "and not the other way round")
	require.Equal(t, [AKWrapSize]byte{}, b.rec.slot(SID).opal.escrow, "nor does an Admin reach SID")

	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetEnabled(User(1), false) }))
	require.Nil(t, b.ofPIN(User(1), credential(7)), "the PIN of a disabled authority opens nothing")
	_, err := b.Login(User(1), credential(7))
	require.ErrorIs(t, err, NotAuthorized)
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetPIN(User(1), credential(8)) }))
	require.Nil(t, b.ofPIN(User(1), credential(8)), "nor does a new one")
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetEnabled(User(1), true) }))
	require.Equal(t, ak, b.ofPIN(User(1), credential(8)))
	require.Equal(t, make([]byte, 8), b.rec.slot(User(1)).opal.wrap[AKWrapSize:], "nothing is left of the wrap around it")

	// Open to all again: the root key, and the holders as before.
	require.NoError(t, b.change(admin, func(c *Change) error {
		return c.SetRange(1, RangeConfig{Start: 100, Length: 100, LockOnReset: OnPowerCycle})
	}))
	k = b.rec.ranges[1].opal
	require.True(t, b.reads(mekOf(opened(rootKEK[:], k.wraps[0][:])), sectors(1, 9)))
	require.Equal(t, []Authority{Nobody, Admin(1), Admin(2), Admin(3), Admin(4), User(1)}, k.authorities())
}

// TestOpalRefusals: what no key is there for fails, and changes nothing.
func TestOpalRefusals(t *testing.T) {
	b := newOpal(t, nil)
	admin := grantedUser(b)
	user := b.login(User(1), credential(7))
	sid := b.login(SID, credential(1))
	for name, c := range map[string]struct {
		by   *Login
		code Code
		do   func(c *Change) error
	}{
		"a User grants":                {user, KeyNotHeld, func(c *Change) error { return c.Grant(RangeArea(1), User(2)) }},
		"a User sets another's PIN":    {user, KeyNotHeld, func(c *Change) error { return c.SetPIN(User(2), credential(3)) }},
		"a User disables":              {user, KeyNotHeld, func(c *Change) error { return c.SetEnabled(User(2), true) }},
		"a User locks another range":   {user, KeyNotHeld, func(c *Change) error { return c.SetLocks(2, true, true) }},
		"a User sets another range":    {user, KeyNotHeld, func(c *Change) error { return c.SetRange(2, RangeConfig{}) }},
		"a User renews a shared key":   {user, KeyNotHeld, func(c *Change) error { return c.GenKey(RangeArea(1)) }},
		"a User renews another's key":  {user, KeyNotHeld, func(c *Change) error { return c.GenKey(RangeArea(2)) }},
		"SID sets an Admin's PIN":      {sid, KeyNotHeld, func(c *Change) error { return c.SetPIN(Admin(1), credential(3)) }},
		"SID grants":                   {sid, KeyNotHeld, func(c *Change) error { return c.Grant(RangeArea(1), User(2)) }},
		"SID sets the MBR":             {sid, KeyNotHeld, func(c *Change) error { return c.SetMBRControl(MBRControl{}) }},
		"an Admin sets SID's PIN":      {admin, KeyNotHeld, func(c *Change) error { return c.SetPIN(SID, credential(3)) }},
		"Admin1 is disabled":           {admin, InvalidParameter, func(c *Change) error { return c.SetEnabled(Admin(1), false) }},
		"an empty PIN":                 {admin, InvalidParameter, func(c *Change) error { return c.SetPIN(User(1), PIN{}) }},
		"a grant to SID":               {admin, InvalidParameter, func(c *Change) error { return c.Grant(RangeArea(1), SID) }},
		"a grant of nothing":           {admin, InvalidParameter, func(c *Change) error { return c.Grant(RangeArea(9), User(1)) }},
		"no such range":                {admin, InvalidParameter, func(c *Change) error { return c.SetLocks(3, true, true) }},
		"a range over another":         {admin, InvalidParameter, func(c *Change) error { return c.SetRange(2, lockedRange) }},
		"an erase outside Single User": {admin, InvalidParameter, func(c *Change) error { return c.EraseRange(1) }},
		"a DoneOnReset without power":  {admin, InvalidParameter, func(c *Change) error { return c.SetMBRControl(MBRControl{DoneOnReset: OnHardware}) }},
		"a note that is too long":      {admin, NoSpace, func(c *Change) error { return c.SetNote(make([]byte, maxNote+1)) }},
	} {
		before := b.rec.encode(nil)
		require.ErrorIs(t, b.change(c.by, c.do), c.code, name)
		require.Equal(t, before, b.rec.encode(nil), name)
	}
	// The last holder of a closed range stays.
	require.ErrorIs(t, b.change(admin, func(c *Change) error {
		for _, a := range []Authority{Admin(1), Admin(2), Admin(3), Admin(4), User(1)} {
			if err := c.Revoke(RangeArea(1), a); err != nil {
				return err
			}
		}
		return nil
	}), InvalidState)
	require.NoError(t, b.change(admin, func(c *Change) error {
		return errors.Join(c.Revoke(RangeArea(1), Admin(1)), c.Revoke(RangeArea(1), Admin(2)), c.Revoke(RangeArea(1), Admin(3)), c.Revoke(RangeArea(1), Admin(4)))
	}))
	require.ErrorIs(t, b.change(admin, func(c *Change) error { return c.Grant(RangeArea(1), Admin(1)) }), KeyNotHeld, "who gave the key away cannot grant it")
	require.NoError(t, b.change(user, func(c *Change) error { return c.GenKey(RangeArea(1)) }), "the only holder renews the key")
	require.True(t, b.opens(User(1), credential(7), 1))
	require.ErrorIs(t, b.Activate(b.login(Admin(1), credential(1)), ActivateOptions{}), KeyNotHeld)
	require.ErrorIs(t, b.Revert(b.login(Admin(1), credential(1))), KeyNotHeld)
	require.ErrorIs(t, b.RevertLocking(b.login(User(1), credential(7)), RevertOptions{}), KeyNotHeld)
}

// TestOpalLockOut: the count is on flash before the PIN is looked at, over a power cycle, for every door.
func TestOpalLockOut(t *testing.T) {
	b := newOpal(t, nil)
	grantedUser(b)
	for range 5 {
		_, err := b.Login(User(1), credential(9))
		require.ErrorIs(t, err, NotAuthorized)
		b.cycle()
	}
	_, err := b.Login(User(1), credential(7))
	require.ErrorIs(t, err, LockedOut, "also with the right PIN")
	_, err = b.Login(User(2), PIN{})
	require.ErrorIs(t, err, NotAuthorized)
	admin := b.login(Admin(1), credential(1))
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetPIN(User(1), credential(8)) }))
	require.True(t, b.opens(User(1), credential(8), 1), "a new PIN begins at 0")
	require.NoError(t, b.change(b.login(Admin(1), credential(1)), func(c *Change) error { return c.SetEnabled(User(2), true) }))
	_, err = b.Login(User(2), PIN{})
	require.ErrorIs(t, err, NotAuthorized, "the empty PIN opens nothing")
}

// TestOpalSingleUserMode: a range is its owner's alone, from activation to erase.
func TestOpalSingleUserMode(t *testing.T) {
	b := newOpal(t, nil)
	admin := b.owned(ActivateOptions{SingleUser: []int{1}})
	granted, root, err := b.Holders(RangeArea(1))
	require.NoError(t, err)
	require.True(t, root)
	require.Equal(t, []Authority{User(2)}, granted)
	require.ErrorIs(t, b.change(admin, func(c *Change) error { return c.SetRange(1, lockedRange) }), KeyNotHeld)
	owner := b.login(User(2), PIN{})
	require.NoError(t, b.change(owner, func(c *Change) error { return c.SetRange(1, lockedRange) }))
	require.NoError(t, b.Write(100, sectors(1, 4)))
	b.cycle()
	require.ErrorIs(t, b.Read(100, make([]byte, 512)), Locked)
	kek := pinlessKEK(b.fuses.Root)
	require.NotNil(t, opened(kek[:], b.rec.slot(User(2)).opal.wrap[:AKWrapSize]), "without a PIN the chip alone opens it")
	require.True(t, b.opens(User(2), PIN{}, 1))
	owner = b.login(User(2), PIN{})
	require.NoError(t, b.change(owner, func(c *Change) error { return c.SetPIN(User(2), credential(7)) }))
	require.Nil(t, opened(kek[:], b.rec.slot(User(2)).opal.wrap[:AKWrapSize]))
	b.cycle()

	// No Admin gets there: by no method, and by no key.
	admin = b.login(Admin(1), credential(1))
	for name, do := range map[string]func(c *Change) error{
		"PIN": func(c *Change) error { return c.SetPIN(User(2), credential(8)) }, "grant": func(c *Change) error { return c.Grant(RangeArea(1), Admin(1)) },
		"key": func(c *Change) error { return c.GenKey(RangeArea(1)) }, "unlock": func(c *Change) error { return c.SetLocks(1, false, false) },
		"locks": func(c *Change) error { return c.SetRange(1, RangeConfig{Start: 100, Length: 100}) },
	} {
		require.ErrorIs(t, b.change(admin, do), KeyNotHeld, name)
	}
	require.ErrorIs(t, b.change(admin, func(c *Change) error { return c.SetEnabled(User(2), false) }), InvalidParameter)
	aa := b.ofPIN(Admin(1), credential(1))
	uk := opened(aa, b.rec.slot(Admin(1)).opal.users[:])
	for _, w := range b.rec.ranges[1].opal.wraps {
		require.Nil(t, opened(aa, w[:]))
	}
	require.Nil(t, opened(uk, b.rec.slot(User(2)).opal.wrap[:AKWrapSize]))
	require.Equal(t, [AKWrapSize]byte{}, b.rec.slot(User(2)).opal.escrow)
	_, err = b.Login(User(2), PIN{})
	require.ErrorIs(t, err, NotAuthorized)

	owner = b.login(User(2), credential(7))
	require.NoError(t, b.change(owner, func(c *Change) error { return c.SetLocks(1, false, false) }))
	b.mustRead(100, sectors(1, 4), "the owner unlocks")
	require.NoError(t, b.change(admin, func(c *Change) error { return c.EraseRange(1) }), "an Admin may erase it")
	require.False(t, owner.Open())
	got := make([]byte, 512)
	require.NoError(t, b.Read(100, got))
	require.NotEqual(t, sectors(1, 4), got)
	b.login(User(2), PIN{})
}

// TestOpalReactivate: other ranges are in Single User Mode, the data stays, and no login and no grant of before counts.
func TestOpalReactivate(t *testing.T) {
	b := newOpal(t, nil)
	require.NoError(t, b.Write(5, sectors(1, 6)))
	admin := grantedUser(b)
	require.ErrorIs(t, b.Reactivate(admin, ReactivateOptions{}), InvalidState, "a lock is enabled")
	require.NoError(t, b.change(admin, func(c *Change) error {
		return c.SetRange(1, RangeConfig{Start: 100, Length: 100, LockOnReset: OnPowerCycle})
	}))
	require.ErrorIs(t, b.Reactivate(b.login(User(1), credential(7)), ReactivateOptions{}), KeyNotHeld)
	require.ErrorIs(t, b.Reactivate(admin, ReactivateOptions{ActivateOptions: ActivateOptions{SingleUser: []int{9}}}), InvalidParameter)
	require.NoError(t, b.Reactivate(admin, ReactivateOptions{ActivateOptions: ActivateOptions{SingleUser: []int{0, 2}}, Admin1PIN: credential(9)}))
	require.False(t, admin.Open())
	b.cycle()
	b.mustRead(5, sectors(1, 6), "the data stays")
	_, err := b.Login(Admin(1), credential(1))
	require.ErrorIs(t, err, NotAuthorized)
	b.login(Admin(1), credential(9))
	_, err = b.Login(User(2), credential(7))
	require.ErrorIs(t, err, NotAuthorized)
	owner := b.login(User(1), PIN{})
	require.NoError(t, b.change(owner, func(c *Change) error {
		return errors.Join(c.SetPIN(User(1), credential(4)), c.SetRange(0, RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: OnPowerCycle}))
	}))
	require.False(t, b.opens(Admin(1), credential(9), 0))
	require.True(t, b.opens(User(1), credential(4), 0))
	b.mustRead(5, sectors(1, 6), "its owner reads it")
	for n, want := range [][]Authority{{User(1)}, {Admin(1), Admin(2), Admin(3), Admin(4)}, {User(3)}} {
		granted, _, err := b.Holders(RangeArea(n))
		require.NoError(t, err)
		require.Equal(t, want, granted)
	}
	admin = b.login(Admin(1), credential(9))
	require.ErrorIs(t, b.Reactivate(admin, ReactivateOptions{}), InvalidState, "a lock is enabled")
	require.NoError(t, b.RevertLocking(admin, RevertOptions{}))
	require.ErrorIs(t, b.Reactivate(b.login(SID, credential(1)), ReactivateOptions{}), KeyNotHeld)
}

// TestOpalChangeIsWholeOrNotThere: several changes are one record, and two changes do not mix.
func TestOpalChangeIsWholeOrNotThere(t *testing.T) {
	b := newOpal(t, nil)
	admin := b.owned(ActivateOptions{Note: []byte("first")})
	one, err := b.Begin(admin)
	require.NoError(t, err)
	two, err := b.Begin(admin)
	require.NoError(t, err)
	generation := b.Status().KeyGeneration
	require.NoError(t, one.SetPIN(User(1), credential(7)))
	require.NoError(t, one.SetNote([]byte("second")))
	require.ErrorIs(t, one.SetPIN(Authority(0x0999), credential(7)), InvalidParameter, "a method that fails leaves the change as it was")
	require.NoError(t, one.SetEnabled(User(1), true))
	require.NoError(t, two.SetNote([]byte("third")))
	note, err := b.Note()
	require.NoError(t, err)
	require.Equal(t, "first", string(note), "nothing happens before Commit")
	require.NoError(t, one.Commit())
	require.Equal(t, generation+1, b.Status().KeyGeneration, "one key step")
	require.ErrorIs(t, two.Commit(), Conflict)
	require.ErrorIs(t, one.Commit(), InvalidState)
	b.cycle()
	note, err = b.Note()
	require.NoError(t, err)
	require.Equal(t, "second", string(note))
	b.login(User(1), credential(7))

	admin = b.login(Admin(1), credential(1))
	generation = b.Status().KeyGeneration
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetNote([]byte("fourth")) }))
	require.Equal(t, generation, b.Status().KeyGeneration, "a note is no key step")
	three, err := b.Begin(admin)
	require.NoError(t, err)
	require.NoError(t, three.SetPIN(User(1), credential(6)))
	three.Abort()
	require.ErrorIs(t, three.Commit(), InvalidState)
	b.login(User(1), credential(7))
	require.Equal(t, "login of Admin1", fmt.Sprintf("%+v", *admin))
}

// TestOpalRecordThatDoesNotFit: the page limits wraps and note together, and says so before anything changes.
func TestOpalRecordThatDoesNotFit(t *testing.T) {
	b := newOpal(t, func(c *Config) { c.Ranges = 16 })
	admin := b.owned(ActivateOptions{})
	all := func(c *Change) error {
		for n := range 17 {
			for u := range Users {
				if err := c.Grant(RangeArea(n), User(u+1)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	require.NoError(t, b.change(admin, all), "16 ranges and 13 holders fit")
	before := b.rec.encode(nil)
	require.ErrorIs(t, b.change(admin, func(c *Change) error { return c.SetNote(make([]byte, 4000)) }), NoSpace)
	require.Equal(t, before, b.rec.encode(nil))
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetNote(make([]byte, 1024)) }))
}

// TestOpalResetsEndLogins: whoever proved a PIN proves it again after any reset, and nothing that was begun before is
// committed.
func TestOpalResetsEndLogins(t *testing.T) {
	b := newOpal(t, nil)
	b.owned(ActivateOptions{})
	for name, reset := range map[string]func() error{
		"hardware": func() error { return b.Reset(HardwareReset) }, "hot plug": func() error { return b.Reset(HotPlugReset) },
		"programmatic": func() error { return b.Reset(ProgrammaticReset) }, "power cycle": func() error { b.cycle(); return nil },
	} {
		l := b.login(Admin(1), credential(1))
		c, err := b.Begin(l)
		require.NoError(t, err)
		require.NoError(t, c.SetEnabled(User(1), true))
		require.NoError(t, reset())
		require.False(t, l.Open(), name)
		require.ErrorIs(t, c.Commit(), NoSession, name)
		require.ErrorIs(t, b.change(l, func(c *Change) error { return c.GenKey(RangeArea(0)) }), NoSession, name)
		i, err := b.Authority(User(1))
		require.NoError(t, err)
		require.False(t, i.Enabled, name)
	}
}
