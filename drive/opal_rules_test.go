package drive

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/entropy"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// TestOpalActivateParameters: what is wrong is refused before a key is drawn, and the most is possible.
func TestOpalActivateParameters(t *testing.T) {
	change := func(c *Config) { c.Ranges, c.DataStoreSize = 16, 8<<10 }
	b := newOpal(t, change)
	sid := b.login(SID, b.label.MSID)
	sizes := func(n int, size uint64) (all []uint64) {
		for range n {
			all = append(all, size)
		}
		return all
	}
	was := b.pages()
	source := b.drawing(-1, nil)
	for name, c := range map[string]struct {
		o    ActivateOptions
		code Code
		says string
	}{
		"a range below 0":        {ActivateOptions{SingleUser: []int{-1}}, InvalidParameter, "no range -1, the last is 16"},
		"a range too many":       {ActivateOptions{SingleUser: []int{17}}, InvalidParameter, "no range 17, the last is 16"},
		"a range without a User": {ActivateOptions{SingleUser: []int{9}}, InvalidParameter, "range 9 has no owner: the last User is 9"},
		"a range twice":          {ActivateOptions{SingleUser: []int{2, 1, 2}}, InvalidParameter, "range 2 twice"},
		"17 tables":              {ActivateOptions{DataStores: sizes(17, 512)}, NoSpace, "17 DataStore tables, need at most 16"},
		"an empty table":         {ActivateOptions{DataStores: []uint64{512, 0}}, InvalidParameter, "a DataStore table of 0 bytes"},
		"half a sector":          {ActivateOptions{DataStores: []uint64{768}}, InvalidParameter, "need a multiple of 512"},
		"a table too long":       {ActivateOptions{DataStores: []uint64{8<<10 + 512}}, NoSpace, "more than 8192 bytes"},
		"tables too long":        {ActivateOptions{DataStores: []uint64{4 << 10, 4 << 10, 512}}, NoSpace, "more than 8192 bytes"},
		"a note too long":        {ActivateOptions{Note: make([]byte, maxNote+1)}, NoSpace, "a note of 4097 bytes, need at most 4096"},
	} {
		refused(t, b.Activate(sid, c.o), c.code, "activate", c.says)
		require.Equal(t, ManufacturedInactive, b.Status().State, name)
	}
	require.Zero(t, source.n, "no key is drawn for nothing")
	require.Equal(t, was, b.pages())
	require.NoError(t, b.Activate(sid, ActivateOptions{SingleUser: []int{8, 0}, DataStores: sizes(16, 512), Note: make([]byte, maxNote)}))
	require.NoError(t, b.Activate(sid, ActivateOptions{SingleUser: []int{1}}), "once more, and nothing happens")
	n, err := b.DataStores()
	require.NoError(t, err)
	require.Equal(t, 16, n)
	for n, owner := range map[int]Authority{0: User(1), 8: User(9)} {
		granted, root, err := b.Holders(RangeArea(n))
		require.NoError(t, err)
		require.True(t, root)
		require.Equal(t, []Authority{owner}, granted)
	}
	admin := b.login(Admin(1), b.label.MSID)
	refused(t, b.Reactivate(admin, ReactivateOptions{ActivateOptions: ActivateOptions{SingleUser: []int{9}}}), InvalidParameter, "reactivate", "no owner")
	for _, lock := range []RangeConfig{{ReadLockEnabled: true, LockOnReset: OnPowerCycle}, {WriteLockEnabled: true, LockOnReset: OnPowerCycle}} {
		require.NoError(t, b.change(admin, func(c *Change) error { return c.SetRange(3, lock) }))
		refused(t, b.Reactivate(admin, ReactivateOptions{}), InvalidState, "reactivate", "range 3 has a lock enabled")
	}
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetRange(3, RangeConfig{}) }))
	require.NoError(t, b.Reactivate(admin, ReactivateOptions{ActivateOptions: ActivateOptions{DataStores: []uint64{8 << 10}}}))
	i, err := b.Authority(Admin(1))
	require.NoError(t, err)
	require.Equal(t, AuthorityInfo{Enabled: true, HasPIN: true, AtMSID: true}, i, "it kept its PIN")
	require.NoError(t, b.Reactivate(b.login(Admin(1), b.label.MSID), ReactivateOptions{Admin1PIN: credential(2)}))
	i, err = b.Authority(Admin(1))
	require.NoError(t, err)
	require.Equal(t, AuthorityInfo{Enabled: true, HasPIN: true}, i)

	// A flash of which a page holds what the factory writes, and no long note beside it.
	small := &opalBench{bench: &bench{t: t}}
	cfg := testConfig()
	opalConfig(&cfg)
	small.Drive, small.label, err = Manufacture(cfg, Parts{
		Flash: flash.NewMem(flash.Geometry{Blocks: 8, PagesPerBlock: 8, PageSize: 4608}), Media: NewMemMedia(512), Entropy: entropy.Stream(1, "small"),
	})
	require.NoError(t, err)
	small.OpalDrive, err = small.Opal()
	require.NoError(t, err)
	refused(t, small.Activate(small.login(SID, small.label.MSID), ActivateOptions{Note: make([]byte, maxNote)}), NoSpace, "activate", "a flash page has 4608")
	admin = small.owned(ActivateOptions{})
	refused(t, small.RevertLocking(admin, RevertOptions{Note: make([]byte, maxNote)}), NoSpace, "revert locking", "a flash page has 4608")
	require.True(t, admin.Open())

	plain := newOpal(t, func(c *Config) { c.DataStoreSize = 0 })
	plain.owned(ActivateOptions{})
	n, err = plain.DataStores()
	require.NoError(t, err)
	require.Zero(t, n, "no room, no table")
}

// TestOpalWhoPlacesARangeInSingleUserMode: the policy gives its place to one side, its locks are always the owner's.
func TestOpalWhoPlacesARangeInSingleUserMode(t *testing.T) {
	placed := RangeConfig{Start: 100, Length: 100, LockOnReset: OnPowerCycle}
	for _, byAdmins := range []bool{false, true} {
		b := newOpal(t, nil)
		admin := b.owned(ActivateOptions{SingleUser: []int{1}, AdminsPlace: byAdmins})
		owner, other := b.login(User(2), PIN{}), b.login(SID, credential(1))
		placer, not := owner, admin
		if byAdmins {
			placer, not = admin, owner
		}
		set := func(l *Login, c RangeConfig) error {
			return b.change(l, func(ch *Change) error { return ch.SetRange(1, c) })
		}
		refused(t, set(not, placed), KeyNotHeld, "set range", "Single User Mode")
		refused(t, set(other, placed), KeyNotHeld, "set range")
		refused(t, set(not, RangeConfig{Start: 100, LockOnReset: OnPowerCycle}), KeyNotHeld, "set range")
		refused(t, set(not, RangeConfig{Length: 100, LockOnReset: OnPowerCycle}), KeyNotHeld, "set range")
		require.NoError(t, set(placer, placed))
		closed := placed
		closed.ReadLockEnabled, closed.WriteLockEnabled = true, true
		refused(t, set(admin, closed), KeyNotHeld, "set range", "range 1")
		require.NoError(t, set(owner, closed))
		require.NoError(t, set(admin, closed), "nothing changes")
		refused(t, b.change(admin, func(c *Change) error { return c.SetLocks(1, true, true) }), KeyNotHeld, "set locks")
		refused(t, b.change(admin, func(c *Change) error { return c.Revoke(RangeArea(1), User(2)) }), KeyNotHeld, "revoke")
		refused(t, b.change(owner, func(c *Change) error { return c.Revoke(RangeArea(1), User(2)) }), InvalidState, "revoke", "last")
		refused(t, b.change(owner, func(c *Change) error { return c.Grant(RangeArea(1), User(3)) }), KeyNotHeld, "grant", "Single User Mode")
		refused(t, b.change(admin, func(c *Change) error { return c.SetEnabled(User(2), true) }), InvalidParameter, "set enabled", "owns a range")
		if byAdmins {
			refused(t, b.change(owner, func(c *Change) error {
				return c.SetRange(1, RangeConfig{Start: 104, Length: 8, LockOnReset: OnPowerCycle})
			}), KeyNotHeld, "set range")
		}
		b.cycle()
		require.ErrorIs(t, b.Read(100, make([]byte, 512)), Locked)
		moved := closed
		moved.Length = 50
		owner, admin = b.login(User(2), PIN{}), b.login(Admin(1), credential(1))
		if byAdmins {
			require.NoError(t, set(admin, moved), "a place takes no key")
		} else {
			require.NoError(t, set(owner, moved))
		}
		i, err := b.Range(1)
		require.NoError(t, err)
		require.Equal(t, uint64(50), i.Length)
	}
}

// TestOpalEraseOfARange: who may, what is gone and what stays.
func TestOpalEraseOfARange(t *testing.T) {
	b := newOpal(t, nil)
	admin := b.owned(ActivateOptions{SingleUser: []int{1, 2}})
	erase := func(n int) func(c *Change) error { return func(c *Change) error { return c.EraseRange(n) } }
	owner, other := b.login(User(2), PIN{}), b.login(User(3), PIN{})
	require.NoError(t, b.change(other, func(c *Change) error {
		return c.SetRange(2, RangeConfig{Start: 300, Length: 8, LockOnReset: OnPowerCycle})
	}))
	require.NoError(t, b.change(owner, func(c *Change) error {
		return errors.Join(c.SetPIN(User(2), credential(7)), c.SetRange(1, RangeConfig{Start: 100, Length: 100, ReadLockEnabled: true, WriteLockEnabled: true}), c.SetLocks(1, true, true))
	}))
	require.NoError(t, b.Write(300, sectors(1, 3)))
	for _, n := range []int{-1, 0, 3} {
		refused(t, b.change(admin, erase(n)), InvalidParameter, "erase", "not in Single User Mode")
	}
	refused(t, b.change(other, erase(1)), KeyNotHeld, "erase", "User2")
	refused(t, b.change(b.login(SID, credential(1)), erase(1)), KeyNotHeld, "erase")
	_, err := b.Login(User(2), credential(6))
	require.ErrorIs(t, err, NotAuthorized)
	again := b.login(User(2), credential(7))
	_, err = b.Login(User(2), credential(6))
	require.ErrorIs(t, err, NotAuthorized)
	require.NoError(t, b.change(owner, erase(1)), "the owner itself, with the range locked")
	require.False(t, owner.Open())
	require.False(t, again.Open(), "every login of it")
	require.True(t, other.Open())
	i, err := b.Authority(User(2))
	require.NoError(t, err)
	require.Equal(t, AuthorityInfo{Enabled: true}, i)
	r, err := b.Range(1)
	require.NoError(t, err)
	require.Equal(t, RangeConfig{Start: 100, Length: 100}, RangeConfig{Start: r.Start, Length: r.Length, ReadLockEnabled: r.ReadLockEnabled, WriteLockEnabled: r.WriteLockEnabled})
	require.False(t, r.ReadLocked || r.WriteLocked)
	granted, root, err := b.Holders(RangeArea(1))
	require.NoError(t, err)
	require.True(t, root)
	require.Equal(t, []Authority{User(2)}, granted)
	require.NoError(t, b.Write(100, sectors(1, 4)), "open at once")
	b.mustRead(300, sectors(1, 3), "the other range is untouched")
	b.cycle()
	b.mustRead(100, sectors(1, 4), "under the key in the record")
	b.mustRead(300, sectors(1, 3), "the other range is untouched")
	r, err = b.Range(1)
	require.NoError(t, err)
	require.False(t, r.ReadLocked || r.WriteLocked, "nor after a power cycle")
	owner = b.login(User(2), PIN{})
	require.NoError(t, b.change(owner, func(c *Change) error { return c.SetLocks(1, false, false) }), "it holds the new key")
	refused(t, b.change(b.login(Admin(1), credential(1)), func(c *Change) error { return c.SetPIN(User(2), credential(5)) }), KeyNotHeld, "set pin")
}

// TestOpalRangeThatNobodyHolds stays open, can be granted, and cannot be closed.
func TestOpalRangeThatNobodyHolds(t *testing.T) {
	b := newOpal(t, nil)
	admin := b.owned(ActivateOptions{})
	require.NoError(t, b.change(admin, func(c *Change) error {
		for n := range Admins {
			if err := c.Revoke(RangeArea(1), Admin(n+1)); err != nil {
				return err
			}
		}
		return c.Revoke(RangeArea(1), User(1)) // who is not granted it: nothing happens
	}))
	granted, root, err := b.Holders(RangeArea(1))
	require.NoError(t, err)
	require.True(t, root)
	require.Empty(t, granted)
	for _, c := range []RangeConfig{lockedRange, {Start: 100, Length: 100, ReadLockEnabled: true, LockOnReset: OnPowerCycle}} {
		refused(t, b.change(admin, func(ch *Change) error { return ch.SetRange(1, c) }), InvalidState, "set range", "nobody is granted range 1")
	}
	require.NoError(t, b.change(admin, func(c *Change) error {
		return c.SetRange(1, RangeConfig{Start: 100, Length: 100, LockOnReset: OnPowerCycle})
	}), "an Admin places it")
	require.NoError(t, b.Write(100, sectors(1, 5)))
	refused(t, b.change(admin, func(c *Change) error { return c.SetLocks(1, false, false) }), KeyNotHeld, "set locks")
	b.cycle()
	b.mustRead(100, sectors(1, 5), "open to all")
	admin = b.login(Admin(1), credential(1))
	require.NoError(t, b.change(admin, func(c *Change) error { return c.Grant(RangeArea(1), User(1)) }))
	refused(t, b.Reactivate(b.login(Admin(1), credential(1)), ReactivateOptions{ActivateOptions: ActivateOptions{SingleUser: []int{9}}}), InvalidParameter, "reactivate")
	granted, _, err = b.Holders(RangeArea(1))
	require.NoError(t, err)
	require.Equal(t, []Authority{User(1)}, granted)
	require.NoError(t, b.change(admin, func(c *Change) error {
		return errors.Join(c.Grant(RangeArea(1), User(1)), c.GenKey(RangeArea(1)))
	}), "an Admin renews the key of a range that it does not hold")
	granted, root, err = b.Holders(RangeArea(1))
	require.NoError(t, err)
	require.True(t, root)
	require.Equal(t, []Authority{User(1)}, granted)
	refused(t, b.change(admin, func(c *Change) error { return c.Revoke(RangeArea(9), User(1)) }), InvalidParameter, "revoke", "there is no range 9")
	refused(t, b.change(admin, func(c *Change) error { return c.Revoke(RangeArea(1), Nobody) }), InvalidParameter, "revoke", "no authority of the Locking SP")
	refused(t, b.change(admin, func(c *Change) error { return c.GenKey(DataStoreArea(1)) }), InvalidParameter, "genkey", "there is no DataStore 2")
	refused(t, b.change(admin, func(c *Change) error { return c.GenKey(RangeArea(3)) }), InvalidParameter, "genkey", "there is no range 3")
	for a, want := range map[Area]string{MBRShadow: "MBR shadow", DataStoreArea(0): "DataStore 1", RangeArea(255): "range 255"} {
		require.Equal(t, want, a.String())
	}
	for _, a := range []Area{MBRShadow + 1, DataStoreArea(1), dataStoreArea + 0x100, RangeArea(3)} {
		_, _, err := b.Holders(a)
		refused(t, err, InvalidParameter, "holders")
	}
}

// TestOpalLocksOfARange: which of them outlive power, and what each stops.
func TestOpalLocksOfARange(t *testing.T) {
	for _, c := range []struct {
		name        string
		cfg         RangeConfig
		read, write bool // as set before
		now         [2]bool
		then        [2]bool // after a power cycle: does a read, does a write fail?
		root        bool
	}{
		{"one direction", RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: OnPowerCycle}, true, false, [2]bool{true, false}, [2]bool{true, true}, false},
		{"both", RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: OnPowerCycle}, true, true, [2]bool{true, true}, [2]bool{true, true}, false},
		{"for good, read", RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true}, true, false, [2]bool{true, false}, [2]bool{true, true}, false},
		{"for good, write", RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true}, false, true, [2]bool{false, true}, [2]bool{true, true}, false},
		{"for good, open", RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true}, false, false, [2]bool{}, [2]bool{}, true},
		{"not enabled", RangeConfig{LockOnReset: OnPowerCycle}, true, true, [2]bool{}, [2]bool{}, true},
		{"not enabled, for good", RangeConfig{}, true, true, [2]bool{}, [2]bool{}, true},
	} {
		b := newOpal(t, nil)
		admin := b.owned(ActivateOptions{})
		c.cfg.Start, c.cfg.Length = 100, 100
		require.NoError(t, b.change(admin, func(ch *Change) error { return ch.SetRange(1, c.cfg) }), c.name)
		require.NoError(t, b.Write(100, sectors(1, 7)))
		require.NoError(t, b.change(admin, func(ch *Change) error { return ch.SetLocks(1, c.read, c.write) }), c.name)
		stops := func() [2]bool {
			r, w := b.Read(100, make([]byte, 512)), b.Write(101, sectors(1, 1))
			for _, err := range []error{r, w} {
				if err != nil {
					require.ErrorIs(t, err, Locked, c.name)
				}
			}
			return [2]bool{r != nil, w != nil}
		}
		require.Equal(t, c.now, stops(), c.name)
		require.Equal(t, c.now[0] || c.now[1], b.Status().Locked, "%s: the drive says so", c.name)
		require.Equal(t, c.now == [2]bool{true, true}, b.ram[1].mek == nil, "%s: the key leaves RAM when both are locked", c.name)
		_, root, err := b.Holders(RangeArea(1))
		require.NoError(t, err)
		require.Equal(t, c.root, root, c.name)
		b.cycle()
		require.Equal(t, c.then, stops(), c.name)
		admin = b.login(Admin(1), credential(1))
		require.NoError(t, b.change(admin, func(ch *Change) error { return ch.SetLocks(1, false, false) }), c.name)
		b.mustRead(100, sectors(1, 7), c.name)
		_, root, err = b.Holders(RangeArea(1))
		require.NoError(t, err)
		require.Equal(t, c.root || c.cfg.LockOnReset == 0, root, "%s: open for good needs the root key's wrap", c.name)
		for _, n := range []int{-1, 3} {
			refused(t, b.change(admin, func(ch *Change) error { return ch.SetLocks(n, true, true) }), InvalidParameter, "set locks", "the last is 2")
			refused(t, b.change(admin, func(ch *Change) error { return ch.SetRange(n, RangeConfig{}) }), InvalidParameter, "set range", "the last is 2")
		}
	}
}

// TestOpalNewKeyOfARange: an open range goes on with the new key, a locked one stays locked.
func TestOpalNewKeyOfARange(t *testing.T) {
	b := newOpal(t, nil)
	admin := grantedUser(b)
	require.NoError(t, b.Write(100, sectors(1, 1)))
	require.NoError(t, b.Write(0, sectors(1, 2)))
	require.NoError(t, b.change(admin, func(c *Change) error { return errors.Join(c.GenKey(RangeArea(1)), c.GenKey(RangeArea(1))) }))
	got := make([]byte, 512)
	require.NoError(t, b.Read(100, got))
	require.NotEqual(t, sectors(1, 1), got)
	b.mustRead(0, sectors(1, 2), "the other range is untouched")
	require.NoError(t, b.Write(100, sectors(1, 3)))
	require.True(t, b.opens(User(1), credential(7), 1))
	b.mustRead(100, sectors(1, 3), "the key in RAM was that of the record")
	b.cycle()
	admin = b.login(Admin(1), credential(1))
	require.NoError(t, b.change(admin, func(c *Change) error { return c.GenKey(RangeArea(1)) }))
	require.ErrorIs(t, b.Read(100, got), Locked)
	require.Nil(t, b.ram[1].mek)
	require.NoError(t, b.change(admin, func(c *Change) error { return errors.Join(c.SetLocks(1, false, false), c.GenKey(RangeArea(1))) }))
	require.NoError(t, b.Write(100, sectors(1, 4)))
	require.True(t, b.opens(User(1), credential(7), 1))
	b.mustRead(100, sectors(1, 4), "unlocked and renewed in one step")
	require.NoError(t, b.WriteTable(MBRShadow, 0, []byte("boot"), b.login(Admin(1), credential(1))))
	require.NoError(t, b.change(b.login(Admin(1), credential(1)), func(c *Change) error { return c.GenKey(MBRShadow) }))
	require.NoError(t, b.ReadTable(MBRShadow, 0, got[:4]))
	require.Equal(t, make([]byte, 4), got[:4], "the shadow is zeros at once")
}

// TestOpalCommitOfNothing writes nothing; a commit that changes no key is a note.
func TestOpalCommitOfNothing(t *testing.T) {
	b := newOpal(t, nil)
	admin := grantedUser(b)
	was, generation := b.pages(), b.Status().KeyGeneration
	require.NoError(t, b.change(admin, func(c *Change) error {
		return errors.Join(c.Grant(RangeArea(1), User(1)), c.SetEnabled(User(1), true), c.SetRange(1, lockedRange))
	}))
	require.Equal(t, was, b.pages())
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetNote([]byte("n")) }))
	require.Len(t, b.pages(), len(was)+1)
	require.Equal(t, generation, b.Status().KeyGeneration)
	c, err := b.Begin(admin)
	require.NoError(t, err)
	defer c.Abort()
	// A key step that leaves the drive degraded is a change that came first.
	b.arm("(flash.erase.refused) (flash.zero.refused)")
	require.ErrorIs(t, b.change(admin, func(c *Change) error { return c.Revoke(RangeArea(1), User(1)) }), Degraded)
	b.flash.Disarm()
	require.NoError(t, b.Restore(admin))
	require.NoError(t, c.SetNote([]byte("m")))
	refused(t, c.Commit(), Conflict, "commit")
}

// TestAnAlteredUsersKeyIsNoLogin: the PIN is right, and the drive says that it is broken.
func TestAnAlteredUsersKeyIsNoLogin(t *testing.T) {
	b := newOpal(t, nil)
	b.owned(ActivateOptions{})
	keys := watchKeys(t)
	b.tamper(func(r *record) {
		own := *r.slot(Admin(1)).opal
		own.users[7] ^= 1
		r.slot(Admin(1)).opal = &own
	})
	_, err := b.Login(Admin(1), credential(1))
	refused(t, err, HardwareFailure, "login", "users' key")
	require.NotErrorIs(t, err, NotAuthorized)
	require.Len(t, b.opal.logins, 1, "no second one")
	require.Zero(t, keys.left(b.Drive), "the AK that was opened is cleared")
}

// TestOpalActivationWithoutTheKeyOfARange fails, and is no panic.
func TestOpalActivationWithoutTheKeyOfARange(t *testing.T) {
	b := newOpal(t, nil)
	sid := b.login(SID, b.label.MSID)
	was := b.rec.ranges[1].opal
	ak, err := b.newAK()
	require.NoError(t, err)
	b.rec.ranges[1].opal = was.given(1, ak, ak).without(rootHolder)
	require.ErrorIs(t, b.Activate(sid, ActivateOptions{}), errNoRecord)
	b.rec.ranges[1].opal = was
	require.NoError(t, b.Activate(sid, ActivateOptions{}))
}

// TestOpalGuards: what the lifecycle asks of a record before it comes into force.
func TestOpalGuards(t *testing.T) {
	b := newOpal(t, nil)
	was := b.rec.clone()
	b.owned(ActivateOptions{})
	ask := func(e Event, change func(r *record)) bool {
		after := b.rec.clone()
		change(&after)
		return guards[rule{Opal, e}](&facts{after: &after, was: &was})
	}
	as := func(*record) {}
	another := func(r *record) { own := *r.ranges[2].opal; own.mek[0] ^= 1; r.ranges[2].opal = &own }
	ungranted := func(r *record) {
		own := *r.ranges[2].opal
		own.mask = 1 << rootHolder
		r.ranges[2].opal = &own
	}
	for _, e := range []Event{EventActivate, EventReactivate} {
		require.True(t, ask(e, as))
		require.False(t, ask(e, another), "%s gives no range another key", e)
		require.False(t, ask(e, ungranted), "%s leaves no range without a holder", e)
		require.False(t, ask(e, func(r *record) { r.slots = was.slots }), "%s makes Admin1", e)
	}
	require.True(t, ask(EventRestore, as))
	require.False(t, ask(EventRestore, func(r *record) { r.slots = was.slots }))
	renew := func(from int) func(r *record) {
		return func(r *record) {
			r.slots = was.slots
			for n := from; n < len(r.ranges); n++ {
				own := *r.ranges[n].opal
				own.mek[0] ^= 1
				r.ranges[n].opal = &own
			}
		}
	}
	require.True(t, ask(EventRevert, renew(0)))
	require.False(t, ask(EventRevert, renew(1)), "a revert keeps no key")
	require.True(t, ask(EventRevertKeep, renew(1)))
	require.False(t, ask(EventRevertKeep, renew(0)), "and the other keeps one")
	require.False(t, ask(EventRevertKeep, renew(2)))
	require.False(t, ask(EventRevert, func(r *record) { slots := r.slots; renew(0)(r); r.slots = slots }), "Admin1 is gone")
}

// TestAnOpalRecordOfAnotherDriveIsNone: it is left alone, and the drive has none.
func TestAnOpalRecordOfAnotherDriveIsNone(t *testing.T) {
	alone := func(k *areaKeys, mask uint16) *areaKeys {
		own := *k
		own.mask, own.wraps = mask, nil
		return &own
	}
	for name, change := range map[string]func(*record){
		"too few ranges":                 func(r *record) { r.ranges = r.ranges[:2] },
		"a range that nobody opens":      func(r *record) { r.ranges[1].opal = alone(r.ranges[1].opal, 0) },
		"a shadow that nobody opens":     func(r *record) { r.opal.mbr.keys = alone(r.opal.mbr.keys, 0) },
		"authorities in another order":   func(r *record) { r.slots[0], r.slots[1] = r.slots[1], r.slots[0] },
		"the last authority is another":  func(r *record) { r.slots[len(r.slots)-1].authority = PSID },
		"the first authority is another": func(r *record) { r.slots[0].authority = PSID },
	} {
		b := newOpal(t, nil)
		b.tamper(change)
		pages := b.pages()
		b.cycle()
		require.Equal(t, SecurityDegraded, b.Status().State, name)
		_, err := b.Login(SID, b.label.MSID)
		require.ErrorIs(t, err, Degraded, name)
		require.Equal(t, pages, b.pages(), "%s: nothing is touched", name)
		require.NoError(t, b.RevertPSID(b.label.PSID), name)
		require.Equal(t, ManufacturedInactive, b.Status().State)
		b.whole(t, name)
	}
}

// TestOpalAnAdminOpensARangeThatIsGrantedToAUserAlone: by its lock columns, with the User's key out of escrow. Nobody
// else does, and an Admin neither locks nor unlocks it.
func TestOpalAnAdminOpensARangeThatIsGrantedToAUserAlone(t *testing.T) {
	b := newOpal(t, nil)
	admin := grantedUser(b)
	require.NoError(t, b.change(admin, func(c *Change) error {
		for n := range Admins {
			if err := c.Revoke(RangeArea(1), Admin(n+1)); err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(t, b.Write(100, sectors(1, 9)))
	b.cycle()
	admin, sid := b.login(Admin(1), credential(1)), b.login(SID, credential(1))
	refused(t, b.change(admin, func(c *Change) error { return c.SetLocks(1, false, false) }), KeyNotHeld, "set locks", "is granted range 1")
	open := RangeConfig{Start: 100, Length: 100, LockOnReset: OnPowerCycle}
	refused(t, b.change(sid, func(c *Change) error { return c.SetRange(1, open) }), KeyNotHeld, "set range", "is granted range 1")
	require.ErrorIs(t, b.Read(100, make([]byte, 512)), Locked)

	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetRange(1, open) }))
	b.mustRead(100, sectors(1, 9), "the data are as they were")
	b.cycle()
	b.mustRead(100, sectors(1, 9), "open at power on")
	granted, root, err := b.Holders(RangeArea(1))
	require.NoError(t, err)
	require.True(t, root)
	require.Equal(t, []Authority{User(1)}, granted, "nobody was granted it for that")

	// What cryptsetup does to give a locked range up: its key anew, and then its place.
	admin = b.login(Admin(1), credential(1))
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetRange(1, lockedRange) }))
	b.cycle()
	admin = b.login(Admin(1), credential(1))
	require.NoError(t, b.change(admin, func(c *Change) error { return c.GenKey(RangeArea(1)) }))
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetRange(1, RangeConfig{LockOnReset: OnPowerCycle}) }))
	require.NoError(t, b.Read(100, make([]byte, 512)))
}
