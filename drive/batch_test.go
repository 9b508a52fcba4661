package drive

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// batches are changes of several things at once, and what shows that they are in force.
func batches(b *bench) []struct {
	who    Authority
	batch  Batch
	newPIN PIN
} {
	place := RangeConfig{Start: 8, Length: 8, ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: OnPowerCycle}
	global := RangeConfig{ReadLockEnabled: true, WriteLockEnabled: true, LockOnReset: OnPowerCycle}
	return []struct {
		who    Authority
		batch  Batch
		newPIN PIN
	}{
		{BandMaster(1), Batch{PIN: credential(3), Range: &place, Locks: &Locks{Read: true}}, credential(3)},
		{BandMaster(0), Batch{PIN: credential(3), Range: &global, GenKey: true}, credential(3)},
		{EraseMaster, Batch{PIN: credential(3), Erase: []int{2, 0}}, credential(3)},
		{SID, Batch{PIN: credential(3)}, credential(3)},
	}
}

// The drive loses its power at each operation of each batch, and afterwards all of it is in force, or
// nothing.
func TestABatchIsWholeOrNotThere(t *testing.T) {
	for i := range 4 {
		whole, nothing := 0, 0
		for k, phase := 0, 0; ; phase = (phase + 1) % 3 {
			if phase == 0 {
				k++
			}
			b := newBench(t, nil)
			c := batches(b)[i]
			n, band := c.who.Band()
			was := make([]RangeInfo, 3)
			for r := range was {
				was[r], _ = b.Range(r)
			}
			maps, _ := b.KeyMap()
			s := b.auth(c.who, b.label.MSID)
			b.armUnchecked(fmt.Sprintf("(flash.power.%s (OnIndex %d))", []string{"before", "torn", "after"}[phase], k-1))
			err := s.(BatchSession).Apply(c.batch)
			b.flash.Disarm()
			if err == nil {
				require.Greater(t, k, 2, "the record, and at least one block to destroy")
				break
			}
			require.ErrorIs(t, err, PowerLost)
			require.NoError(t, b.PowerOn())
			_, wrong := b.Authenticate(c.who, b.label.MSID)
			old := !errors.Is(wrong, NotAuthorized)
			b.cycle()
			after, _ := b.KeyMap()
			require.Equal(t, old, after.Generation == maps.Generation, "cut %d: the PIN and the keys are of one record", k)
			if old {
				nothing++
			} else {
				whole++
				require.NoError(t, b.as(c.who, c.newPIN, func(Session) error { return nil }))
			}
			if band {
				r, _ := b.Range(n)
				require.Equal(t, old, r.RangeConfig == was[n].RangeConfig, "cut %d: place and PIN are of one record", k)
			}
		}
		require.Positive(t, nothing, "some cut left nothing of batch %d", i)
		require.Positive(t, whole, "some cut left all of batch %d", i)
	}
}

func TestABatchDoesAllOfIt(t *testing.T) {
	b := newBench(t, nil)
	c := batches(b)[0]
	s := b.auth(c.who, b.label.MSID).(BatchSession)
	require.NoError(t, s.Check(c.batch))
	r, _ := b.Range(1)
	require.Zero(t, r.Length, "a check changes nothing")
	require.NoError(t, s.Apply(c.batch))
	s.Close()
	r, _ = b.Range(1)
	require.Equal(t, RangeInfo{RangeConfig: *c.batch.Range, ReadLocked: true}, r)
	require.ErrorIs(t, b.Read(8, sectors(1, 0)), Locked)
	require.NoError(t, b.Write(8, sectors(1, 1)), "only reading is locked")
	require.Equal(t, 1, blocksInUse(b))
	b.cycle()
	require.ErrorIs(t, b.Write(8, sectors(1, 1)), Locked)
	require.NoError(t, b.as(c.who, c.newPIN, Session.Unlock))
	b.mustRead(8, sectors(1, 1), "the key is the same")

	require.NoError(t, b.as(c.who, c.newPIN, func(s Session) error {
		return s.(BatchSession).Apply(Batch{GenKey: true, PIN: credential(4)})
	}))
	got := make([]byte, 512)
	require.NoError(t, b.Read(8, got))
	require.NotEqual(t, sectors(1, 1), got, "a new key")
	b.cycle()
	require.NoError(t, b.as(c.who, credential(4), Session.Unlock))
}

func TestBatchesThatAreRefused(t *testing.T) {
	far := RangeConfig{Start: 1 << 20, Length: 8}
	for _, c := range []struct {
		who   Authority
		batch Batch
		want  Code
	}{
		{SID, Batch{GenKey: true}, NotAuthorized},
		{EraseMaster, Batch{Locks: &Locks{}}, NotAuthorized},
		{BandMaster(1), Batch{Erase: []int{1}}, NotAuthorized},
		{EraseMaster, Batch{Erase: []int{3}}, InvalidParameter},
		{EraseMaster, Batch{Erase: []int{1, 1}}, InvalidParameter},
		{BandMaster(1), Batch{Range: &far, PIN: credential(1)}, InvalidParameter},
		{BandMaster(1), Batch{Locks: &Locks{}, PIN: credential(1)}, InvalidParameter},
	} {
		b := newBench(t, nil)
		s := b.auth(c.who, b.label.MSID).(BatchSession)
		require.ErrorIs(t, s.Check(c.batch), c.want)
		require.ErrorIs(t, s.Apply(c.batch), c.want)
		s.Close()
		require.NoError(t, b.as(c.who, b.label.MSID, func(Session) error { return nil }))
		require.Equal(t, Erased, b.Status().State)
	}
	b := newBench(t, nil)
	require.ErrorIs(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error {
		return s.(BatchSession).Apply(Batch{PIN: b.label.MSID})
	}), InvalidParameter)

	refused(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error {
		return s.(BatchSession).Check(Batch{PIN: b.label.MSID})
	}), InvalidParameter, "check", "goes back to MSID by an erase only")
}

// TestABatchOfADegradedDrive: an erase is what cures it, and nothing else is done.
func TestABatchOfADegradedDrive(t *testing.T) {
	b := newBench(t, nil)
	stale(b)
	for who, pin := range map[Authority]PIN{BandMaster(0): credential(2), EraseMaster: b.label.MSID, SID: b.label.MSID} {
		for _, ask := range []func(BatchSession, Batch) error{BatchSession.Check, BatchSession.Apply} {
			require.ErrorIs(t, b.as(who, pin, func(s Session) error { return ask(s.(BatchSession), Batch{PIN: credential(5)}) }), Degraded, "%v", who)
		}
	}
	erase := Batch{Erase: []int{2, 1, 0}}
	require.NoError(t, b.as(EraseMaster, b.label.MSID, func(s Session) error {
		return errors.Join(s.(BatchSession).Check(erase), s.(BatchSession).Apply(erase))
	}))
	require.Equal(t, Erased, b.Status().State)
}

// TestWhatABatchLeavesInRAM: the key where the range can be used, and what the drive tells of itself.
func TestWhatABatchLeavesInRAM(t *testing.T) {
	b := newBench(t, nil)
	locked(b)
	as := func(a Authority, pin PIN, batch Batch) {
		t.Helper()
		require.NoError(t, b.as(a, pin, applied(batch)))
	}
	in := func() bool { return b.ram[1].mek != nil }
	require.False(t, in())
	as(BandMaster(1), credential(9), Batch{GenKey: true})
	require.False(t, in(), "a new key unlocks nothing")
	as(BandMaster(1), credential(9), Batch{Locks: &Locks{}})
	require.True(t, in())
	require.NoError(t, b.Write(1000, sectors(1, 1)))
	as(BandMaster(1), credential(9), Batch{PIN: credential(8)})
	b.mustRead(1000, sectors(1, 1), "another PIN, and the same key")
	as(BandMaster(1), credential(8), Batch{Locks: &Locks{Read: true}})
	require.True(t, in())
	as(BandMaster(0), credential(1), Batch{Locks: &Locks{}})
	as(BandMaster(1), credential(8), Batch{Locks: &Locks{}})
	require.False(t, b.Status().Locked)
	as(BandMaster(1), credential(8), Batch{Locks: &Locks{Read: true, Write: true}})
	require.False(t, in(), "locked both ways, the key leaves RAM")
	require.True(t, b.Status().Locked)
	as(BandMaster(1), credential(8), Batch{GenKey: true, Locks: &Locks{}})
	require.NoError(t, b.Write(1000, sectors(1, 2)))
	b.cycle()
	as(BandMaster(1), credential(8), Batch{Locks: &Locks{}})
	b.mustRead(1000, sectors(1, 2), "the key in RAM was that of the record")

	as(EraseMaster, b.label.MSID, Batch{PIN: credential(3), Erase: []int{0}})
	require.Equal(t, Configured, b.Status().State, "range 1 still is")
	at, err := b.AtMSID(EraseMaster)
	require.NoError(t, err)
	require.False(t, at)
	as(EraseMaster, credential(3), Batch{PIN: b.label.MSID, Enabled: []Enabled{{Who: BandMaster(2)}}})
	at, err = b.AtMSID(EraseMaster)
	require.NoError(t, err)
	require.True(t, at)
	for a, want := range map[Authority]bool{BandMaster(2): false, BandMaster(1): true, Makers: true} {
		on, err := b.Enabled(a)
		require.NoError(t, err)
		require.Equal(t, want, on, "%v", a)
	}
	on, err := b.Enabled(BandMaster(3))
	refused(t, err, InvalidParameter, "enabled", "no key slot")
	require.False(t, on)
	b.PowerOff()
	on, err = b.Enabled(SID)
	refused(t, err, NoPower, "enabled")
	require.False(t, on)
	require.NoError(t, b.PowerOn())
	require.ErrorContains(t, b.as(EraseMaster, b.label.MSID, applied(Batch{Erase: []int{3}})), "the last is 2")
	require.ErrorContains(t, b.as(EraseMaster, b.label.MSID, applied(Batch{Enabled: []Enabled{{Who: BandMaster(3)}}})), "no key slot")
}

// TestABatchOfLocksOutlivesPower, each lock by itself; what changes nothing is not written.
func TestABatchOfLocksOutlivesPower(t *testing.T) {
	for _, want := range []Locks{{true, true}, {true, false}, {false, true}, {false, false}} {
		for _, before := range []Locks{{true, true}, {true, false}, {false, true}, {false, false}} {
			b := newBench(t, nil)
			s := b.auth(BandMaster(0), b.label.MSID)
			require.NoError(t, s.SetRange(keepsLocks))
			require.NoError(t, s.SetLocks(before.Read, before.Write))
			was := b.pages()
			require.NoError(t, applied(Batch{Locks: &want})(s))
			if want == before {
				require.Equal(t, was, b.pages())
			}
			s.Close()
			b.cycle()
			r, err := b.Range(0)
			require.NoError(t, err)
			require.Equal(t, want, Locks{r.ReadLocked, r.WriteLocked}, "from %v", before)
		}
	}
}

func TestSessionOfThePSID(t *testing.T) {
	b := newBench(t, nil)
	for range 3 {
		_, err := b.AuthenticatePSID(credential(9))
		require.ErrorIs(t, err, NotAuthorized)
	}
	used, _, _ := b.Tries(PSID)
	require.Equal(t, uint16(3), used)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.SetPIN(credential(1)) }))
	s, err := b.AuthenticatePSID(b.label.PSID)
	require.NoError(t, err)
	used, _, _ = b.Tries(PSID)
	require.Zero(t, used, "the right one gives the tries back")
	_, err = b.Authenticate(SID, b.label.MSID)
	require.ErrorIs(t, err, SPBusy)
	require.ErrorIs(t, s.SetPIN(credential(1)), NotAuthorized)
	require.ErrorIs(t, s.Unlock(), NotAuthorized)
	require.ErrorIs(t, s.Erase(0), NotAuthorized)
	require.ErrorIs(t, s.(BatchSession).Apply(Batch{PIN: credential(1)}), NotAuthorized)
	require.Equal(t, Configured, b.Status().State)
	require.NoError(t, s.Revert())
	require.Equal(t, Erased, b.Status().State)
	require.ErrorIs(t, s.Revert(), NoSession)

	b.arm("(flash.program.refused (After 1))") // the try is counted, and cannot be given back
	_, err = b.AuthenticatePSID(b.label.PSID)
	refused(t, err, HardwareFailure, "authenticate psid")
	b.flash.Disarm()

	other := b.auth(BandMaster(0), b.label.MSID)
	require.ErrorIs(t, other.(PSIDSession).Revert(), NotAuthorized, "nobody else's session reverts")
	require.Equal(t, Erased, b.Status().State)
}

func TestResetsAreCounted(t *testing.T) {
	b := newBench(t, nil)
	was := b.Resets()
	b.cycle()
	require.NoError(t, b.Reset(HardwareReset))
	require.NoError(t, b.Reset(HotPlugReset))
	require.NoError(t, b.Reset(HotPlugReset))
	require.Equal(t, Resets{was.PowerLosses + 1, was.Hardware + 1, was.HotPlug + 2, 0}, b.Resets())
}

func TestAuthoritiesAreDisabled(t *testing.T) {
	b := newBench(t, nil)
	enabled := func(who Authority) bool {
		on, err := b.Enabled(who)
		require.NoError(t, err)
		return on
	}
	apply := func(who Authority, e ...Enabled) error {
		return b.as(who, b.label.MSID, func(s Session) error { return s.(BatchSession).Apply(Batch{Enabled: e}) })
	}
	generation := b.Status().KeyGeneration
	require.NoError(t, apply(EraseMaster, Enabled{BandMaster(1), false}, Enabled{BandMaster(0), true}))
	require.NoError(t, apply(SID, Enabled{Makers, false}))
	for range 2 {
		require.False(t, enabled(BandMaster(1)))
		require.True(t, enabled(BandMaster(0)))
		require.False(t, enabled(Makers))
		require.True(t, enabled(SID))
		_, err := b.Authenticate(BandMaster(1), b.label.MSID)
		require.ErrorIs(t, err, NotAuthorized)
		used, _, _ := b.Tries(BandMaster(1))
		require.Zero(t, used, "no PIN was looked at, so no try is used up")
		b.cycle()
	}
	require.Equal(t, generation+1, b.Status().KeyGeneration, "one key step; the Makers have no key")
	require.NoError(t, apply(EraseMaster, Enabled{BandMaster(1), true}))
	require.NoError(t, b.as(BandMaster(1), b.label.MSID, func(Session) error { return nil }))

	require.NoError(t, apply(EraseMaster, Enabled{BandMaster(1), false}))
	require.NoError(t, b.as(EraseMaster, b.label.MSID, Session.EraseAll))
	require.False(t, enabled(BandMaster(1)), "an erase enables nobody")
	require.NoError(t, b.RevertPSID(b.label.PSID))
	require.True(t, enabled(BandMaster(1)), "a revert does")
	require.True(t, enabled(Makers))

	for _, c := range []struct{ who, whom Authority }{{SID, BandMaster(0)}, {EraseMaster, Makers}, {EraseMaster, SID}, {EraseMaster, EraseMaster}, {BandMaster(0), BandMaster(1)}} {
		require.ErrorIs(t, apply(c.who, Enabled{c.whom, false}), NotAuthorized)
		require.True(t, enabled(c.whom))
	}
	require.ErrorIs(t, apply(EraseMaster, Enabled{BandMaster(3), false}), InvalidParameter)
	_, err := b.Enabled(PSID)
	require.ErrorIs(t, err, InvalidParameter)
}
