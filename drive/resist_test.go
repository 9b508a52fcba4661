package drive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-9d983aeb/fdelab/drive/fault"
	"github.com/seed-9d983aeb/fdelab/drive/flash"
)

// Blocks that do not go away, chips that say what is not so, and records that somebody
// has altered.

// plant programs a page of a spare block, and gives the block.
func (b *bench) plant(page []byte) (block int) {
	b.t.Helper()
	block = (b.store.active + 3) % b.store.geo.Blocks
	require.NoError(b.t, b.flash.Program(block, 0, page))
	return block
}

// resisting says that block keeps what it has.
func resisting(block int) string {
	return fmt.Sprintf("(flash.erase.refused (Block %[1]d)) (flash.zero.refused (Block %[1]d))", block)
}

func TestPowerOnBesideABlockThatResists(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(*record)
		page     func([]byte) []byte
		degraded bool
	}{
		"the same keys":                     {degraded: false},
		"the same keys with other counts":   {change: func(r *record) { r.psidTries, r.slots[0].tries, r.keygen = 3, 2, 0 }},
		"the same keys with other settings": {change: func(r *record) { r.ranges[1].cfg.Start, r.state = 7, Configured }},
		"other wraps, the same slots":       {change: func(r *record) { r.ranges[1].wraps = []wrapRecord{{by: Nobody}} }, degraded: true},
		"a wrap for somebody else": {change: func(r *record) {
			r.ranges[1].wraps = []wrapRecord{{by: SID, wrap: r.ranges[1].wraps[0].wrap}}
		}, degraded: true},
		"one wrap more": {change: func(r *record) {
			r.ranges[1].wraps = []wrapRecord{r.ranges[1].wraps[0], r.ranges[1].wraps[0]}
		}, degraded: true},
		"other slots, the same wraps": {change: func(r *record) { r.slots[2].slot.Wrap[39] ^= 1 }, degraded: true},
		"another salt":                {change: func(r *record) { r.slots[2].slot.Salt[0] ^= 1 }, degraded: true},
		"a slot of another authority": {change: func(r *record) { r.slots[0].authority = PSID }, degraded: true},
		"a slot less":                 {change: func(r *record) { r.slots = r.slots[1:] }, degraded: true},
		"a range less":                {change: func(r *record) { r.ranges = r.ranges[1:] }, degraded: true},
		"a torn record":               {page: func(p []byte) []byte { return p[:len(p)/2] }, degraded: true},
		"a single bit":                {page: func([]byte) []byte { return []byte{0xFE} }, degraded: true},
		"zeros":                       {page: func([]byte) []byte { return make([]byte, 4096) }},
	} {
		b := newBench(t, nil)
		r := b.rec.clone()
		r.generation-- // older than the one in force
		if c.change != nil {
			c.change(&r)
		}
		page := r.encode(nil)
		if c.page != nil {
			page = c.page(page)
		}
		block := b.plant(page)
		b.armUnchecked(resisting(block)) // of zeros nothing needs to be destroyed
		b.cycle()
		want := Erased
		if c.degraded {
			want = SecurityDegraded
		}
		require.Equal(t, want, b.Status().State, name)
		require.Equal(t, 2, blocksInUse(b), "%s: it is still there", name)
		require.Equal(t, name == "zeros", b.store.use[block] == zeroed, "%s: only zeros are retired", name)
		b.cycle()
		require.Equal(t, want, b.Status().State, "%s, the second time", name)
		b.flash.Disarm()
		if c.degraded {
			require.NoError(t, b.as(EraseMaster, b.label.MSID, Session.EraseAll), name)
		} else {
			b.cycle()
		}
		require.Equal(t, Erased, b.Status().State, name)
		b.whole(t, name)
	}
}

func TestPowerOnBesideABlockThatResistsAndCannotBeRead(t *testing.T) {
	b := newBench(t, nil)
	block := b.plant(b.rec.encode(nil)) // of the same keys, but who knows
	b.arm(fmt.Sprintf("(flash.read.error (Block %d))", block))
	b.cycle()
	require.Equal(t, SecurityDegraded, b.Status().State)
	require.Len(t, b.pages(), 2, "it is not destroyed unread")
}

// TestOneOfManyBlocksResists: the blocks behind it are destroyed all the same.
func TestOneOfManyBlocksResists(t *testing.T) {
	b := newBench(t, nil)
	r := b.rec.clone()
	r.generation--
	for block := range b.store.geo.Blocks {
		if block != b.store.active {
			require.NoError(t, b.flash.Program(block, 1, r.encode(nil)))
		}
	}
	b.arm(resisting(3))
	b.cycle()
	require.Equal(t, Erased, b.Status().State)
	require.Len(t, b.pages(), 2)
	s := b.auth(BandMaster(0), b.label.MSID)
	require.ErrorIs(t, s.Migrate(credential(1)), Degraded, "now its keys are old")
	require.Equal(t, SecurityDegraded, b.Status().State)
}

// TestAChipThatSaysErasedAndIsNot: what a chip answers is not believed.
func TestAChipThatSaysErasedAndIsNot(t *testing.T) {
	lie := func(int, func() error) error { return nil }
	for name, c := range map[string]struct {
		chip   chip
		zeroed bool // the block is overwritten in the end
	}{
		"the erase does nothing": {chip: chip{erase: lie}, zeroed: true},
		"the erase and the overwriting do nothing": {chip: chip{
			erase: lie, zero: func(_, _ int, _ func() error) error { return nil },
		}},
		"one page is not overwritten": {chip: chip{
			erase: lie, zero: func(_, page int, do func() error) error {
				if page == 1 {
					return nil
				}
				return do()
			},
		}},
		"the erase does nothing, and what is left cannot be read": {chip: chip{
			erase: lie, read: func(block, page int, _ []byte, do func() error) error {
				if block == 1 && page == 1 {
					return flash.ErrRead
				}
				return do()
			},
		}},
	} {
		b := newBench(t, nil)
		for range 2 { // the block has more pages than one
			require.NoError(t, b.as(SID, b.label.MSID, func(Session) error { return nil }))
		}
		require.Equal(t, 1, b.store.active)
		s := func() Session { return b.auth(BandMaster(0), b.label.MSID) }
		pages := 0
		c.chip.program = func(_, _ int, do func() error) error { pages++; return do() }
		silent := c.chip
		silent.erase, silent.zero, silent.read = nil, nil, nil
		b.on(&silent)
		session := s()
		silent.erase, silent.zero, silent.read = c.chip.erase, c.chip.zero, c.chip.read
		err := session.Migrate(credential(1))
		if c.zeroed {
			require.NoError(t, err, name)
			b.whole(t, name)
			require.Equal(t, Configured, b.Status().State)
			require.Equal(t, zeroed, b.store.use[1], "%s: the block is retired", name)
			continue
		}
		require.ErrorIs(t, err, Degraded, name)
		require.ErrorContains(t, err, "block 1", name)
		require.Equal(t, SecurityDegraded, b.Status().State, name)
		session.Close()
		b.cycle()
		require.Equal(t, SecurityDegraded, b.Status().State, "%s: and after a power cycle", name)
		silent.erase, silent.zero, silent.read = nil, nil, nil
		require.NoError(t, b.as(BandMaster(0), credential(1), Session.Restore), name)
		b.whole(t, name)
	}
}

// TestPowerOnDestroysWhatAChipOnlySaysIsGone is the same of the destruction that
// power-on finishes.
func TestPowerOnDestroysWhatAChipOnlySaysIsGone(t *testing.T) {
	for _, keeps := range []bool{false, true} { // does the chip keep what is overwritten, too?
		b := newBench(t, nil)
		r := b.rec.clone()
		r.generation--
		r.slots[2].slot.Wrap[0] ^= 1
		b.plant(r.encode(nil))
		c := &chip{erase: func(int, func() error) error { return nil }}
		if keeps {
			c.zero = func(_, _ int, _ func() error) error { return nil }
		}
		b.on(c)
		if keeps {
			require.Equal(t, SecurityDegraded, b.Status().State)
			continue
		}
		require.Equal(t, Erased, b.Status().State)
		b.whole(t, "overwritten")
	}
}

// TestPowerGoesWhileABlockIsReadBack, at every read of a deed.
func TestPowerGoesWhileABlockIsReadBack(t *testing.T) {
	for k := 0; ; k++ {
		b := newBench(t, nil)
		reads := -1
		c := &chip{}
		c.read = func(_, _ int, _ []byte, do func() error) error {
			if reads >= 0 {
				if reads++; reads > k {
					return flash.ErrPowerLost
				}
			}
			return do()
		}
		b.on(c)
		s := b.auth(BandMaster(0), b.label.MSID)
		reads = 0
		err := s.Migrate(credential(1))
		if reads <= k {
			require.NoError(t, err)
			require.Greater(t, k, b.store.geo.PagesPerBlock, "the new record and the old block are read back")
			return
		}
		require.ErrorIs(t, err, PowerLost, "read %d", k)
		require.False(t, b.Status().Powered)
		reads = -1
		require.NoError(t, b.PowerOn())
		b.whole(t, "power went")
		require.Contains(t, []State{Erased, Configured}, b.Status().State)
	}
}

// tamper puts a record into force that somebody has altered; its CRC is right.
func (b *bench) tamper(change func(*record)) {
	b.t.Helper()
	next := b.rec.clone()
	change(&next)
	next.keygen++
	require.NoError(b.t, b.store.replace(&next))
	if b.fits(&next) {
		b.rec = next
	}
}

func TestAlteredRootWrap(t *testing.T) {
	for name, change := range map[string]func(*record){
		"altered":           func(r *record) { w := r.ranges[1].wraps[0]; w.wrap[5] ^= 1; r.ranges[1].wraps = []wrapRecord{w} },
		"for somebody else": func(r *record) { r.ranges[1].wraps = []wrapRecord{{by: SID, wrap: r.ranges[1].wraps[0].wrap}} },
	} {
		b := newBench(t, nil)
		b.tamper(change)
		b.cycle()
		require.Equal(t, SecurityDegraded, b.Status().State, name)
		require.ErrorIs(t, b.Read(0, make([]byte, 512)), Degraded, name)
		k, err := b.KeyMap()
		require.NoError(t, err)
		for _, r := range k.Ranges {
			require.False(t, r.InRAM, "%s: not even the keys that do open", name)
		}
		require.ErrorIs(t, b.as(EraseMaster, b.label.MSID, func(s Session) error { return s.Erase(0) }), Degraded, "%s: the other range still does not open", name)
		require.Equal(t, SecurityDegraded, b.Status().State)
		require.NoError(t, b.as(EraseMaster, b.label.MSID, Session.EraseAll), name)
		require.Equal(t, Erased, b.Status().State)

		// A key that the BandMaster cannot unwrap either gets no new credential.
		b = newBench(t, nil)
		keys := watchKeys(t)
		b.tamper(change)
		b.ram[1].drop()
		s := b.auth(BandMaster(1), b.label.MSID)
		flashed := b.pages()
		b.drawing(-1, keys)
		require.Error(t, s.Migrate(credential(1)), name)
		require.Error(t, s.SetPIN(credential(1)), name)
		require.Error(t, s.SetRange(RangeConfig{Start: 8, Length: 8, LockOnReset: OnPowerCycle}), name)
		require.Error(t, s.SetRange(RangeConfig{Start: 8, Length: 8, ReadLockEnabled: true, LockOnReset: OnPowerCycle}), name)
		require.Equal(t, flashed, b.pages(), "%s: nothing is written", name)
		require.Zero(t, keys.left(b.Drive), "%s: keys are left", name)
	}
}

// TestAnAlteredSlotOpensNothing, and counts a try as a wrong PIN does.
func TestAnAlteredSlotOpensNothing(t *testing.T) {
	b := newBench(t, nil)
	b.tamper(func(r *record) { r.slot(SID).slot.Wrap[0] ^= 1 })
	_, err := b.Authenticate(SID, b.label.MSID)
	require.ErrorIs(t, err, NotAuthorized)
	used, _, _ := b.Tries(SID)
	require.Equal(t, uint16(1), used)
}

// TestARecordOfAnotherDriveIsNone: it is left alone, and the drive has none.
func TestARecordOfAnotherDriveIsNone(t *testing.T) {
	for name, change := range map[string]func(*record){
		"too few ranges":        func(r *record) { r.ranges = r.ranges[:2] },
		"too few slots":         func(r *record) { r.slots = r.slots[:4] },
		"a range without wraps": func(r *record) { r.ranges[1].wraps = nil },
		"no SID":                func(r *record) { r.slot(SID).authority = PSID },
		"no EraseMaster":        func(r *record) { r.slot(EraseMaster).authority = PSID },
		"no BandMaster":         func(r *record) { r.slot(BandMaster(2)).authority = PSID },
	} {
		b := newBench(t, nil)
		b.tamper(change)
		pages := b.pages()
		b.cycle()
		require.Equal(t, SecurityDegraded, b.Status().State, name)
		_, err := b.Authenticate(EraseMaster, b.label.MSID)
		require.ErrorIs(t, err, Degraded, name)
		require.Equal(t, pages, b.pages(), "%s: nothing is touched", name)
		require.NoError(t, b.RevertPSID(b.label.PSID), name)
		require.Equal(t, Erased, b.Status().State)
		b.whole(t, name)
	}
}

// TestARecordBehindATornOneIsInForce, and behind one that cannot be read.
func TestARecordBehindATornOneIsInForce(t *testing.T) {
	b := newBench(t, nil)
	place := RangeConfig{Start: 8, Length: 8, LockOnReset: OnPowerCycle}
	s := b.auth(BandMaster(1), b.label.MSID)
	b.arm("(flash.power.torn (OnIndex 0))")
	require.ErrorIs(t, s.SetRange(RangeConfig{Start: 16, Length: 8, LockOnReset: OnPowerCycle}), PowerLost)
	torn := b.pages()
	b.flash.Disarm()
	require.NoError(t, b.PowerOn())
	require.Equal(t, torn, b.pages())
	require.NoError(t, b.as(BandMaster(1), b.label.MSID, setRange(place)))
	for _, plan := range []string{"", "(flash.read.error (And (Block 1) (Page 0)))"} {
		if plan != "" {
			b.arm(plan)
		}
		b.cycle()
		require.Equal(t, Erased, b.Status().State, plan)
		r, err := b.Range(1)
		require.NoError(t, err)
		require.Equal(t, place, r.RangeConfig, "the later record, %s", plan)
		require.Equal(t, 1, b.store.active)
	}
}

func TestSelfTestSavesARecordThatCannotBeReadAnyMore(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.Write(0, sectors(1, 1)))
	was := b.store.active
	b.arm(fmt.Sprintf("(flash.read.error (And (Block %d) (Page %d) (Programmed)))", was, b.store.at))
	require.NoError(t, b.SelfTest())
	require.NotEqual(t, was, b.store.active, "it is written anew")
	require.Equal(t, 1, blocksInUse(b), "and what cannot be read is destroyed")
	b.cycle()
	require.Equal(t, Erased, b.Status().State)
	b.mustRead(0, sectors(1, 1), "with its keys")
}

// TestAPageIsReadMoreThanOnce before it counts as unreadable.
func TestAPageIsReadMoreThanOnce(t *testing.T) {
	for tries := 1; tries <= readTries+1; tries++ {
		b := newBench(t, nil)
		failed := 0
		b.on(&chip{read: func(block, page int, _ []byte, do func() error) error {
			if block == 1 && page == 0 && failed < tries {
				failed++
				return flash.ErrRead
			}
			return do()
		}})
		require.Equal(t, tries < readTries, b.Status().State == Erased, "%d reads fail", tries)
		require.Equal(t, min(tries, readTries), failed)
	}
}

// TestThePageThatWasReadIsEnough: a chip whose every third read fails is read all the same.
func TestThePageThatWasReadIsEnough(t *testing.T) {
	b := newBench(t, nil)
	reads := 0
	b.on(&chip{read: func(_, _ int, _ []byte, do func() error) error {
		if reads++; reads%readTries == 0 {
			return flash.ErrRead
		}
		return do()
	}})
	require.Equal(t, Erased, b.Status().State)
	require.Greater(t, reads, readTries)
}

// TestRestoreOutlivesPower: a drive that was led back to Configured is that after the next power-on.
func TestRestoreOutlivesPower(t *testing.T) {
	b := newBench(t, nil)
	require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
	b.arm("(flash.erase.refused) (flash.zero.refused)")
	require.ErrorIs(t, b.as(BandMaster(0), credential(1), func(s Session) error { return s.SetPIN(credential(2)) }), Degraded)
	require.Equal(t, SecurityDegraded, b.Status().State)
	b.flash.Disarm()
	require.NoError(t, b.as(BandMaster(0), credential(2), Session.Restore))
	b.cycle()
	require.Equal(t, Configured, b.Status().State)
}

// TestARestoreWithoutPowerSaysSo, whatever resisted before the power went.
func TestARestoreWithoutPowerSaysSo(t *testing.T) {
	const resists = "(flash.erase.refused) (flash.zero.refused)"
	for k := 0; ; k++ {
		b := newBench(t, nil)
		require.NoError(t, b.as(BandMaster(0), b.label.MSID, func(s Session) error { return s.Migrate(credential(1)) }))
		old := b.rec.encode(nil)
		b.armUnchecked(resists)
		require.ErrorIs(t, b.as(BandMaster(0), credential(1), func(s Session) error { return s.SetPIN(credential(2)) }), Degraded)
		b.plant(old)
		b.cycle()
		s := b.auth(BandMaster(0), credential(2))
		p := b.armUnchecked(fmt.Sprintf("(flash.power.before (OnIndex %d)) ", k) + resists)
		err := s.Restore()
		if !slices.ContainsFunc(p.Fired(), func(f fault.Firing) bool { return f.Point == flash.PowerBefore }) {
			require.ErrorIs(t, err, Degraded)
			require.Greater(t, k, 3, "two blocks, each erased and overwritten")
			return
		}
		require.ErrorIs(t, err, PowerLost, "operation %d", k)
	}
}

// TestOnlyPagesThatHoldSomethingAreOverwritten: a block that does not erase is worn no further
// where it is blank or overwritten already.
func TestOnlyPagesThatHoldSomethingAreOverwritten(t *testing.T) {
	b := newBench(t, nil)
	block := b.plant(b.rec.encode(nil))
	require.NoError(t, b.flash.Program(block, 1, make([]byte, b.store.geo.PageSize)))
	require.NoError(t, b.flash.Program(block, 3, []byte{0}))
	var overwritten []int
	b.on(&chip{
		erase: func(int, func() error) error { return flash.ErrErase },
		zero: func(_, page int, do func() error) error {
			overwritten = append(overwritten, page)
			return do()
		},
	})
	require.Equal(t, []int{0, 3}, overwritten)
	require.Equal(t, zeroed, b.store.use[block])
}

// TestErrorsOfTheStoreSayWhatFailed: they wrap what the flash said.
func TestErrorsOfTheStoreSayWhatFailed(t *testing.T) {
	b := newBench(t, nil)
	s := b.auth(BandMaster(0), b.label.MSID)
	b.arm("(flash.program.refused)")
	err := s.Migrate(credential(1))
	require.ErrorIs(t, err, HardwareFailure)
	require.ErrorIs(t, err, errFull)
	require.ErrorIs(t, err, flash.ErrProgram)
	b.arm("(flash.erase.refused) (flash.zero.refused)")
	err = s.Migrate(credential(1))
	require.ErrorIs(t, err, errStale)
	s.Close()

	b = newBench(t, nil)
	s = b.auth(BandMaster(0), b.label.MSID)
	b.arm("(flash.program.torn) (flash.erase.refused) (flash.zero.refused)")
	err = s.Migrate(credential(1))
	require.ErrorIs(t, err, Degraded)
	require.ErrorIs(t, err, errFragment)
	require.ErrorIs(t, err, flash.ErrZero)

	// A cut leaves open what could be destroyed.
	for _, plan := range []string{"(flash.power.torn (OnIndex 0))", "(flash.program.torn) (flash.power.torn (OnIndex 1))"} {
		b = newBench(t, nil)
		s = b.auth(BandMaster(0), b.label.MSID)
		b.arm(plan)
		err = s.Migrate(credential(1))
		require.ErrorIs(t, err, PowerLost)
		require.NotErrorIs(t, err, errFragment, plan)
	}
}

// crcOf corrects the check sum of a record that was changed by hand.
func crcOf(page []byte) []byte {
	crc := crc32.Checksum(page[:len(page)-4], castagnoli)
	for i := range 4 {
		page[len(page)-4+i] = byte(crc >> (24 - 8*i))
	}
	return page
}

// TestEveryBitOfARecordIsLookedAt: what is not understood is foreign, though its
// check sum is right.
func TestEveryBitOfARecordIsLookedAt(t *testing.T) {
	r := &record{
		state: Configured, generation: 3 << 40, keygen: 7, psidTries: 2, slots: make([]slotRecord, 2),
		ranges: []rangeRecord{{wraps: make([]wrapRecord, 2)}, {cfg: keepsLocks, readLocked: true}},
	}
	whole := r.encode(nil)
	for bit := range (len(whole) - 4) * 8 {
		page := append([]byte(nil), whole...)
		page[bit/8] ^= 1 << (bit % 8)
		_, err := parseRecord(page)
		require.ErrorIs(t, err, errNoRecord, "byte %d", bit/8)
		require.False(t, errors.Is(err, errForeign), "byte %d: a record that rotted is none", bit/8)
		got, err := parseRecord(crcOf(page))
		if err != nil {
			require.Equal(t, bit/8 >= 12, errors.Is(err, errForeign), "byte %d: %v", bit/8, err)
			continue
		}
		require.Equal(t, page, got.encode(nil), "byte %d is understood, and written again as it was", bit/8)
	}
	for n := range whole {
		_, err := parseRecord(whole[:n])
		require.ErrorIs(t, err, errNoRecord, "cut at byte %d", n)
	}
	// The shortest page with a check sum: nothing is behind the counts, and they are wrong.
	page := append([]byte(nil), whole[:recordHeader+4]...)
	binary.BigEndian.PutUint32(page[8:], recordHeader+4)
	_, err := parseRecord(crcOf(page))
	require.ErrorIs(t, err, errForeign)
	binary.BigEndian.PutUint32(page[8:], recordHeader+3)
	_, err = parseRecord(crcOf(page))
	require.ErrorIs(t, err, errNoRecord)
	require.NotErrorIs(t, err, errForeign, "there is no check sum in so few bytes")
}
