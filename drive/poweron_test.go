package drive

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// What power-on does, and what it leaves alone.

// unfinished is a drive without power whose migration to credential 1 was cut when the
// new record was written.
func unfinished(t *testing.T, change func(*Config)) *bench {
	b := newBench(t, change)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	s := b.auth(BandMaster(0), b.label.MSID)
	b.arm("(flash.power.after (OnIndex 0))")
	require.ErrorIs(t, s.Migrate(credential(1)), PowerLost)
	b.flash.Disarm()
	return b
}

// TestPowerOnIsCutAnywhere: the next one finishes what it began.
func TestPowerOnIsCutAnywhere(t *testing.T) {
	for _, plan := range []string{"(flash.power.before (OnIndex %d))", "(flash.power.torn (OnIndex %d))", "(flash.power.torn (OnIndex %d)) (flash.erase.refused)"} {
		for k := 0; ; k++ {
			b := unfinished(t, nil)
			b.armUnchecked(fmt.Sprintf(plan, k))
			err := b.PowerOn()
			if err != nil {
				require.ErrorIs(t, err, PowerLost)
				require.False(t, b.Status().Powered)
				b.flash.Disarm()
				require.NoError(t, b.PowerOn())
			}
			b.flash.Disarm()
			require.Equal(t, Configured, b.Status().State)
			b.whole(t, "power-on")
			require.NoError(t, b.as(BandMaster(0), credential(1), Session.Unlock))
			b.mustRead(0, sectors(1, 1), "the data is there")
			if err == nil {
				require.Positive(t, k)
				break
			}
		}
	}
}

// TestPowerGoesWhileAScanReads, at pages here and there.
func TestPowerGoesWhileAScanReads(t *testing.T) {
	for k := 0; ; k += 7 {
		b := unfinished(t, nil)
		b.flash.PowerOn()
		c := &chip{Device: b.parts.Flash}
		reads := 0
		c.read = func(_, _ int, _ []byte, do func() error) error {
			if reads++; reads == k+1 {
				c.PowerOff()
			}
			return do()
		}
		was := b.pages()
		d, err := Open(b.Fuses(), Parts{Flash: c, Media: b.media, Entropy: b.parts.Entropy})
		require.NoError(t, err)
		require.ErrorIs(t, b.flash.Read(0, 0, make([]byte, 4096)), flash.ErrPowerLost, "an opened drive is off")
		err = d.PowerOn()
		if reads <= k {
			require.NoError(t, err)
			require.GreaterOrEqual(t, k, 64+8, "every page, and the block that is destroyed")
			return
		}
		require.ErrorIs(t, err, PowerLost, "read %d", k)
		require.False(t, d.Status().Powered)
		if k < 64 {
			require.Equal(t, was, b.pages(), "a scan changes nothing")
		}
	}
}

// TestPowerOnOfASoundDriveWritesNothing: nor does it wear the flash.
func TestPowerOnOfASoundDriveWritesNothing(t *testing.T) {
	for _, persistent := range []bool{true, false} {
		b := newBench(t, func(c *Config) { c.Persistent = persistent })
		owned(b)
		was, ops := b.pages(), b.flash.Ops().Mutations()
		for range 3 {
			b.cycle()
		}
		require.Equal(t, was, b.pages())
		require.Equal(t, ops, b.flash.Ops().Mutations(), "persistent: %v", persistent)
	}
}

// TestTriesThatDoNotPersist are gone at power-on, on flash as well.
func TestTriesThatDoNotPersist(t *testing.T) {
	for name, try := range map[string]func(*bench) error{
		"SID":        func(b *bench) error { _, err := b.Authenticate(SID, credential(7)); return err },
		"BandMaster": func(b *bench) error { _, err := b.Authenticate(BandMaster(2), credential(7)); return err },
		"PSID":       func(b *bench) error { return b.RevertPSID(credential(7)) },
	} {
		b := newBench(t, func(c *Config) { c.Persistent = false })
		require.ErrorIs(t, try(b), NotAuthorized)
		page := make([]byte, 4096)
		counts := func() uint16 {
			require.NoError(t, b.flash.Read(b.store.active, b.store.at, page))
			r, err := parseRecord(page)
			require.NoError(t, err)
			return r.psidTries + r.slot(SID).tries + r.slot(BandMaster(2)).tries
		}
		require.Equal(t, uint16(1), counts(), name)
		b.cycle()
		require.Zero(t, counts(), name)
		require.Zero(t, b.rec.psidTries+b.rec.slot(SID).tries+b.rec.slot(BandMaster(2)).tries, name)

		require.ErrorIs(t, try(b), NotAuthorized)
		b.PowerOff()
		b.arm("(flash.power.before (OnIndex 0))")
		require.ErrorIs(t, b.PowerOn(), PowerLost, name)
		require.False(t, b.Status().Powered)
		b.arm("(flash.program.refused)")
		require.NoError(t, b.PowerOn(), "%s: a count that is not to persist may stay on flash", name)
		require.Equal(t, Erased, b.Status().State)
	}
}

// TestARightPINForgetsTheTriesBefore, also those in older records.
func TestARightPINForgetsTheTriesBefore(t *testing.T) {
	b := newBench(t, nil)
	for range 2 {
		_, err := b.Authenticate(SID, credential(7))
		require.ErrorIs(t, err, NotAuthorized)
	}
	require.NoError(t, b.as(SID, b.label.MSID, func(Session) error { return nil }))
	b.cycle()
	used, limit, err := b.Tries(SID)
	require.NoError(t, err)
	require.Equal(t, []uint16{0, 5}, []uint16{used, limit})
	// An older block that resists holds the counts of its time.
	r := b.rec.clone()
	r.generation--
	r.slot(SID).tries, r.psidTries = 3, 3
	b.armUnchecked(resisting(b.plant(r.encode(nil))))
	b.cycle()
	used, _, _ = b.Tries(SID)
	require.Zero(t, used, "they are older")
	used, _, _ = b.Tries(PSID)
	require.Zero(t, used)
}

// TestTriesOfDoubtAreTakenOver: the larger of each count, and on flash before what
// they come from is destroyed.
func TestTriesOfDoubtAreTakenOver(t *testing.T) {
	begin := func() *bench {
		b := newBench(t, nil)
		_, err := b.Authenticate(EraseMaster, credential(7))
		require.ErrorIs(t, err, NotAuthorized)
		r := b.rec.clone()
		r.doubt, r.generation = true, r.generation+1
		r.slot(SID).tries, r.slot(EraseMaster).tries, r.psidTries = 3, 0, 2
		r.slots = append(r.slots, slotRecord{authority: BandMaster(9), tries: 1}) // of nobody
		b.plant(r.encode(nil))
		b.PowerOff()
		return b
	}
	counted := func(b *bench) []uint16 {
		sid, _, err := b.Tries(SID)
		require.NoError(t, err)
		erase, _, _ := b.Tries(EraseMaster)
		psid, _, _ := b.Tries(PSID)
		return []uint16{sid, erase, psid}
	}
	b := begin()
	for range 2 {
		require.NoError(t, b.PowerOn())
		require.Equal(t, []uint16{3, 1, 2}, counted(b))
		require.Equal(t, Erased, b.Status().State)
		b.whole(t, "taken over")
		b.PowerOff()
	}
	b = begin()
	b.arm("(flash.program.refused)")
	require.NoError(t, b.PowerOn())
	require.Equal(t, SecurityDegraded, b.Status().State, "they could be forgotten: fail closed")
	require.Equal(t, []uint16{3, 1, 2}, counted(b))
	require.Equal(t, 2, blocksInUse(b), "and nothing is destroyed")
	b.flash.Disarm()
	b.cycle()
	require.Equal(t, []uint16{3, 1, 2}, counted(b))
	require.Equal(t, Erased, b.Status().State)
	for k := 0; ; k++ { // power goes while no page takes the counts, or the note that they could not be kept
		b = begin()
		p := b.armUnchecked(fmt.Sprintf("(flash.power.before (OnIndex %d)) (flash.program.refused)", k))
		err := b.PowerOn()
		require.Equal(t, err == nil, b.Status().Powered)
		if p.Fired()[0].Point == flash.ProgramRefused && err == nil {
			require.Greater(t, k, 5)
			break
		}
		require.ErrorIs(t, err, PowerLost)
	}
}

// TestTriesOfDoubtThatRaiseNothingAreNotWritten: each count decides by itself whether there is
// something new to write.
func TestTriesOfDoubtThatRaiseNothingAreNotWritten(t *testing.T) {
	for name, set := range map[string]func(*record){
		"all as they are": func(*record) {},
		"all lower": func(r *record) {
			for i := range r.slots {
				r.slots[i].tries = 0
			}
			r.psidTries = 0
		},
		"one slot raised": func(r *record) { r.slot(SID).tries = 4 },
		"PSID raised":     func(r *record) { r.psidTries = 4 },
		"all raised": func(r *record) {
			for i := range r.slots {
				r.slots[i].tries = 4
			}
			r.psidTries = 4
		},
	} {
		b := newBench(t, nil)
		for _, a := range []Authority{SID, EraseMaster, BandMaster(0), BandMaster(1), BandMaster(2)} {
			_, err := b.Authenticate(a, credential(7))
			require.ErrorIs(t, err, NotAuthorized)
		}
		require.ErrorIs(t, b.RevertPSID(credential(7)), NotAuthorized)
		r := b.rec.clone()
		r.doubt, r.generation = true, r.generation+1
		set(&r)
		raised := r.slot(SID).tries > 1 || r.psidTries > 1
		b.plant(r.encode(nil))
		b.PowerOff()
		was := b.flash.Ops().Programs
		require.NoError(t, b.PowerOn())
		require.Equal(t, raised, b.flash.Ops().Programs > was, name)
	}
}

// TestUnreadPagesCountOnlyBehindTheRecord: those in front of it are older, and a
// record of another version behind it may be a try.
func TestUnreadPagesCountOnlyBehindTheRecord(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(SID, b.label.MSID, func(Session) error { return nil }))
	b.passing(fmt.Sprintf("(flash.read.error (And (Block %d) (Page 0)))", b.store.active))
	for _, a := range []Authority{SID, PSID} {
		used, _, err := b.Tries(a)
		require.NoError(t, err)
		require.Zero(t, used)
	}
	foreign := b.rec.encode(nil)
	foreign[13]++
	for n := range uint16(2) {
		require.NoError(t, b.flash.Program(b.store.active, b.store.next, crcOf(slices.Clone(foreign))))
		b.cycle()
		for _, a := range []Authority{SID, PSID} {
			used, _, err := b.Tries(a)
			require.NoError(t, err)
			require.Equal(t, n+1, used)
		}
	}
}

// TestDegradingAtPowerOnIsCut: the drive is off, and says so.
func TestDegradingAtPowerOnIsCut(t *testing.T) {
	b := newBench(t, nil)
	b.tamper(func(r *record) { r.ranges[1].wraps = []wrapRecord{{by: Nobody}} })
	b.PowerOff()
	b.arm("(flash.power.before (OnIndex 0))")
	require.ErrorIs(t, b.PowerOn(), PowerLost, "the note that a wrap does not open")
	require.False(t, b.Status().Powered)

	b = newBench(t, nil)
	r := b.rec.clone()
	r.generation--
	r.slots[0].slot.Wrap[0]++
	block := b.plant(r.encode(nil))
	b.PowerOff()
	b.arm(fmt.Sprintf("(flash.power.before (And (Not (Block %d)) (OnIndex 0))) ", block) + resisting(block))
	require.ErrorIs(t, b.PowerOn(), PowerLost, "the note that a block resists")
	require.False(t, b.Status().Powered)
	b.armUnchecked(resisting(block) + " (flash.program.refused)")
	require.NoError(t, b.PowerOn())
	require.Equal(t, SecurityDegraded, b.Status().State, "also where the note cannot be written")
}

// TestARevertBesideABlockThatResistsCanBeLookedAt: the new record is in force, and
// the drive has as many ranges as it says.
func TestARevertBesideABlockThatResistsCanBeLookedAt(t *testing.T) {
	b, _ := degradedRevert(t)
	for n := range 3 {
		r, err := b.Range(n)
		require.NoError(t, err)
		require.True(t, r.AtMSID)
	}
	k, err := b.KeyMap()
	require.NoError(t, err)
	require.Len(t, k.Ranges, 3)
	require.Len(t, k.Slots, 5)
	require.Equal(t, KeyMapSlot{Authority: SID, AtMSID: true}, k.Slots[0])
	require.Equal(t, k.Generation, b.Status().KeyGeneration)
}

// TestGenerationsOnlyRise, whatever lies on flash.
func TestGenerationsOnlyRise(t *testing.T) {
	b := newBench(t, nil)
	r := b.rec.clone()
	r.generation, r.doubt = 9*generationOpening+3, true
	b.plant(r.encode(nil))
	b.cycle()
	require.NoError(t, b.as(SID, b.label.MSID, setPIN(1)))
	require.Equal(t, uint64(10*generationOpening), b.rec.generation, "above what was ever seen, and in the next step")

	s := &store{use: make([]usage, 4), highest: 5*generationOpening + 7}
	require.Equal(t, []uint64{5*generationOpening + 8, 5*generationOpening + 9}, []uint64{s.copied(), s.copied()})
	require.Equal(t, []uint64{6 * generationOpening, 7 * generationOpening}, []uint64{s.opened(), s.opened()})
	s.use[3] = unread
	require.Equal(t, []uint64{generationUnread, 2 * generationUnread}, []uint64{s.opened(), s.opened()})
	require.False(t, newer(&record{generation: 7}, &record{generation: 7}))
	require.False(t, newer(&record{generation: 7}, &record{generation: 8}))
	require.False(t, newer(&record{generation: 8, doubt: true}, &record{generation: 7}))
	require.True(t, newer(&record{generation: 8, doubt: true}, &record{generation: 7, doubt: true}))
	require.True(t, newer(&record{generation: 2 * generationOpening, doubt: true}, &record{generation: generationOpening}))
	require.False(t, newer(&record{generation: generationOpening}, &record{generation: 2 * generationOpening, doubt: true}))
}

// TestDoubtEndsWithARestore: what is written then is no doubt any more.
func TestDoubtEndsWithARestore(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, migrate(1)))
	require.NoError(t, b.as(BandMaster(1), b.label.MSID, setRange(RangeConfig{Start: 8, Length: 8, LockOnReset: OnPowerCycle})))
	b.passing(fmt.Sprintf("(flash.read.error (And (Block %d) (Page %d)))", b.store.active, b.store.at))
	require.Equal(t, SecurityDegraded, b.Status().State)
	s := b.auth(BandMaster(0), credential(1))
	require.True(t, b.rec.doubt, "what is counted now decides nothing")
	require.NoError(t, s.Restore())
	s.Close()
	require.NoError(t, b.as(BandMaster(0), credential(1), Session.Unlock))
	require.False(t, b.rec.doubt)
	require.False(t, b.store.doubt())
}

// TestANoteGoesIntoAnyBlock, the first one included, and a full block moves on.
func TestANoteGoesIntoAnyBlock(t *testing.T) {
	b := newBench(t, nil)
	seen := map[int]bool{}
	for range b.store.geo.Blocks + 1 {
		require.NoError(t, b.as(SID, b.label.MSID, func(s Session) error { return s.SetPIN(b.label.MSID) }))
		block, at := b.store.active, b.store.at
		require.NoError(t, b.as(SID, b.label.MSID, func(Session) error { return nil }))
		require.Equal(t, []int{block, at + 2}, []int{b.store.active, b.store.at})
		seen[block] = true
	}
	require.Len(t, seen, b.store.geo.Blocks)
	for b.store.next < b.store.geo.PagesPerBlock {
		require.NoError(t, b.note("test"))
	}
	block := b.store.active
	require.NoError(t, b.note("test"))
	require.NotEqual(t, block, b.store.active)
	b.whole(t, "moved on")
	for b.store.next < b.store.geo.PagesPerBlock {
		require.NoError(t, b.note("test"))
	}
	b.arm("(flash.power.before (OnIndex 1))")
	require.ErrorIs(t, b.note("test"), PowerLost, "power goes when the block that is left is destroyed")
	require.False(t, b.Status().Powered)
}

// TestAFlashThatIsUsedUp keeps the record in force.
func TestAFlashThatIsUsedUp(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	s := b.auth(SID, b.label.MSID)
	b.arm("(flash.erase.refused)")
	worked := 0
	for {
		err := s.SetPIN(credential(byte(worked + 1)))
		if err != nil {
			refused(t, err, HardwareFailure, "set pin", "every block is in use or retired")
			break
		}
		worked++
	}
	require.Equal(t, b.store.geo.Blocks-1, worked, "each block takes one record")
	b.mustRead(0, sectors(1, 1), "the drive works")
	s.Close()
	b.cycle()
	require.Equal(t, Erased, b.Status().State)
	require.NoError(t, b.as(SID, credential(byte(worked)), func(Session) error { return nil }))
	b.mustRead(0, sectors(1, 1), "the drive works")

	// The flash is sound again: a retired block is tried when nothing else is left, and one at a time.
	b.flash.Disarm()
	wear := b.flash.Wear()
	require.NoError(t, b.as(SID, credential(byte(worked)), func(s Session) error { return s.SetPIN(credential(99)) }))
	again := 0
	for block, n := range b.flash.Wear() {
		again += int(n - wear[block])
	}
	require.Equal(t, 2, again, "the block that is used again, and the one that the record leaves")
	for i := range 3 * b.store.geo.Blocks {
		require.NoError(t, b.as(SID, credential(byte(99+i)), func(s Session) error { return s.SetPIN(credential(byte(100 + i))) }))
	}
	b.cycle()
	require.Equal(t, Erased, b.Status().State)
	b.mustRead(0, sectors(1, 1), "the drive works")
}

// TestARetiredBlockIsRegainedOverAPowerCut: power goes at each operation of the key step that tries it again.
// The old PIN opens the drive or the new one, no old wrap is left with the new one, and the drive goes on.
func TestARetiredBlockIsRegainedOverAPowerCut(t *testing.T) {
	for _, mode := range []string{"before", "torn", "after"} {
		for k := 0; ; k++ {
			b := newBench(t, nil)
			b.armUnchecked("(flash.erase.refused)")
			last := b.label.MSID
			for i := 0; ; i++ {
				if b.as(SID, last, func(s Session) error { return s.SetPIN(credential(byte(i + 1))) }) != nil {
					break
				}
				last = credential(byte(i + 1))
			}
			wrap := bytes.Clone(b.rec.slot(SID).slot.Wrap[:])
			p := b.armUnchecked(fmt.Sprintf("(flash.power.%s (OnIndex %d))", mode, k))
			err := b.as(SID, last, func(s Session) error { return s.SetPIN(credential(200)) })
			cut := len(p.Fired()) > 0
			require.Equal(t, cut, err != nil, "%s %d: %v", mode, k, err)
			b.flash.Disarm()
			b.cycle()
			require.Equal(t, Erased, b.Status().State, "%s %d", mode, k)
			now := credential(200)
			isNew := b.as(SID, now, func(Session) error { return nil }) == nil
			require.NotEqual(t, isNew, b.as(SID, last, func(Session) error { return nil }) == nil, "%s %d", mode, k)
			if !isNew {
				now = last
			}
			for _, p := range b.Dump().Flash {
				require.False(t, isNew && bytes.Contains(p.Data, wrap), "%s %d: the old wrap is left", mode, k)
			}
			require.NoError(t, b.as(SID, now, func(s Session) error { return s.SetPIN(credential(201)) }), "%s %d: it goes on", mode, k)
			if !cut {
				require.Greater(t, k, 3)
				break
			}
		}
	}
}

// TestDestroyingGoesOnBehindAPage that needs nothing, or resists.
func TestDestroyingGoesOnBehindAPage(t *testing.T) {
	for name, c := range map[string]struct {
		first    []byte
		plan     string
		degraded bool
	}{
		"a blank page":            {nil, "(flash.erase.refused) (flash.zero.refused (Blank))", false},
		"a page of zeros":         {make([]byte, 4096), "(flash.erase.refused) (flash.zero.refused (Page 0))", false},
		"a page that resists":     {[]byte{1}, "(flash.erase.refused) (flash.zero.refused (Page 0))", true},
		"a page that does not":    {[]byte{1}, "(flash.erase.refused)", false},
		"an erase that half does": {[]byte{1}, "(flash.erase.torn)", false},
	} {
		b := newBench(t, nil)
		r := b.rec.clone()
		r.generation--
		r.slots[0].slot.Wrap[0]++
		block := (b.store.active + 3) % b.store.geo.Blocks
		if c.first != nil {
			require.NoError(t, b.flash.Program(block, 0, c.first))
		}
		require.NoError(t, b.flash.Program(block, 1, r.encode(nil)))
		require.NoError(t, b.flash.Program(block, 7, r.encode(nil)))
		b.armUnchecked(c.plan)
		b.cycle()
		require.Equal(t, c.degraded, b.Status().State == SecurityDegraded, name)
		for _, p := range b.Dump().Flash {
			if p.Block == block && (p.Page > 0 || !c.degraded) {
				require.True(t, constant(p.Data, 0), "%s: page %d", name, p.Page)
			}
		}
		if !c.degraded {
			require.Equal(t, zeroed, b.store.use[block], name)
			b.cycle()
			require.Equal(t, zeroed, b.store.use[block], "%s: it stays retired", name)
		}
	}
	// Zeros are not what an erased block reads.
	b := newBench(t, nil)
	c := &chip{}
	c.erase = func(block int, _ func() error) error {
		for p := range b.store.geo.PagesPerBlock {
			require.NoError(t, c.Device.Zero(block, p))
		}
		return nil
	}
	b.on(c)
	for range 3 {
		require.NoError(t, b.as(SID, b.label.MSID, func(s Session) error { return s.SetPIN(b.label.MSID) }))
	}
	require.Equal(t, zeroed, b.store.use[1], "a block that reads zeros is not blank")
}

// TestARecordIsReadBackToTheEndOfItsBlock: a page behind it that cannot be read is no
// page that is blank.
func TestARecordIsReadBackToTheEndOfItsBlock(t *testing.T) {
	for _, page := range []int{0, 5, 7} {
		b := newBench(t, nil)
		programmed := false
		b.on(&chip{
			program: func(block, _ int, do func() error) error { programmed = programmed || block == 2; return do() },
			erase:   func(block int, do func() error) error { programmed = programmed && block != 2; return do() },
			read: func(block, p int, _ []byte, do func() error) error {
				if block == 2 && p == page && programmed {
					return flash.ErrRead
				}
				return do()
			},
		})
		require.NoError(t, b.as(SID, b.label.MSID, func(s Session) error { return s.SetPIN(b.label.MSID) }), "page %d", page)
		require.Equal(t, 3, b.store.active, "the next block takes the record")
	}
}

// TestASourceThatRepeatsMakesNoKey: an XTS key with equal halves is none.
func TestASourceThatRepeatsMakesNoKey(t *testing.T) {
	for _, do := range []func(*bench) error{
		func(b *bench) error { return b.as(BandMaster(0), b.label.MSID, Session.GenKey) },
		func(b *bench) error { return b.as(EraseMaster, b.label.MSID, Session.EraseAll) },
	} {
		b := newBench(t, nil)
		keys := watchKeys(t)
		b.Drive.entropy = &draws{Reader: halves(0), fail: -1, ledger: keys}
		sub := substance(&b.rec)
		require.ErrorIs(t, do(b), EntropyFailure)
		require.Equal(t, sub, substance(&b.rec))
		require.Zero(t, keys.left(b.Drive))
	}
	made, label, err := Manufacture(testConfig(), Parts{Flash: flash.NewMem(flash.DefaultGeometry), Media: NewMemMedia(512), Entropy: halves(0)})
	require.ErrorIs(t, err, EntropyFailure)
	require.Nil(t, made, "there is no drive")
	require.Equal(t, Label{}, label)
	d := newBench(t, nil)
	d.Drive.entropy = halves(1)
	k, err := d.newMEK()
	require.NoError(t, err, "one bit is difference enough for the drive")
	require.NotNil(t, k)
}

// halves gives the same 32 bytes again, and again; but for the last bit where it is 1.
type halves byte

func (h halves) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i%32 + 1)
	}
	p[len(p)-1] ^= byte(h)
	return len(p), nil
}

// TestEveryErrorNamesItsMethod: what is no status from below gets the name of the method.
func TestEveryErrorNamesItsMethod(t *testing.T) {
	b := newBench(t, nil)
	why := errors.New("why")
	err := b.named("method", why)
	refused(t, err, HardwareFailure, "method")
	require.ErrorIs(t, err, why)
	require.EqualError(t, err, "drive: method: hardware failure: why")
	err = b.named("method", &StatusError{Op: "below", Code: Locked, Why: "because"})
	require.EqualError(t, err, "drive: method: locked: because")
	var status *StatusError
	require.ErrorAs(t, err, &status)
	require.Equal(t, Erased, status.State)
	require.NotErrorIs(t, err, Degraded)
	for c := NotAuthorized; c <= SanitizeFailed; c++ {
		require.NotContains(t, c.Error(), "code")
	}
	require.Equal(t, []string{"code 0", "code 20", "code 255"}, []string{Code(0).Error(), (SanitizeFailed + 1).Error(), Code(255).Error()})
}
