package drive

import (
	"errors"

	"github.com/stretchr/testify/require"
)

// What changes an Opal drive, for the net of deeds.

// asOpal is the bench of an Opal drive again.
func (b *bench) asOpal() *opalBench {
	b.t.Helper()
	o, err := b.Opal()
	require.NoError(b.t, err)
	return &opalBench{b, o}
}

// ofOpal is a deed of an Opal drive.
func ofOpal(name string, begin func(b *opalBench) func() error) deed {
	return deed{name: "Opal: " + name, opal: true, begin: func(b *bench) func() error { return begin(b.asOpal()) }}
}

// inChange is a deed that is a change by who prepare gives.
func inChange(name string, prepare func(b *opalBench) *Login, do func(c *Change) error) deed {
	return ofOpal(name, func(b *opalBench) func() error {
		l := prepare(b)
		return func() error { return b.change(l, do) }
	})
}

func rotting(d deed) deed {
	d.rots = true
	return d
}

func factorySID(b *opalBench) *Login { return b.login(SID, b.label.MSID) }

func ownedSID(b *opalBench) *Login {
	b.owned(ActivateOptions{})
	return b.login(SID, credential(1))
}

// lockedByPower is a drive after a power cycle; range 1 is locked, and User1 is granted it.
func lockedByPower(b *opalBench) *Login {
	grantedUser(b)
	b.cycle()
	return b.login(Admin(1), credential(1))
}

// singleUser is a drive of which User2 owns range 1.
func singleUser(b *opalBench) *Login { return b.owned(ActivateOptions{SingleUser: []int{1}}) }

func ownerOfOne(b *opalBench) *Login {
	singleUser(b)
	return b.login(User(2), PIN{})
}

// lockedForGood is a drive of which range 1 was locked, over power losses.
func lockedForGood(b *opalBench) *Login {
	admin := b.owned(ActivateOptions{})
	require.NoError(b.t, b.change(admin, func(c *Change) error {
		return errors.Join(c.SetRange(1, RangeConfig{Start: 100, Length: 100, ReadLockEnabled: true, WriteLockEnabled: true}), c.SetLocks(1, true, true))
	}))
	b.cycle()
	return b.login(Admin(1), credential(1))
}

// staleOpal is a degraded drive: a grant was revoked, and the block with its wrap could not be destroyed.
func staleOpal(b *opalBench) *Login {
	admin := grantedUser(b)
	b.arm("(flash.erase.refused) (flash.zero.refused)")
	require.ErrorIs(b.t, b.change(admin, func(c *Change) error { return c.Revoke(RangeArea(1), User(1)) }), Degraded)
	b.flash.Disarm()
	return b.login(Admin(1), credential(1))
}

func opalDeeds() []deed {
	all := []deed{
		inChange("SID sets its PIN", factorySID, func(c *Change) error { return c.SetPIN(SID, credential(1)) }),
		inChange("SID sets the PIN of AdminSPAdmin and enables it", factorySID, func(c *Change) error {
			return errors.Join(c.SetPIN(AdminSPAdmin, credential(2)), c.SetEnabled(AdminSPAdmin, true))
		}),
		inChange("a User gets a PIN and is enabled", func(b *opalBench) *Login { return b.owned(ActivateOptions{}) }, func(c *Change) error {
			return errors.Join(c.SetPIN(User(1), credential(7)), c.SetEnabled(User(1), true))
		}),
		inChange("a User is disabled", grantedUser, func(c *Change) error { return c.SetEnabled(User(1), false) }),
		inChange("an Admin gets another PIN", grantedUser, func(c *Change) error { return c.SetPIN(Admin(1), credential(6)) }),
		inChange("a grant", userWithRange, func(c *Change) error {
			return errors.Join(c.Grant(RangeArea(1), User(1)), c.Grant(RangeArea(0), User(2)), c.Grant(DataStoreArea(0), User(3)))
		}),
		inChange("a revocation", grantedUser, func(c *Change) error { return c.Revoke(RangeArea(1), User(1)) }),
		inChange("a range is closed", func(b *opalBench) *Login { return b.owned(ActivateOptions{}) }, func(c *Change) error { return c.SetRange(1, lockedRange) }),
		inChange("a range is opened", grantedUser, func(c *Change) error {
			return c.SetRange(1, RangeConfig{Start: 100, Length: 100, LockOnReset: OnPowerCycle})
		}),
		inChange("a range is locked", grantedUser, func(c *Change) error { return c.SetLocks(1, true, true) }),
		inChange("a locked range is unlocked", lockedByPower, func(c *Change) error { return c.SetLocks(1, false, false) }),
		inChange("a range that was locked for good is unlocked", lockedForGood, func(c *Change) error { return c.SetLocks(1, false, false) }),
		inChange("new keys for everything", grantedUser, func(c *Change) error {
			return errors.Join(c.GenKey(RangeArea(0)), c.GenKey(RangeArea(1)), c.GenKey(MBRShadow), c.GenKey(DataStoreArea(0)))
		}),
		inChange("a new key for a locked range, twice", lockedByPower, func(c *Change) error {
			return errors.Join(c.GenKey(RangeArea(1)), c.SetLocks(1, false, false), c.GenKey(RangeArea(1)))
		}),
		inChange("an Admin erases the range of another", singleUser, func(c *Change) error { return c.EraseRange(1) }),
		inChange("an owner erases the range, twice", ownerOfOne, func(c *Change) error { return errors.Join(c.EraseRange(1), c.EraseRange(1)) }),
		inChange("a note and the MBR control", grantedUser, func(c *Change) error {
			return errors.Join(c.SetNote([]byte("a note")), c.SetMBRControl(MBRControl{Enable: true, Done: true}))
		}),
		inChange("several methods as one", grantedUser, func(c *Change) error {
			return errors.Join(c.GenKey(RangeArea(0)), c.Whole(func() error {
				return errors.Join(c.GenKey(RangeArea(1)), c.SetPIN(User(1), credential(8)), c.GenKey(RangeArea(0)))
			}))
		}),
	}
	return append(all, opalLifecycleDeeds()...)
}

func opalLifecycleDeeds() []deed {
	return []deed{
		ofOpal("activation", func(b *opalBench) func() error {
			sid := factorySID(b)
			return func() error {
				return b.Activate(sid, ActivateOptions{SingleUser: []int{1}, DataStores: []uint64{1024, 512}, Note: []byte("a note")})
			}
		}),
		ofOpal("reactivation", func(b *opalBench) func() error {
			admin := b.owned(ActivateOptions{})
			return func() error {
				return b.Reactivate(admin, ReactivateOptions{ActivateOptions: ActivateOptions{SingleUser: []int{0, 1}}, Admin1PIN: credential(4)})
			}
		}),
		ofOpal("reactivation with the PIN that Admin1 has", func(b *opalBench) func() error {
			admin := b.owned(ActivateOptions{})
			return func() error { return b.Reactivate(admin, ReactivateOptions{}) }
		}),
		ofOpal("revert by SID", func(b *opalBench) func() error {
			sid := ownedSID(b)
			return func() error { return b.Revert(sid) }
		}),
		{name: "Opal: revert by its command", opal: true, tries: true, begin: after(func(b *bench) { grantedUser(b.asOpal()) }, revert)},
		ofOpal("revert by the PSID without a record", func(b *opalBench) func() error {
			grantedUser(b)
			b.PowerOff()
			b.arm("(flash.read.rot (Programmed))")
			require.NoError(b.t, b.PowerOn())
			b.flash.Disarm()
			psid := b.login(PSID, b.label.PSID)
			return func() error { return b.Revert(psid) }
		}),
		ofOpal("revert of the Locking SP", func(b *opalBench) func() error {
			admin := grantedUser(b)
			return func() error { return b.RevertLocking(admin, RevertOptions{Note: []byte("another")}) }
		}),
		ofOpal("revert that keeps the global range", func(b *opalBench) func() error {
			admin := lockedByPower(b)
			return func() error { return b.RevertLocking(admin, RevertOptions{KeepGlobalRangeKey: true}) }
		}),
		ofOpal("restore", func(b *opalBench) func() error {
			admin := staleOpal(b)
			return func() error { return b.Restore(admin) }
		}),
		ofOpal("login", func(b *opalBench) func() error {
			grantedUser(b)
			return func() error {
				for _, who := range []struct {
					a   Authority
					pin PIN
				}{{SID, credential(1)}, {Admin(1), credential(1)}, {User(1), credential(7)}} {
					l, err := b.Login(who.a, who.pin)
					if err != nil {
						return err
					}
					l.Close()
				}
				return nil
			}
		}),
		rotting(ofOpal("self test of a rotten record", func(b *opalBench) func() error {
			grantedUser(b)
			require.NoError(b.t, b.flash.Decay(b.store.active, b.store.at, 77))
			return b.SelfTest
		})),
	}
}
