package drive

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// What several methods of a change did is taken back as one, and what came before them stays.
func TestOpalChangeTakesBackWhatFailed(t *testing.T) {
	b := newOpal(t, nil)
	admin := b.owned(ActivateOptions{SingleUser: []int{2}})
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetPIN(User(1), credential(7)) }))
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetRange(1, lockedRange) }))
	require.NoError(t, b.Write(100, sectors(1, 0x11)))
	require.NoError(t, b.Write(0, sectors(1, 0x22)))
	owner := b.login(User(3), PIN{})
	failed := errors.New("the last step failed")

	c, err := b.Begin(admin)
	require.NoError(t, err)
	require.NoError(t, c.SetNote([]byte("before")))
	was := c.next.encode(nil)
	require.ErrorIs(t, c.Whole(func() error {
		for _, err := range []error{
			c.GenKey(RangeArea(1)), c.GenKey(RangeArea(0)), c.GenKey(MBRShadow), c.SetEnabled(User(1), true),
			c.SetPIN(User(1), credential(8)), c.Grant(RangeArea(1), User(1)), c.Revoke(RangeArea(1), Admin(2)),
			c.EraseRange(2), c.SetLocks(1, true, true), c.SetRange(1, RangeConfig{Start: 16, Length: 8, LockOnReset: OnPowerCycle}),
			c.SetMBRControl(MBRControl{Enable: true, Done: true}), c.SetNote([]byte("within")),
		} {
			require.NoError(t, err)
		}
		i, err := c.Authority(User(1))
		require.NoError(t, err)
		require.True(t, i.Enabled, "the change tells what it would make")
		return failed
	}), failed)
	i, err := c.Authority(User(1))
	require.NoError(t, err)
	require.False(t, i.Enabled)
	require.Equal(t, was, c.next.encode(nil))
	_, err = c.Authority(PSID)
	require.ErrorIs(t, err, InvalidParameter)
	i, err = c.Authority(SID)
	require.NoError(t, err)
	require.True(t, i.Enabled)
	require.NoError(t, c.Commit())
	_, err = c.Authority(User(1))
	require.ErrorIs(t, err, InvalidState)

	note, err := b.Note()
	require.NoError(t, err)
	require.Equal(t, "before", string(note))
	b.mustRead(100, sectors(1, 0x11), "under the key that it had")
	b.mustRead(0, sectors(1, 0x22), "and so is the global range")
	mbr, err := b.MBRControl()
	require.NoError(t, err)
	require.False(t, mbr.Done)
	require.NoError(t, b.change(owner, func(c *Change) error { return c.SetLocks(2, false, false) }), "the login of the owner goes on")
	b.cycle()
	admin = b.login(Admin(1), credential(1))
	require.NoError(t, b.change(admin, func(c *Change) error { return c.SetLocks(1, false, false) }))
	b.mustRead(100, sectors(1, 0x11), "also after a power cycle")
}

// A key and a PIN that the change had before stay when a later step of it is taken back; one that succeeds stays
// as well.
func TestOpalChangeKeepsWhatWasBefore(t *testing.T) {
	b := newOpal(t, nil)
	admin := b.owned(ActivateOptions{})
	sid := b.login(SID, credential(1))
	require.NoError(t, b.Write(0, sectors(1, 0x11)))
	c, err := b.Begin(admin, sid)
	require.NoError(t, err)
	require.NoError(t, c.Whole(func() error { return errors.Join(c.GenKey(RangeArea(0)), c.SetPIN(SID, credential(2))) }))
	mek := c.meks[0].Clone()
	defer mek.Clear()
	require.Error(t, c.Whole(func() error {
		return errors.Join(c.GenKey(RangeArea(0)), c.SetPIN(SID, credential(3)), errors.New("no"))
	}))
	require.True(t, mek.Equal(c.meks[0]))
	require.NoError(t, c.Commit())
	got := make([]byte, 512)
	require.NoError(t, b.Read(0, got))
	require.NotEqual(t, sectors(1, 0x11), got)
	require.NoError(t, b.Write(0, sectors(1, 0x33)))
	b.cycle()
	b.mustRead(0, sectors(1, 0x33), "the key in RAM is the one in the record")
	b.login(SID, credential(2))
}

// Who gave the change up in the middle gets nothing back.
func TestOpalChangeIsNotTakenBackWhenItIsOver(t *testing.T) {
	b := newOpal(t, nil)
	admin := b.owned(ActivateOptions{})
	c, err := b.Begin(admin)
	require.NoError(t, err)
	require.Error(t, c.Whole(func() error { c.Abort(); return errors.New("no") }))
	require.Nil(t, c.meks)
	require.ErrorIs(t, c.Commit(), InvalidState)
}
