package drive

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// opalStep is a key step of an Opal drive that is cut at every operation of its flash.
type opalStep struct {
	name    string
	prepare func(b *opalBench) *Login          // leaves the drive with power and says who takes the step
	step    func(b *opalBench, l *Login) error // from the old state to the new one
	state   func(b *opalBench) string          // tells the old state from the new one, of a drive with power
	// degraded: the step leads out of SecurityDegraded, and what is older than the record is there before.
	degraded bool
}

// opens says whether an authority with a PIN unlocks range n after a power cycle.
func (b *opalBench) opens(a Authority, pin PIN, n int) bool {
	b.t.Helper()
	b.cycle()
	l, err := b.Login(a, pin)
	if err != nil {
		return false
	}
	defer l.Close()
	return b.change(l, func(c *Change) error { return c.SetLocks(n, false, false) }) == nil
}

func userWithRange(b *opalBench) *Login {
	admin := b.owned(ActivateOptions{})
	require.NoError(b.t, b.change(admin, func(c *Change) error {
		return errors.Join(c.SetRange(1, lockedRange), c.SetEnabled(User(1), true), c.SetPIN(User(1), credential(7)))
	}))
	return admin
}

func grantedUser(b *opalBench) *Login {
	admin := userWithRange(b)
	require.NoError(b.t, b.change(admin, func(c *Change) error { return c.Grant(RangeArea(1), User(1)) }))
	return admin
}

// one is a step that is a change.
func one(do func(c *Change) error) func(b *opalBench, l *Login) error {
	return func(b *opalBench, l *Login) error {
		c, err := b.Begin(l)
		if err != nil {
			return err
		}
		defer c.Abort()
		return errors.Join(do(c), c.Commit())
	}
}

func userOpens(b *opalBench) string { return fmt.Sprint(b.opens(User(1), credential(7), 1)) }

func lifecycleState(b *opalBench) string { return b.Status().State.String() }

func opalSteps() []opalStep {
	return slices.Concat(ownerSteps(), tableSteps(), revertSteps())
}

func ownerSteps() []opalStep {
	return []opalStep{
		{
			name:    "set the PIN of SID",
			prepare: func(b *opalBench) *Login { return b.login(SID, b.label.MSID) },
			step:    one(func(c *Change) error { return c.SetPIN(SID, credential(1)) }),
			state: func(b *opalBench) string {
				_, err := b.Login(SID, credential(1))
				_, old := b.Login(SID, b.label.MSID)
				require.NotEqual(b.t, err == nil, old == nil, "one PIN of SID is right")
				return fmt.Sprint(err == nil)
			},
		},
		{
			name:    "activate",
			prepare: func(b *opalBench) *Login { return b.login(SID, b.label.MSID) },
			step:    func(b *opalBench, l *Login) error { return b.Activate(l, ActivateOptions{}) },
			state:   lifecycleState,
		},
		{
			name:    "reactivate",
			prepare: func(b *opalBench) *Login { return b.owned(ActivateOptions{}) },
			step: func(b *opalBench, l *Login) error {
				return b.Reactivate(l, ReactivateOptions{ActivateOptions: ActivateOptions{SingleUser: []int{1}}})
			},
			state: func(b *opalBench) string {
				b.login(Admin(1), credential(1))
				granted, _, err := b.Holders(RangeArea(1))
				require.NoError(b.t, err)
				return fmt.Sprint(granted)
			},
		},
		{name: "grant", prepare: userWithRange, step: one(func(c *Change) error { return c.Grant(RangeArea(1), User(1)) }), state: userOpens},
		{name: "revoke", prepare: grantedUser, step: one(func(c *Change) error { return c.Revoke(RangeArea(1), User(1)) }), state: userOpens},
		{name: "disable", prepare: grantedUser, step: one(func(c *Change) error { return c.SetEnabled(User(1), false) }), state: userOpens},
		{
			name: "set a User's PIN", prepare: grantedUser, step: one(func(c *Change) error { return c.SetPIN(User(1), credential(8)) }),
			state: func(b *opalBench) string {
				old, fresh := b.opens(User(1), credential(7), 1), b.opens(User(1), credential(8), 1)
				require.NotEqual(b.t, old, fresh, "one PIN of the User opens its range")
				return fmt.Sprint(fresh)
			},
		},
		{
			name: "open a range for good", prepare: grantedUser, step: one(func(c *Change) error {
				return c.SetRange(1, RangeConfig{Start: 100, Length: 100, LockOnReset: OnPowerCycle})
			}),
			state: func(b *opalBench) string { b.cycle(); return fmt.Sprint(b.Read(100, make([]byte, 512))) },
		},
		{
			name: "genkey", prepare: grantedUser, step: one(func(c *Change) error { return c.GenKey(RangeArea(1)) }),
			state: func(b *opalBench) string { return fmt.Sprint(b.Status().KeyGeneration) },
		},
	}
}

func tableSteps() []opalStep {
	return []opalStep{
		{
			name: "enable", prepare: func(b *opalBench) *Login {
				admin := grantedUser(b)
				require.NoError(b.t, b.change(admin, func(c *Change) error { return c.SetEnabled(User(1), false) }))
				return admin
			},
			step: one(func(c *Change) error { return c.SetEnabled(User(1), true) }), state: userOpens,
		},
		{
			name: "close a range", prepare: func(b *opalBench) *Login {
				admin := grantedUser(b)
				require.NoError(b.t, b.change(admin, func(c *Change) error {
					return c.SetRange(1, RangeConfig{Start: 100, Length: 100, LockOnReset: OnPowerCycle})
				}))
				return admin
			},
			step:  one(func(c *Change) error { return c.SetRange(1, lockedRange) }),
			state: func(b *opalBench) string { b.cycle(); return fmt.Sprint(b.Read(100, make([]byte, 512))) },
		},
		{
			name: "grant a DataStore", prepare: grantedUser,
			step: one(func(c *Change) error { return c.Grant(DataStoreArea(0), User(1)) }),
			state: func(b *opalBench) string {
				return fmt.Sprint(b.ReadTable(DataStoreArea(0), 0, make([]byte, 4), b.login(User(1), credential(7))))
			},
		},
		{
			name: "genkey of the MBR shadow", prepare: func(b *opalBench) *Login {
				admin := grantedUser(b)
				require.NoError(b.t, b.WriteTable(MBRShadow, 0, []byte("boot"), admin))
				return admin
			},
			step: one(func(c *Change) error { return c.GenKey(MBRShadow) }),
			state: func(b *opalBench) string {
				got := make([]byte, 4)
				require.NoError(b.t, b.ReadTable(MBRShadow, 0, got))
				return fmt.Sprintf("%q", got)
			},
		},
		{
			name: "erase a range in Single User Mode", prepare: func(b *opalBench) *Login {
				admin := b.owned(ActivateOptions{SingleUser: []int{1}})
				user := b.login(User(2), PIN{})
				require.NoError(b.t, b.change(user, func(c *Change) error {
					return errors.Join(c.SetPIN(User(2), credential(7)), c.SetRange(1, lockedRange))
				}))
				return admin
			},
			step: one(func(c *Change) error { return c.EraseRange(1) }),
			state: func(b *opalBench) string {
				old, fresh := b.opens(User(2), credential(7), 1), b.opens(User(2), PIN{}, 1)
				require.NotEqual(b.t, old, fresh, "one PIN of the owner opens its range")
				return fmt.Sprint(fresh)
			},
		},
		{
			name: "the PIN of the Admin SP's Admin1",
			prepare: func(b *opalBench) *Login {
				sid := b.login(SID, b.label.MSID)
				require.NoError(b.t, b.change(sid, func(c *Change) error {
					return errors.Join(c.SetPIN(AdminSPAdmin, credential(3)), c.SetEnabled(AdminSPAdmin, true))
				}))
				return sid
			},
			step: one(func(c *Change) error { return c.SetPIN(AdminSPAdmin, credential(4)) }),
			state: func(b *opalBench) string {
				_, old := b.Login(AdminSPAdmin, credential(3))
				_, err := b.Login(AdminSPAdmin, credential(4))
				require.NotEqual(b.t, err == nil, old == nil, "one PIN of it is right")
				return fmt.Sprint(err == nil)
			},
		},
		{
			name: "several at once", prepare: grantedUser,
			step: one(func(c *Change) error {
				return errors.Join(
					c.SetRange(2, RangeConfig{Start: 300, Length: 10, WriteLockEnabled: true, LockOnReset: OnPowerCycle}), c.Grant(RangeArea(2), User(2)),
					c.SetPIN(User(2), credential(8)), c.SetEnabled(User(2), true), c.Revoke(RangeArea(1), User(1)), c.GenKey(RangeArea(1)),
					c.SetMBRControl(MBRControl{Enable: true, Done: true}), c.SetNote([]byte("note")),
				)
			},
			),
			state: func(b *opalBench) string {
				mbr, err := b.MBRControl()
				require.NoError(b.t, err)
				note, err := b.Note()
				require.NoError(b.t, err)
				got := fmt.Sprint(mbr.Enable, b.opens(User(2), credential(8), 2), !b.opens(User(1), credential(7), 1), len(note) > 0)
				require.Contains(b.t, []string{"false false false false", "true true true true"}, got)
				return got
			},
		},
		{
			name: "restore", prepare: func(b *opalBench) *Login {
				admin := grantedUser(b)
				b.armUnchecked(resisting(b.store.active))
				require.ErrorIs(b.t, b.change(admin, func(c *Change) error { return c.Revoke(RangeArea(1), User(1)) }), Degraded)
				b.flash.Disarm()
				return admin
			},
			step: func(b *opalBench, l *Login) error { return b.Restore(l) }, state: lifecycleState, degraded: true,
		},
	}
}

func revertSteps() []opalStep {
	return []opalStep{
		{name: "revert by Admin1", prepare: grantedUser, step: func(b *opalBench, l *Login) error { return b.RevertLocking(l, RevertOptions{}) }, state: lifecycleState},
		{
			name: "revert and keep", prepare: grantedUser,
			step:  func(b *opalBench, l *Login) error { return b.RevertLocking(l, RevertOptions{KeepGlobalRangeKey: true}) },
			state: lifecycleState,
		},
		{name: "revert by SID", prepare: func(b *opalBench) *Login { grantedUser(b); return b.login(SID, credential(1)) }, step: func(b *opalBench, l *Login) error { return b.Revert(l) }, state: lifecycleState},
	}
}

// TestOpalKeyStepsAreCutAnywhere cuts the power at every operation of every key step, before it, in it and behind
// it, and once more in the recovery: the old state or the new one is there, whole, what was reported done is
// done, the data of the global range lives but for a revert, and nothing old is left in the flash.
func TestOpalKeyStepsAreCutAnywhere(t *testing.T) {
	for _, s := range opalSteps() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			old, fresh := s.ends(t)
			for _, plan := range []string{"before", "torn", "after"} {
				for k := 0; s.cut(t, old, fresh, fmt.Sprintf("(flash.power.%s (OnIndex %d))", plan, k), k); k++ {
				}
			}
		})
	}
}

// ends are the old state and the new one, without a cut.
func (s *opalStep) ends(t *testing.T) (old, fresh string) {
	b := newOpal(t, nil)
	s.prepare(b)
	old = s.state(b)
	b = newOpal(t, nil)
	require.NoError(t, s.step(b, s.prepare(b)))
	require.Equal(t, 1, blocksInUse(b.bench), "nothing old is left")
	fresh = s.state(b)
	require.NotEqual(t, old, fresh)
	return old, fresh
}

// cut takes the step with a plan, and says whether the plan fired.
func (s *opalStep) cut(t *testing.T, old, fresh, plan string, k int) bool {
	b := newOpal(t, nil)
	require.NoError(t, b.Write(5, sectors(1, 0x77)))
	l := s.prepare(b)
	b.armUnchecked(plan)
	err := s.step(b, l)
	b.flash.Disarm()
	if err == nil {
		require.Equal(t, fresh, s.state(b), plan)
		return false
	}
	require.ErrorIs(t, err, PowerLost, plan)
	// The recovery is cut too.
	b.armUnchecked(fmt.Sprintf("(flash.power.torn (OnIndex %d))", k%3))
	_ = b.PowerOn()
	b.flash.Disarm()
	b.PowerOff()
	require.NoError(t, b.PowerOn(), plan)
	if !s.degraded || b.Status().State != SecurityDegraded {
		require.Equal(t, 1, blocksInUse(b.bench), "%s: nothing old is left", plan)
		require.NotEqual(t, SecurityDegraded, b.Status().State, plan)
	}
	got := s.state(b)
	require.Contains(t, []string{old, fresh}, got, plan)
	if b.Status().State == Manufactured {
		b.mustRead(5, sectors(1, 0x77), plan)
	}
	return true
}

// TestOpalOldWrapThatCannotBeDestroyedDegrades: what was revoked may still open the range, so the drive says so,
// moves no data, and is mended by a restore once the block can be destroyed.
func TestOpalOldWrapThatCannotBeDestroyedDegrades(t *testing.T) {
	b := newOpal(t, nil)
	admin := grantedUser(b)
	b.arm(resisting(b.store.active))
	require.ErrorIs(t, b.change(admin, func(c *Change) error { return c.Revoke(RangeArea(1), User(1)) }), Degraded)
	require.Equal(t, SecurityDegraded, b.Status().State)
	require.ErrorIs(t, b.Read(5, make([]byte, 512)), Degraded)
	b.cycle()
	require.Equal(t, SecurityDegraded, b.Status().State)
	admin = b.login(Admin(1), credential(1))
	require.ErrorIs(t, b.change(admin, func(c *Change) error { return c.GenKey(RangeArea(1)) }), Degraded)
	require.ErrorIs(t, b.Restore(admin), Degraded)
	b.flash.Disarm()
	require.NoError(t, b.Restore(admin))
	require.Equal(t, Manufactured, b.Status().State)
	require.False(t, b.opens(User(1), credential(7), 1))
	require.True(t, b.opens(Admin(1), credential(1), 1))
}

// TestOpalLifecycleIsPlayed: every row of the table happens to a drive, and nothing that is no row.
func TestOpalLifecycleIsPlayed(t *testing.T) {
	b := newOpal(t, nil)
	psid := func() error { return b.Revert(b.login(PSID, b.label.PSID)) }
	require.NoError(t, psid())
	admin := b.owned(ActivateOptions{})
	require.NoError(t, b.Reactivate(admin, ReactivateOptions{}))
	require.NoError(t, b.RevertLocking(b.login(Admin(1), credential(1)), RevertOptions{KeepGlobalRangeKey: true}))
	sid := b.login(SID, credential(1))
	b.arm(resisting(b.store.active))
	require.ErrorIs(t, b.change(sid, func(c *Change) error { return c.SetPIN(SID, credential(2)) }), Degraded)
	require.ErrorIs(t, b.Activate(sid, ActivateOptions{}), InvalidState)
	b.flash.Disarm()
	require.NoError(t, psid())
	admin = b.owned(ActivateOptions{})
	b.arm(resisting(b.store.active))
	require.ErrorIs(t, b.change(admin, func(c *Change) error { return c.GenKey(RangeArea(1)) }), Degraded)
	b.flash.Disarm()
	require.NoError(t, b.Restore(admin))
	require.ErrorIs(t, b.Restore(admin), InvalidState)
	require.NoError(t, b.Revert(b.login(SID, credential(1))))

	played := map[Transition]bool{}
	for _, s := range b.seen {
		if row, ok := transition(Opal, s.Event, s.From); ok && !s.Refused {
			require.Equal(t, row.To, s.To, "%v", s)
			played[row] = true
		} else {
			require.True(t, s.Refused && s.From == s.To, "%v", s)
		}
	}
	for _, row := range Opal.Lifecycle() {
		require.True(t, played[row], "%s in %s was not played", row.Event, row.From)
	}
}
