package drive

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a drive may say of itself while it cannot see all of its flash, or while
// something that it could not destroy lies there.

func TestEraseCutBeforeAnUnreadableOldBlockIsNotCalledErased(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	old := b.store.active
	s := b.auth(EraseMaster, b.label.MSID)
	b.arm("(flash.power.after (OnIndex 0))")
	require.ErrorIs(t, s.EraseAll(), PowerLost, "the new record is written, the old one not destroyed yet")

	b.arm(fmt.Sprintf("(flash.read.error (Block %d))", old))
	require.NoError(t, b.PowerOn())
	require.Equal(t, SecurityDegraded, b.Status().State, "the block that cannot be read may hold the old wraps")
	require.ErrorIs(t, b.Read(0, make([]byte, 512)), Degraded)
	require.ErrorIs(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(2)) }), InvalidState)
	require.NoError(t, b.SelfTest(), "the record in force is good")
	require.Equal(t, 2, blocksInUse(b), "and nothing was destroyed unread")
	b.flash.Disarm()
	b.cycle()
	require.Equal(t, Erased, b.Status().State, "once it reads, the destruction is finished")
	require.Equal(t, 1, blocksInUse(b))
}

func TestEraseAndRestoreEndTheDoubtOfAnUnreadablePage(t *testing.T) {
	begin := func() *bench {
		b := newBench(t, nil)
		require.NoError(t, b.Write(0, sectors(1, 1)))
		old := b.store.active
		s := b.auth(BandMaster(0), b.label.MSID)
		b.arm("(flash.power.after (OnIndex 0))")
		require.ErrorIs(t, s.Migrate(credential(1)), PowerLost)
		b.arm(fmt.Sprintf("(flash.read.error (Block %d) )", old))
		require.NoError(t, b.PowerOn())
		require.Equal(t, SecurityDegraded, b.Status().State, "the MEK may still lie there under the root key")
		b.flash.Disarm()
		return b
	}
	b := begin()
	require.NoError(t, b.as(BandMaster(0), credential(1), func(s Session) error {
		if err := s.Restore(); err != nil {
			return err
		}
		return s.Unlock()
	}))
	require.Equal(t, Configured, b.Status().State)
	require.Equal(t, 1, blocksInUse(b), "the credential is proof enough to destroy the rest")
	b.mustRead(0, sectors(1, 1), "and the data is there")
	b.cycle()
	require.Equal(t, Configured, b.Status().State)

	b = begin()
	require.NoError(t, b.as(EraseMaster, b.label.MSID, Session.EraseAll))
	require.Equal(t, Erased, b.Status().State)
	require.Equal(t, 1, blocksInUse(b))
	b.cycle()
	require.Equal(t, Erased, b.Status().State)
}

func TestUnreadablePageInFrontOfTheRecordIsNoDoubt(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	require.NoError(t, b.as(SID, b.label.MSID, func(Session) error { return nil }))
	b.PowerOff()
	b.arm("(flash.read.error (And (Page 0) (Block 1)))")
	require.NoError(t, b.PowerOn())
	require.Equal(t, 1, b.store.active)
	require.Equal(t, Erased, b.Status().State, "the pages of a block hold the same keys, and the last one is the newest")
	b.mustRead(0, sectors(1, 1), "an open drive stays open")
}

func TestFragmentOfAKeyRecordNeverComesIntoForce(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	for b.store.active != b.store.geo.Blocks-1 { // so that the scan meets the fragment first
		require.NoError(t, b.as(SID, b.label.MSID, func(s Session) error { return s.SetPIN(b.label.MSID) }))
	}
	s := b.auth(BandMaster(0), credential(1))
	b.arm("(flash.read.error) (flash.erase.refused) (flash.zero.refused)")
	require.ErrorIs(t, s.SetPIN(credential(2)), Degraded, "the new record can be neither read back nor destroyed")
	s.Close()
	b.flash.Disarm()
	b.cycle()
	require.Equal(t, SecurityDegraded, b.Status().State, "a power cycle cures no degradation")
	require.NoError(t, b.as(BandMaster(0), credential(1), Session.Restore), "the old record stayed in force")
}

// The counts of key records say nothing of blocks that an attempt left behind:
// the next one has the same count.
func TestEraseBesideAFragmentThatResistsIsNotCalledErased(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	s := b.auth(BandMaster(0), credential(1))
	b.arm("(flash.read.error) (flash.erase.refused) (flash.zero.refused)")
	require.ErrorIs(t, s.SetPIN(credential(2)), Degraded)
	s.Close()
	fragment := (b.store.active + 1) % b.store.geo.Blocks
	s = b.auth(EraseMaster, b.label.MSID)
	// The first block that is tried takes the record, every later page is worn.
	b.arm(fmt.Sprintf("(flash.erase.refused (Block %[1]d)) (flash.zero.refused (Block %[1]d)) (flash.program.refused (After 1))", fragment))
	require.ErrorIs(t, s.EraseAll(), Degraded, "and not even a note of it can be written")
	b.PowerOff()
	require.NoError(t, b.PowerOn())
	require.Equal(t, SecurityDegraded, b.Status().State, "the fragment still opens with its credential")
}

func TestRestoreThatFindsAnotherDefectFails(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	next := b.rec.clone()
	next.state = SecurityDegraded
	next.ranges[1].wraps = []wrapRecord{{by: Nobody}} // range 1 is open, and its wrap does not open
	require.NoError(t, b.commit("tamper", "", Configured, &next))
	b.cycle()
	require.ErrorIs(t, b.as(BandMaster(0), credential(1), Session.Restore), Degraded, "it must not report success and be degraded")
	require.Equal(t, SecurityDegraded, b.Status().State)
}

// The drive is off then, and the next power-on finds the defect.
func TestPowerGoesAtTheNoteOfAnotherDefect(t *testing.T) {
	cut := 0
	for k := 0; ; k++ {
		b := newBench(t, nil)
		require.NoError(t, b.as(BandMaster(0), b.label.MSID, migrate(1)))
		b.tamper(func(r *record) {
			r.state = SecurityDegraded
			r.ranges[1].wraps = []wrapRecord{{by: Nobody}}
		})
		b.cycle()
		s := b.auth(BandMaster(0), credential(1))
		p := b.armUnchecked(fmt.Sprintf("(flash.power.before (OnIndex %d))", k))
		err := s.Restore()
		if len(p.Fired()) == 0 {
			require.ErrorIs(t, err, Degraded)
			require.Equal(t, 2, cut, "the note of the restore, and that of the defect")
			return
		}
		cut++
		require.ErrorIs(t, err, PowerLost)
		require.False(t, b.Status().Powered)
		require.NoError(t, b.PowerOn())
		require.Equal(t, SecurityDegraded, b.Status().State)
	}
}

// TestLeavingSecurityDegradedIsLikeAPowerCycle: a range that lost its key comes back as a power cycle
// leaves it. One that is open to all is not called locked while its key is in RAM, and a lock that
// nobody enabled is not taken away.
func TestLeavingSecurityDegradedIsLikeAPowerCycle(t *testing.T) {
	for _, test := range []struct {
		name         string
		cfg          RangeConfig
		read, write  bool // the locks that are set before
		wantR, wantW bool
		wantKey      bool
	}{
		{"open after power", RangeConfig{Start: 8, Length: 8, ReadLockEnabled: true, WriteLockEnabled: true}, false, false, false, false, true},
		{"locked for good", RangeConfig{Start: 8, Length: 8, ReadLockEnabled: true, WriteLockEnabled: true}, true, true, true, true, false},
		{"locks at power", RangeConfig{Start: 8, Length: 8, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: OnPowerCycle}, false, false, true, true, false},
		{"a lock that is not enabled", RangeConfig{Start: 8, Length: 8, WriteLockEnabled: true}, true, false, true, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, nil)
			require.NoError(t, b.as(BandMaster(1), b.label.MSID, func(s Session) error {
				return errors.Join(s.SetRange(test.cfg), s.SetLocks(test.read, test.write))
			}))
			b.arm("(flash.read.error)")
			require.ErrorIs(t, b.as(EraseMaster, b.label.MSID, func(s Session) error { return s.Erase(0) }), Degraded)
			b.flash.Disarm()
			require.Equal(t, SecurityDegraded, b.Status().State)
			require.Nil(t, b.ram[1].mek)
			require.NoError(t, b.as(EraseMaster, b.label.MSID, func(s Session) error { return s.Erase(0) }))
			require.Equal(t, Erased, b.Status().State)
			check := func(when string) {
				r, err := b.Range(1)
				require.NoError(t, err)
				require.Equal(t, [2]bool{test.wantR, test.wantW}, [2]bool{r.ReadLocked, r.WriteLocked}, when)
				require.Equal(t, test.wantKey, b.ram[1].mek != nil, when)
			}
			check("after the erase")
			b.cycle()
			check("after a power cycle")
		})
	}
}

// TestAnEraseLeavesTheLocksOfOtherRanges: a range whose key nobody asked for since power came, and whose
// locks a migration enabled meanwhile, says of them what it said before another range is erased.
func TestAnEraseLeavesTheLocksOfOtherRanges(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error {
		return s.SetRange(RangeConfig{WriteLockEnabled: true, LockOnReset: OnPowerCycle})
	}))
	b.cycle()
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	before, err := b.Range(0)
	require.NoError(t, err)
	require.False(t, before.ReadLocked)
	require.NoError(t, b.as(EraseMaster, b.label.MSID, func(s Session) error { return s.Erase(1) }))
	after, err := b.Range(0)
	require.NoError(t, err)
	require.Equal(t, before, after)
}
