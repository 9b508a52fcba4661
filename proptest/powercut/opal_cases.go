package powercut

import (
	"errors"

	"github.com/seed-9d983aeb/fdelab/drive"
)

// opalOwned is a drive with an owner: SID and Admin1 have adminPIN, data lies in every range.
func opalOwned(w *opalWorld, a drive.ActivateOptions) *drive.Login {
	sid := w.login(drive.SID, w.label.MSID)
	w.changed(sid, func(c *drive.Change) error { return c.SetPIN(drive.SID, testPIN(adminPIN)) })
	if err := w.o.Activate(sid, a); err != nil {
		panic(err.Error())
	}
	sid.Close()
	admin := w.login(drive.Admin(1), testPIN(adminPIN))
	return admin
}

// opalFilled writes the data, and to the tables.
func opalFilled(w *opalWorld, by *drive.Login) {
	for n := range uint64(3) {
		if err := w.d.Write(opalSector-16+16*n, opalPlain); err != nil {
			panic(err.Error())
		}
	}
	for _, t := range []drive.Area{drive.MBRShadow, drive.DataStoreArea(0)} {
		if err := w.o.WriteTable(t, 0, []byte("data"), by); err != nil {
			panic(err.Error())
		}
	}
}

// opalUser is opalOwned with User1, who is granted range 1, which locks both ways at a power cycle.
func opalUser(w *opalWorld) *drive.Login {
	admin := opalOwned(w, drive.ActivateOptions{})
	w.changed(admin, func(c *drive.Change) error {
		return errors.Join(
			c.SetRange(1, opalClosed), c.SetEnabled(drive.User(1), true), c.SetPIN(drive.User(1), testPIN(userPIN)), c.Grant(drive.RangeArea(1), drive.User(1)),
		)
	})
	opalFilled(w, admin)
	return admin
}

// opalSingle is a drive with range 1 in Single User Mode, of User2.
func opalSingle(w *opalWorld) *drive.Login {
	admin := opalOwned(w, drive.ActivateOptions{SingleUser: []int{1}})
	user := w.login(drive.User(2), drive.PIN{})
	w.changed(user, func(c *drive.Change) error {
		return errors.Join(c.SetPIN(drive.User(2), testPIN(userPIN)), c.SetRange(1, opalClosed))
	})
	opalFilled(w, admin)
	return admin
}

func opalBy(first func(w *opalWorld) *drive.Login, a drive.Authority, pin byte) func(w *opalWorld) *drive.Login {
	return func(w *opalWorld) *drive.Login {
		first(w).Close()
		return w.login(a, testPIN(pin))
	}
}

// opalAfter is a preparation with a change behind it.
func opalAfter(first func(w *opalWorld) *drive.Login, do func(c *drive.Change) error) func(w *opalWorld) *drive.Login {
	return func(w *opalWorld) *drive.Login {
		l := first(w)
		w.changed(l, do)
		return l
	}
}

// opalChange is a step that is a change.
func opalChange(do func(c *drive.Change) error) func(w *opalWorld) error {
	return func(w *opalWorld) error { return w.change(w.by, do) }
}

var opalOpen = drive.RangeConfig{Start: 16, Length: 16, LockOnReset: drive.OnPowerCycle}

func opalCases() []opalOperation {
	fresh := func(w *opalWorld) *drive.Login { return w.login(drive.SID, w.label.MSID) }
	range1 := drive.RangeArea(1)
	degraded := func(w *opalWorld) *drive.Login {
		admin := opalUser(w)
		w.armed("(flash.erase.refused) (flash.zero.refused)", func() {
			if err := w.change(admin, func(c *drive.Change) error { return c.Revoke(range1, drive.User(1)) }); !errors.Is(err, drive.Degraded) {
				panic("the drive is not degraded")
			}
		})
		return admin
	}
	enabled := opalAfter(fresh, func(c *drive.Change) error {
		return errors.Join(c.SetPIN(drive.AdminSPAdmin, testPIN(2)), c.SetEnabled(drive.AdminSPAdmin, true))
	})
	return []opalOperation{
		{name: "sid-pin", about: "SID takes ownership", prepare: fresh, step: opalChange(func(c *drive.Change) error { return c.SetPIN(drive.SID, testPIN(adminPIN)) })},
		{name: "admin-sp-pin", about: "another PIN of the Admin SP's Admin1", prepare: enabled, step: opalChange(func(c *drive.Change) error { return c.SetPIN(drive.AdminSPAdmin, testPIN(8)) })},
		{name: "admin-sp-disable", about: "SID disables it", prepare: enabled, step: opalChange(func(c *drive.Change) error { return c.SetEnabled(drive.AdminSPAdmin, false) })},
		{name: "activate", about: "the Locking SP is taken into use", prepare: fresh, step: func(w *opalWorld) error { return w.o.Activate(w.by, drive.ActivateOptions{}) }},
		{
			name: "reactivate", about: "it begins anew, with a range in Single User Mode", prepare: opalAfter(opalUser, func(c *drive.Change) error { return c.SetRange(1, opalOpen) }),
			step: func(w *opalWorld) error {
				return w.o.Reactivate(w.by, drive.ReactivateOptions{ActivateOptions: drive.ActivateOptions{SingleUser: []int{1}}})
			},
		},
		{name: "user-pin", about: "another PIN of a User", prepare: opalUser, thief: []byte{userPIN}, step: opalChange(func(c *drive.Change) error { return c.SetPIN(drive.User(1), testPIN(8)) })},
		{
			name: "grant", about: "a User is granted a closed range", step: opalChange(func(c *drive.Change) error { return c.Grant(range1, drive.User(1)) }),
			prepare: opalAfter(opalUser, func(c *drive.Change) error { return c.Revoke(range1, drive.User(1)) }),
		},
		{name: "revoke", about: "the grant is taken away", prepare: opalUser, thief: []byte{userPIN}, step: opalChange(func(c *drive.Change) error { return c.Revoke(range1, drive.User(1)) })},
		{name: "disable", about: "a User is disabled", prepare: opalUser, thief: []byte{userPIN}, step: opalChange(func(c *drive.Change) error { return c.SetEnabled(drive.User(1), false) })},
		{
			name: "enable", about: "a User is enabled again", step: opalChange(func(c *drive.Change) error { return c.SetEnabled(drive.User(1), true) }),
			prepare: opalAfter(opalUser, func(c *drive.Change) error { return c.SetEnabled(drive.User(1), false) }),
		},
		{
			name: "close", about: "an open range is closed over a power loss", thief: []byte{2}, step: opalChange(func(c *drive.Change) error { return c.SetRange(1, opalClosed) }),
			prepare: opalAfter(opalUser, func(c *drive.Change) error { return c.SetRange(1, opalOpen) }),
		},
		{name: "open", about: "a closed range is opened for good", prepare: opalUser, step: opalChange(func(c *drive.Change) error { return c.SetRange(1, opalOpen) })},
		{name: "genkey", about: "a new key of a range", prepare: opalUser, thief: []byte{adminPIN, userPIN}, step: opalChange(func(c *drive.Change) error { return c.GenKey(range1) })},
		{name: "genkey-mbr", about: "a new key of the MBR shadow", prepare: opalUser, step: opalChange(func(c *drive.Change) error { return c.GenKey(drive.MBRShadow) })},
		{name: "grant-datastore", about: "a User is granted the DataStore", prepare: opalUser, step: opalChange(func(c *drive.Change) error { return c.Grant(drive.DataStoreArea(0), drive.User(1)) })},
		{name: "erase-range", about: "the erase of a range in Single User Mode", prepare: opalSingle, thief: []byte{adminPIN, userPIN}, step: opalChange(func(c *drive.Change) error { return c.EraseRange(1) })},
		{
			name: "several", about: "many changes in one", prepare: opalUser, thief: []byte{userPIN},
			step: opalChange(func(c *drive.Change) error {
				return errors.Join(
					c.SetRange(2, drive.RangeConfig{Start: 32, Length: 16, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: drive.OnPowerCycle}),
					c.Grant(drive.RangeArea(2), drive.User(2)), c.SetPIN(drive.User(2), testPIN(8)), c.SetEnabled(drive.User(2), true), c.Revoke(range1, drive.User(1)),
					c.GenKey(drive.DataStoreArea(0)), c.SetMBRControl(drive.MBRControl{Enable: true, DoneOnReset: drive.OnPowerCycle}), c.SetNote([]byte("note")),
				)
			}),
		},
		{name: "restore", about: "a security degraded drive is restored", prepare: degraded, thief: []byte{userPIN}, step: func(w *opalWorld) error { return w.o.Restore(w.by) }},
		{name: "revert-locking", about: "an Admin reverts the Locking SP", prepare: opalUser, thief: []byte{adminPIN, userPIN}, step: func(w *opalWorld) error { return w.o.RevertLocking(w.by, drive.RevertOptions{}) }},
		{name: "revert-keep", about: "the same, and the key of the global range stays", prepare: opalUser, thief: []byte{adminPIN, userPIN}, step: func(w *opalWorld) error {
			return w.o.RevertLocking(w.by, drive.RevertOptions{KeepGlobalRangeKey: true})
		}},
		{name: "revert", about: "SID reverts the drive", prepare: opalBy(opalUser, drive.SID, adminPIN), thief: []byte{adminPIN, userPIN}, step: func(w *opalWorld) error { return w.o.Revert(w.by) }},
		{
			name: "psid-revert", about: "the PSID does", thief: []byte{adminPIN, userPIN}, step: func(w *opalWorld) error { return w.o.Revert(w.by) },
			prepare: func(w *opalWorld) *drive.Login { opalUser(w).Close(); return w.login(drive.PSID, w.label.PSID) },
		},
	}
}
