package drive

import (
	"errors"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// padding is a bit of the last byte of a page.
func (b *bench) padding() int { return 8 * (b.store.geo.PageSize - 1) }

func TestRotBehindARecordIsAWarningAndTheSelfTestMendsIt(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	require.NoError(t, b.flash.Decay(b.store.active, b.store.at, b.padding()))
	b.cycle()
	require.Equal(t, Configured, b.Status().State, "the record is whole")
	require.True(t, b.Status().ScrubNeeded, "and a host can see that its page is not")
	require.NoError(t, b.as(BandMaster(0), credential(1), Session.Unlock))
	b.mustRead(0, sectors(1, 1), "nothing is lost")
	require.True(t, b.Status().ScrubNeeded, "a note behind it mends nothing")

	was, generation := b.store.active, b.Status().KeyGeneration
	require.NoError(t, b.SelfTest())
	require.False(t, b.Status().ScrubNeeded)
	require.NotEqual(t, was, b.store.active, "the record moved")
	require.Equal(t, generation, b.Status().KeyGeneration, "no key changed")
	require.Equal(t, 1, blocksInUse(b), "the odd page was destroyed")
	b.cycle()
	require.False(t, b.Status().ScrubNeeded)
	require.NoError(t, b.as(BandMaster(0), credential(1), Session.Unlock))
	b.mustRead(0, sectors(1, 1), "the data is there")
}

func TestRotBehindANoteGivesNoTryBack(t *testing.T) {
	b := newBench(t, nil)
	for range 3 {
		_, err := b.Authenticate(SID, credential(9))
		require.ErrorIs(t, err, NotAuthorized)
	}
	require.NoError(t, b.flash.Decay(b.store.active, b.store.at, b.padding()))
	b.cycle()
	used, _, err := b.Tries(SID)
	require.NoError(t, err)
	require.Equal(t, uint16(3), used)
}

// What lies behind a record could be a key that somebody hid there.
func TestNothingHidesBehindARecordOfABlockThatResists(t *testing.T) {
	b := newBench(t, nil)
	// A full block moves on, and the block that it leaves keeps the same keys.
	for b.store.next < b.store.geo.PagesPerBlock-1 {
		require.NoError(t, b.as(SID, b.label.MSID, func(Session) error { return nil }))
	}
	old := b.store.active
	b.arm("(flash.erase.refused) (flash.zero.refused)")
	require.NoError(t, b.as(SID, b.label.MSID, func(Session) error { return nil }))
	require.NotEqual(t, old, b.store.active)
	b.cycle()
	require.Equal(t, Erased, b.Status().State, "the same keys and nothing else: no matter of security")
	require.NoError(t, b.flash.Decay(old, 0, b.padding()))
	b.cycle()
	require.Equal(t, SecurityDegraded, b.Status().State, "and now there is something else")
	b.flash.Disarm()
	require.NoError(t, b.as(EraseMaster, b.label.MSID, Session.EraseAll))
	require.Equal(t, 1, blocksInUse(b))
}

// dirty is a chip on which a bit beside what is programmed goes to zero, too.
type dirty struct {
	flash.Device
	page  int // of the block that is programmed
	armed int // how many programs do so
}

func (d *dirty) Program(block, page int, data []byte) error {
	if err := d.Device.Program(block, page, data); err != nil || d.armed == 0 {
		return err
	}
	d.armed--
	return d.Device.(flash.Decayer).Decay(block, d.page, 8*(d.Geometry().PageSize-1))
}

func TestAnEraseReadsWhatIsBehindItsRecord(t *testing.T) {
	for _, page := range []int{0, 5} { // behind the record, and in a page of its block
		b := newBench(t, nil)
		chip := &dirty{Device: b.flash, page: page, armed: 1}
		b.PowerOff()
		d, err := Open(b.Fuses(), Parts{Flash: chip, Media: b.media, Entropy: b.parts.Entropy})
		require.NoError(t, err)
		b.Drive = d
		chip.armed = 0
		require.NoError(t, b.PowerOn())
		s := b.auth(EraseMaster, b.label.MSID)
		chip.armed = 1
		was := b.store.active
		require.NoError(t, s.EraseAll())
		require.Equal(t, (was+2)%b.store.geo.Blocks, b.store.active, "the block that reads back otherwise is destroyed, and the next one takes the record")
		require.Equal(t, 1, blocksInUse(b))
		require.False(t, b.Status().ScrubNeeded)
	}
}

// An older or a newer firmware wrote what this one does not understand.
func TestRecordOfAnUnknownVersionIsNotDestroyed(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	page := b.rec.encode(nil)
	page[13]++
	crc := crc32.Checksum(page[:len(page)-4], castagnoli)
	for i := range 4 {
		page[len(page)-4+i] = byte(crc >> (24 - 8*i))
	}
	_, err := parseRecord(page)
	require.ErrorIs(t, err, errForeign)
	other := (b.store.active + 3) % b.store.geo.Blocks
	require.NoError(t, b.flash.Program(other, 0, page))
	b.cycle()
	require.Equal(t, SecurityDegraded, b.Status().State, "it may be newer")
	require.NoError(t, b.SelfTest())
	require.Equal(t, 2, blocksInUse(b), "and is not destroyed")
	require.NoError(t, b.as(BandMaster(0), credential(1), Session.Restore), "but by a credential")
	require.Equal(t, 1, blocksInUse(b))

	// Behind the record in force it is newer for sure.
	require.NoError(t, b.flash.Program(b.store.active, b.store.next, page))
	b.cycle()
	require.Equal(t, SecurityDegraded, b.Status().State)
}

func TestTornNoteThatIsWholeIsInForceAtOnce(t *testing.T) {
	b := newBench(t, nil)
	chip := &refusing{Device: b.flash}
	b.PowerOff()
	d, err := Open(b.Fuses(), Parts{Flash: chip, Media: b.media, Entropy: b.parts.Entropy})
	require.NoError(t, err)
	b.Drive = d
	require.NoError(t, b.PowerOn())
	s := b.auth(BandMaster(1), b.label.MSID)
	chip.armed = true
	err = s.SetRange(RangeConfig{Start: 8, Length: 8, LockOnReset: OnPowerCycle})
	chip.armed = false
	s.Close()
	now, _ := b.Range(1)
	b.cycle()
	after, _ := b.Range(1)
	require.Equal(t, now, after, "what the drive answers (%v) and what its flash holds is one thing", err)
	require.NoError(t, err)
}

// refusing is a chip that programs everything and says that it did not.
type refusing struct {
	flash.Device
	armed bool
}

func (r *refusing) Program(block, page int, data []byte) error {
	if err := r.Device.Program(block, page, data); err != nil || !r.armed {
		return err
	}
	return fmt.Errorf("%w: block %d page %d", flash.ErrProgram, block, page)
}

// passing powers the drive on while block b cannot be read, and heals it.
func (b *bench) passing(rule string) {
	b.t.Helper()
	b.PowerOff()
	b.arm(rule)
	require.NoError(b.t, b.PowerOn())
	b.flash.Disarm()
}

func TestTryCountedBesideAnUnreadNoteStays(t *testing.T) {
	for _, owner := range []bool{false, true} { // does somebody come in between with the right PIN?
		b := newBench(t, nil)
		_, err := b.Authenticate(SID, credential(9))
		require.ErrorIs(t, err, NotAuthorized)
		b.passing(fmt.Sprintf("(flash.read.error (And (Block %d) (Page %d)))", b.store.active, b.store.at))
		used, _, _ := b.Tries(SID)
		require.Equal(t, uint16(1), used, "the unread page may be a counted try, and was")
		if owner {
			require.NoError(t, b.as(EraseMaster, b.label.MSID, func(Session) error { return nil }))
		}
		_, err = b.Authenticate(SID, credential(9))
		require.ErrorIs(t, err, NotAuthorized)
		used, _, _ = b.Tries(SID)
		require.Equal(t, uint16(2), used)
		for range 3 {
			b.cycle()
			used, _, _ = b.Tries(SID)
			require.Equal(t, uint16(2), used, "a counted try is forgotten by no power cycle")
			require.Equal(t, Erased, b.Status().State)
		}
	}
}

func TestUnreadNotesLeaveEverybodyTheLastTry(t *testing.T) {
	b := newBench(t, nil)
	for range 3 {
		require.NoError(t, b.as(BandMaster(1), b.label.MSID, func(Session) error { return nil }))
	}
	require.Greater(t, b.store.at, 0)
	rule := ""
	for p := 1; p < b.store.geo.PagesPerBlock; p++ {
		rule += fmt.Sprintf("(flash.read.error (And (Block %d) (Page %d)))", b.store.active, p)
	}
	b.passing(rule)
	used, limit, err := b.Tries(SID)
	require.NoError(t, err)
	require.Equal(t, limit-1, used)
	require.NoError(t, b.as(SID, b.label.MSID, func(Session) error { return nil }), "nobody is locked out by pages that cannot be read")
}

// A range that was moved would else be back at its old place, and data would be
// written under the wrong key.
func TestSettingsInAnUnreadNoteAreNotUndone(t *testing.T) {
	place := RangeConfig{Start: 8, Length: 8, LockOnReset: OnPowerCycle}
	for _, tried := range []bool{false, true} { // does a count of tries go behind the page?
		b := newBench(t, nil)
		s := b.auth(BandMaster(1), b.label.MSID)
		require.NoError(t, s.SetRange(place))
		s.Close()
		require.NoError(t, b.Write(8, sectors(1, 1)))
		b.passing(fmt.Sprintf("(flash.read.error (And (Block %d) (Page %d)))", b.store.active, b.store.at))
		require.Equal(t, SecurityDegraded, b.Status().State, "the page may hold newer settings, and does")
		require.ErrorIs(t, b.Write(8, sectors(1, 2)), Degraded)
		if tried {
			for range 6 { // more than the block has pages for
				require.NoError(t, b.as(SID, b.label.MSID, func(Session) error { return nil }))
			}
		}
		b.cycle()
		r, err := b.Range(1)
		require.NoError(t, err)
		require.Equal(t, place, r.RangeConfig, "what was done is not undone")
		require.Equal(t, Erased, b.Status().State)
		b.mustRead(8, sectors(1, 1), "under its key")
		require.Equal(t, 1, blocksInUse(b), "what was written in doubt is gone")
	}
}

// inDoubt is a drive whose migration to credential 1 was cut when the new record
// was written, and that cannot read the block of that record.
func inDoubt(t *testing.T) (b *bench, fresh int) {
	b = newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	old := b.store.active
	s := b.auth(BandMaster(0), b.label.MSID)
	b.arm("(flash.power.after (OnIndex 0))")
	require.ErrorIs(t, s.Migrate(credential(1)), PowerLost)
	fresh = (old + 1) % b.store2blocks()
	b.passing(fmt.Sprintf("(flash.read.error (Block %d))", fresh))
	require.Equal(t, SecurityDegraded, b.Status().State)
	require.Equal(t, old, b.store.active)
	return b, fresh
}

func (b *bench) store2blocks() int { return b.flash.Geometry().Blocks }

// However much is counted in doubt, also over full blocks, the newer record comes
// into force once it reads, and the counts with it.
func TestTriesInDoubtPutNothingInForceAndAreKept(t *testing.T) {
	b, fresh := inDoubt(t)
	for range 9 {
		require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(Session) error { return nil }))
		require.Equal(t, SecurityDegraded, b.Status().State)
	}
	for range 3 {
		_, err := b.Authenticate(SID, credential(9))
		require.ErrorIs(t, err, NotAuthorized)
	}
	b.passing(fmt.Sprintf("(flash.read.error (Block %d))", fresh))
	used, _, _ := b.Tries(SID)
	require.Equal(t, uint16(3), used)
	for range 2 {
		b.cycle()
		require.Equal(t, Configured, b.Status().State)
		used, _, _ = b.Tries(SID)
		require.Equal(t, uint16(3), used, "what was counted in doubt")
		require.Equal(t, 1, blocksInUse(b))
	}
	require.NoError(t, b.as(BandMaster(0), credential(1), Session.Unlock))
	b.mustRead(0, sectors(1, 1), "with its data")
}

// degradedRevert is a drive whose PSID revert ended degraded: the block with the
// record could neither be read nor destroyed.
func degradedRevert(t *testing.T) (b *bench, old int) {
	b = newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	for range 5 {
		require.NoError(t, b.as(BandMaster(0), credential(1), func(s Session) error { return s.SetPIN(credential(1)) }))
	}
	old = b.store.active
	b.PowerOff()
	b.arm(fmt.Sprintf("(flash.read.error (Block %[1]d)) (flash.erase.refused (Block %[1]d)) (flash.zero.refused (Block %[1]d))", old))
	require.NoError(t, b.PowerOn())
	require.ErrorIs(t, b.RevertPSID(b.label.PSID), Degraded)
	require.Equal(t, SecurityDegraded, b.Status().State)
	return b, old
}

func TestDegradedRevertIsNotUndoneByAPowerCycle(t *testing.T) {
	b, _ := degradedRevert(t)
	require.ErrorIs(t, b.as(BandMaster(0), credential(1), Session.Unlock), NotAuthorized, "the new record is in force at once")
	require.ErrorIs(t, b.as(BandMaster(0), b.label.MSID, Session.Unlock), Degraded)
	b.flash.Disarm()
	for range 3 {
		b.cycle()
		require.Equal(t, SecurityDegraded, b.Status().State, "a power cycle cures no degradation")
		require.ErrorIs(t, b.as(BandMaster(0), credential(1), Session.Unlock), NotAuthorized, "the old credential stays refused")
	}
	require.NoError(t, b.RevertPSID(b.label.PSID))
	require.Equal(t, Erased, b.Status().State)
	require.Equal(t, 1, blocksInUse(b))
	got := make([]byte, 512)
	require.NoError(t, b.Read(0, got))
	require.NotEqual(t, sectors(1, 1), got)
}

// The same with power cuts at each operation of the revert and of the power-on
// behind it: the old record or the new one, and never the old one once the new one
// has been seen.
func TestRevertBesideAnUnreadRecordIsCutAnywhere(t *testing.T) {
	cuts := 0
	for k := 0; k < 100; k++ {
		b := newBench(t, nil)
		require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
		old := b.store.active
		resists := fmt.Sprintf("(flash.read.error (Block %[1]d)) (flash.erase.refused (Block %[1]d)) (flash.zero.refused (Block %[1]d))", old)
		b.PowerOff()
		b.armUnchecked(fmt.Sprintf("(flash.power.torn (OnIndex %d)) ", k) + resists)
		require.NoError(t, b.PowerOn())
		err := b.RevertPSID(b.label.PSID)
		if !errors.Is(err, PowerLost) {
			require.ErrorIs(t, err, Degraded)
			break
		}
		cuts++
		b.armUnchecked(resists)
		require.NoError(t, b.PowerOn())
		require.Equal(t, SecurityDegraded, b.Status().State)
		reverted := b.trusted
		b.flash.Disarm()
		b.cycle()
		opens := b.as(BandMaster(0), credential(1), func(Session) error { return nil }) == nil
		require.Equal(t, !reverted, opens, "cut %d: which record is in force does not change by itself", k)
		require.NoError(t, b.RevertPSID(b.label.PSID))
		require.Equal(t, 1, blocksInUse(b))
	}
	require.Positive(t, cuts)
}

func TestEraseBesideAnUnreadRecordIsNotUndone(t *testing.T) {
	b, fresh := inDoubt(t)
	b.arm(fmt.Sprintf("(flash.erase.refused (Block %[1]d)) (flash.zero.refused (Block %[1]d)) (flash.read.error (Block %[1]d))", fresh))
	require.ErrorIs(t, b.as(EraseMaster, b.label.MSID, Session.EraseAll), Degraded)
	b.flash.Disarm()
	b.cycle()
	require.Equal(t, SecurityDegraded, b.Status().State)
	require.ErrorIs(t, b.as(BandMaster(0), credential(1), func(Session) error { return nil }), NotAuthorized, "the record of the cut migration is older than the erase")
	require.NoError(t, b.as(EraseMaster, b.label.MSID, Session.EraseAll))
	require.Equal(t, Erased, b.Status().State)
}

func TestNoGenerationIsUsedTwice(t *testing.T) {
	b := newBench(t, nil)
	seen := map[uint64]bool{}
	opened := func(why string) {
		t.Helper()
		require.False(t, seen[b.rec.generation], "%s: generation %#x", why, b.rec.generation)
		seen[b.rec.generation] = true
	}
	opened("manufacture")
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	opened("migrate")
	s := b.auth(BandMaster(0), credential(1))
	b.arm("(flash.program.refused)")
	require.ErrorIs(t, s.SetPIN(credential(2)), HardwareFailure)
	seen[b.store.highest] = true // of the attempt
	b.flash.Disarm()
	require.NoError(t, s.SetPIN(credential(2)))
	opened("after a refused attempt")
	b.arm("(flash.read.error) (flash.erase.refused) (flash.zero.refused)")
	require.ErrorIs(t, s.SetPIN(credential(3)), Degraded)
	b.flash.Disarm()
	s.Close()
	opened("beside a fragment")
	b.PowerOff()
	b.arm("(flash.read.error (Programmed))")
	require.NoError(t, b.PowerOn())
	b.flash.Disarm()
	require.NoError(t, b.RevertPSID(b.label.PSID))
	opened("a revert without a readable record")
}

func TestNewerRecords(t *testing.T) {
	// The first versions of the drive counted records, not blocks.
	require.True(t, newer(&record{generation: 8}, &record{generation: 7}))
	require.True(t, newer(&record{generation: generationOpening}, &record{generation: generationOpening - 1, doubt: true}))
	require.True(t, newer(&record{generation: 7}, &record{generation: 8, doubt: true}), "a count in doubt stays below the record that it is of")
	require.True(t, newer(&record{generation: generationUnread}, &record{generation: generationUnread - 1}))
}
